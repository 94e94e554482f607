"""Which runs there are: an SQLite index that can be thrown away and rebuilt from the folders.

The folders are the truth. `refresh` looks at the journals that have grown since the last look, so
listing a year of runs reads only the new ones.
"""

import difflib
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from atta_daq.archive.disk import make_folder
from atta_daq.archive.errors import ArchiveError, UnknownRun
from atta_daq.archive.run_folder import JOURNAL, OWNER, RunState, open_run, run_folders
from atta_daq.owner import is_held

_log = logging.getLogger(__name__)

FILE = "catalogue.sqlite"
_SCHEMA = 2
_NEAREST = 5
_COLUMNS = (
    "run_id, isotopes, scan_name, geometry, state, start_utc_s, end_utc_s, segments, flagged, "
    "origin, rig, operator, sample, note"
)


@dataclass(frozen=True)
class Entry:
    """One run in the catalogue."""

    run_id: str
    isotopes: str
    """As in '85Kr' or '81Kr, 85Kr'."""
    scan_name: str
    geometry: str
    state: RunState
    start_utc_s: float
    end_utc_s: float
    """Time of the last document."""
    segments: int
    flagged: int
    origin: str
    operator: str
    sample: str
    note: str
    rig: str = ""
    """Name of the rig that took it; empty: not known."""

    def measured_by(self, rig: str) -> bool:
        """Whether it was measured, and by this rig (empty: by any) or by one that is not known."""
        return self.origin != "imported" and (not rig or self.rig in ("", rig))


class Catalogue:
    """The runs below one data folder. Safe for several processes at once (WAL)."""

    def __init__(self, data: Path) -> None:
        self.data = data
        make_folder(data)
        self.path = data / FILE
        with self._open() as base:
            (version,) = base.execute("PRAGMA user_version").fetchone()
            if version != _SCHEMA:
                base.executescript(
                    f"""
                    DROP TABLE IF EXISTS runs;
                    CREATE TABLE runs (
                        run_id TEXT PRIMARY KEY, isotopes TEXT, scan_name TEXT, geometry TEXT,
                        state TEXT, start_utc_s REAL, end_utc_s REAL, segments INTEGER,
                        flagged INTEGER, origin TEXT, rig TEXT, operator TEXT, sample TEXT,
                        note TEXT, journal_bytes INTEGER, journal_ns INTEGER
                    );
                    PRAGMA user_version = {_SCHEMA};
                    """
                )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30.0)) as base:
            base.execute("PRAGMA journal_mode = WAL")
            # Losing the newest entry to a power cut is harmless: the next refresh finds it.
            base.execute("PRAGMA synchronous = NORMAL")
            with base:
                yield base

    def rebuild(self) -> int:
        """Forget everything and read every folder. Returns the number of runs."""
        with self._open() as base:
            base.execute("DELETE FROM runs")
        return self.refresh()

    def refresh(self) -> int:
        """Read the folders that are new or have changed, drop those that are gone.

        Returns the number of runs. A folder that cannot be read is left out and logged.
        """
        folders = {folder.name: folder for folder in run_folders(self.data)}
        with self._open() as base:
            known = {
                run_id: (state, size, changed)
                for run_id, state, size, changed in base.execute(
                    "SELECT run_id, state, journal_bytes, journal_ns FROM runs"
                )
            }
        gone = known.keys() - folders.keys()
        rows = []
        for name, folder in folders.items():
            status = (folder / JOURNAL).stat()
            as_stored = known.get(name)
            if as_stored is not None:
                state, *stamp = as_stored
                unchanged = stamp == [status.st_size, status.st_mtime_ns]
                alive = state == RunState.RUNNING
                if unchanged and not (alive and not is_held(folder / OWNER)):
                    continue
            try:
                rows.append((*_row(folder), status.st_size, status.st_mtime_ns))
            except (ArchiveError, KeyError, TypeError, ValueError) as error:
                _log.warning("%s is left out of the catalogue: %s", folder, error)
                gone = gone | ({name} & known.keys())
        self._store(rows)
        with self._open() as base:
            base.executemany("DELETE FROM runs WHERE run_id = ?", [(name,) for name in gone])
            (count,) = base.execute("SELECT count(*) FROM runs").fetchone()
        return count

    def update(self, folder: Path) -> None:
        """Read one run anew, for the writer that has just ended it. Raises as `open_run`."""
        status = (folder / JOURNAL).stat()
        self._store([(*_row(folder), status.st_size, status.st_mtime_ns)])

    def close(self) -> None:
        """Fold the write-ahead log into the file, so that one file is left to copy."""
        with self._open() as base:
            base.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _store(self, rows: list[tuple[str | float | int, ...]]) -> None:
        marks = ", ".join("?" * (len(_COLUMNS.split(",")) + 2))
        with self._open() as base:
            base.executemany(
                f"INSERT OR REPLACE INTO runs ({_COLUMNS}, journal_bytes, journal_ns) "
                f"VALUES ({marks})",
                rows,
            )

    def runs(
        self,
        text: str = "",
        *,
        isotope: int | None = None,
        state: RunState | None = None,
        since_utc_s: float | None = None,
        until_utc_s: float | None = None,
    ) -> tuple[Entry, ...]:
        """Runs that match everything given, newest first, after a `refresh`.

        `text` is looked for in name, scan, operator, sample and note, in any case.
        """
        self.refresh()
        terms: list[str] = []
        values: list[str | float] = []
        if text:
            terms.append(
                "instr(lower(run_id || ' ' || scan_name || ' ' || operator || ' ' || sample || ' ' "
                "|| note), lower(?)) > 0"
            )
            values.append(text)
        if isotope is not None:
            terms.append("instr(isotopes, ?) > 0")
            values.append(f"{isotope}Kr")
        if state is not None:
            terms.append("state = ?")
            values.append(state.value)
        if since_utc_s is not None:
            terms.append("start_utc_s >= ?")
            values.append(since_utc_s)
        if until_utc_s is not None:
            terms.append("start_utc_s < ?")
            values.append(until_utc_s)
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        with self._open() as base:
            found = base.execute(
                f"SELECT {_COLUMNS} FROM runs{where} ORDER BY start_utc_s DESC, run_id DESC",
                values,
            ).fetchall()
        names = [column.strip() for column in _COLUMNS.split(",")]
        entries = (dict(zip(names, row, strict=True)) for row in found)
        return tuple(Entry(**{**entry, "state": RunState(entry["state"])}) for entry in entries)

    def resolve(self, name: str, before: str = "") -> Path:
        """The folder of a run: by its id, the beginning of exactly one id, or 'last' (the newest,
        or the newest of those that began before the run `before`).

        Raises `UnknownRun` with the nearest names; for a beginning that several share these are
        the ones that share it.
        """
        names = [entry.run_id for entry in self.runs()]
        if name in names:
            return self.data / name
        older = names[names.index(before) + 1 :] if before in names else names
        if name == "last" and older:
            return self.data / older[0]
        matching = [candidate for candidate in names if name and candidate.startswith(name)]
        if len(matching) == 1:
            return self.data / matching[0]
        raise UnknownRun(name, tuple(matching[:_NEAREST]) or _nearest(name, names), self.data)


def _nearest(name: str, names: list[str]) -> tuple[str, ...]:
    close = difflib.get_close_matches(name, names, _NEAREST, cutoff=0.5)
    # People type the part they remember: the scan's name or the hex at the end.
    inside = [candidate for candidate in names if name and name.lower() in candidate.lower()]
    ordered = dict.fromkeys([*inside, *close]) or dict.fromkeys(names)
    return tuple(ordered)[:_NEAREST]


def _row(folder: Path) -> tuple[str | float | int, ...]:
    run = open_run(folder)
    header = run.header
    segments = run.segments
    return (
        folder.name,
        header.label,
        header.scan_name,
        header.geometry,
        run.state.value,
        run.start.utc_s,
        run.content.documents[-1].utc_s,
        len(segments),
        sum(1 for segment in segments if segment.flag),
        header.origin,
        header.rig,
        header.metadata.get("operator", ""),
        header.metadata.get("sample", ""),
        header.metadata.get("note", ""),
    )
