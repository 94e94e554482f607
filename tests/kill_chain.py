"""A measurement that loses its station, or its rig, again and again; and what must hold of it."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pytest
from rigs import Rig, RunningStation, start_rig, start_station, stop_station
from small_disk import empty, fill

from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.archive.chain import ChainedRun, open_chain
from atta_daq.archive.run_folder import Run, RunState, open_run
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


EXPOSURE_S = 0.1
RETAKEN = "its block was retaken"
"""Flag of what was taken well and is not used, because its block failed later."""
LEFT_BYTES = 300_000
"""Room on a full disk: less than the frames of one segment."""


class Client(Protocol):
    """Tells the readings of a station."""

    def get(self, name: str, /) -> Any: ...


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


class Seen(NamedTuple):
    """What a client knew of a segment without a flag."""

    counts: int
    """-1: it counts nothing."""
    live_s: float


@dataclass
class Acknowledged:
    """What the station had shown to a client before it was killed."""

    segments: dict[str, int] = field(default_factory=dict)
    """Run to the number of its unflagged segments."""
    rows: dict[str, dict[int, Seen]] = field(default_factory=dict)
    """Run to what its table said, by the segment's index."""

    def note(self, client: Client) -> None:
        run = str(client.get("run:id"))
        self.segments[run] = int(client.get("run:segment"))
        table = client.get("run:table")
        columns = (table[name] for name in ("index", "counts", "live_s", "flag"))
        shown = {
            int(index): Seen(int(counts), float(live_s))
            for index, counts, live_s, flag in zip(*columns, strict=True)
            if not flag
        }
        # Of a run that is looked at again: as it was shown first.
        self.rows[run] = shown | self.rows.get(run, {})

    def require(self, data: Path, *, went_on: bool = False) -> None:
        """Whatever a client has seen stands unchanged in the run's journal, and its frames in the
        run's file. A run that `went_on` may have flagged some of it, whose block was retaken."""
        for name, seen in self.segments.items():
            run = open_run(data / name)
            usual = ("", RETAKEN) if went_on else ("",)
            held = {s.index: s for s in run.segments if s.flag in usual}
            assert len(held) >= seen, f"{name}: a client saw {seen} segments, {len(held)} are left"
            for index, row in self.rows[name].items():
                assert index in held, f"{name}: segment {index} is gone"
                kept = held[index]
                now = Seen(-1 if kept.counts is None else kept.counts, kept.live_s)
                assert now == row, f"{name}: segment {index} was {row} and is {now}"
            require_frames(run, [held[index] for index in self.rows[name]])


def require_frames(run: Run, segments: Sequence[Segment]) -> None:
    """Every exposure that a counting segment counted can be read, in the order it was taken."""
    counting = [s for s in segments if s.counts is not None]
    if not counting:
        return
    with run.frames() as frames:
        for segment in counting:
            where = f"{run.run_id}: frames of segment {segment.index}"
            assert segment.index in frames.segments, f"{where} are gone"
            mine = frames.segment(segment.index)
            assert len(mine.images) == len(mine.unique_id) == len(mine.rig_time_s), where
            assert len(mine.images) >= segment.exposures > 0, where
            assert all(np.diff(mine.unique_id) > 0), where


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
    folder: Path,
    measurement: Measurement,
    moments: "np.ndarray",
    seed: int = 1,
    *,
    reboot: bool = False,
) -> ChainedRun:
    """kill -9 the station after each of these rig times of a run, or ask it to end, as a `reboot`
    does; returns the whole chain."""
    folder.mkdir(exist_ok=True)
    rig: Rig = start_rig(folder, speed=measurement.speed, seed=seed)
    rig.path.write_text(rig.path.read_text() + "\n[unattended]\nresume_at_start = true\n")
    data, seen = folder / "data", Acknowledged()
    station = start_station(rig, data)
    try:
        station.client.command("run", scan=measurement.scan, path="killed.toml")
        for wait_s in moments:
            assert wait_in_mid_run(station, float(wait_s)), "the scan is too short for the kills"
            seen.note(station.client)
            if reboot:
                stop_station(station)
            else:
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
    ended = RunState.ABORTED if reboot else RunState.CRASHED
    assert all(run.state is ended for run in chain.runs[:-1])
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
    station, seen = start_station(rig, folder / "data"), Acknowledged()
    try:
        answer = station.client.command("run", scan=measurement.scan, path="cut.toml")
        station.wait_for("run:state", lambda v: v == "running", 90.0)
        taken = -1
        for number, wait_s in enumerate(moments):
            # What cuts a run that still waits for the last cut's end tests little.
            station.wait_for("run:segment", lambda v, n=taken: int(v) > n, 120.0)
            assert wait_in_mid_run(station, float(wait_s)), station.client.get("run:outcome")
            seen.note(station.client)
            rig.power_cycle(seed + 1 + number)
            taken = int(station.client.get("run:segment"))
        station.wait_for_end(1000.0)
        chain = open_chain(station.data / str(answer["run"]))
    except StationSilent as error:  # the log says why
        raise AssertionError(station.log.read_text()[-4000:]) from error
    finally:
        stop_station(station)
        rig.world.close()
    seen.require(folder / "data", went_on=True)
    return chain


def take_with_full_disks(
    disk: Path, measurement: Measurement, moments: "np.ndarray", seed: int = 1
) -> ChainedRun:
    """Fill the file system after each of these rig times of a run, which ends it; give the room
    back and resume. Returns the whole chain."""
    rig: Rig = start_rig(disk.parent, speed=measurement.speed, seed=seed)
    # With a floor the run would wait before the disk is full.
    rig.path.write_text(rig.path.read_text() + "\n[faults]\ndisk_free_min_gb = 0.0\n")
    data, seen = disk / "data", Acknowledged()
    station = start_station(rig, data)
    try:
        answer = station.client.command("run", scan=measurement.scan, path="full.toml")
        for wait_s in moments:
            assert wait_in_mid_run(station, float(wait_s)), "the scan is too short"
            seen.note(station.client)
            fill(disk, LEFT_BYTES)
            outcome = station.wait_for_end(120.0)
            assert outcome.startswith("aborted"), outcome
            assert station.process.poll() is None, "the station lives on"
            station.wait_for("run:state", lambda state: state == "idle", 120.0)
            empty(disk)
            ended = str(answer["run"])
            answer = station.client.command("resume_run", run=ended)
            station.wait_for("run:id", lambda name, ended=ended: name != ended, 60.0)
        station.wait_for_end(1000.0)
        station.wait_for("run:state", lambda v: v == "idle", 60.0)
    finally:
        stop_station(station)
        rig.world.close()
    seen.require(data)
    chain = open_chain(data / str(answer["run"]))
    assert len(chain.runs) == len(moments) + 1
    assert not any(run.state is RunState.COMPLETE for run in chain.runs[:-1])
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
    # A busy computer loses frames, which count as dead time.
    counted_s = [s.live_s + EXPOSURE_S * s.frames_lost for s in good]
    assert counted_s == pytest.approx([measurement.dwell_s] * len(good), rel=0.05)
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
