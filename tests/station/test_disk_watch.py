"""A disk that is nearly full suspends, says what to free, and lets go only with room to spare."""

from pathlib import Path

import pytest

from atta_daq.station import disk_watch
from atta_daq.station.disk_watch import DiskWatch

GB = 1_000_000_000


class Disk:
    def __init__(self, folder: Path, floor_gb: float = 2.0) -> None:
        self.free = 10 * GB
        self.now_s = 0.0
        self.looks = 0
        self.gone = False
        self.watch = DiskWatch(folder, floor_gb, self._free, lambda: self.now_s)

    def _free(self, _folder: Path) -> int:
        self.looks += 1
        if self.gone:
            raise FileNotFoundError("no such folder")
        return self.free

    def fault(self, free_gb: float) -> str:
        self.free = round(free_gb * GB)
        self.now_s += 1.0
        return self.watch.fault()


def test_it_says_how_much_is_free_and_how_much_to_free(tmp_path: Path) -> None:
    for name, size in (("20260101-a", 3000), ("20260102-b", 9000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "journal.jsonl").write_bytes(b"x" * size)
    disk = Disk(tmp_path)
    assert disk.fault(2.0) == ""
    said = disk.fault(1.5)
    assert "1.50 GB free" in said
    assert "faults.disk_free_min_gb = 2" in said
    assert "free 0.70 GB" in said
    assert said.index("20260102-b") < said.index("20260101-a"), "the largest first"


def test_a_run_that_is_moved_away_meanwhile_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making room is what the words ask for: it happens while they are made."""
    (tmp_path / "20260101-a").mkdir()
    (tmp_path / "20260101-a" / "journal.jsonl").write_bytes(b"x" * 20_000_000)
    gone = tmp_path / "20260102-b"
    monkeypatch.setattr(disk_watch, "run_folders", lambda folder: [*folder.iterdir(), gone])
    said = Disk(tmp_path).fault(1.5)
    assert "20260101-a (0.02 GB)" in said
    assert "20260102-b (0.00 GB)" in said


def test_its_words_stay_while_the_disk_fills(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    assert disk.fault(1.5) == disk.fault(1.2)


def test_it_lets_go_only_with_room_to_spare(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    assert disk.fault(1.9)
    assert disk.fault(2.1)
    assert disk.fault(2.2) == ""
    assert disk.fault(2.1) == ""


def test_the_disk_is_asked_once_a_second(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    for _ in range(50):
        disk.watch.fault()
    assert disk.looks == 1


def test_a_disk_that_is_gone_suspends(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.gone = True
    assert "is it mounted?" in disk.fault(10.0)
    disk.gone = False
    assert disk.fault(10.0) == ""


def test_a_floor_of_nothing_never_suspends(tmp_path: Path) -> None:
    assert Disk(tmp_path, floor_gb=0.0).fault(0.0) == ""
