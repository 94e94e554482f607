"""A run that loses its station, or its rig, ends as one measurement with every block once."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kill_chain import (
    RETAKEN,
    Acknowledged,
    Measurement,
    require_exactly_once,
    take_with_kills,
    take_with_power_cuts,
)
from rigs import start_rig, start_station, stop_station
from stored_runs import Clock, new_run, stored_segment

from atta_daq.analysis.records import Segment
from atta_daq.archive.run_folder import RunState, RunWriter, open_run

EXPOSURES = 6
KILLS = 5
SEED = 20261128


@pytest.mark.timeout(240)
def test_five_kills_and_every_block_is_there_once(tmp_path: Path) -> None:
    measurement = Measurement(points=18)
    moments = np.random.default_rng(SEED).uniform(100.0, 220.0, KILLS)
    require_exactly_once(take_with_kills(tmp_path, measurement, moments), measurement)


@pytest.mark.timeout(240)
def test_a_reboot_in_mid_run_and_every_block_is_there_once(tmp_path: Path) -> None:
    """It asks the station to end, which ends its run in good order."""
    measurement = Measurement(points=6)
    chain = take_with_kills(tmp_path, measurement, np.array([150.0]), reboot=True)
    require_exactly_once(chain, measurement)


@pytest.mark.timeout(240)
def test_a_power_cut_of_all_instruments_and_every_block_is_there_once(tmp_path: Path) -> None:
    measurement = Measurement(points=8)
    chain = take_with_power_cuts(tmp_path, measurement, np.array([150.0]))
    require_exactly_once(chain, measurement)
    assert len(chain.runs) == 1


@pytest.mark.timeout(240)
def test_a_station_that_dies_behind_the_last_block_leaves_a_complete_run(tmp_path: Path) -> None:
    rig = start_rig(tmp_path, speed=120.0)
    rig.path.write_text(rig.path.read_text() + "\n[unattended]\nresume_at_start = true\n")
    station = start_station(rig, tmp_path / "data")
    try:
        scan = Measurement(points=3).scan
        folder = tmp_path / "data" / str(station.client.command("run", scan=scan)["run"])
        assert station.wait_for_end(120.0) == "complete"
        stop_station(station)
        # As kill -9 leaves it in this moment.
        *taken, stop = (folder / "journal.jsonl").read_text().splitlines(keepends=True)
        assert '"doc":"stop"' in stop
        (folder / "journal.jsonl").write_text("".join(taken))
        for made_last in ("report.html", "run.nxs", "fit.json"):
            (folder / made_last).unlink()
        station = start_station(rig, tmp_path / "data")
        deadline = time.monotonic() + 60.0
        while not (folder / "report.html").exists():
            assert time.monotonic() < deadline, station.log.read_text()
            time.sleep(0.1)
        assert station.client.get("run:id") == "", "nothing was taken"
    finally:
        stop_station(station)
        rig.world.close()
    run = open_run(folder)
    assert run.state is RunState.COMPLETE
    assert run.fits
    assert [path.name for path in folder.parent.glob("*Kr*")] == [folder.name]


class Shown:
    """A client's readings of a run with two counting segments and a bracket."""

    def __init__(self, run_id: str, segments: list[Segment]) -> None:
        self._readings = {
            "run:id": run_id,
            "run:segment": len(segments),
            "run:table": {
                "index": [s.index for s in segments],
                "counts": [-1 if s.counts is None else s.counts for s in segments],
                "live_s": [s.live_s for s in segments],
                "flag": [s.flag for s in segments],
            },
        }

    def get(self, name: str) -> Any:
        return self._readings[name]


def kept(writer: RunWriter, segments: list[Segment], without_frames: int | None) -> None:
    """Journal the segments, and the frames of those that count."""
    frames = writer.open_frames(4, 4)
    for segment in segments:
        if segment.counts is not None and segment.index != without_frames:
            for number in range(EXPOSURES):
                frames.append(np.zeros((4, 4), np.uint16), number, 0.1 * number)
            frames.flush(segment.index)
        writer.append("event", {"segment": segment.to_dict()})
    writer.abandon()


@pytest.mark.parametrize(
    ("changes", "without_frames", "said"),
    [
        ({}, None, ""),
        ({"flag": RETAKEN}, None, "3 segments, 2 are left"),
        ({"counts": 39}, None, "segment 0 was"),
        ({"live_s": 59.9}, None, "segment 0 was"),
        ({"flag": "lost"}, None, "3 segments, 2 are left"),
        ({"index": 7}, None, "segment 0 is gone"),
        ({}, 0, "frames of segment 0 are gone"),
        ({"exposures": EXPOSURES + 1}, None, "frames of segment 0"),
    ],
)
def test_what_a_client_saw_must_be_left_as_it_was(
    tmp_path: Path, changes: dict, without_frames: int | None, said: str
) -> None:
    """The check of the killed runs itself."""
    writer = new_run(tmp_path, Clock())
    segments = [
        stored_segment(0, run_id=writer.run_id, exposures=EXPOSURES),
        stored_segment(1, run_id=writer.run_id, exposures=0, counts=None, bracket=True),
        stored_segment(2, run_id=writer.run_id, exposures=EXPOSURES),
    ]
    seen = Acknowledged()
    seen.note(Shown(writer.run_id, segments))
    kept(writer, [replace(segments[0], **changes), *segments[1:]], without_frames)
    if said:
        with pytest.raises(AssertionError, match=said):
            seen.require(tmp_path)
    else:
        seen.require(tmp_path)


def test_of_a_run_that_went_on_a_block_may_have_been_retaken(tmp_path: Path) -> None:
    """Its counts are kept as they were shown, and so are its frames."""
    writer = new_run(tmp_path, Clock())
    segment = stored_segment(0, run_id=writer.run_id, exposures=EXPOSURES)
    seen = Acknowledged()
    seen.note(Shown(writer.run_id, [segment]))
    kept(writer, [replace(segment, flag=RETAKEN)], None)
    seen.require(tmp_path, went_on=True)
    seen.rows[writer.run_id][0] = seen.rows[writer.run_id][0]._replace(counts=1)
    with pytest.raises(AssertionError, match="segment 0 was"):
        seen.require(tmp_path, went_on=True)
