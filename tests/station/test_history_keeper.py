"""The history's thread: what waits, what a full disk costs, how days end, how damage is told."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from atta_daq.archive import history_pack
from atta_daq.archive.history_day import DayWriter
from atta_daq.archive.history_folder import HistoryFolder, day_files, total_bytes
from atta_daq.archive.history_records import Column
from atta_daq.client.log import Alarm
from atta_daq.station import history_keeper
from atta_daq.station.history_keeper import WAITING_MOST, HistoryKeeper, day_bytes_most

COLUMNS = (Column("lock:rms", "MHz"), Column("camera:gain"))
EVENING = 1_790_000_000.0 - 1_790_000_000.0 % 86400 + 86390.0
DAY_S = 86400.0


class Desk:
    """A keeper with a clock, a disk and a log that a test sets."""

    def __init__(self, folder: Path, keep_bytes: int = 10**9) -> None:
        self.folder = folder
        self.utc_s = EVENING
        self.free = 10**12
        self.said: list[str] = []
        self.taken = 0
        self.keeper = HistoryKeeper(
            folder, COLUMNS, keep_bytes, self._say, lambda: self.utc_s, lambda: 2.0 * self.utc_s,
            free_bytes=lambda _folder: self.free,
        )  # fmt: skip

    def _say(self, text: str, level: str = "info", source: str = "station") -> None:
        self.said.append(text)

    def take(self, samples: int, step_s: float = 1.0) -> None:
        for _ in range(samples):
            self.keeper.add(self.utc_s, 2.0 * self.utc_s, np.array([self.taken, 300.0], "<f4"))
            self.taken += 1
            self.utc_s += step_s

    def kept(self) -> list[float]:
        past = HistoryFolder(self.folder).seconds(["lock:rms"])
        assert not past.unreadable
        assert past.seconds is not None
        return past.seconds.of("lock:rms").tolist()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20.0
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "history" / "rig")


def test_a_new_day_is_a_new_file_and_the_old_one_is_packed(desk: Desk) -> None:
    desk.take(5)
    desk.keeper.step()
    desk.take(10)
    desk.keeper.step()
    desk.keeper.close()
    assert [file.packed for file in day_files(desk.folder)] == [True, False]
    assert desk.kept() == list(range(15))


def test_a_clock_set_back_over_midnight_or_by_years_loses_nothing(desk: Desk) -> None:
    for jump_s in (20.0, -3600.0, 400 * DAY_S, -400 * DAY_S, 0.0):
        desk.utc_s += jump_s
        desk.take(4)
        desk.keeper.step()
    desk.keeper.close()
    assert desk.kept() == list(range(20))


def test_a_day_that_does_not_end_ends_by_its_number_of_samples(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock was years ahead and has been set right: no day is over for years."""
    monkeypatch.setattr(history_keeper, "DAY_SAMPLES_MOST", 8)
    desk.utc_s += 3000 * DAY_S
    desk.take(2)
    desk.keeper.step()
    desk.utc_s -= 3000 * DAY_S
    for _ in range(5):
        desk.take(3)
        desk.keeper.step()
    desk.keeper.close()
    assert len(day_files(desk.folder)) == 2
    assert desk.kept() == list(range(17))


def test_a_full_disk_stops_the_history_with_an_alarm_and_costs_nothing_at_first(desk: Desk) -> None:
    desk.take(3)
    desk.keeper.step()
    desk.free = 10**8
    desk.take(20)
    desk.keeper.step()
    (cause,) = desk.keeper.causes()
    assert cause.id == "history"
    assert "500 MB" in cause.text
    desk.free = 10**12
    desk.take(1)
    desk.keeper.step()
    assert desk.keeper.causes() == []
    assert desk.said == ["readings and alarms are kept on disk again; nothing is lost"]
    desk.keeper.close()
    assert desk.kept() == list(range(24))


def test_of_a_long_full_disk_the_last_minutes_are_kept_and_the_loss_is_told(desk: Desk) -> None:
    desk.free = 0
    desk.take(WAITING_MOST + 50)
    desk.keeper.step()
    desk.take(25)
    desk.free = 10**12
    desk.keeper.step()
    desk.keeper.close()
    assert desk.said == ["readings and alarms are kept on disk again; 75 samples are lost"]
    assert desk.kept() == list(range(75, WAITING_MOST + 75))


def test_sqlite_that_refuses_is_an_alarm_and_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take(3)
    with monkeypatch.context() as broken:

        def refuse(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        broken.setattr(DayWriter, "append", refuse)
        desk.keeper.step()
        assert "disk is full" in desk.keeper.causes()[0].text
    desk.keeper.step()
    assert desk.keeper.causes() == []
    desk.keeper.close()
    assert desk.kept() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("error", [RuntimeError("unable to write"), ValueError("damaged")])
def test_whatever_goes_wrong_is_an_alarm_and_the_thread_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(history_keeper, "COMMIT_S", 0.02)
    with monkeypatch.context() as broken:

        def refuse(*_: object) -> None:
            raise error

        broken.setattr(DayWriter, "append", refuse)
        desk.take(3)
        desk.keeper.start()
        until(desk.keeper.causes)
        assert str(error) in desk.keeper.causes()[0].text
    until(lambda: not desk.keeper.causes())
    desk.keeper.close()
    assert desk.kept() == [0.0, 1.0, 2.0]


def test_hdf5_that_refuses_a_packed_day_is_an_alarm_and_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """h5py raises RuntimeError, not OSError, where HDF5 refuses in the wrong call."""
    desk.take(5)
    desk.keeper.step()
    desk.utc_s += DAY_S
    desk.take(2)
    with monkeypatch.context() as broken:

        def refuse(*_: object) -> None:
            raise RuntimeError("unable to flush file's cached information")

        broken.setattr(history_pack, "_write", refuse)
        desk.keeper.step()
        assert "unable to flush" in desk.keeper.causes()[0].text
    desk.keeper.step()
    assert desk.keeper.causes() == []
    desk.keeper.close()
    assert desk.kept() == list(range(7))


def test_a_damaged_description_of_the_columns_is_set_aside_like_other_damage(desk: Desk) -> None:
    desk.take(3)
    desk.keeper.step()
    desk.keeper.close()
    (file,) = day_files(desk.folder)
    with closing(sqlite3.connect(file.path)) as base:
        base.execute("UPDATE layout SET columns = '[{\"name\": '")
        base.commit()
    again = Desk(desk.folder)
    again.taken = 10
    again.take(2)
    again.keeper.step()
    assert again.keeper.causes() == []
    again.keeper.close()
    (said,) = again.said
    assert "layout 1 cannot be read" in said
    assert again.kept() == [10.0, 11.0]
    assert len(list((desk.folder / "damaged").glob("*.sqlite"))) == 1


def test_what_a_kill_left_half_packed_is_removed(desk: Desk) -> None:
    desk.folder.mkdir(parents=True)
    left = desk.folder / ".000001_2026-09-21.h5.4711.tmp"
    left.write_bytes(b"x" * 1000)
    desk.take(3)
    desk.keeper.step()
    desk.keeper.close()
    assert not left.exists()
    assert desk.kept() == [0.0, 1.0, 2.0]


def test_a_disk_that_hangs_holds_nobody_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = threading.Event(), threading.Event()
    append = DayWriter.append

    def hang(*arguments: object) -> None:
        writing.set()
        assert go_on.wait(20.0)
        append(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(DayWriter, "append", hang)
    desk.take(3)
    disk = threading.Thread(target=desk.keeper.step)
    disk.start()
    assert writing.wait(20.0)
    # The disk hangs now: samples and alarms are taken all the same.
    desk.take(WAITING_MOST)
    desk.keeper.alarm(
        "raised", Alarm("lock", "lock", "open", "major", 0.0, active=True, acknowledged=False)
    )
    assert desk.keeper.causes() == []
    go_on.set()
    disk.join()
    desk.keeper.step()
    desk.keeper.close()
    assert desk.kept() == list(range(WAITING_MOST + 3))
    assert len(HistoryFolder(desk.folder).alarms().alarms) == 1


def test_damage_is_set_aside_and_said_and_the_station_goes_on(desk: Desk) -> None:
    for _ in range(3):
        desk.utc_s = EVENING - 5000.0
        desk.take(900, step_s=0.1)
        desk.keeper.step()
    desk.keeper.close()
    (file,) = day_files(desk.folder)
    size = file.path.stat().st_size
    with file.path.open("r+b") as raw:
        raw.seek(3 * size // 4)
        raw.write(os.urandom(size // 4))
    again = Desk(desk.folder)
    again.utc_s = EVENING
    again.taken = 10_000
    again.take(2)
    again.keeper.step()
    again.keeper.close()
    assert len(again.said) == 1
    assert "was damaged" in again.said[0]
    assert len(list((desk.folder / "damaged").glob("*.sqlite"))) == 1
    kept = again.kept()
    assert kept[-2:] == [10_000.0, 10_001.0]
    assert 1000 < len(kept) < 2700
    assert kept[:-2] == list(range(len(kept) - 2))


def test_the_folder_stays_below_what_the_rig_file_allows(tmp_path: Path) -> None:
    keep = day_bytes_most(len(COLUMNS)) + 30_000
    desk = Desk(tmp_path / "rig", keep)
    for _ in range(12):
        desk.take(600)
        desk.keeper.step()
        desk.utc_s += DAY_S
        assert total_bytes(desk.folder) <= keep
    desk.keeper.close()
    assert any("only its minutes" in line for line in desk.said)
    assert total_bytes(desk.folder) <= keep
    packed = [file for file in day_files(desk.folder) if file.packed]
    assert sum(file.size_bytes for file in packed) <= 30_000


def test_alarms_and_their_ends_are_kept(desk: Desk) -> None:
    alarm = Alarm("lock", "lock", "open", "major", EVENING, active=True, acknowledged=False)
    desk.keeper.alarm("raised", alarm)
    desk.keeper.alarm("over", alarm)
    desk.keeper.step()
    desk.keeper.close()
    events = HistoryFolder(desk.folder).alarms().alarms
    assert [(e.event, e.id, e.rig_s) for e in events] == [
        ("raised", "lock", 2.0 * EVENING),
        ("over", "lock", 2.0 * EVENING),
    ]


def test_the_last_hours_are_there_after_a_restart(desk: Desk) -> None:
    desk.take(50)
    desk.keeper.step()
    desk.keeper.close()
    again = Desk(desk.folder)
    again.utc_s = desk.utc_s + 10.0
    past = again.keeper.recent(40.0)
    assert past is not None
    assert past.of("lock:rms").tolist() == list(range(20, 50))
    assert Desk(desk.folder.parent / "other").keeper.recent(100.0) is not None
