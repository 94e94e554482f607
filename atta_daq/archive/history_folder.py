"""All that is kept of a rig's readings and alarms: a folder of days, bounded as a whole.

    DATA/history/RIG/000041_2026-11-27.h5        finished days, packed (`history_pack`)
                     000042_2026-11-28.sqlite    the day under way (`history_day`)
                     damaged/                    what could not be read, set aside

The number in front is the order of taking: it holds when the clock was set back.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from atta_daq.archive import history_day
from atta_daq.archive.history_day import DayReader
from atta_daq.archive.history_pack import PackedDay, pack, thin
from atta_daq.archive.history_records import (
    AlarmEvent,
    Column,
    Minutes,
    Past,
    Samples,
    aligned,
    merged,
)

_log = logging.getLogger(__name__)

FOLDER = "history"
DAMAGED = "damaged"
DAY_S = 86400.0
LATE_S = 600.0
"""A file is written into for no longer than this after its day: until the next commit."""
_NAME = re.compile(r"(\d{6})_(\d{4}-\d\d-\d\d)\.(sqlite|h5)")


@dataclass(frozen=True)
class DayFile:
    """One file of the folder."""

    path: Path
    number: int
    date: str
    """UTC, ISO: when it was begun."""
    packed: bool

    @property
    def ended_s(self) -> float:
        """UTC after which nothing was written there. (It may hold times from before its date: a
        clock that was set back goes on in the same file.)"""
        return datetime.fromisoformat(f"{self.date}T00:00+00:00").timestamp() + DAY_S + LATE_S

    @property
    def size_bytes(self) -> int:
        """With what SQLite keeps beside it; 0 when it has just gone."""
        total = 0
        for beside in ("",) if self.packed else ("", "-wal", "-shm"):
            try:
                total += self.path.with_name(self.path.name + beside).stat().st_size
            except FileNotFoundError:
                continue
        return total


def history_folder(data: Path, rig: str) -> Path:
    """Where a rig's history is, below the folder of the runs."""
    return data / FOLDER / rig


def day_files(folder: Path) -> list[DayFile]:
    """In the order of taking. A day that has just been packed counts once."""
    found: dict[int, DayFile] = {}
    for path in sorted(folder.glob("*_*")):
        match = _NAME.fullmatch(path.name)
        if match:
            number, date, kind = int(match[1]), match[2], match[3]
            # 'h5' sorts before 'sqlite': a packed file is complete and stands for the other one.
            found.setdefault(number, DayFile(path, number, date, kind == "h5"))
    return [found[number] for number in sorted(found)]


def date_of(utc_s: float) -> str:
    """The UTC day that a moment belongs to."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d")


def new_day(folder: Path, utc_s: float) -> Path:
    """Path of the next day's file."""
    files = day_files(folder)
    number = files[-1].number + 1 if files else 1
    return folder / f"{number:06d}_{date_of(utc_s)}.sqlite"


def pack_day(file: DayFile) -> None:
    """Pack a finished day. Raises OSError or sqlite3.Error; then it stays as it was."""
    packed = file.path.with_suffix(".h5")
    if not packed.exists():
        with DayReader(file.path) as reader:
            samples, alarms = reader.samples(), reader.alarms()
        pack(packed, samples, alarms)
    history_day.remove(file.path)


def set_aside(file: DayFile) -> Path:
    """Move a file that cannot be read out of the way; returns where it is now."""
    aside = file.path.parent / DAMAGED
    aside.mkdir(exist_ok=True)
    again = len(list(aside.glob(f"{file.path.name}*")))
    kept = aside / f"{file.path.name}{f'.{again}' if again else ''}"
    for beside in ("",) if file.packed else ("-wal", "-shm", ""):
        source = file.path.with_name(file.path.name + beside)
        if source.exists():
            os.replace(source, kept.with_name(kept.name + beside))
    return kept


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed station left half packed. Only for the one who packs. Raises OSError."""
    for path in folder.glob(".*.tmp"):
        _log.warning("%s is removed: its writer died in it", path)
        path.unlink()


def total_bytes(folder: Path) -> int:
    """Size of everything below the folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def trim(folder: Path, most_bytes: int) -> list[str]:
    """Bring the packed days (and what was set aside) below a size; says what it gave up.

    What was set aside goes first, then the oldest days lose their seconds and keep their minutes,
    then the oldest go. Raises OSError.
    """
    said: list[str] = []
    packed = [file for file in day_files(folder) if file.packed]
    aside = sorted((folder / DAMAGED).glob("*"), key=lambda path: path.name)
    sizes = {file.path: file.size_bytes for file in packed}
    sizes |= {path: path.stat().st_size for path in aside}
    total = sum(sizes.values())
    for path in aside:
        if total <= most_bytes:
            return said
        path.unlink()
        total -= sizes.pop(path)
        said.append(f"{path.name}, set aside as damaged, deleted")
    for file in packed:
        if total <= most_bytes:
            return said
        try:
            with PackedDay(file.path) as day:
                thinned = day.thinned
            if not thinned:
                thin(file.path)
                said.append(f"{file.date}: only its minutes are kept")
        except OSError as error:
            # Damaged: its turn to go comes below.
            _log.warning("%s: %s", file.path, error)
        total += file.size_bytes - sizes[file.path]
        sizes[file.path] = file.size_bytes
    for file in packed:
        if total <= most_bytes:
            return said
        file.path.unlink()
        total -= sizes[file.path]
        said.append(f"{file.date}: deleted")
    return said


class HistoryFolder:
    """Reads the history of one rig, from any process, while a station writes it."""

    def __init__(self, folder: Path, *, latest: int | None = None) -> None:
        """With `latest` only so many files, the youngest, are looked into."""
        self.folder = folder
        self._latest = latest

    def columns(self) -> tuple[Column, ...]:
        """Every reading that some day holds."""
        return self._read((), np.inf, -np.inf, minutes=False, describe=True).columns

    def seconds(
        self, names: Sequence[str], since_s: float = -np.inf, until_s: float = np.inf
    ) -> Past:
        """Samples of a stretch of UTC (s since 1970), both ends included, in the order of taking.

        Days of which only minutes are left bring none. Raises KeyError for a name that no day
        holds.
        """
        return self._read(names, since_s, until_s, minutes=False)

    def minutes(
        self, names: Sequence[str], since_s: float = -np.inf, until_s: float = np.inf
    ) -> Past:
        """As `seconds`, minute by minute."""
        return self._read(names, since_s, until_s, minutes=True)

    def alarms(self, since_s: float = -np.inf, until_s: float = np.inf) -> Past:
        """Events of alarms in the order in which they happened. Files that were finished before
        `since_s` are not opened."""
        events: list[AlarmEvent] = []
        unreadable: dict[str, str] = {}
        for file in day_files(self.folder):
            if file.ended_s < since_s:
                continue
            try:
                with _opened(file) as day:
                    events += day.alarms()
            except (OSError, sqlite3.Error, ValueError, TypeError) as error:
                unreadable[file.path.name] = str(error)
        chosen = tuple(event for event in events if since_s <= event.utc_s <= until_s)
        return Past((), alarms=chosen, unreadable=unreadable)

    def _read(
        self,
        names: Sequence[str],
        since_s: float,
        until_s: float,
        *,
        minutes: bool,
        describe: bool = False,
    ) -> Past:
        columns: list[tuple[Column, ...]] = []
        seconds: list[Samples] = []
        parts: list[Minutes] = []
        unreadable: dict[str, str] = {}
        files = day_files(self.folder)
        for file in files[-self._latest :] if self._latest else files:
            try:
                with _opened(file) as day:
                    columns.append(day.columns)
                    span = day.range()
                    if describe or span is None or span[1] < since_s or span[0] > until_s:
                        continue
                    if minutes:
                        parts.append(_minutes(day, names, since_s, until_s))
                    else:
                        seconds += _seconds(day, names, since_s, until_s)
            except (OSError, sqlite3.Error, ValueError, TypeError, KeyError) as error:
                unreadable[file.path.name] = str(error)
        known = merged(columns)
        if describe:
            return Past(known, unreadable=unreadable)
        wanted = tuple(_named(known, name, sure=not unreadable) for name in names)
        if minutes:
            return Past(wanted, minutes=_joined_minutes(parts, wanted), unreadable=unreadable)
        return Past(wanted, seconds=_joined(seconds, wanted), unreadable=unreadable)


def _opened(file: DayFile) -> DayReader | PackedDay:
    """A day's file; one that was packed since the folder was looked at is found there."""
    if not file.packed and not file.path.exists():
        return PackedDay(file.path.with_suffix(".h5"))
    return PackedDay(file.path) if file.packed else DayReader(file.path)


def _seconds(
    day: DayReader | PackedDay, names: Sequence[str], since_s: float, until_s: float
) -> list[Samples]:
    if isinstance(day, DayReader):
        return [day.samples(since_s, until_s)]
    found = day.samples(names, since_s, until_s)
    return [] if found is None else [found]


def _minutes(
    day: DayReader | PackedDay, names: Sequence[str], since_s: float, until_s: float
) -> Minutes:
    if isinstance(day, DayReader):
        return day.samples(since_s, until_s).minutes()
    return day.minutes(names, since_s, until_s)


def _named(columns: Sequence[Column], name: str, *, sure: bool) -> Column:
    """Raises KeyError, unless it may stand in a file that could not be read."""
    for column in columns:
        if column.name == name:
            return column
    if sure:
        raise KeyError(name)
    return Column(name)


def _joined(parts: Sequence[Samples], columns: tuple[Column, ...]) -> Samples:
    empty = Samples(np.empty(0), np.empty(0), columns, np.empty((0, len(columns)), np.float32))
    parts = [empty, *parts]
    return Samples(
        np.concatenate([part.utc_s for part in parts]),
        np.concatenate([part.rig_s for part in parts]),
        columns,
        np.concatenate([aligned(part.values, part.columns, columns) for part in parts]),
    )


def _joined_minutes(parts: Sequence[Minutes], columns: tuple[Column, ...]) -> Minutes:
    parts = [Minutes.nothing(columns), *parts]
    return Minutes(
        np.concatenate([part.utc_s for part in parts]),
        np.concatenate([part.rig_s for part in parts]),
        np.concatenate([part.samples for part in parts]),
        columns,
        np.concatenate([aligned(part.values, part.columns, columns) for part in parts]),
    )
