"""Which run died with its station, when its successor looks older by a clock that was set back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stored_runs import Clock, new_run, stored_segment

from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.station.queue.fate import SHUT_DOWN
from atta_daq.station.resuming import crashed


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Callable[..., str]]:
    writers: list[RunWriter] = []

    def run(hour: int, state: RunState | None, resumes: str | None = None, reason: str = "") -> str:
        """Begins in this hour, as the computer's clock had it; `state` None: its station died."""
        writer = new_run(tmp_path, Clock(1.8e9 + 3600.0 * hour), hour, resumes=resumes)
        writer.segment(stored_segment(run_id=writer.run_id))
        writers.append(writer)
        if state is None:
            writer.abandon()
        else:
            writer.close(state, reason)
        return writer.run_id

    yield run
    for writer in writers:
        writer.abandon()


def test_the_youngest_run_if_its_station_died(take, tmp_path: Path) -> None:
    assert crashed(tmp_path) is None
    dead = take(1, None)
    assert crashed(tmp_path) == dead
    take(2, RunState.COMPLETE)
    assert crashed(tmp_path) is None, "somebody went on with something else"


@pytest.mark.parametrize(("reason", "goes_on"), [(SHUT_DOWN, True), ("STOP by office", False)])
def test_a_run_that_a_reboot_ended_is_gone_on_with(
    take, tmp_path: Path, reason: str, goes_on: bool
) -> None:
    """A reboot asks the station to end, and it ends its run in good order."""
    ended = take(1, RunState.ABORTED, reason=reason)
    assert crashed(tmp_path) == (ended if goes_on else None)


def test_a_dead_run_that_was_gone_on_with_is_left_alone(take, tmp_path: Path) -> None:
    dead = take(1, None)
    rest = take(2, None, resumes=dead)
    assert crashed(tmp_path) == rest
    take(3, RunState.COMPLETE, resumes=rest)
    assert crashed(tmp_path) is None


def test_a_successor_that_looks_older_is_the_one_that_died(take, tmp_path: Path) -> None:
    take(19, RunState.COMPLETE)
    dead = take(22, None)
    rest = take(20, None, resumes=dead)
    assert rest < dead
    assert crashed(tmp_path) == rest
    take(18, RunState.COMPLETE, resumes=rest)
    assert crashed(tmp_path) is None
