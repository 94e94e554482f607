"""A small file system that really fills up: nothing acknowledged is lost, the station lives on.

pytest -m soak tests/soak/test_full_disk.py
Needs leave to mount a tmpfs (root on Linux); skipped elsewhere.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from rigs import start_rig, start_station, stop_station
from small_disk import empty, fill, mounted

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.ballast import FILE as BALLAST
from atta_daq.archive.chain import open_chain
from atta_daq.archive.errors import WriteFailed
from atta_daq.archive.frames import is_cleanly_closed
from atta_daq.archive.header import RunHeader
from atta_daq.archive.run_folder import RunState, RunWriter, open_run

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

SCAN = """
name = "full"
calibrate_counting_s = 0
zero_on_reference_cell = false
bracket_period_s = 60.0
[[part]]
isotope = 85
dwell_s = 50.0
repeats = 6
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", "16m") as folder:
        yield folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "64m") as folder:
        yield folder


def segment(index: int) -> Segment:
    return Segment(
        "run", index, 0, index, SegmentKind.RARE, 85, True, index, False, Setting(),
        10.0 * index, 10.0 * index + 9.0, 9.0, counts=index,
    )  # fmt: skip


def writer(data: Path) -> RunWriter:
    header = RunHeader("20260101-000000-85Kr-x-0001", "x", (85,), "co", ())
    return RunWriter.create(data, header, rig_now=time.time, utc_now=time.time)


@pytest.mark.parametrize("frames_each", [37, 100, 230, 1000])
def test_frames_that_fill_the_disk(small: Path, frames_each: int) -> None:
    run = writer(small / "data")
    frames = run.open_frames(40, 40)
    draw = np.random.default_rng(frames_each)
    acknowledged: list[int] = []

    def take_on() -> None:
        for taken in range(1_000_000):
            image = draw.integers(0, 65535, (40, 40), dtype=np.uint16)
            frames.append(image, taken, float(taken))
            if (taken + 1) % frames_each == 0:
                run.segment(segment(len(acknowledged)))
                acknowledged.append(len(acknowledged))

    with pytest.raises(WriteFailed, match=r"frames\.h5"):
        take_on()
    run.close(RunState.ABORTED, "the disk is full")
    assert is_cleanly_closed(run.folder / "frames.h5")
    again = open_run(run.folder)
    assert again.state is RunState.ABORTED
    assert [s.index for s in again.segments] == acknowledged
    with again.frames() as stored:
        for index in acknowledged:
            ids = stored.segment(index).unique_id
            assert ids.tolist() == list(range(index * frames_each, (index + 1) * frames_each))


def test_a_journal_that_fills_the_disk(small: Path) -> None:
    run = writer(small / "data")
    fill(small, 100_000)
    kept: list[int] = []

    def write_on() -> None:
        for n in range(10_000):
            run.note("x" * 1000 + str(n))
            kept.append(n)

    with pytest.raises(WriteFailed, match="free the disk"):
        write_on()
    run.close(RunState.ABORTED, "the disk is full")
    again = open_run(run.folder)
    assert len(again.notes) == len(kept)
    assert again.state is RunState.ABORTED
    fill(small, 0)
    with pytest.raises(WriteFailed, match="no room for a run"):
        writer(small / "other")


@pytest.mark.parametrize("killed", [True, False])
def test_a_station_that_starts_on_a_full_disk(tmp_path: Path, disk: Path, killed: bool) -> None:
    """With nothing left at all: a run that was under way is closed in the room that it held."""
    rig = start_rig(tmp_path, speed=60.0)
    rig.config["faults"] = {"disk_free_min_gb": 0.0}
    rig.path.write_text(tomli_w.dumps(rig.config))
    data = tmp_path / "data"  # beside its log, which must not be short of room
    data.symlink_to(disk)
    station = start_station(rig, data)
    try:
        run_id = str(station.client.command("run", scan=SCAN)["run"])
        if killed:
            station.wait_for("run:segment", lambda n: int(n) >= 3, 60.0)
            station.kill()
        else:
            assert station.wait_for_end(240.0) == "complete"
            station.wait_for("run:state", lambda state: state == "idle", 120.0)
        stop_station(station)
        fill(disk, 0)
        station = start_station(rig, data)
        run = open_run(data / run_id)
        if killed:
            assert run.stop is not None
            assert run.state is RunState.CRASHED
            assert not (run.folder / BALLAST).exists()
            empty(disk)
            run_id = str(station.client.command("resume_run", run=run_id)["run"])
            station.wait_for("run:id", lambda name: name == run_id, 30.0)
            assert station.wait_for_end(240.0) == "complete"
        else:
            # Neither the list of runs can be opened nor the alarm that says so be kept.
            for alarm in ("station:runs", "alarms:file"):
                station.wait_for("station:alarms", lambda text, of=alarm: of in str(text), 60.0)
    finally:
        stop_station(station)
        rig.world.close()
    assert station.process.returncode == 0, station.log.read_text()
    chain = open_chain(data / run_id)
    good = [s for s in chain.segments if s.kind is SegmentKind.RARE and not s.flag]
    points = [s.point for s in good]
    assert sorted(p for p in points if p is not None) == sorted([0, 1, 2] * 6)


@pytest.mark.parametrize("floor_mb", [0.0, 20.0])
def test_a_station_on_a_disk_that_fills_up(tmp_path: Path, disk: Path, floor_mb: float) -> None:
    """Without a floor the run ends; with one it waits, and goes on when there is room."""
    rig = start_rig(tmp_path, speed=60.0)
    rig.config["faults"] = {"disk_free_min_gb": floor_mb / 1000.0}
    rig.path.write_text(tomli_w.dumps(rig.config))
    station = start_station(rig, disk / "data")
    try:
        run_id = str(station.client.command("run", scan=SCAN)["run"])
        station.wait_for("run:segment", lambda n: int(n) >= 3, 60.0)
        fill(disk, 6_000_000 if floor_mb else 300_000)
        if floor_mb:
            station.wait_for("run:suspended", lambda text: "disk:" in text, 60.0)
            assert "free 0.0" in station.client.get("run:suspended")
            time.sleep(2.0)
            empty(disk)
            station.wait_for("run:suspended", lambda text: text == "", 60.0)
            assert station.wait_for_end(120.0) == "complete"
            run = open_run(disk / "data" / run_id)
            assert any("disk:" in s.flag for s in run.segments)
        else:
            outcome = station.wait_for_end(120.0)
            assert outcome.startswith("aborted"), outcome
            assert station.process.poll() is None, "the station lives on"
            run = open_run(disk / "data" / run_id)
            assert run.state in (RunState.ABORTED, RunState.CRASHED)
            with run.frames() as stored:
                for taken in run.segments:
                    if taken.kind is SegmentKind.RARE:
                        assert len(stored.segment(taken.index).unique_id) >= taken.exposures
            station.wait_for("run:state", lambda state: state == "idle", 120.0)
            empty(disk)
            run_id = str(station.client.command("resume_run", run=run_id)["run"])
            station.wait_for("run:id", lambda name: name == run_id, 30.0)
            assert station.wait_for_end(120.0) == "complete"
    finally:
        stop_station(station)
        rig.world.close()
    chain = open_chain(disk / "data" / run_id)
    good = [s for s in chain.segments if s.kind is SegmentKind.RARE and not s.flag]
    points = [s.point for s in good]
    assert sorted(p for p in points if p is not None) == sorted([0, 1, 2] * 6)


def test_a_station_that_starts_on_a_full_disk_resumes_its_run_when_there_is_room(
    tmp_path: Path, disk: Path
) -> None:
    rig = start_rig(tmp_path, speed=60.0)
    rig.config |= {"faults": {"disk_free_min_gb": 0.0}, "unattended": {"resume_at_start": True}}
    rig.path.write_text(tomli_w.dumps(rig.config))
    station = start_station(rig, disk / "data")
    try:
        dead = str(station.client.command("run", scan=SCAN)["run"])
        station.wait_for("run:segment", lambda n: int(n) >= 3, 60.0)
        station.kill()
        station.client.close()
        # What it held back for its own end would be enough for a run to begin.
        (disk / "data" / dead / BALLAST).unlink()
        fill(disk, 2_500_000)
        station = start_station(rig, disk / "data")
        station.wait_for("station:alarms", lambda text: "is not resumed yet" in text, 60.0)
        assert station.client.get("run:id") == ""
        empty(disk)
        assert station.wait_for_end(200.0) == "complete"
        run_id = str(station.client.get("run:id"))
    finally:
        stop_station(station)
        rig.world.close()
    chain = open_chain(disk / "data" / run_id)
    assert chain.first_id == dead
    good = [s for s in chain.segments if s.kind is SegmentKind.RARE and not s.flag]
    assert sorted(s.point for s in good if s.point is not None) == sorted([0, 1, 2] * 6)
