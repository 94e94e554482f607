"""Following a run at the command line."""

from typing import Any

import pytest
from rich.progress import Progress

from atta_daq.cli.taking import _step

READINGS = {"run:outcome": "", "run:id": "mine", "run:state": "running", "run:segment": 3,
            "run:segments": 7, "run:remaining": 7200.0, "rate:counting": 12.0}  # fmt: skip


class Client:
    """Readings of a station."""

    def __init__(self, **changes: object) -> None:
        self._readings = READINGS | {f"run:{name}": value for name, value in changes.items()}

    def get(self, name: str) -> Any:
        return self._readings[name]


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        ({}, False),
        ({"outcome": "complete"}, True),
        # The queue was faster than the next look: the outcome is already the next run's.
        ({"id": "the queue's next"}, True),
    ],
)
def test_a_run_is_over_by_its_outcome_or_when_the_queue_has_gone_on(
    changes: dict[str, str], over: bool
) -> None:
    progress = Progress(disable=True)
    task = progress.add_task("mine", total=1.0, detail="")
    client: Any = Client(**changes)
    assert _step(client, "mine", progress, task) is over
    if not over:
        assert (progress.tasks[0].completed, progress.tasks[0].total) == (3, 7)
        assert "2.0 h of rig time left, 12 atoms/h" in progress.tasks[0].fields["detail"]
