"""An end that meets the closing of the engine: STOP must not hang, and must not fail."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from atta_daq.station.engine import Engine

TIMEOUT_S = 10.0


class Ending:
    """A run engine that says it runs when it is looked at, as one does that ends just then."""

    state = "running"

    def __init__(self, real: Any) -> None:
        self.loop = real.loop
        self.aborting, self.aborted = threading.Event(), threading.Event()
        self.closed = threading.Event()

    def abort(self, _reason: str) -> None:
        self.aborting.set()
        self.closed.wait(0.3)  # it does not come where closing waits for the abort
        self.loop.call_soon_threadsafe(self.aborted.set)
        assert self.aborted.wait(TIMEOUT_S), "the loop never answered"


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(lambda _name, _document: None)
    inner: Any = Ending(made._engine)
    made._engine = inner
    yield made
    made.close()


@pytest.mark.timeout(60)
def test_the_loop_answers_an_abort_before_it_stops(engine: Engine) -> None:
    inner: Any = engine._engine

    def close() -> None:
        assert inner.aborting.wait(TIMEOUT_S)
        engine.close()
        inner.closed.set()

    closing = threading.Thread(target=close)
    closing.start()
    engine.end("STOP")
    closing.join(TIMEOUT_S)
    assert inner.aborted.is_set()
    assert inner.closed.is_set()


def test_an_end_after_the_closing_asks_nobody(engine: Engine) -> None:
    engine.close()
    inner: Any = engine._engine
    engine.end("STOP")
    assert not inner.aborting.is_set()
