"""The real window on the real station of the simulated rig: what an operator does in a night.

One rig and one station serve them all: `make test` has ten minutes for everything.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import window_that_starts
from open_window import delete_closed
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from rigs import Rig, RunningStation, start_rig, start_station, stop_station
from window_on_rig import LONG_SCAN, SCAN, Bench

from atta_daq.archive.run_folder import RunState, open_run
from gui.link.station import LinkState
from gui.theme.palettes import Tone

pytestmark = pytest.mark.timeout(300)

Open = Callable[..., Bench]
UNCOUNTED = LONG_SCAN.replace("calibrate_counting_s = 100.0", "calibrate_counting_s = 0.0")
"""For what does not ask for counts: frames come at once."""


@pytest.fixture(scope="module")
def station(shared_rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStation]:
    """One station for the whole file: its start costs as much as a test."""
    running = start_station(shared_rig, tmp_path_factory.mktemp("night") / "data")
    yield running
    stop_station(running)


@pytest.fixture(autouse=True)
def rig_at_rest(request: pytest.FixtureRequest) -> Iterator[None]:
    """No run and no control is left by one test for the next."""
    if "station" not in request.fixturenames:
        yield
        return
    running: RunningStation = request.getfixturevalue("station")
    yield
    client = running.client
    client.command("take_control", force=True)
    if client.get("run:state") != "idle":
        client.command("abort", reason="the test is over")
        running.wait_for("run:state", lambda v: v == "idle")
    client.command("release_control")


def own_threads() -> set[threading.Thread]:
    """Without p4p's four, which serve all of a process from the first that it watches."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("None[")}


def in_words(record: logging.LogRecord) -> bool:
    """pytest keeps each record, and with an error in it the frames through which that came."""
    record.msg, record.args = record.getMessage(), ()
    return True


@pytest.fixture
def open_bench(
    request: pytest.FixtureRequest, qtbot: QtBot, shared_rig: Rig, tmp_path: Path
) -> Iterator[Open]:
    """Windows that are closed after the test: of window, link and PVA together nothing is left."""
    benches: list[Bench] = []
    before = QApplication.topLevelWidgets()
    threads = own_threads()
    failed = request.session.testsfailed
    link_log = logging.getLogger("gui.link.station")
    link_log.addFilter(in_words)

    def make(rig: Rig = shared_rig, name: str = "bench") -> Bench:
        benches.append(Bench(qtbot, rig, tmp_path, name))
        return benches[-1]

    yield make

    def left() -> list[str]:
        delete_closed()
        new = [widget for widget in QApplication.topLevelWidgets() if widget not in before]
        more = own_threads() - threads
        return [*(type(widget).__name__ for widget in new), *(thread.name for thread in more)]

    while benches:
        benches.pop().close()
    try:
        # A command's own thread ends by itself.
        if request.session.testsfailed == failed:  # else the traceback holds its windows
            qtbot.waitUntil(lambda: left() == [], timeout=10_000)
    except qtbot.TimeoutError:
        raise AssertionError(left()) from None
    finally:
        link_log.removeFilter(in_words)


def test_a_sweep_from_start_to_fit(open_bench: Open, station: RunningStation) -> None:
    bench = open_bench().connected()
    amplifier, calibrations = (bench.panel(name) for name in ("amplifier", "calibrations"))
    bench.until(lambda: amplifier.guards.summary.tone is Tone.OK)
    assert "station's watchdog" in amplifier.guards.rows[-1].by.text()
    bench.until(lambda: calibrations.model.rowCount() > 0)
    assert {line.name for line in calibrations.model.lines} >= {"axis zero", "power slope"}
    # Long enough for the pause to come while segments are left.
    run_id = bench.start(SCAN.replace("dwell_s = 20.0", "dwell_s = 60.0"))
    bench.until(lambda: bench.text("run:state") == "running")
    bench.until(lambda: not bench.context.actions["calibrate.camera"].isEnabled())
    bench.trigger("run.pause")
    bench.until(lambda: bench.text("run:state") == "paused")
    assert bench.window.strip.badges["run"].word == "paused"
    assert bench.window.strip.badges["run"].tone is Tone.WARNING
    bench.trigger("run.resume")
    assert bench.ended() == "complete"
    run = open_run(station.data / run_id)
    assert run.state is RunState.COMPLETE
    parts = bench.context.readings.parsed("run:points")
    rare = next(part for part in parts if part["isotope"] == 85)
    assert len([p for p in rare["points"] if p["pumping"]]) == 3
    assert bench.context.state.controller == "bench"


def test_pause_now_then_abort(open_bench: Open, station: RunningStation) -> None:
    bench = open_bench().connected()
    run_id = bench.start(UNCOUNTED)
    bench.until(lambda: bench.context.readings.number("run:segment") >= 1)
    bench.trigger("run.pause_now")
    bench.until(lambda: bench.text("run:state") == "paused")
    bench.trigger("run.abort")
    assert "aborted" in bench.ended()
    assert open_run(station.data / run_id).state is RunState.ABORTED


def test_stop_from_a_window_that_only_watches(open_bench: Open, station: RunningStation) -> None:
    bench = open_bench().connected()
    bench.start(UNCOUNTED)
    bench.until(lambda: bench.context.readings.number("amplifier:current") > 1500.0)
    watcher = open_bench(name="watcher").connected()
    watcher.until(lambda: watcher.context.state.controller == "bench")
    assert not watcher.context.actions["run.abort"].isEnabled()
    assert "bench holds control" in watcher.context.actions.why_not("run.abort")
    watcher.trigger("rig.stop")
    assert "STOP by watcher" in bench.ended()
    bench.until(lambda: not bench.context.readings.flag("amplifier:on"))
    bench.until(lambda: not bench.context.readings.flag("light:shutter"))


def test_control_is_handed_over(open_bench: Open, station: RunningStation) -> None:
    bench = open_bench().connected()
    bench.trigger("control.take")
    bench.until(lambda: bench.context.state.controller == "bench")
    watcher = open_bench(name="watcher").connected()
    watcher.until(lambda: not watcher.context.state.in_control)
    bench.trigger("control.release")
    watcher.until(lambda: watcher.context.state.in_control)
    watcher.trigger("control.take")
    bench.until(lambda: bench.context.state.controller == "watcher")
    bench.trigger("control.force")
    watcher.until(lambda: watcher.context.state.controller == "bench")


def test_relock_and_zero(open_bench: Open, station: RunningStation) -> None:
    bench = open_bench().connected()
    bench.trigger("light.on")
    bench.until(lambda: bench.context.readings.flag("lock:locked"))
    bench.trigger("lock.freeze")
    bench.until(lambda: not bench.context.readings.flag("lock:locked"))
    assert bench.window.strip.badges["lock"].tone is Tone.DANGER
    bench.trigger("lock.relock")
    bench.until(lambda: bench.context.readings.flag("lock:locked"))
    # The one that was shown may be of a test before, or of a run.
    before = str(station.client.get("cell:zero"))
    bench.trigger("lock.zero")
    bench.until(lambda: "ratio" in bench.text("cell:zero") and bench.text("cell:zero") != before)


def test_a_window_that_comes_later_sees_the_whole_run(
    open_bench: Open, station: RunningStation
) -> None:
    first = open_bench().connected()
    run_id = first.start(UNCOUNTED)
    first.until(lambda: first.context.readings.number("run:segment") >= 1)
    first.close()
    second = open_bench(name="second").connected()
    second.until(lambda: second.text("run:id") == run_id)
    second.until(lambda: second.text("run:points") != "")
    assert second.text("run:state") == "running"
    second.trigger("control.force")
    second.until(lambda: second.context.state.controller == "second")
    second.trigger("run.abort")
    second.ended()


def test_the_station_dies_in_a_run_and_comes_back(
    open_bench: Open, station: RunningStation, shared_rig: Rig
) -> None:
    bench = open_bench().connected()
    run_id = bench.start(UNCOUNTED)
    # Not before: the segments may still be those of the run before.
    bench.until(lambda: bench.text("run:state") == "running")
    bench.until(lambda: bench.context.readings.number("run:segment") >= 1)
    station.kill()
    station.client.close()
    bench.until(lambda: bench.link.state is LinkState.LOST)
    assert bench.context.readings.value("amplifier:current").stale
    assert bench.window.strip.badges["station"].tone is Tone.DANGER
    assert bench.window.strip.badges["run"].word == "unknown"
    assert not bench.context.actions["light.on"].isEnabled()
    again = start_station(shared_rig, station.data)
    # The others go on with the new one.
    station.process, station.client = again.process, again.client
    bench.connected()
    assert bench.context.actions["light.on"].isEnabled()
    runs = bench.panel("runs")
    bench.until(lambda: runs.model.row_of(run_id) >= 0)
    bench.until(lambda: runs.model.lines[runs.model.row_of(run_id)].state == "crashed")
    bench.until(lambda: f"run {run_id} had crashed; closed" in bench.text("station:log"))
    run = open_run(station.data / run_id)
    assert run.state is RunState.CRASHED
    assert len(run.segments) >= 1, "what it had acknowledged is kept"


def test_a_camera_that_stalls_is_an_alarm(
    open_bench: Open, station: RunningStation, shared_rig: Rig
) -> None:
    bench = open_bench().connected()
    bench.start(UNCOUNTED)
    bench.until(lambda: bench.context.readings.number("run:segment") >= 1)
    bench.until(lambda: bench.context.readings.number("camera:frames") > 50)
    try:
        shared_rig.fault("camera", "stall")
        alarms = bench.window.strip.badges["alarms"]
        # Another one may stand there from the start of the run.
        bench.until(lambda: "camera" in alarms.toolTip())
        assert alarms.tone is not Tone.OK
    finally:
        shared_rig.clear()
    # The segment without frames is taken again, and the run goes on.
    taken = bench.context.readings.number("run:segment")
    bench.until(lambda: bench.context.readings.number("run:segment") > taken)
    assert bench.window.strip.badges["run"].word == "running"
    flags = list(station.client.get("run:table")["flag"])
    assert any("camera stalled" in flag for flag in flags), flags
    bench.trigger("run.abort")
    bench.ended()


def test_kill_9_of_the_window_that_commands_changes_nothing_in_its_run(
    open_bench: Open, station: RunningStation, shared_rig: Rig, tmp_path: Path
) -> None:
    scan = tmp_path / "scan.toml"
    scan.write_text(SCAN.replace("dwell_s = 20.0", "dwell_s = 60.0"))
    before = str(station.client.get("run:id"))
    window = subprocess.Popen(
        [sys.executable, "-m", "gui", "--rig", shared_rig.name, "--settings",
         str(tmp_path / "killed.json"), "--name", "killed"],
        env=window_that_starts.environment(tmp_path / "site", scan),
    )  # fmt: skip
    try:
        run_id = str(station.wait_for("run:id", lambda v: v not in ("", before)))
        station.wait_for("run:segment", lambda v: int(v) >= 1)
        assert station.client.get("station:control") == "killed"
        assert station.client.get("run:state") == "running"
    finally:
        window.kill()
        window.wait()
    assert station.client.get("run:state") == "running", "it was killed in mid-run"
    bench = open_bench().connected()
    bench.until(lambda: bench.text("run:outcome") == "complete")
    assert bench.text("run:id") == run_id
    run = open_run(station.data / run_id)
    assert run.state is RunState.COMPLETE
    assert not any(segment.flag for segment in run.segments)


@pytest.mark.soak
def test_the_photodiode_traces_of_a_software_lock(open_bench: Open, tmp_path: Path) -> None:
    rig = start_rig(tmp_path, speed=1.0, seed=5, instruments=("lock=redpitaya-stcl",))
    running = start_station(rig, tmp_path / "data")
    try:
        bench = open_bench(rig).connected()
        bench.trigger("light.on")
        bench.until(lambda: bench.context.readings.flag("lock:locked"))
        panel = bench.panel("lock")
        bench.until(lambda: panel.traces.isVisible())
        for name in ("master", "slave"):
            bench.until(lambda name=name: len(panel.traces.curves[name].getData()[0]) > 500)
            times_us, volts = panel.traces.curves[name].getData()
            assert len(times_us) == len(volts)
            # Peaks stand out of the trace, and their marks lie on them.
            assert volts.max() > volts.mean() + 5.0 * np.median(abs(volts - np.median(volts)))
            at_us, _ = panel.traces.marks[name].getData()
            assert len(at_us) >= 2
            assert times_us[0] <= min(at_us) <= max(at_us) <= times_us[-1]
        assert "no peak" not in panel.traces.caption.text()
    finally:
        stop_station(running)
        rig.world.close()
