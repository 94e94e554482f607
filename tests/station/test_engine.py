"""The run engine: what it opens it closes."""

import gc
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import psutil
import pytest
from bluesky import plan_stubs as bps
from bluesky.utils import Msg

from atta_daq.station.engine import Engine


def test_a_run_leaves_no_handle_and_no_thread_behind() -> None:
    def one() -> None:
        engine = Engine(lambda _name, _document: None)
        assert engine.run(bps.null(), lambda: None) == ""
        engine.close()
        engine.close()

    gc.disable()  # what is left to the collector is left for hours
    try:
        one()
        process = psutil.Process()
        files, threads = process.num_fds(), threading.active_count()
        for _ in range(5):
            one()
        assert process.num_fds() == files
        deadline_s = time.monotonic() + 10.0
        while threading.active_count() > threads:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
    finally:
        gc.enable()


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(lambda _name, _document: None)
    yield made
    made.close()


def steps(done: list[str], *deeds: Callable[[], object]) -> Generator[Any, Any, None]:
    """A plan of one checkpoint and message before each deed."""
    for number, deed in enumerate(deeds):
        yield from bps.checkpoint()
        yield from bps.null()
        done.append(str(number))
        deed()


def nothing() -> None:
    pass


@pytest.mark.timeout(20)
def test_an_end_that_comes_before_the_run_begins_is_not_lost(engine: Engine) -> None:
    done: list[str] = []
    engine.end("shut down")
    assert engine.run(steps(done, nothing), nothing) == "shut down"
    assert done == []


@pytest.mark.timeout(20)
def test_an_end_before_the_first_message_is_not_lost(engine: Engine) -> None:
    """Between the last look of the preparation and the engine's start."""
    done: list[str] = []

    def plan() -> Generator[Any, Any, None]:
        engine._ending = "aborted"  # by a thread that has found the engine idle
        yield from steps(done, nothing, nothing)

    assert engine.run(plan(), nothing) == "aborted"
    assert done == []


def pause_from_outside(engine: Engine) -> None:
    asks = threading.Event()

    def ask() -> None:
        asks.set()
        engine.pause(now=True)

    threading.Thread(target=ask).start()
    assert asks.wait(10.0)


class Seen:
    """A device that is told of the pause while the engine comes to rest."""

    name = "seen"
    parent = None

    def __init__(self, pause: Callable[[], None]) -> None:
        self.pause = pause

    def resume(self) -> None:
        """Nothing."""


@pytest.mark.timeout(20)
def test_an_end_while_the_engine_comes_to_a_pause_is_not_lost(engine: Engine) -> None:
    done: list[str] = []
    device = Seen(lambda: engine.end("aborted"))

    def plan() -> Generator[Any, Any, None]:
        yield Msg("null", device)
        yield from steps(done, lambda: pause_from_outside(engine), lambda: time.sleep(0.3), nothing)

    assert engine.run(plan(), nothing) == "aborted"
    assert "2" not in done


@pytest.mark.timeout(20)
def test_an_end_at_the_moment_of_a_resume_is_not_lost(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    plan = steps(done, lambda: pause_from_outside(engine), lambda: time.sleep(0.3), nothing)
    resume = engine._engine.resume

    def ended_meanwhile() -> object:
        engine.end("aborted")
        return resume()

    monkeypatch.setattr(engine._engine, "resume", ended_meanwhile)
    assert engine.run(plan, engine.resume) == "aborted"
    assert "2" not in done
