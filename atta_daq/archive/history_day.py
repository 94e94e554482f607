"""The history of the day under way: one SQLite file, a row a second, on the medium at every commit.

Rows are only added. SQLite's write-ahead log keeps every committed row through kill -9, and with
`synchronous = FULL` through a power cut; readers in other processes see it grow. A finished day is
packed (`history_pack`) and this file goes.
"""

import json
import logging
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from atta_daq.archive.history_records import AlarmEvent, Column, Samples, aligned, merged

_log = logging.getLogger(__name__)

SCHEMA = 1
PAGE_BYTES = 4096
_TABLES = f"""
CREATE TABLE layout (id INTEGER PRIMARY KEY, columns TEXT NOT NULL);
CREATE TABLE sample (
    number INTEGER PRIMARY KEY, layout INTEGER NOT NULL, utc_s REAL NOT NULL, rig_s REAL NOT NULL,
    crc INTEGER NOT NULL, value BLOB NOT NULL
);
CREATE TABLE alarm (
    number INTEGER PRIMARY KEY, utc_s REAL, rig_s REAL, event TEXT, id TEXT, source TEXT,
    severity TEXT, text TEXT
);
PRAGMA user_version = {SCHEMA};
"""

Row = tuple[float, float, bytes]
"""UTC, rig time, float32 values in the order of the columns."""


class DayWriter:
    """Appends to the file of one day. Used by one thread at a time."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        """Makes the file or goes on with it. Raises sqlite3.Error for one that is damaged."""
        self.path = path
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._base.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            (version,) = self._base.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._base.executescript(f"BEGIN;{_TABLES}COMMIT;")
            elif version != SCHEMA:
                raise sqlite3.DatabaseError(f"schema {version}, not {SCHEMA}")
            (verdict,) = self._base.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            _layouts(self._base)
            self._layout = self._layout_of(columns)
            (self.samples,) = self._base.execute("SELECT count(*) FROM sample").fetchone()
        except sqlite3.Error:
            self._base.close()
            raise

    def _layout_of(self, columns: Sequence[Column]) -> int:
        text = json.dumps([asdict(column) for column in columns])
        found = self._base.execute("SELECT id FROM layout WHERE columns = ?", (text,)).fetchone()
        if found:
            return int(found[0])
        return int(
            self._base.execute("INSERT INTO layout (columns) VALUES (?)", (text,)).lastrowid or 0
        )

    def append(self, rows: Sequence[Row], alarms: Sequence[AlarmEvent] = ()) -> None:
        """All of it or, with sqlite3.Error (a full disk), nothing; on the medium on return."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            self._base.executemany(
                "INSERT INTO sample (layout, utc_s, rig_s, crc, value) VALUES (?, ?, ?, ?, ?)",
                [(self._layout, utc, rig, zlib.crc32(value), value) for utc, rig, value in rows],
            )
            self._base.executemany(
                "INSERT INTO alarm (utc_s, rig_s, event, id, source, severity, text) "
                "VALUES (:utc_s, :rig_s, :event, :id, :source, :severity, :text)",
                [asdict(alarm) for alarm in alarms],
            )
            self._base.execute("COMMIT")
        except sqlite3.Error:
            # SQLite may have rolled back by itself.
            with suppress(sqlite3.Error):
                self._base.execute("ROLLBACK")
            raise
        self.samples += len(rows)

    def close(self) -> None:
        """Fold the write-ahead log into the file. Idempotent."""
        with suppress(sqlite3.Error):
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._base.close()


class DayReader:
    """Reads a day's file, which may be growing in another process. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10.0)
        try:
            self._layouts = _layouts(self._base)
        except sqlite3.Error:
            self._base.close()
            raise
        self.columns = merged(list(self._layouts.values()))

    def __enter__(self) -> "DayReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def count(self) -> int:
        """Number of samples."""
        return int(self._base.execute("SELECT count(*) FROM sample").fetchone()[0])

    def range(self) -> tuple[float, float] | None:
        """Earliest and latest UTC; None without a sample."""
        low, high = self._base.execute("SELECT min(utc_s), max(utc_s) FROM sample").fetchone()
        return None if low is None else (low, high)

    def samples(self, since_s: float = -np.inf, until_s: float = np.inf) -> Samples:
        """The samples of a stretch of UTC, in the order of taking. Raises sqlite3.Error, also
        for a row whose check sum is wrong."""
        return self._made(list(self._rows(since_s, until_s)))

    def _rows(self, since_s: float, until_s: float) -> Iterator[tuple[float, float, int, bytes]]:
        """One by one: those before a damaged page are good."""
        cursor = self._base.execute(
            "SELECT number, crc, utc_s, rig_s, layout, value FROM sample "
            "WHERE utc_s >= ? AND utc_s <= ? ORDER BY number",
            (since_s, until_s),
        )
        for number, crc, *row in cursor:
            if zlib.crc32(row[-1]) != crc:
                raise sqlite3.DatabaseError(f"sample {number} has a wrong check sum")
            yield tuple(row)

    def _made(self, rows: Sequence[tuple[float, float, int, bytes]]) -> Samples:
        values = np.full((len(rows), len(self.columns)), np.nan, np.float32)
        layouts = np.array([row[2] for row in rows], dtype=np.int64)
        for layout, columns in self._layouts.items():
            mine = np.flatnonzero(layouts == layout).tolist()
            if mine:
                raw = b"".join(rows[i][3] for i in mine)
                table = np.frombuffer(raw, "<f4").reshape(len(mine), len(columns))
                values[mine] = aligned(table, columns, self.columns)
        return Samples(
            np.array([row[0] for row in rows], dtype=np.float64),
            np.array([row[1] for row in rows], dtype=np.float64),
            self.columns,
            values,
        )

    def alarms(self) -> tuple[AlarmEvent, ...]:
        """Every event, in order."""
        cursor = self._base.execute(
            "SELECT utc_s, rig_s, event, id, source, severity, text FROM alarm ORDER BY number"
        )
        return tuple(AlarmEvent(*row) for row in cursor)


def _layouts(base: sqlite3.Connection) -> dict[int, tuple[Column, ...]]:
    """Columns by layout. Raises sqlite3.DatabaseError for one that cannot be read: it is damage."""
    found = {}
    for number, text in base.execute("SELECT id, columns FROM layout ORDER BY id"):
        try:
            found[int(number)] = tuple(Column(**column) for column in json.loads(text))
        except (ValueError, TypeError) as error:
            raise sqlite3.DatabaseError(f"layout {number} cannot be read: {error}") from error
    return found


def remove(path: Path) -> None:
    """Delete a day's file with what SQLite keeps beside it."""
    for beside in ("", "-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def salvage(damaged: Path, fresh: Path) -> tuple[int, str]:
    """Copy what can be read of a damaged file, up to the first row that cannot, into a new one.

    Returns the number of samples that were saved, and what was wrong. `damaged` is left as it is.
    """
    rows: list[tuple[float, float, int, bytes]] = []
    alarms: tuple[AlarmEvent, ...] = ()
    columns: tuple[Column, ...] = ()
    samples: Samples | None = None
    why = "nothing is wrong with it"
    try:
        with DayReader(damaged) as reader:
            columns = reader.columns
            try:
                with suppress(sqlite3.Error):
                    alarms = reader.alarms()
                for row in reader._rows(-np.inf, np.inf):
                    rows.append(row)
            finally:
                samples = reader._made(rows)
    except (sqlite3.Error, ValueError, TypeError) as error:
        why = str(error)
    with closing(DayWriter(fresh, columns)) as writer:
        if samples is not None:
            writer.append(
                [
                    (float(utc), float(rig), value.tobytes())
                    for utc, rig, value in zip(
                        samples.utc_s, samples.rig_s, samples.values, strict=True
                    )
                ],
                alarms,
            )
    return 0 if samples is None else len(samples), why
