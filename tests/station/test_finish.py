"""Which run lacks the report that its station did not live to make, and that it is made."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_runs import RIG, Clock, new_run, stored_segment

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.report import FILE
from atta_daq.archive.run_folder import RunState, RunWriter, open_run
from atta_daq.station import finish
from atta_daq.station.finish import finish_late, left_unfinished


class Runs:
    """Runs in a folder, an hour apart."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._clock = Clock()
        self.writers: list[RunWriter] = []

    def made(self, state: RunState | None, segments: int = 3, **changes: str) -> RunWriter:
        """`state` None: it is still being written."""
        number = len(self.writers)
        writer = new_run(self.data, self._clock, number, rig=RIG, **changes)
        self.writers.append(writer)
        for point in range(segments):
            writer.segment(stored_segment(point, run_id=writer.run_id))
        if state is not None:
            writer.close(state, "as the test asks")
        return writer

    def left(self) -> Path | None:
        return left_unfinished(Catalogue(self.data))


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    for writer in made.writers:
        writer.abandon()


@pytest.mark.parametrize("state", [RunState.COMPLETE, RunState.GAPS, RunState.ABORTED])
def test_a_run_that_ended_without_its_report_is_found(runs: Runs, state: RunState) -> None:
    assert runs.left() is None, "no run at all"
    writer = runs.made(state)
    assert runs.left() == writer.folder
    (writer.folder / FILE).write_text("<html>")
    assert runs.left() is None, "it has its report"


def test_a_run_under_way_is_left_alone(runs: Runs) -> None:
    runs.made(None)
    assert runs.left() is None


def test_a_crashed_run_is_left_to_be_resumed(runs: Runs) -> None:
    runs.made(None).abandon()
    assert runs.left() is None


def test_an_imported_run_is_left_alone(runs: Runs) -> None:
    runs.made(RunState.COMPLETE, origin="imported")
    assert runs.left() is None


def test_a_run_without_a_segment_gets_no_report(runs: Runs) -> None:
    runs.made(RunState.ABORTED, segments=0)
    assert runs.left() is None


def test_only_the_youngest_run_is_looked_at(runs: Runs) -> None:
    """An older one may have lost its report on purpose."""
    older = runs.made(RunState.COMPLETE)
    younger = runs.made(RunState.COMPLETE)
    (younger.folder / FILE).write_text("<html>")
    assert not (older.folder / FILE).exists()
    assert runs.left() is None


def test_what_was_left_is_made_and_told(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish, "fit_all", lambda *_, **__: {})
    monkeypatch.setattr(finish, "request_of", lambda _run: object())
    writer = runs.made(RunState.COMPLETE)
    said = finish_late(writer.folder)
    assert said.startswith(f"the report of run {writer.run_id} was missing")
    assert writer.run_id in (writer.folder / FILE).read_text()
    assert list(writer.folder.glob("*.nxs"))
    assert open_run(writer.folder).fits == {}
    assert runs.left() is None
