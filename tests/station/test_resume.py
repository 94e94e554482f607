"""A run that loses its station, or its rig, ends as one measurement with every block once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kill_chain import (
    Acknowledged,
    Measurement,
    require_exactly_once,
    take_with_kills,
    take_with_power_cuts,
)
from stored_runs import Clock, new_run, stored_segment

from atta_daq.analysis.records import Segment
from atta_daq.archive.run_folder import RunWriter

EXPOSURES = 6
KILLS = 5
SEED = 20261128


@pytest.mark.timeout(240)
def test_five_kills_and_every_block_is_there_once(tmp_path: Path) -> None:
    measurement = Measurement(points=18)
    moments = np.random.default_rng(SEED).uniform(100.0, 220.0, KILLS)
    require_exactly_once(take_with_kills(tmp_path, measurement, moments), measurement)


@pytest.mark.timeout(240)
def test_a_power_cut_of_all_instruments_and_every_block_is_there_once(tmp_path: Path) -> None:
    measurement = Measurement(points=8)
    chain = take_with_power_cuts(tmp_path, measurement, np.array([150.0]))
    require_exactly_once(chain, measurement)
    assert len(chain.runs) == 1


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
