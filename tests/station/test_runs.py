"""The real station on the simulated rig: whole runs, pauses, aborts, STOP, death."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - registers the frames' filter
import numpy as np
import pytest
from rigs import Rig, RunningStation, read_journal, start_station, stop_station

from atta_daq.archive.run_folder import Run, RunState, open_run
from atta_daq.client.client import CommandRefused
from atta_daq.client.runs import PointUnderWay

SCAN = """
name = "small"
calibrate_counting_s = 100.0
bracket_period_s = 50.0
[[part]]
isotope = 85
dwell_s = 20.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""
LONG = SCAN.replace("dwell_s = 20.0", "dwell_s = 400.0")


def start(station: RunningStation, scan: str) -> str:
    return str(station.client.command("run", scan=scan)["run"])


def at_first_place(text: object) -> bool:
    """Whether `run:point` tells the first point of 85Kr; a bracket has no place of its own."""
    point = PointUnderWay.from_json(str(text))
    return point is not None and (point.isotope, point.place) == (85, {"detuning_mhz": -150.0})


def counts_85(text: object) -> bool:
    """Whether `run:point` tells a point of 85Kr."""
    point = PointUnderWay.from_json(str(text))
    return point is not None and point.isotope == 85 and not point.bracket


def require_every_frame(run: Run) -> None:
    with h5py.File(run.folder / "frames.h5", "r") as file:
        index = {int(row["segment"]): row for row in file["segments"][:]}
        for segment in run.segments:
            if segment.kind != "rare":
                continue
            row = index[segment.index]
            ids = file["unique_id"][row["first"] : row["first"] + row["count"]]
            assert np.all(np.diff(ids) >= 1)
            assert row["count"] >= segment.exposures


@pytest.mark.timeout(240)
def test_a_scan_pauses_between_segments_and_runs_to_its_end(station: RunningStation) -> None:
    # Long enough for the pause to come while two segments are left.
    run_id = start(station, SCAN.replace("dwell_s = 20.0", "dwell_s = 60.0"))
    station.wait_for("run:state", lambda v: v == "running")
    station.wait_for("run:point", at_first_place)
    station.client.command("pause", when="segment")
    station.wait_for("run:state", lambda v: v == "paused")
    assert station.client.get("run:point") == ""
    taken = int(station.client.get("run:segment"))
    time.sleep(1.0)
    assert int(station.client.get("run:segment")) == taken
    station.client.command("resume")
    assert station.wait_for_end(100.0) == "complete"
    run = open_run(station.data / run_id)
    assert run.state is RunState.COMPLETE
    counting = [s for s in run.segments if s.kind == "rare"]
    assert [s.point for s in counting] == [0, 1, 2]
    assert not any(s.flag for s in run.segments)
    assert all(s.pumping for s in counting)
    for segment, wanted in zip(counting, (-150.0, 60.0, 700.0), strict=True):
        assert segment.setting.detuning_set_mhz == wanted
        assert segment.setting.detuning_mhz == pytest.approx(wanted, abs=4.0)
        assert segment.setting.power_mw == pytest.approx(499.0, rel=0.05)
        assert segment.live_s + 0.1 * segment.frames_lost == pytest.approx(60.0, abs=0.2)
        assert segment.counts is not None
        assert 0.0 < (segment.efficiency or 0.0) <= 1.0
    brackets = [s for s in run.segments if s.bracket]
    assert brackets[0].index < counting[0].index < brackets[-1].index
    assert all(not s.pumping and s.rate and s.rate > 0.0 for s in brackets)
    assert (run.folder / "report.html").stat().st_size > 10_000
    assert (run.folder / "run.nxs").exists()
    require_every_frame(run)


@pytest.mark.timeout(240)
def test_pause_now_flags_the_segment_and_takes_it_again(station: RunningStation) -> None:
    run_id = start(station, LONG.replace("values = [-150.0, 60.0, 700.0]", "values = [60.0]"))
    station.wait_for("run:point", counts_85)
    # The calibration and the bracket count frames too, and theirs may still be shown.
    shown = int(station.client.get("camera:frames"))
    station.wait_for("camera:frames", lambda v: int(v) not in (0, shown))
    station.client.command("pause", when="now")
    station.wait_for("run:state", lambda v: v == "paused")
    station.client.command("resume")
    assert station.wait_for_end(100.0) == "complete"
    run = open_run(station.data / run_id)
    counting = [s for s in run.segments if s.kind == "rare"]
    assert [s.flag for s in counting] == ["paused", ""]
    assert counting[0].live_s < 400.0
    assert counting[1].live_s + 0.1 * counting[1].frames_lost == pytest.approx(400.0, abs=0.5)


@pytest.mark.timeout(240)
def test_abort_keeps_what_was_taken(shared_rig: Rig, tmp_path: Path) -> None:
    data = tmp_path / "data"
    station = start_station(shared_rig, data)
    try:
        run_id = start(station, LONG)
        station.wait_for("run:segment", lambda v: int(v) >= 1)
        station.client.command("abort", reason="enough")
        assert "enough" in station.wait_for_end()
    finally:
        stop_station(station)
    run = open_run(data / run_id)
    assert run.state is RunState.ABORTED
    assert any(s.bracket and not s.flag for s in run.segments)

    # As if the station had been killed before it could make the report: the next one makes it.
    report = run.folder / "report.html"
    report.unlink()
    station = start_station(shared_rig, data)
    try:
        station.wait_for("station:log", lambda v: f"report of run {run_id} was missing" in v, 60.0)
    finally:
        stop_station(station)
    assert report.stat().st_size > 10_000


@pytest.mark.timeout(240)
def test_stop_makes_the_rig_safe_and_is_open_to_everybody(
    station: RunningStation, shared_rig: Rig
) -> None:
    start(station, LONG)
    station.wait_for("amplifier:current", lambda v: float(v) > 1500.0)
    from atta_daq.client.client import StationClient

    with StationClient(station.client.endpoint, name="a watcher") as other:
        with pytest.raises(CommandRefused, match="holds control"):
            other.command("abort")
        done = other.command("stop")["done"]
    assert all("NOT SAFE" not in line for line in done), done
    assert "STOP by a watcher" in station.wait_for_end()
    station.wait_for("amplifier:on", lambda v: not bool(v), 10.0)
    assert not bool(station.client.get("light:shutter"))
    station.wait_for("station:stops", lambda stops: int(stops) == 1, 10.0)
    with pytest.raises(CommandRefused, match="STOP came first"):
        station.client.command("pumping", on=True, stops_seen=0)
    assert not bool(station.client.get("light:shutter"))


def test_a_second_run_is_refused_while_one_is_under_way(station: RunningStation) -> None:
    run_id = start(station, LONG)
    with pytest.raises(CommandRefused, match=run_id):
        start(station, LONG)


def test_a_wrong_scan_is_refused_with_its_reason(station: RunningStation) -> None:
    with pytest.raises(CommandRefused, match="dwell_s"):
        start(station, SCAN.replace("dwell_s", "dwel_s"))
    with pytest.raises(CommandRefused, match="co-propagating"):
        start(station, 'geometry = "counter"\n' + SCAN)


def test_a_second_station_is_refused_and_names_the_first(
    station: RunningStation, shared_rig: Rig, tmp_path: Path
) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "atta_daq", "station", "--config", str(shared_rig.path),
         "--data", str(tmp_path / "other")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 2
    assert str(station.process.pid) in second.stderr


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_kill_9_in_mid_run_loses_nothing_acknowledged(shared_rig: Rig, tmp_path: Path) -> None:
    data = tmp_path / "data"
    station = start_station(shared_rig, data)
    run_id = start(station, LONG)
    station.wait_for("run:segment", lambda v: int(v) >= 1, 60.0)
    acknowledged = int(station.client.get("run:segment"))
    station.kill()
    station.client.close()
    folder = data / run_id
    documents = read_journal(folder)
    assert sum(d["doc"] == "event" for d in documents) >= acknowledged
    with h5py.File(folder / "frames.h5", "r", swmr=True) as file:
        assert file["frames"].shape[0] == file["unique_id"].shape[0]
    again = start_station(shared_rig, data)
    try:
        assert open_run(folder).state is RunState.CRASHED
        assert "crashed" in str(again.client.get("station:message"))
    finally:
        stop_station(again)


def test_nothing_listens_on_tcp_beyond_loopback(station: RunningStation) -> None:
    beyond = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state, inode = line.split()[1], line.split()[3], line.split()[9]
        if state != "0A" or local.split(":")[0] == "0100007F":
            continue
        for pid in (station.process.pid,):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    if str(link.readlink()) == f"socket:[{inode}]":
                        beyond.append(local)
                except OSError:
                    continue
    assert beyond == []
    assert socket.gethostbyname("localhost") == "127.0.0.1"
