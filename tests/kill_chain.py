"""A measurement that loses its station, or its rig, again and again; and what must hold of it."""

import itertools
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.chain import ChainedRun, open_chain
from atta_daq.archive.run_folder import RunState, open_run
from atta_daq.client.client import CommandRefused
from atta_daq.client.errors import StationSilent

SCAN = """
name = "killed"
calibrate_counting_s = 100.0
zero_on_reference_cell = false
bracket_period_s = 60.0
max_attempts = 100
[[part]]
isotope = 85
dwell_s = {dwell_s}
order = "sequential"
repeats = {repeats}
[[part.axis]]
quantity = "detuning_mhz"
start = -300.0
stop = 600.0
points = {points}
"""


@dataclass(frozen=True)
class Measurement:
    """A scan over the slope and top of the strongest component of 85Kr."""

    points: int
    repeats: int = 1
    dwell_s: float = 40.0
    speed: float = 120.0

    @property
    def scan(self) -> str:
        return SCAN.format(points=self.points, repeats=self.repeats, dwell_s=self.dwell_s)


@dataclass
class Acknowledged:
    """What the station had shown to a client before it was killed: run to unflagged segments."""

    segments: dict[str, int] = field(default_factory=dict)

    def note(self, station: RunningStation) -> None:
        run = str(station.client.get("run:id"))
        self.segments[run] = int(station.client.get("run:segment"))

    def require(self, data: Path) -> None:
        """Whatever a client has seen stands in the run's journal."""
        for name, seen in self.segments.items():
            held = [s for s in open_run(data / name).segments if not s.flag]
            assert len(held) >= seen, f"{name}: a client saw {seen} segments, {len(held)} are left"


def wait_in_mid_run(station: RunningStation, wait_s: float) -> bool:
    """Wait rig seconds of a run; False when it has ended meanwhile."""
    station.wait_for("run:state", lambda v: v != "idle", 60.0)
    station.wait_for("station:rig_time", math.isfinite, 60.0)
    deadline = station.client.get("station:rig_time") + wait_s
    station.wait_for(
        "station:rig_time",
        lambda v: float(v) > deadline or station.client.get("run:outcome") != "",
        90.0,
    )
    return station.client.get("run:outcome") == ""


def take_with_kills(
    folder: Path, measurement: Measurement, moments: "np.ndarray", seed: int = 1
) -> ChainedRun:
    """kill -9 the station after each of these rig times of a run; returns the whole chain."""
    folder.mkdir(exist_ok=True)
    rig: Rig = start_rig(folder, speed=measurement.speed, seed=seed)
    rig.path.write_text(rig.path.read_text() + "\n[unattended]\nresume_at_start = true\n")
    data, seen = folder / "data", Acknowledged()
    station = start_station(rig, data)
    try:
        station.client.command("run", scan=measurement.scan, path="killed.toml")
        for wait_s in moments:
            assert wait_in_mid_run(station, float(wait_s)), "the scan is too short for the kills"
            seen.note(station)
            station.kill()
            station.client.close()
            station = start_station(rig, data)
        station.wait_for_end(1000.0)
        station.wait_for("run:state", lambda v: v == "idle", 60.0)
        with pytest.raises(CommandRefused, match=r"holds all of its \d+ blocks|nothing to resume"):
            station.client.command("resume_run")
    finally:
        stop_station(station)
        rig.world.close()
    seen.require(data)
    runs = sorted(path for path in data.glob("*Kr*") if path.is_dir())
    assert len(runs) == len(moments) + 1
    chain = open_chain(runs[-1])
    assert [run.folder for run in chain.runs] == runs
    assert all(run.state is RunState.CRASHED for run in chain.runs[:-1])
    if len(runs) > 1:
        assert runs[-2].name in (runs[-1] / "report.html").read_text()
    return chain


def take_with_power_cuts(
    folder: Path, measurement: Measurement, moments: "np.ndarray", seed: int = 1
) -> ChainedRun:
    """kill -9 all instruments after each of these rig times, and start them anew: the same run
    waits for them and goes on."""
    folder.mkdir(exist_ok=True)
    rig: Rig = start_rig(folder, speed=measurement.speed, seed=seed)
    station = start_station(rig, folder / "data")
    try:
        answer = station.client.command("run", scan=measurement.scan, path="cut.toml")
        station.wait_for("run:state", lambda v: v == "running", 90.0)
        taken = -1
        for number, wait_s in enumerate(moments):
            # What cuts a run that still waits for the last cut's end tests little.
            station.wait_for("run:segment", lambda v, n=taken: int(v) > n, 120.0)
            assert wait_in_mid_run(station, float(wait_s)), station.client.get("run:outcome")
            rig.power_cycle(seed + 1 + number)
            taken = int(station.client.get("run:segment"))
        station.wait_for_end(1000.0)
        chain = open_chain(station.data / str(answer["run"]))
    except StationSilent as error:  # the log says why
        raise AssertionError(station.log.read_text()[-4000:]) from error
    finally:
        stop_station(station)
        rig.world.close()
    return chain


def require_exactly_once(chain: ChainedRun, measurement: Measurement) -> None:
    """Every block is there once, and nothing that was acknowledged is gone or counted twice."""
    assert chain.state is RunState.COMPLETE, chain.stop
    good = [s for s in chain.segments if not s.flag and s.kind is SegmentKind.RARE]
    places = sorted(s.point for s in good if s.point is not None)
    expected = sorted(list(range(measurement.points)) * measurement.repeats)
    assert places == expected
    require_opening_brackets(chain)
    assert len(chain.segments) == sum(len(run.segments) for run in chain.runs)
    assert all(s.live_s == pytest.approx(measurement.dwell_s, rel=0.05) for s in good)
    starts = [s.start_rig_s for s in chain.segments]
    assert all(a <= b for a, b in itertools.pairwise(starts))
    assert chain.fits


def require_opening_brackets(chain: ChainedRun) -> None:
    """What was counted of a block stands right behind an unflagged bracket of the same run."""
    for run in chain.runs:
        for before, segment in itertools.pairwise((None, *run.segments)):
            if segment is None or segment.bracket or segment.flag:
                continue
            assert before is not None, f"{run.run_id} begins without a bracket"
            same = (before.block, before.attempt) == (segment.block, segment.attempt)
            assert not before.flag, f"{run.run_id}: {segment.index} stands behind a flagged segment"
            assert same or before.bracket, f"{run.run_id}: block {segment.block} was not opened"


def pulls(one: ChainedRun, other: ChainedRun) -> dict[str, float]:
    """Difference of each fitted parameter of two independent runs in its standard errors."""
    (mine,), (theirs,) = one.fits.values(), other.fits.values()
    second = {p.name: p for p in theirs.parameters}
    return {
        p.name: (p.value - second[p.name].value) / math.hypot(p.error, second[p.name].error)
        for p in mine.parameters
        if p.error > 0.0
    }
