"""Room held back for a run's end: there, given back, and gone with the run."""

import os
from pathlib import Path
from typing import Any

import pytest

from atta_daq.archive.ballast import BYTES, FILE, Ballast
from atta_daq.archive.errors import WriteFailed
from atta_daq.archive.header import RunHeader
from atta_daq.archive.journal import Document, DocumentKind, JournalWriter
from atta_daq.archive.run_folder import RunState, RunWriter, close_dead_runs, open_run


def writer(data: Path) -> RunWriter:
    header = RunHeader("20260101-000000-85Kr-x-0001", "x", (85,), "co", ())
    return RunWriter.create(data, header, rig_now=lambda: 1.0, utc_now=lambda: 1.0)


def test_a_run_holds_room_and_gives_it_back_at_its_end(tmp_path: Path) -> None:
    run = writer(tmp_path)
    status = (run.folder / FILE).stat()
    assert status.st_size == BYTES
    assert status.st_blocks * 512 >= BYTES, "zeros that take no room are no ballast"
    run.close(RunState.COMPLETE)
    assert not (run.folder / FILE).exists()


def test_a_dead_runs_room_is_given_back_when_it_is_closed(tmp_path: Path) -> None:
    run = writer(tmp_path)
    folder = run.folder
    run._journal.close()
    run._lock.release()
    assert (folder / FILE).exists()
    closed = close_dead_runs([folder], rig_now=lambda: 2.0, utc_now=lambda: 2.0)
    assert closed == (folder.name,)
    assert not (folder / FILE).exists()


def test_no_room_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(WriteFailed, match=r"no room for a run.*free the disk"):
        Ballast(tmp_path / FILE)
    assert not (tmp_path / FILE).exists()
    with pytest.raises(WriteFailed):
        writer(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == [], "no folder of a run that never was"


def test_where_nothing_can_be_reserved_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    ballast = Ballast(tmp_path / FILE, 1 << 18)
    assert (tmp_path / FILE).read_bytes() != bytes(1 << 18)
    ballast.drop()
    ballast.drop()
    assert not (tmp_path / FILE).exists()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk on which a journal finds no room but that of the ballast."""
    append = JournalWriter.append

    def refused(self: JournalWriter, *arguments: Any, **more: Any) -> Document:
        if (self.path.parent / FILE).exists():
            raise WriteFailed("the disk is full")
        return append(self, *arguments, **more)

    monkeypatch.setattr(JournalWriter, "append", refused)


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> RunWriter:
    """A run that had begun before its disk was full."""
    begun = writer(tmp_path)
    request.getfixturevalue("full")
    return begun


def test_a_journal_that_is_refused_gives_the_room_back(run: RunWriter) -> None:
    with pytest.raises(WriteFailed):
        run.append(DocumentKind.RECOVERY, {"event": "suspended"})
    assert not (run.folder / FILE).exists()
    run.close(RunState.ABORTED, "the disk is full")
    assert open_run(run.folder).state is RunState.ABORTED


@pytest.mark.parametrize("kind", [DocumentKind.NOTE, DocumentKind.FIT])
def test_the_room_is_kept_while_the_run_goes_on(run: RunWriter, kind: DocumentKind) -> None:
    """What others take meanwhile of the room would lack when the frames are closed."""
    with pytest.raises(WriteFailed):
        run.append(kind, {"text": "the lamp flickers"})
    assert (run.folder / FILE).stat().st_size == BYTES
    run.close(RunState.ABORTED, "the disk is full")
    assert open_run(run.folder).state is RunState.ABORTED


def test_a_dead_run_ends_in_the_room_that_was_held_for_it(run: RunWriter) -> None:
    run._journal.close()
    run._lock.release()
    closed = close_dead_runs([run.folder], rig_now=lambda: 2.0, utc_now=lambda: 2.0)
    assert closed == (run.run_id,)
    assert open_run(run.folder).stop is not None
