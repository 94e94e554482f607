"""What judges the flags of the simulated week must itself fail when it should."""

from pathlib import Path

import pytest
from fault_cells import Cell
from happened import EXPLAINED_S, RETAKEN, Happened
from stored_runs import START_UTC_S, Clock, new_run, stored_segment

from atta_daq.archive.run_folder import Run, open_run

LOCK = "lock lost: peaks"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two attempts at block 0, both ended at their second segment: by the lock, by the camera."""
    writer = new_run(tmp_path, Clock())
    for attempt, cause in enumerate((LOCK, "camera: warm")):
        writer.segment(stored_segment(4 * attempt, attempt=attempt))
        writer.segment(stored_segment(4 * attempt + 1, attempt=attempt, flag=cause))
        writer.flag(4 * attempt, RETAKEN)
        writer.append(
            "recovery",
            {"event": "suspended", "cause": cause, "block": 0, "attempt": attempt},
            rig_s=START_UTC_S + 400.0 * attempt + 163.0,
        )
        writer.append("recovery", {"event": "resumed", "cause": cause, "cured_by": []})
    writer.abandon()
    return open_run(writer.folder)


@pytest.mark.parametrize(
    ("server", "begun_s", "explained"),
    [
        ("lock", 120.0, [True, True, False, False]),
        ("camera", 520.0, [False, False, True, True]),
        # Something else that failed in the same hour, and the lock before and behind it.
        ("amplifier", 120.0, [False] * 4),
        ("lock", 170.0, [False] * 4),
        ("lock", -EXPLAINED_S, [False] * 4),
    ],
)
def test_a_flag_needs_a_fault_of_what_it_names_in_the_same_attempt(
    run: Run, server: str, begun_s: float, explained: list[bool]
) -> None:
    begun_s += START_UTC_S
    happened = Happened([(Cell(server, "no_reply"), begun_s, begun_s + 30.0)])
    assert [happened.explains(run, segment) for segment in run.segments] == explained
