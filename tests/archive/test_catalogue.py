"""The catalogue follows the folders."""

import logging
import shutil
import sqlite3

import pytest

from atta_daq.archive.catalogue import FILE, Catalogue
from atta_daq.archive.errors import UnknownRun
from atta_daq.archive.run_folder import JOURNAL, RunState, close_dead_runs
from atta_daq.station.stored_runs import list_runs


@pytest.fixture
def three(make_run, make_segment, tmp_path):
    """An ended, a dead and a running run, in this order of time."""
    ended = make_run(scan_name="saturation", isotopes=(84,), metadata={"sample": "Ice Core 7"})
    ended.segment(make_segment(0))
    ended.segment(make_segment(1, flag="lost frames"))
    ended.close(RunState.COMPLETE)
    dead = make_run(scan_name="spectrum")
    dead.abandon()
    running = make_run(scan_name="spectrum", isotopes=(81, 83))
    return ended, dead, running


def test_runs_are_listed_newest_first_with_their_state(three, tmp_path) -> None:
    ended, dead, running = three
    entries = Catalogue(tmp_path / "data").runs()
    assert [e.run_id for e in entries] == [running.run_id, dead.run_id, ended.run_id]
    assert [e.state for e in entries] == [
        RunState.RUNNING,
        RunState.CRASHED,
        RunState.COMPLETE,
    ]
    assert entries[2].segments == 2
    assert entries[2].flagged == 1
    assert entries[0].isotopes == "81Kr, 83Kr"


def test_a_run_under_way_is_told_without_a_duration(three, tmp_path) -> None:
    listed = list_runs(tmp_path / "data", "", 10)["runs"]
    assert [run["state"] for run in listed] == ["running", "crashed", "complete"]
    assert listed[0]["duration_s"] is None
    assert all(run["duration_s"] >= 0.0 for run in listed[1:])


def test_search_narrows_by_everything_given(three, tmp_path) -> None:
    ended, dead, running = three
    catalogue = Catalogue(tmp_path / "data")
    assert [e.run_id for e in catalogue.runs("ice core")] == [ended.run_id]
    assert [e.run_id for e in catalogue.runs("SPECTRUM", isotope=81)] == [running.run_id]
    assert [e.run_id for e in catalogue.runs(state=RunState.CRASHED)] == [dead.run_id]
    middle = catalogue.runs(isotope=85)[0].start_utc_s
    assert [e.run_id for e in catalogue.runs(since_utc_s=middle)] == [
        running.run_id,
        dead.run_id,
    ]
    assert [e.run_id for e in catalogue.runs(until_utc_s=middle)] == [ended.run_id]
    assert catalogue.runs("100%") == ()


def test_changes_on_disk_are_followed(three, tmp_path, clock) -> None:
    ended, dead, running = three
    catalogue = Catalogue(tmp_path / "data")
    assert len(catalogue.runs()) == 3
    running.abandon()  # its journal does not change, its state does
    assert catalogue.runs()[0].state is RunState.CRASHED
    close_dead_runs([running.folder], rig_now=clock, utc_now=clock)
    assert catalogue.runs()[0].state is RunState.CRASHED
    shutil.rmtree(ended.folder)
    assert [e.run_id for e in catalogue.runs()] == [running.run_id, dead.run_id]


def test_one_run_can_be_brought_up_to_date(three, tmp_path) -> None:
    _, _, running = three
    catalogue = Catalogue(tmp_path / "data")
    catalogue.refresh()
    running.close(RunState.ABORTED)
    catalogue.update(running.folder)
    with sqlite3.connect(catalogue.path) as base:
        query = "SELECT state FROM runs WHERE run_id = ?"
        (state,) = base.execute(query, [running.run_id]).fetchone()
    base.close()
    assert state == "aborted"
    catalogue.close()
    assert [p.name for p in (tmp_path / "data").glob(f"{FILE}*")] == [FILE]


def test_a_rebuilt_catalogue_equals_the_one_that_grew(three, tmp_path) -> None:
    catalogue = Catalogue(tmp_path / "data")
    before = catalogue.runs()
    catalogue.rebuild()
    assert catalogue.runs() == before
    for path in (tmp_path / "data").glob(f"{FILE}*"):
        path.unlink()
    assert Catalogue(tmp_path / "data").runs() == before


def test_only_what_changed_is_read_again(
    three, tmp_path, monkeypatch: pytest.MonkeyPatch, make_segment
) -> None:
    _, _, running = three
    catalogue = Catalogue(tmp_path / "data")
    catalogue.refresh()
    read = []

    def watched(folder):
        read.append(folder.name)
        return opened(folder)

    from atta_daq.archive import catalogue as module

    opened = module.open_run
    monkeypatch.setattr(module, "open_run", watched)
    catalogue.refresh()
    assert read == []
    running.segment(make_segment(0))
    catalogue.refresh()
    assert read == [running.run_id]


def test_a_run_is_found_by_name_beginning_and_last(three, tmp_path) -> None:
    ended, _, running = three
    catalogue = Catalogue(tmp_path / "data")
    assert catalogue.resolve(ended.run_id) == ended.folder
    assert catalogue.resolve(ended.run_id[:14]) == ended.folder
    assert catalogue.resolve("last") == running.folder


def test_an_unknown_run_brings_the_nearest_names(three, tmp_path) -> None:
    ended, dead, running = three
    catalogue = Catalogue(tmp_path / "data")
    wrong = ended.run_id.replace("saturation", "satturation")
    with pytest.raises(UnknownRun) as caught:
        catalogue.resolve(wrong)
    assert caught.value.nearest[0] == ended.run_id
    assert ended.run_id in str(caught.value)
    with pytest.raises(UnknownRun) as caught:
        catalogue.resolve("spectrum")
    assert set(caught.value.nearest) == {dead.run_id, running.run_id}
    shared = "2027"
    with pytest.raises(UnknownRun) as caught:
        catalogue.resolve(shared)
    assert len(caught.value.nearest) == 3


def test_an_empty_folder_says_so(tmp_path) -> None:
    with pytest.raises(UnknownRun, match="holds no runs"):
        Catalogue(tmp_path / "data").resolve("last")


def test_a_damaged_run_is_left_out_and_logged(
    three, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    ended, _, _ = three
    catalogue = Catalogue(tmp_path / "data")
    assert len(catalogue.runs()) == 3
    lines = (ended.folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (ended.folder / JOURNAL).write_bytes(lines[0] + lines[2])
    assert len(catalogue.runs()) == 2
    assert any(r.levelno == logging.WARNING and "line 2" in r.message for r in caplog.records)


def test_a_catalogue_of_another_schema_is_built_anew(three, tmp_path) -> None:
    catalogue = Catalogue(tmp_path / "data")
    before = catalogue.runs()
    base = sqlite3.connect(catalogue.path)
    base.execute("ALTER TABLE runs DROP COLUMN note")
    base.execute("PRAGMA user_version = 99")
    base.commit()
    base.close()
    assert Catalogue(tmp_path / "data").runs() == before
