"""A run that lost its station again and again ends as one measurement with every block once."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.chain import open_chain
from atta_daq.archive.run_folder import RunState
from atta_daq.client.client import CommandRefused

SCAN = """
name = "killed"
calibrate_counting_s = 100.0
zero_on_reference_cell = false
bracket_period_s = 60.0
[[part]]
isotope = 85
dwell_s = 40.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
start = -300.0
stop = 600.0
points = 18
"""
KILLS = 5
SEED = 20261128


def kill_in_mid_run(station: RunningStation, wait_s: float) -> None:
    """kill -9 at a moment of the run, whatever it does then."""
    station.wait_for("run:state", lambda v: v != "idle", 60.0)
    station.wait_for("station:rig_time", math.isfinite, 60.0)
    deadline = station.client.get("station:rig_time") + wait_s
    station.wait_for("station:rig_time", lambda v: float(v) > deadline, 60.0)
    station.kill()
    station.client.close()


@pytest.mark.timeout(240)
def test_five_kills_and_every_block_is_there_once(tmp_path: Path) -> None:
    rig: Rig = start_rig(tmp_path, speed=120.0)
    text = rig.path.read_text()
    rig.path.write_text(text + "\n[unattended]\nresume_at_start = true\n")
    data = tmp_path / "data"
    moments = np.random.default_rng(SEED).uniform(100.0, 220.0, KILLS)
    station = start_station(rig, data)
    try:
        station.client.command("run", scan=SCAN, path="killed.toml")
        for wait_s in moments:
            kill_in_mid_run(station, float(wait_s))
            station = start_station(rig, data)
        station.wait_for_end(120.0)
        station.wait_for("run:state", lambda v: v == "idle", 60.0)
        with pytest.raises(CommandRefused, match=r"holds all of its 18 blocks|nothing to resume"):
            station.client.command("resume_run")
    finally:
        stop_station(station)
        rig.world.close()

    runs = sorted(folder for folder in data.glob("*Kr*") if folder.is_dir())
    assert len(runs) == KILLS + 1
    chain = open_chain(runs[-1])
    assert [run.folder for run in chain.runs] == runs
    assert chain.state is RunState.COMPLETE
    assert all(run.state is RunState.CRASHED for run in chain.runs[:-1])
    good = [s for s in chain.segments if not s.flag and s.kind is SegmentKind.RARE]
    assert sorted(s.point for s in good if s.point is not None) == list(range(18))
    # Nothing that was acknowledged is gone, and nothing is counted twice.
    assert len(chain.segments) == sum(len(run.segments) for run in chain.runs)
    assert all(s.live_s == pytest.approx(40.0, rel=0.05) for s in good)
    starts = [s.start_rig_s for s in chain.segments]
    assert all(a <= b for a, b in itertools.pairwise(starts))
    fit = chain.fits
    assert fit
    assert (runs[-1] / "report.html").read_text().count(runs[-2].name) >= 1
