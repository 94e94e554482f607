"""Which run lacks the report that its station did not live to make, and that it is made."""

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from stored_runs import RIG, Clock, new_run, stored_segment

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.report import FILE
from atta_daq.archive.run_folder import RunState, RunWriter, open_run
from atta_daq.cli.data import Format, export
from atta_daq.station import finish
from atta_daq.station.finish import finish_late, finish_run, left_unfinished
from atta_daq.station.stored_runs import run_export


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

    def left(self, rig: str = "a") -> Path | None:
        return left_unfinished(Catalogue(self.data), rig)


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


def test_an_imported_run_hides_none_that_was_left(runs: Runs) -> None:
    writer = runs.made(RunState.COMPLETE)
    runs.made(RunState.COMPLETE, origin="imported")
    assert runs.left() == writer.folder


def test_a_younger_run_of_another_rig_hides_none_that_was_left(runs: Runs) -> None:
    """Several rigs may measure into one folder; each station finishes its own."""
    mine = runs.made(RunState.COMPLETE, taken_by="a")
    other = runs.made(RunState.COMPLETE, taken_by="b")
    assert runs.left("a") == mine.folder
    assert runs.left("b") == other.folder
    (other.folder / FILE).write_text("<html>")
    assert runs.left("a") == mine.folder
    assert runs.left("b") is None


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


@pytest.fixture
def resumed(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> tuple[RunWriter, RunWriter]:
    """A chain of two runs with frames; a power cut took those of the first, and its stop."""
    monkeypatch.setattr(finish, "fit_all", lambda *_, **__: {})
    monkeypatch.setattr(finish, "request_of", lambda _run: object())
    first = runs.made(None)
    first.open_frames(8, 8)
    first.abandon()
    (first.folder / "frames.h5").write_bytes(b"")
    second = runs.made(None, resumes=first.run_id)
    second.open_frames(8, 8).append(np.full((8, 8), 7, np.uint16), 1, 1.0)
    second.close(RunState.COMPLETE)
    return first, second


def test_frames_that_a_power_cut_took_cost_a_measurement_nothing_else(
    resumed: tuple[RunWriter, RunWriter],
) -> None:
    """Every run that goes on with one whose frames are torn was left without file and report."""
    first, second = resumed
    (said,) = finish_run(second.folder, None).lacking
    assert said.startswith(f"{second.folder / 'run.nxs'} lacks the frames of {first.run_id}: ")
    assert first.run_id in (second.folder / FILE).read_text()
    with h5py.File(second.folder / "run.nxs") as file:
        instrument = file["entry/instrument"]
        assert isinstance(instrument, h5py.Group)
        assert set(instrument) == {"name", "pumping_light", "emccd_2"}
        frames = instrument["emccd_2/data"]
        assert isinstance(frames, h5py.Dataset)
        assert np.all(frames[0] == 7)
    assert (first.folder / "frames.h5").read_bytes() == b"", "nothing is made up"


def test_who_exports_a_run_hears_which_frames_it_lacks(
    resumed: tuple[RunWriter, RunWriter], capsys: pytest.CaptureFixture[str]
) -> None:
    """From a window it was told to nobody."""
    first, second = resumed
    data = second.folder.parent
    answer = json.loads(json.dumps(run_export(data, second.run_id, "nexus")))
    assert list(answer["files"]) == ["run.nxs"]
    (said,) = answer["lacking"]
    assert f"run.nxs lacks the frames of {first.run_id}: " in said
    export(second.run_id, Format.NEXUS, data)
    told = capsys.readouterr()
    assert told.out.split() == [str(second.folder / "run.nxs")]
    assert told.err.strip() == said
    assert run_export(data, second.run_id, "csv")["lacking"] == ()


def test_a_nexus_file_that_cannot_be_made_takes_no_report_with_it(
    resumed: tuple[RunWriter, RunWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = resumed

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("unable to write: no space left")

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    (said,) = finish_run(second.folder, None).lacking
    assert said == f"{second.folder / 'run.nxs'} is not made: unable to write: no space left"
    assert second.run_id in (second.folder / FILE).read_text()
    assert not list(second.folder.glob("*run.nxs*")), "what was begun would take the last room"


def test_what_a_late_report_lacks_is_told_with_it(resumed: tuple[RunWriter, RunWriter]) -> None:
    first, second = resumed
    said = finish_late(second.folder)
    assert f"the report of run {second.run_id} was missing" in said
    assert f"run.nxs lacks the frames of {first.run_id}" in said
