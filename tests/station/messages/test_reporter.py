"""What is told: alarms from a severity on, ends of runs, the end of the night."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes_sweep import info, live, spectrum, spectrum_fit
from stored_runs import Clock, new_run, stored_segment

from atta_daq.archive.run_folder import RunState, RunWriter, close_dead_runs
from atta_daq.client.log import Alarm
from atta_daq.rig.messages import MessagesConfig
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.messages import reporter
from atta_daq.station.messages.event import Event
from atta_daq.station.messages.reporter import Reporter
from atta_daq.station.messages.tonight import Measured, Tonight

LOCK = Cause("lock", "lock", "the lock is open")
WARM = Cause("camera:warm", "camera", "the sensor is warm", "minor")


class HeardAlone(Tonight):
    """No archive."""

    def __init__(self) -> None:
        super().__init__(Path("none"), "rig", lambda: 1.8e9)

    def begin(self) -> None:
        pass

    def told(self) -> None:
        pass

    def measured(self, heard: Mapping[str, str]) -> tuple[Measured, ...]:
        return tuple(Measured(run_id, state) for run_id, state in heard.items())


class Bench:
    """A reporter on the real alarms, and a rig whose readings a test sets."""

    def __init__(self, clock, tonight: Tonight | None = None, **changes: Any) -> None:
        self.clock = clock
        self.told: list[Event] = []
        self.readings: dict[str, Any] = {"run:state": "idle", "queue:state": "idle"}
        config = MessagesConfig(quiet_s=600.0, **changes)
        self.reporter = Reporter(
            config, self.told.append, lambda: 1.8e9, tonight or HeardAlone(), now=clock
        )
        self.reporter._read = self.readings.get
        self.alarms = Alarms(
            lambda *_: None, lambda *_, **__: None, lambda: 1.8e9, record=self.reporter.alarm
        )

    def lines(self) -> list[str]:
        self.reporter.step()
        found = [f"{e.kind} {e.severity} {e.text}" for e in self.told]
        self.told.clear()
        return found


def test_alarms_from_a_severity_on_and_their_end(clock) -> None:
    bench = Bench(clock)
    bench.alarms.raise_(LOCK)
    bench.alarms.raise_(WARM)
    bench.alarms.raise_(LOCK)
    assert bench.lines() == ["alarm major the lock is open"]
    bench.alarms.raise_(Cause("lock", "lock", "the lock is still open"))
    assert bench.lines() == [], "another text of the same alarm is no news"
    bench.alarms.acknowledge("all", "operator")
    assert bench.lines() == []
    bench.alarms.clear("lock")
    bench.alarms.clear("camera:warm")
    assert bench.lines() == ["over info the lock is still open"]
    bench.alarms.raise_(LOCK)
    assert bench.lines() == ["alarm major the lock is open"]


def test_an_alarm_that_grows_is_told(clock) -> None:
    bench = Bench(clock)
    bench.alarms.raise_(Cause("seed", "amplifier", "weak seed", "minor"))
    assert bench.lines() == []
    bench.alarms.raise_(Cause("seed", "amplifier", "weak seed", "major"))
    assert bench.lines() == ["alarm major weak seed"]


def test_an_alarm_that_grows_is_told_again_where_minor_ones_are_told(clock) -> None:
    bench = Bench(clock, from_severity="minor")
    bench.alarms.raise_(Cause("seed", "amplifier", "weak seed", "minor"))
    bench.alarms.raise_(Cause("seed", "amplifier", "no seed", "major"))
    assert bench.lines() == ["alarm minor weak seed", "alarm major no seed"]
    bench.alarms.raise_(Cause("seed", "amplifier", "still no seed", "major"))
    bench.alarms.raise_(Cause("seed", "amplifier", "weak seed", "minor"))
    bench.alarms.raise_(Cause("seed", "amplifier", "no seed again", "major"))
    assert bench.lines() == [], "what was told as major is no news while it stays"
    bench.alarms.clear("seed")
    assert bench.lines() == ["over info no seed again"]


def test_a_message_that_cannot_be_kept_is_logged_and_the_next_one_is_kept(clock, caplog) -> None:
    bench = Bench(clock)
    kept = bench.told.append

    def tell(event: Event) -> None:
        if "lock" in event.text:
            raise OSError("disk full")
        kept(event)

    bench.reporter._tell = tell
    bench.alarms.raise_(LOCK)
    bench.alarms.raise_(Cause("disk", "station", "the disk is full"))
    assert bench.lines() == ["alarm major the disk is full"]
    assert "a message was not kept: the lock is open" in caplog.text


def test_the_thread_of_the_messages_outlives_what_fails_on_it(
    clock, caplog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "STEP_S", 0.01)
    bench = Bench(clock)
    asked = threading.Event()

    def read(name: str) -> Any:
        if not asked.is_set():
            asked.set()
            raise RuntimeError("no reading")
        return bench.readings.get(name)

    bench.reporter.start(read)
    assert asked.wait(10.0)
    bench.alarms.raise_(LOCK)
    bench.reporter.close()
    assert [event.text for event in bench.told] == ["the lock is open"]
    assert "no reading" in caplog.text


def test_what_happened_once_is_told_once(clock) -> None:
    bench = Bench(clock, tell_over=False)
    fault = Cause("run:fault", "run", "run r: aborted, camera", once=True)
    bench.alarms.raise_(fault)
    assert bench.lines() == ["alarm major run r: aborted, camera"]
    bench.alarms.raise_(fault)
    assert bench.lines() == ["alarm major run r: aborted, camera"], "it has happened again"
    bench.alarms.raise_(LOCK)
    bench.alarms.clear("lock")
    assert bench.lines() == ["alarm major the lock is open"]


def test_minor_alarms_when_they_are_asked_for(clock) -> None:
    bench = Bench(clock, from_severity="minor")
    bench.alarms.raise_(WARM)
    assert bench.lines() == ["alarm minor the sensor is warm"]


def test_a_run_ends_with_its_results(clock) -> None:
    bench = Bench(clock)
    fit = live(spectrum(), spectrum_fit())["run__fit"]
    bench.reporter.run_ended(info("r1", state="complete"), fit)
    (line,) = bench.lines()
    assert line.startswith("run info run r1: complete\n85Kr: background = 2510 ± 60 atoms/h")
    assert "position_mhz = 59 ± 18 MHz" in line
    assert "rabi_scale" not in line, "what was held is no result"
    bench.reporter.run_ended(info("r2", state="aborted", outcome="STOP by home"))
    assert bench.lines() == ["run major run r2: aborted, STOP by home"]
    silent = Bench(clock, run_ended=False)
    silent.reporter.run_ended(info("r3", state="complete"))
    assert silent.lines() == []


def test_the_night_is_over_when_nothing_has_run_for_a_while(clock) -> None:
    bench = Bench(clock, run_ended=False)
    bench.readings["run:state"] = "running"
    assert bench.lines() == []
    for run in ("r1", "r2"):
        bench.reporter.run_ended(info(run, state="complete"))
    bench.readings |= {"run:state": "idle", "queue:state": "waiting"}
    clock.now_s += 5000.0
    assert bench.lines() == [], "an entry waits for its time"
    bench.readings["queue:state"] = "idle"
    assert bench.lines() == []
    clock.now_s += 599.0
    assert bench.lines() == []
    clock.now_s += 1.0
    (line,) = bench.lines()
    assert line.splitlines() == [
        "night info 2 of 2 measurements complete; nothing runs since 07:50 UTC",
        "r1: complete",
        "r2: complete",
        "the whole night: atta-daq night",
    ]
    clock.now_s += 5000.0
    assert bench.lines() == [], "once"


def test_a_night_that_was_stopped_says_why(clock) -> None:
    bench = Bench(clock, run_ended=False)
    bench.reporter.run_ended(info("r1", state="aborted", outcome="camera"))
    bench.readings |= {"queue:state": "paused", "queue:reason": "entry 2: camera"}
    bench.lines()
    clock.now_s += 600.0
    (line,) = bench.lines()
    assert line.startswith(
        "night major 0 of 1 measurement complete, the queue is paused; nothing runs"
    )
    assert "the queue is paused: entry 2: camera" in line


class Life:
    """One life of a station that measures into a folder, with its messages."""

    def __init__(self, clock, data: Path, utc: Clock, rig: str = "") -> None:
        tonight = Tonight(data, rig, utc)
        tonight.begin()
        self.clock, self.data, self.utc = clock, data, utc
        self.bench = Bench(clock, tonight, run_ended=False)

    def run(self, number: int, state: RunState | None, **header: Any) -> RunWriter:
        """None: the station is killed in it."""
        run = new_run(self.data, self.utc, number, **header)
        run.segment(stored_segment(run_id=run.run_id))
        if state is None:
            run.abandon()
            return run
        run.close(state)
        self.bench.reporter.run_ended(info(run.run_id, state=state.value))
        return run

    def next(self) -> "Life":
        dead = close_dead_runs(self.data.glob("*Kr*"), rig_now=self.utc, utc_now=self.utc)
        life = Life(self.clock, self.data, self.utc)
        for run_id in dead:
            life.bench.reporter.run_ended(info(run_id, state="crashed"))
        return life

    def quiet(self) -> list[str]:
        """The lines of what is told when nothing runs for long enough."""
        for state in ("running", "idle"):
            self.bench.readings["run:state"] = state
            assert self.bench.lines() == []
        self.clock.now_s += 600.0
        return [line for text in self.bench.lines() for line in text.splitlines()]


def test_a_kill_and_what_goes_on_with_it_are_one_complete_measurement(
    clock, tmp_path: Path
) -> None:
    """And what was complete before the kill is told, too."""
    first = Life(clock, tmp_path, Clock())
    whole = first.run(0, RunState.COMPLETE)
    dead = first.run(1, None)
    second = first.next()
    rest = second.run(2, RunState.COMPLETE, resumes=dead.run_id)
    assert second.quiet() == [
        "night info 2 of 2 measurements complete; nothing runs since 07:50 UTC",
        f"{whole.run_id}: complete",
        f"{rest.run_id}: complete, in 2 runs",
        "the whole night: atta-daq night",
    ]
    assert second.next().quiet() == [], "once, in whatever life"
    third = second.next()
    gone_on = third.run(3, RunState.ABORTED, resumes=rest.run_id)
    assert third.quiet()[:2] == [
        "night major 0 of 1 measurement complete; nothing runs since 07:50 UTC",
        f"{gone_on.run_id}: aborted",
    ]


def test_a_kill_before_the_end_of_the_night_is_told_does_not_keep_it_back(
    clock, tmp_path: Path
) -> None:
    first = Life(clock, tmp_path, Clock())
    first.run(0, RunState.COMPLETE)
    assert first.bench.lines() == []
    assert first.next().quiet()[0].startswith("night info 1 of 1 measurement complete")


def test_runs_of_another_rig_and_of_other_nights_are_not_told(clock, tmp_path: Path) -> None:
    utc = Clock()
    new_run(tmp_path, utc, 0).close(RunState.ABORTED, "long ago")
    life = Life(clock, tmp_path, utc, rig="mine")
    new_run(tmp_path, utc, 1, taken_by="other").close(RunState.ABORTED, "not ours")
    assert life.quiet() == []
    run = life.run(2, RunState.COMPLETE, taken_by="mine")
    # A clock that was set back moves nothing out of the night that was heard of.
    utc.now_s -= 7200.0
    again = life.run(3, RunState.COMPLETE, taken_by="mine")
    told = life.quiet()
    assert told[0].startswith("night info 2 of 2 measurements complete")
    assert {run.run_id, again.run_id} == {line.split(":")[0] for line in told[1:3]}


@pytest.mark.parametrize("busy", [{"run:state": "paused"}, {"station:activity": "zeroing"}])
def test_a_rig_at_work_has_no_end_of_night(clock, busy) -> None:
    bench = Bench(clock, run_ended=False)
    bench.reporter.run_ended(info("r1", state="complete"))
    bench.readings |= busy
    for _ in range(3):
        assert bench.lines() == []
        clock.now_s += 700.0


def test_everything_heard_is_kept_before_the_end(clock) -> None:
    bench = Bench(clock)
    bench.reporter.start(bench.readings.get)
    bench.reporter.alarm("raised", Alarm("x", "lock", "open", "major", 1.8e9, True, False))
    bench.reporter.close()
    assert [event.text for event in bench.told] == ["open"]
