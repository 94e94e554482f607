"""A real station in Berlin whose clock is set in mid-run, over the end of summer time."""

import itertools
import math
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from faked_clock import FakedClock, library
from rigs import Rig, read_journal, start_station, stop_station

from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.history_folder import HistoryFolder, history_folder
from atta_daq.archive.run_folder import RunState, open_run

CHANGE = datetime(2026, 10, 25, 1, 0, tzinfo=UTC).timestamp()
DWELL_S = 40.0
EXPOSURE_S = 0.1
POINTS = 8
SCAN = f"""
name = "summer time"
calibrate_counting_s = 100.0
zero_on_reference_cell = false
bracket_period_s = 100.0
[[part]]
isotope = 85
dwell_s = {DWELL_S}
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
start = -300.0
stop = 600.0
points = {POINTS}
"""
OVERHEAD_S = 900.0
"""Of rig time, 15 s of wall time: a step by an hour would be 216,000."""


@pytest.mark.skipif(
    library() is None and shutil.which("apt-get") is None, reason="this system has no libfaketime"
)
@pytest.mark.timeout(300)
def test_a_clock_set_in_mid_run_changes_nothing(shared_rig: Rig, tmp_path: Path) -> None:
    assert library() is not None, "apt-get install faketime"
    faked = FakedClock(tmp_path, CHANGE - 300.0)
    data = tmp_path / "data"
    station = start_station(shared_rig, data, faked.environment("Europe/Berlin"))
    try:
        station.client.command("run", scan=SCAN, path="summer.toml")
        begun_s = time.monotonic()
        steps = ((2, None), (4, -3600.0), (6, 7200.0))
        for number, (segments, step_s) in enumerate(steps, start=1):
            station.wait_for("run:segment", lambda v, n=segments: v >= n, 90.0)
            # First to two seconds before summer time ends; it ends by itself.
            faked.set_by(CHANGE - 2.0 - faked.now_s() if step_s is None else step_s)
            # Two steps between two looks at the clock would be one.
            station.wait_for(
                "station:log", lambda v, n=number: str(v).count("clock was set by") == n, 30.0
            )
        station.wait_for_end(90.0)
        assert station.client.get("run:outcome") == "complete"
        lasted_s = time.monotonic() - begun_s
        station.wait_for("run:state", lambda v: v == "idle", 60.0)
        log = station.client.get("station:log")
        look_ms = station.client.get("station:watchdog_look")
        past = station.client.command("history", names="lock:rms", seconds=7200)["lock:rms"]
    finally:
        stop_station(station)
    assert log.count("clock was set by") == 3
    assert look_ms < 20_000.0
    assert all(a < b for a, b in itertools.pairwise(past["utc_s"]))
    assert past["utc_s"][-1] - past["utc_s"][0] < lasted_s + 300.0

    (folder,) = (path for path in data.glob("*Kr*") if path.is_dir())
    documents = read_journal(folder)
    utc_s = np.array([document["utc_s"] for document in documents])
    steps_s = np.diff(utc_s)
    # The clock was really set, in the run.
    assert steps_s.min() < -3000.0
    assert steps_s.max() > 6000.0
    # Documents of the instruments' own times aside, rig time only grows.
    rig_s = [d["rig_s"] for d in documents if d["doc"] in ("start", "note", "bluesky", "stop")]
    assert all(a <= b for a, b in itertools.pairwise(rig_s))
    assert rig_s[-1] - rig_s[0] < 60.0 * (lasted_s + 60.0)
    run = open_run(folder)
    assert run.state is RunState.COMPLETE
    assert len([note for note in run.notes if "clock was set" in note.text]) == 3
    good = [s for s in run.segments if not s.flag]
    rare = [s for s in good if s.kind is SegmentKind.RARE]
    assert sorted(s.point for s in rare if s.point is not None) == list(range(POINTS))
    for segment in rare:
        # A busy computer loses frames, which count as dead time.
        counted_s = segment.live_s + EXPOSURE_S * segment.frames_lost
        assert counted_s == pytest.approx(DWELL_S, rel=0.05)
        assert DWELL_S <= segment.end_rig_s - segment.start_rig_s < DWELL_S + OVERHEAD_S
    for before, after in itertools.pairwise(run.segments):
        assert before.end_rig_s <= after.start_rig_s < before.end_rig_s + OVERHEAD_S
    assert max(sum(s.dead_s.values()) for s in run.segments) < OVERHEAD_S
    assert "2026-10-25 02:" in (folder / "report.html").read_text()

    kept = HistoryFolder(history_folder(data, shared_rig.name)).seconds(["lock:rms"])
    assert not kept.unreadable
    assert kept.seconds is not None
    rig_times, utc_times = kept.seconds.rig_s, kept.seconds.utc_s
    assert np.diff(utc_times).min() < -3000.0
    # One sample a second of wall time all the way, in the order of taking.
    assert np.all(np.diff(rig_times) > 0.0)
    assert np.median(np.diff(rig_times)) == pytest.approx(60.0, rel=0.3)
    assert len(rig_times) > 0.6 * lasted_s
    assert math.isfinite(kept.seconds.of("lock:rms")[-1])
