"""Clocks that are set, and hours that come twice: times inside one process, injected."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atta_daq.archive.header import new_run_id
from atta_daq.archive.journal import Document, JournalWriter, read_journal
from atta_daq.archive.report_rows import clock
from atta_daq.client.log import Level
from atta_daq.rig.clock import RigClock
from atta_daq.station.alarms import QUIET_S, Alarms, Cause
from atta_daq.station.clock_watch import ClockWatch
from atta_daq.station.lease import Lease
from atta_daq.steady import SteadyUtc, steady_s
from simulators.clock import RigClock as WorldClock

HOUR_S = 3600.0
CHANGE = datetime(2026, 10, 25, 1, 0, tzinfo=UTC).timestamp()
"""Berlin's clocks go back from 3:00 to 2:00."""


class Computer:
    """Two clocks of one computer: one can be set."""

    def __init__(self) -> None:
        self.utc_s = CHANGE
        self.steady = 1000.0

    def go_on(self, seconds: float) -> None:
        self.utc_s += seconds
        self.steady += seconds

    def utc(self) -> "SteadyUtc":
        return SteadyUtc(utc=lambda: self.utc_s, steady=lambda: self.steady)


@pytest.mark.parametrize("rate", [1.0, 120.0])
@pytest.mark.parametrize("step_s", [-86400.0, -0.7, 2.0, HOUR_S])
def test_rig_time_does_not_see_a_clock_that_is_set(rate: float, step_s: float) -> None:
    computer = Computer()
    clock = RigClock(rate, CHANGE - 10.0, computer.utc())
    assert clock.now_s() == pytest.approx(CHANGE - 10.0 + rate * 10.0)
    computer.go_on(5.0)
    computer.utc_s += step_s
    assert clock.now_s() == pytest.approx(CHANGE - 10.0 + rate * 15.0)
    assert clock.wall_s(rate * 3.0) == pytest.approx(3.0)


def test_a_rig_clock_goes_on_through_the_sleep_of_the_computer() -> None:
    """The steady clock counts the time that a suspended computer misses."""
    now = time.monotonic(), steady_s()
    assert steady_s() - now[1] == pytest.approx(time.monotonic() - now[0], abs=0.5)
    computer = Computer()
    clock = RigClock(1.0, 0.0, computer.utc())
    computer.go_on(8 * HOUR_S)
    assert clock.now_s() == pytest.approx(CHANGE + 8 * HOUR_S)


def test_a_station_that_starts_after_the_step_agrees_with_the_simulated_rig() -> None:
    """Through the steady clock, which is one for all processes of a computer."""
    world = WorldClock(60.0)
    # UTC of this very moment is of no use to the station: here it is years off.
    station = RigClock(60.0, world.origin_s, steady_origin_s=world.steady_origin_s)
    assert station.now_s() == pytest.approx(world.now_s(), abs=60.0 * 0.1)
    aside = RigClock(60.0, world.origin_s + 1e8, steady_origin_s=world.steady_origin_s)
    assert aside.now_s() - station.now_s() == pytest.approx(1e8, abs=60.0 * 0.1)


def test_the_step_is_said_once_and_noted_in_the_run() -> None:
    computer, said, notes = Computer(), [], []

    def say(text: str, level: Level = "info", source: str = "station") -> None:
        said.append((level, text))

    watch = ClockWatch(
        say, lambda text, author: notes.append((author, text)),
        utc=lambda: computer.utc_s, steady=lambda: computer.steady,
    )  # fmt: skip
    for _ in range(100):
        computer.go_on(0.2)
        computer.utc_s += 0.001  # slewing: 5 ms a second
        watch.step()
    assert said == []
    computer.utc_s -= HOUR_S
    watch.step()
    watch.step()
    assert [level for level, _ in said] == ["warning"]
    assert "set by -3600.0 s" in said[0][1]
    assert notes == [("station", said[0][1])]


def test_a_thread_that_had_to_wait_between_two_clocks_sees_no_step() -> None:
    computer, said = Computer(), []

    def utc_s() -> float:
        computer.go_on(stalls_s.pop())
        return computer.utc_s

    stalls_s = [0.0, 0.1, 3.0, 0.0, 0.0]
    watch = ClockWatch(
        lambda text, *_: said.append(text), lambda *_: None,
        utc=utc_s, steady=lambda: computer.steady,
    )  # fmt: skip
    while stalls_s:
        watch.step()
    assert said == []


def test_alarms_are_told_and_stay_in_order_when_the_clock_goes_back() -> None:
    computer, said = Computer(), []
    alarms = Alarms(
        lambda _name, _value: None, lambda text, *_: said.append(text), lambda: computer.utc_s,
        steady=lambda: computer.steady,
    )  # fmt: skip
    alarms.raise_(Cause("first", "lock", "first", once=True))
    computer.utc_s -= HOUR_S
    computer.go_on(1.0)
    alarms.raise_(Cause("second", "lock", "second", once=True))
    assert [alarm.id for alarm in alarms.current()] == ["first", "second"]
    computer.go_on(QUIET_S)
    alarms.raise_(Cause("first", "lock", "first", once=True))
    assert said == ["first", "second", "first"]
    assert [alarm.id for alarm in alarms.current()] == ["second", "first"]


def test_a_lease_lapses_by_the_steady_clock() -> None:
    computer = Computer()
    lease = Lease(60.0, lambda: computer.steady)
    computer.utc_s += HOUR_S
    assert not lease.lapsed
    computer.utc_s -= 2 * HOUR_S
    computer.go_on(61.0)
    assert lease.lapsed


def test_a_journal_keeps_its_order_through_a_step(tmp_path: Path) -> None:
    computer = Computer()
    rig = RigClock(1.0, 0.0, computer.utc())
    path = tmp_path / "journal.jsonl"
    writer = JournalWriter(path, rig.now_s, lambda: computer.utc_s)
    for step_s in (0.0, -HOUR_S, 2 * HOUR_S, -HOUR_S):
        computer.utc_s += step_s
        writer.append("note", {"text": f"{step_s:g}", "author": ""})
        computer.go_on(1.0)
    writer.close()
    documents: tuple[Document, ...] = read_journal(path).documents
    assert [d.seq for d in documents] == [0, 1, 2, 3]
    assert [d.rig_s - CHANGE for d in documents] == pytest.approx([0.0, 1.0, 2.0, 3.0])
    assert [round(d.utc_s - CHANGE) for d in documents] == [0, 1 - 3600, 2 + 3600, 3]


def test_the_hour_that_comes_twice_is_two_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of runs and times in reports are UTC in every zone: their order is that of taking."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        moments = [CHANGE + 600.0 * i for i in range(-6, 7)]
        assert time.localtime(moments[0])[:5] == time.localtime(moments[6])[:5]
        names = [new_run_id((85,), "night", moment, "0000") for moment in moments]
        assert names == sorted(set(names))
        told = [clock(moment) for moment in moments]
        assert len(set(told)) == len(told)
        assert told[0] == "25 Oct 00:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()
