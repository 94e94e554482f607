"""A station that goes on with a run by itself: what is tried again, and who ends the trying."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stored_runs import Clock, new_run, stored_segment

from atta_daq.archive.run_folder import (
    RunState,
    RunWriter,
    close_as_complete,
    close_dead_runs,
)
from atta_daq.client.client import CommandRefused
from atta_daq.client.log import Alarm
from atta_daq.station import resume_at_start as module
from atta_daq.station.alarms import Alarms
from atta_daq.station.commands import Commands
from atta_daq.station.errors import NothingMissing, RigBusy
from atta_daq.station.queue.keeper import QueuePaused
from atta_daq.station.resume_at_start import ResumeAtStart
from atta_daq.station.rig_use import RigUse

TIMEOUT_S = 20.0
FULL = RigBusy("no room for a run; free the disk")


class Bench:
    """The start of a station that finds a dead run, on a rig that refuses to go on with it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.said: list[str] = []
        nothing: Any = None
        self.use = RigUse(nothing, lambda _name: None, self._hear)
        self.alarms = Alarms(lambda *_: None, self._hear, lambda: 1.8e9)
        self.at_start = ResumeAtStart(data, "a", self.go_on_with, self.use, self.alarms, self._hear)
        self.refusal: Exception | None = FULL
        self.meanwhile: Callable[[], None] = lambda: None
        self.tries: list[bool] = []
        """Whether each would have ended what was under way."""
        self.begun = threading.Event()
        self.dead = self.run(0)
        self.dead.abandon()

    def _hear(self, text: str, level: str = "info", source: str = "station") -> None:
        self.said.append(text)

    def run(self, number: int, **changes: Any) -> RunWriter:
        writer = new_run(self.data, Clock(), number, taken_by="a", **changes)
        writer.segment(stored_segment(run_id=writer.run_id))
        return writer

    def under_way(self, **changes: Any) -> RunWriter:
        with self.at_start._trying:  # no try falls between the two
            writer = self.run(1, **changes)
            session: Any = SimpleNamespace(run_id=writer.run_id, paused=False)
            self.use.run = lambda: session
        return writer

    def go_on_with(self, run_id: str, _client: str, *, by_queue: bool) -> None:
        assert run_id == self.dead.run_id
        with self.use.as_of():
            self.tries.append(not by_queue)
            self.meanwhile()
            if self.refusal is not None:
                raise self.refusal
            with self.use.free():
                self.begun.set()

    @property
    def alarm(self) -> Alarm:
        (alarm,) = self.alarms.current()
        return alarm

    def wait_for(self, wanted: Callable[[], object]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not wanted():
            assert time.monotonic() < deadline, (self.tries, self.alarms.current())
            time.sleep(0.005)

    def require_given_up(self, why: str) -> None:
        thread = self.at_start._thread
        assert thread is not None
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()
        assert not self.begun.is_set()
        assert not self.alarm.active
        assert f"run {self.dead.run_id} is not resumed: " in self.alarm.text
        assert why in self.alarm.text
        assert f"atta-daq resume {self.dead.run_id} --config" in self.alarm.text


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(module, "INTERVAL_S", 0.01)
    made = Bench(tmp_path)
    yield made
    made.at_start.close()


@pytest.fixture
def waiting(bench: Bench) -> Bench:
    """The disk has refused the run several times."""
    bench.at_start.begin()
    bench.wait_for(lambda: len(bench.tries) > 2)
    assert bench.alarm.active
    return bench


def test_what_a_full_disk_refuses_is_tried_again(waiting: Bench) -> None:
    """It stayed refused until somebody came, although the disk had room again."""
    assert waiting.alarm.text.startswith(f"run {waiting.dead.run_id} is not resumed yet: no room")
    waiting.refusal = None
    assert waiting.begun.wait(TIMEOUT_S)
    waiting.wait_for(lambda: not waiting.alarm.active)
    tries = len(waiting.tries)
    assert waiting.tries == [True] + [False] * (tries - 1), "later ones end nobody's work"
    time.sleep(0.05)
    assert len(waiting.tries) == tries


def test_a_list_of_runs_that_cannot_be_read_is_read_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    bench.refusal = None
    with monkeypatch.context() as patch:
        patch.setattr(module, "crashed", full)
        bench.at_start.begin()
        assert "database or disk is full; see to the disk" in bench.alarm.text
    assert bench.begun.wait(TIMEOUT_S)
    bench.wait_for(lambda: not bench.alarm.active)


def test_stop_ends_the_trying(waiting: Bench) -> None:
    waiting.use.stop("STOP by office")
    waiting.refusal = None
    waiting.require_given_up("STOP")


def test_stop_in_the_first_try_ends_it(bench: Bench) -> None:
    def stop() -> None:
        bench.use.stop("STOP by office")

    bench.meanwhile = stop
    bench.at_start.begin()
    assert bench.at_start._thread is None
    assert "not resumed: STOP by office" in bench.alarm.text


def test_stop_before_the_first_try_ends_it(bench: Bench) -> None:
    """Clients are served before: the light came on after STOP."""
    bench.use.stop("STOP by office")
    bench.refusal = None
    bench.at_start.begin()
    assert (bench.tries, bench.at_start._thread) == ([], None)
    assert "is not resumed: STOP came first" in bench.alarm.text


def test_a_move_before_the_first_try_ends_it(bench: Bench) -> None:
    with bench.use.move():
        pass
    bench.at_start.begin()
    assert not bench.tries
    assert "is not resumed: the rig was moved by hand" in bench.alarm.text


def test_stop_where_nothing_had_crashed_needs_no_word(bench: Bench) -> None:
    bench.run(1).close(RunState.COMPLETE)
    bench.use.stop("STOP by office")
    bench.at_start.begin()
    assert not bench.alarms.current()


def test_a_queue_that_an_operator_paused_ends_the_trying(waiting: Bench) -> None:
    """It was told to see to the disk, for ever."""
    waiting.refusal = QueuePaused("the queue was paused")
    waiting.require_given_up("the queue was paused")


def test_an_abort_ends_the_trying(waiting: Bench) -> None:
    """As the command of a client, who sees the alarm and no run to abort."""
    desk: Any = object.__new__(Commands)
    desk._control = SimpleNamespace(require=lambda _client: None)
    desk.runs = SimpleNamespace(session=None)
    desk.end_waiting = waiting.at_start.end
    assert Commands.abort(desk, "office", {}) == {"aborted": f"run {waiting.dead.run_id}"}
    waiting.refusal = None
    waiting.require_given_up("aborted by office")
    with pytest.raises(CommandRefused, match="no run is under way"):
        Commands.abort(desk, "office", {})


def test_an_abort_ends_what_has_begun_meanwhile_as_well(waiting: Bench) -> None:
    """Until the next try nothing knows of it."""
    ended: list[str] = []
    desk: Any = object.__new__(Commands)
    desk._control = SimpleNamespace(require=lambda _client: None)
    desk._say = lambda *_: None
    desk.runs = SimpleNamespace(session=SimpleNamespace(run_id="r2", end=ended.append))
    desk.end_waiting = waiting.at_start.end
    assert Commands.abort(desk, "office", {"reason": "a leak"}) == {"aborted": "r2"}
    assert ended == ["a leak"]
    waiting.require_given_up("a leak")


def test_who_moves_the_rig_ends_the_trying(waiting: Bench) -> None:
    """The light must not come on before somebody who works at the rig."""
    with waiting.use.move():
        pass
    waiting.require_given_up("the rig was moved by hand")


def test_another_run_ends_the_trying(waiting: Bench) -> None:
    other = waiting.under_way()
    waiting.require_given_up(f"run {other.run_id} is under way")
    other.abandon()


def test_another_run_that_has_ended_meanwhile_ends_the_trying(waiting: Bench) -> None:
    waiting.run(1).close(RunState.COMPLETE)
    waiting.require_given_up("another run was taken")


def test_a_run_that_somebody_closed_as_complete_needs_nobody(waiting: Bench) -> None:
    """As `atta-daq resume` does behind the last block."""
    with waiting.at_start._trying:
        close_dead_runs([waiting.dead.folder], rig_now=Clock(), utc_now=Clock())
        close_as_complete(waiting.dead.folder, rig_now=Clock(), utc_now=Clock())
    waiting.wait_for(lambda: not waiting.alarm.active)
    assert "is not resumed yet" in waiting.alarm.text


def test_a_run_that_something_goes_on_with_needs_nobody(waiting: Bench) -> None:
    """The queue was faster: it tries its own runs again, too."""
    rest = waiting.under_way(resumes=waiting.dead.run_id)
    waiting.wait_for(lambda: not waiting.alarm.active)
    assert "is not resumed yet" in waiting.alarm.text
    rest.close(RunState.COMPLETE)


def test_what_is_refused_for_another_reason_is_not_tried_again(bench: Bench) -> None:
    bench.refusal = CommandRefused("cannot reach 900 MHz")
    bench.at_start.begin()
    assert (bench.tries, bench.at_start._thread) == ([True], None)
    assert "is not resumed: cannot reach 900 MHz" in bench.alarm.text
    assert not bench.alarm.active


def test_another_reason_at_a_later_try_ends_it(waiting: Bench) -> None:
    waiting.refusal = CommandRefused("cannot reach 900 MHz")
    waiting.require_given_up("cannot reach 900 MHz")


def test_a_run_that_holds_all_of_its_blocks_is_told(bench: Bench) -> None:
    bench.refusal = NothingMissing("it holds all of its 3 blocks")
    bench.at_start.begin()
    assert bench.said == ["it holds all of its 3 blocks"]
    assert not bench.alarms.current()


def test_nothing_has_crashed(bench: Bench) -> None:
    bench.run(1).close(RunState.COMPLETE)
    bench.at_start.begin()
    assert not bench.tries
    assert not bench.alarms.current()


def test_the_end_of_the_station_ends_it_without_an_alarm_of_its_own(waiting: Bench) -> None:
    waiting.at_start.close()
    assert waiting.at_start._thread is not None
    assert not waiting.at_start._thread.is_alive()
    assert "not resumed yet" in waiting.alarm.text
