"""Small files of the archive are written whole, or not at all."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from medium import recorded, synced

from atta_daq.archive import disk
from atta_daq.archive.disk import make_folder, write_whole


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such modes")
def test_others_may_read_a_file_and_not_write_it(tmp_path: Path, open_umask: None) -> None:
    path = write_whole(tmp_path / "fit.json", "{}\n")
    assert path.read_text() == "{}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_a_process_that_died_left_of_a_file_goes_with_the_next_one(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    left = tmp_path / f".fit.json.{gone.pid}.tmp"
    others = tmp_path / f".fit.json.{os.getppid()}.tmp"
    for path in (left, others):
        path.write_bytes(b"a part")
    write_whole(tmp_path / "fit.json", b"whole")
    assert not left.exists()
    assert others.exists(), "its process lives"


def test_a_disk_that_is_full_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_whole(tmp_path / "fit.json", "old")

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "sync_file", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert os.listdir(tmp_path) == ["fit.json"]
    assert path.read_text() == "old"


def test_a_file_is_whole_on_the_medium_before_it_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_whole(tmp_path / "fit.json", "old")
    did = recorded(monkeypatch)
    sizes: list[int] = []
    sync = disk.sync

    def with_size(file: int) -> None:
        sizes.append(os.fstat(file).st_size)
        sync(file)

    monkeypatch.setattr(disk, "sync", with_size)
    write_whole(path, "the new one")
    (file,) = synced(path)
    assert did == [file, ("replace", file[1]), *synced(tmp_path)]
    assert sizes == [len("the new one")]


def test_a_power_cut_leaves_a_folder_that_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    did = recorded(monkeypatch)
    make_folder(tmp_path / "data" / "calibrations" / "rig")
    assert sorted(did) == sorted(
        synced(tmp_path, tmp_path / "data", tmp_path / "data" / "calibrations")
    )
    did.clear()
    make_folder(tmp_path / "data" / "calibrations")
    assert did == [], "it was there"
