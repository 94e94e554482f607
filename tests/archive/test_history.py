"""The history on disk: nothing lost by a kill, a full disk, a clock that is set or a bad block."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from atta_daq.archive import history_day, history_folder
from atta_daq.archive.history_day import DayReader, DayWriter, Row
from atta_daq.archive.history_folder import (
    DayFile,
    HistoryFolder,
    day_files,
    new_day,
    pack_day,
    set_aside,
    total_bytes,
    trim,
)
from atta_daq.archive.history_pack import PackedDay, pack, thin
from atta_daq.archive.history_records import AlarmEvent, Column, Samples

NOON = 1_790_000_000.0 - 1_790_000_000.0 % 86400 + 43200.0
COLUMNS = (Column("lock:rms", "MHz", "rms"), Column("camera:gain", "", "EM gain"))


def rows(utc_s: Sequence[float], value: float = 0.0) -> list[Row]:
    """One row for each time; the first column counts up from `value`."""
    return [
        (t, 2.0 * t, np.array([value + i, 300.0], "<f4").tobytes()) for i, t in enumerate(utc_s)
    ]


def write(path: Path, utc_s: Sequence[float], value: float = 0.0) -> None:
    writer = DayWriter(path, COLUMNS)
    writer.append(rows(utc_s, value), [alarm(utc_s[0])])
    writer.close()


def alarm(utc_s: float) -> AlarmEvent:
    return AlarmEvent(utc_s, 2.0 * utc_s, "raised", "lock", "lock", "major", "öffen: 1/2 \n x")


def samples(n: int, k: int, seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    columns = tuple(Column(f"reading:{i}", "V", "a number") for i in range(k))
    values = rng.normal(size=(n, k)).astype(np.float32)
    return Samples(NOON + np.arange(n), NOON + 3.0 * np.arange(n), columns, values)


def test_what_goes_in_comes_out_before_and_after_it_is_packed(tmp_path: Path) -> None:
    times = [NOON + i for i in range(200)]
    path = new_day(tmp_path, NOON)
    write(path, times)
    folder = HistoryFolder(tmp_path)
    before = folder.seconds(["lock:rms"], NOON + 10, NOON + 20)
    minutes = folder.minutes(["lock:rms", "camera:gain"])
    pack_day(day_files(tmp_path)[0])
    assert [file.suffix for file in tmp_path.iterdir()] == [".h5"]
    after = folder.seconds(["lock:rms"], NOON + 10, NOON + 20)
    for past in (before, after):
        assert past.seconds is not None
        assert past.columns == COLUMNS[:1]
        assert past.seconds.utc_s.tolist() == times[10:21]
        assert past.seconds.rig_s.tolist() == [2.0 * t for t in times[10:21]]
        assert past.seconds.of("lock:rms").tolist() == list(range(10, 21))
    packed = folder.minutes(["lock:rms", "camera:gain"])
    assert minutes.minutes is not None
    assert packed.minutes is not None
    assert minutes.minutes.samples.tolist() == packed.minutes.samples.tolist() == [60, 60, 60, 20]
    assert packed.minutes.of("lock:rms")[1].tolist() == [60.0, 89.5, 119.0]
    np.testing.assert_array_equal(minutes.minutes.values, packed.minutes.values)
    assert folder.alarms().alarms == (alarm(NOON),)
    assert folder.columns() == COLUMNS
    with pytest.raises(KeyError, match="nothing"):
        folder.seconds(["nothing"])


def test_alarms_of_a_night_open_no_file_that_was_finished_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = NOON + 43200.0
    for day in range(4):
        begin_s = NOON + 86400.0 * day
        # The last event before a file is changed may come a moment after midnight.
        writer = DayWriter(new_day(tmp_path, begin_s), COLUMNS)
        events = [alarm(begin_s), alarm(midnight + 86400.0 * day + 1.0)]
        writer.append(rows([begin_s]), events)
        writer.close()
    opened: list[str] = []

    def opening(file: DayFile) -> DayReader | PackedDay:
        opened.append(file.date)
        return DayReader(file.path)

    monkeypatch.setattr(history_folder, "_opened", opening)
    since_s = midnight + 2 * 86400.0
    past = HistoryFolder(tmp_path).alarms(since_s)
    assert [event.utc_s for event in past.alarms] == [
        since_s + 1.0, NOON + 3 * 86400.0, midnight + 3 * 86400.0 + 1.0,
    ]  # fmt: skip
    assert opened == [file.date for file in day_files(tmp_path)][2:]


def test_alarms_from_before_a_clock_was_set_right_are_found_in_the_file_of_a_wrong_day(
    tmp_path: Path,
) -> None:
    """The computer's clock came up two days ahead; the file goes on when it is set right."""
    writer = DayWriter(new_day(tmp_path, NOON + 2 * 86400.0), COLUMNS)
    writer.append(rows([NOON + 2 * 86400.0]), [alarm(NOON + 60.0)])
    writer.close()
    past = HistoryFolder(tmp_path).alarms(NOON, NOON + 3600.0)
    assert past.alarms == (alarm(NOON + 60.0),)


def test_any_hdf5_reader_opens_a_packed_day(tmp_path: Path) -> None:
    """Through HDF5's own filters, not through the code that wrote it."""
    made = samples(500, 3)
    made.values[3, 1] = np.nan
    pack(tmp_path / "day.h5", made, [])
    with h5py.File(tmp_path / "day.h5") as file:
        value = file["seconds/value"]
        assert value.compression == "gzip"
        assert value.shuffle
        np.testing.assert_array_equal(value[()], made.values)
        np.testing.assert_array_equal(file["seconds/utc_s"][()], made.utc_s)
        assert file["column"][0].item()[0] == b"reading:0"
        expected = np.nanmean(made.values[:60].astype(float), axis=0)
        np.testing.assert_allclose(file["minutes/value"][0, :, 1], expected, rtol=1e-6)


def test_a_clock_set_back_loses_no_sample_and_keeps_the_order(tmp_path: Path) -> None:
    """Over midnight, where the day's file is finished: the order of taking is the files' number."""
    first = new_day(tmp_path, NOON)
    write(first, [NOON, NOON + 1, NOON - 3600, NOON - 3599])
    pack_day(day_files(tmp_path)[0])
    second = new_day(tmp_path, NOON - 86400.0)
    assert second.name.startswith("000002_")
    write(second, [NOON - 86400.0, NOON - 86399.0], value=4.0)
    past = HistoryFolder(tmp_path).seconds(["lock:rms"])
    assert past.seconds is not None
    assert past.seconds.of("lock:rms").tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    minutes = HistoryFolder(tmp_path).minutes(["lock:rms"])
    assert minutes.minutes is not None
    assert minutes.minutes.samples.tolist() == [2, 2, 2]


def test_columns_may_change_from_one_start_to_the_next(tmp_path: Path) -> None:
    path = new_day(tmp_path, NOON)
    write(path, [NOON, NOON + 1])
    more = (*COLUMNS[:1], Column("slow:pressure", "mbar", "p"))
    writer = DayWriter(path, more)
    writer.append(rows([NOON + 2], 7.0))
    writer.close()
    past = HistoryFolder(tmp_path).seconds(["slow:pressure", "lock:rms", "camera:gain"])
    assert past.seconds is not None
    np.testing.assert_array_equal(past.seconds.of("lock:rms"), [0.0, 1.0, 7.0])
    np.testing.assert_array_equal(past.seconds.of("slow:pressure"), [np.nan, np.nan, 300.0])
    np.testing.assert_array_equal(past.seconds.of("camera:gain"), [300.0, 300.0, np.nan])


KILLED = """
import sys, time
import numpy as np
from pathlib import Path
from atta_daq.archive.history_day import DayWriter
from atta_daq.archive.history_records import Column
writer = DayWriter(Path(sys.argv[1]), [Column("lock:rms"), Column("camera:gain")])
for i in range(100000):
    writer.append([(1.0 + i, 2.0 + i, np.array([i, 300], "<f4").tobytes())])
    print(i, flush=True)
"""


def test_kill_9_costs_no_committed_sample(tmp_path: Path) -> None:
    path = tmp_path / "000001_2026-09-21.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        last = -1
        for line in writer.stdout:
            last = int(line)
            if last >= 150:
                os.kill(writer.pid, signal.SIGKILL)
                break
        rest = writer.stdout.read().split()
        last = int(rest[-1]) if rest else last
    with DayReader(path) as reader:
        kept = reader.samples().of("lock:rms")
    # One more may have been committed and not told.
    assert len(kept) in (last + 1, last + 2)
    np.testing.assert_array_equal(kept, np.arange(len(kept)))
    again = DayWriter(path, COLUMNS)
    again.append(rows([NOON]))
    assert again.samples == len(kept) + 1
    again.close()


def damage_tail(path: Path) -> None:
    """Overwrite the last third, as a dying disk would."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(2 * size // 3)
        file.write(os.urandom(size // 3))


def test_a_damaged_tail_is_found_and_what_is_before_it_saved(tmp_path: Path) -> None:
    path = new_day(tmp_path, NOON)
    write(path, [NOON + i for i in range(3000)])
    damage_tail(path)
    with pytest.raises(sqlite3.DatabaseError):
        DayWriter(path, COLUMNS)
    aside = set_aside(day_files(tmp_path)[0])
    saved, why = history_day.salvage(aside, path)
    assert 1000 < saved < 3000
    assert why
    past = HistoryFolder(tmp_path).seconds(["lock:rms"])
    assert past.seconds is not None
    np.testing.assert_array_equal(past.seconds.of("lock:rms"), np.arange(saved))
    assert aside.exists()


def test_a_flipped_bit_in_a_row_is_not_taken_for_a_reading(tmp_path: Path) -> None:
    path = new_day(tmp_path, NOON)
    write(path, [NOON + i for i in range(10)])
    with sqlite3.connect(path) as base:
        base.execute(
            "UPDATE sample SET value = ? WHERE number = 5", (np.zeros(2, "<f4").tobytes(),)
        )
    base.close()
    past = HistoryFolder(tmp_path).seconds(["lock:rms"])
    assert "check sum" in past.unreadable[path.name]


def test_an_unreadable_packed_day_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    for day in range(2):
        write(new_day(tmp_path, NOON + 86400.0 * day), [NOON + 86400.0 * day])
        pack_day(day_files(tmp_path)[-1])
    first = day_files(tmp_path)[0].path
    first.write_bytes(first.read_bytes()[:100])
    past = HistoryFolder(tmp_path).seconds(["lock:rms"])
    assert list(past.unreadable) == [first.name]
    assert past.seconds is not None
    assert len(past.seconds) == 1
    # It may have been in the file that cannot be read.
    other = HistoryFolder(tmp_path).seconds(["nothing"])
    assert other.unreadable
    assert other.seconds is not None
    assert np.isnan(other.seconds.of("nothing")).all()
    assert HistoryFolder(tmp_path).alarms().alarms == (alarm(NOON + 86400.0),)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """SQLite's own refusal, by a bound on its pages."""
    path = new_day(tmp_path, NOON)
    write(path, [NOON])
    writer = DayWriter(path, COLUMNS)
    writer._base.execute("PRAGMA max_page_count = 10")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        writer.append(rows([NOON + 1 + i for i in range(2000)]))
    writer._base.execute("PRAGMA max_page_count = 100000")
    writer.append(rows([NOON + 1], 1.0))
    writer.close()
    with DayReader(path) as reader:
        assert reader.samples().of("lock:rms").tolist() == [0.0, 1.0]


def test_a_crash_while_packing_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Both files are there when the power goes between their two steps."""
    path = new_day(tmp_path, NOON)
    write(path, [NOON, NOON + 1])
    kept = path.read_bytes()
    pack_day(day_files(tmp_path)[0])
    path.write_bytes(kept)
    (file,) = day_files(tmp_path)
    assert file.packed
    past = HistoryFolder(tmp_path).seconds(["lock:rms"])
    assert past.seconds is not None
    assert len(past.seconds) == 2


def test_the_whole_stays_below_its_bound(tmp_path: Path) -> None:
    for day in range(6):
        made = samples(4000, 8, day)
        pack(tmp_path / f"{day + 1:06d}_2026-09-{day + 1:02d}.h5", made, [])
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "old.sqlite").write_bytes(b"x" * 50_000)
    whole = total_bytes(tmp_path)
    said = trim(tmp_path, whole - 60_000)
    assert total_bytes(tmp_path) <= whole - 60_000
    assert said[0].startswith("old.sqlite")
    assert said[1:] == ["2026-09-01: only its minutes are kept"]
    first = tmp_path / "000001_2026-09-01.h5"
    with PackedDay(first) as day:
        assert day.thinned
        assert day.samples(["reading:0"], 0.0, 1e12) is None
        assert len(day.minutes(["reading:0"], 0.0, 1e12)) == 67
    bound = 7 * first.stat().st_size // 2
    said = trim(tmp_path, bound)
    assert total_bytes(tmp_path) <= bound
    assert said[-1] == "2026-09-03: deleted"
    assert [file.date for file in day_files(tmp_path)] == [f"2026-09-{d:02d}" for d in (4, 5, 6)]
    assert trim(tmp_path, bound) == []


def test_thinning_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "000001_2026-09-01.h5"
    pack(path, samples(100, 2), [alarm(NOON)])
    thin(path)
    with PackedDay(path) as day:
        assert day.alarms() == (alarm(NOON),)
        assert day.range() == (NOON, NOON + 99.0)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("n", [0, 1, 60])
def test_short_days(tmp_path: Path, n: int) -> None:
    path = tmp_path / "000001_2026-09-01.h5"
    pack(path, samples(n, 2), [])
    with PackedDay(path) as day:
        assert len(day.minutes(["reading:1"], 0.0, 1e12)) == (n > 0)
        found = day.samples(["reading:1"], 0.0, 1e12)
        assert found is not None
        assert len(found) == n
