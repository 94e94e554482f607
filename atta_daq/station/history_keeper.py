"""Keeps the history on disk, on a thread of its own: whatever the disk does, a run goes on."""

import logging
import shutil
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atta_daq.archive import history_day
from atta_daq.archive.disk import make_folder
from atta_daq.archive.history_day import DayReader, DayWriter, Row
from atta_daq.archive.history_folder import (
    DayFile,
    HistoryFolder,
    date_of,
    day_files,
    new_day,
    pack_day,
    remove_unfinished,
    set_aside,
    trim,
)
from atta_daq.archive.history_records import AlarmEvent, Column, Samples
from atta_daq.client.log import Alarm
from atta_daq.station.alarms import Cause
from atta_daq.station.log import Say

log = logging.getLogger(__name__)

COMMIT_S = 5.0
"""What a power cut may cost."""
WAITING_MOST = 900
"""Samples, and events of alarms, that wait in memory while the disk takes none."""
DAY_SAMPLES_MOST = 90_000
"""A file is closed then, if the clock's day does not end."""
LEAST_FREE_BYTES = 500_000_000
"""The history leaves what is left of a disk to the runs."""
RECENT_DAYS = 3
"""Files that are looked into for the last hours."""
WAL_BYTES = 16_000_000


def day_bytes_most(readings: int) -> int:
    """Upper bound of a day under way, its write-ahead log and its packed copy included."""
    row = 4 * readings + 64
    return 2 * DAY_SAMPLES_MOST * row + WAL_BYTES


class HistoryKeeper:
    """`add`, `alarm` and `causes` are safe from any thread and never wait for the disk."""

    def __init__(
        self,
        folder: Path,
        columns: Sequence[Column],
        keep_bytes: int,
        say: Say,
        utc_now: Callable[[], float],
        rig_now: Callable[[], float],
        *,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """`keep_bytes`: the folder never grows beyond."""
        self._folder = folder
        self._columns = tuple(columns)
        self._keep_bytes = keep_bytes
        self._say = say
        self._utc_now = utc_now
        self._rig_now = rig_now
        self._free_bytes = free_bytes
        self._rows: deque[Row] = deque()
        self._events: deque[AlarmEvent] = deque()
        self._mutex = threading.Lock()
        self._lost = 0
        self._problem = ""
        self._writer: DayWriter | None = None
        self._date = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def recent(self, seconds: float) -> Samples | None:
        """What was kept in the last `seconds`, for a station that has just started."""
        folder = HistoryFolder(self._folder, latest=RECENT_DAYS)
        wanted = [column.name for column in self._columns]
        known = {column.name for column in folder.columns()}
        names = [name for name in wanted if name in known]
        return folder.seconds(names, self._utc_now() - seconds).seconds

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        elif self._writer is not None:
            self._end_day()

    def add(self, utc_s: float, rig_s: float, values: NDArray[np.float32]) -> None:
        """A sample of all columns, nan for a stale one."""
        row = (utc_s, rig_s, np.asarray(values, "<f4").tobytes())
        with self._mutex:
            self._rows.append(row)
            if len(self._rows) > WAITING_MOST:
                self._rows.popleft()
                self._lost += 1

    def alarm(self, event: str, alarm: Alarm) -> None:
        """Something happened to an alarm."""
        with self._mutex:
            self._events.append(
                AlarmEvent(
                    self._utc_now(), self._rig_now(), event, alarm.id, alarm.source,
                    alarm.severity, alarm.text,
                )
            )  # fmt: skip
            if len(self._events) > WAITING_MOST:
                self._events.popleft()

    def causes(self) -> list[Cause]:
        """What is wrong now, for the alarms."""
        problem = self._problem
        if not problem:
            return []
        text = f"readings and alarms are not kept on disk: {problem}"
        return [Cause("history", "station", text, "minor")]

    def _run(self) -> None:
        ending = False
        while not ending:
            ending = self._stop.wait(COMMIT_S)
            self.step()
        self._end_day()

    def step(self) -> None:
        """Write what waits; the thread does it every few seconds."""
        with self._mutex:
            rows, events = list(self._rows), list(self._events)
        if not rows and not events:
            return
        try:
            self._write(rows, events)
        except Exception as error:
            # Whatever it is, damage or a fault of this program: it is said, and tried again.
            self._fail(error)
            return
        with self._mutex:
            # What came meanwhile stays; what ran over meanwhile is written all the same.
            for waiting, written in ((self._rows, rows), (self._events, events)):
                while waiting and written and waiting[0] is not written[0]:
                    written.pop(0)
                for _ in range(min(len(waiting), len(written))):
                    waiting.popleft()
            lost, self._lost = self._lost, 0
        if self._problem:
            self._problem = ""
            gone = f"; {lost} samples are lost" if lost else "; nothing is lost"
            self._say(f"readings and alarms are kept on disk again{gone}", "warning")

    def _write(self, rows: list[Row], events: list[AlarmEvent]) -> None:
        now_s = self._utc_now()
        make_folder(self._folder)
        if self._free_bytes(self._folder) < LEAST_FREE_BYTES:
            raise OSError(f"less than {LEAST_FREE_BYTES / 1e6:g} MB are left on the disk")
        if self._over(now_s):
            self._end_day()
        if self._writer is None:
            self._writer = self._open_day(now_s)
        self._writer.append(rows, events)

    def _over(self, now_s: float) -> bool:
        """A new day has begun; one that the clock went back to has not."""
        writer = self._writer
        return writer is not None and (
            date_of(now_s) > self._date or writer.samples >= DAY_SAMPLES_MOST
        )

    def _open_day(self, now_s: float) -> DayWriter:
        """The file to write into: that of the day under way, or a new one. Packs older ones."""
        open_day = self._pack_all_but(date_of(now_s))
        path = new_day(self._folder, now_s) if open_day is None else open_day.path
        self._date = date_of(now_s) if open_day is None else open_day.date
        try:
            return DayWriter(path, self._columns)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or open_day is None:
                raise
            return self._salvaged(open_day, now_s)

    def _pack_all_but(self, today: str) -> DayFile | None:
        """Pack finished days and keep the folder below its bound. Returns the last one if it is
        still to be written into."""
        remove_unfinished(self._folder)
        files = day_files(self._folder)
        last = files[-1] if files and not files[-1].packed else None
        if last is not None and (last.date < today or not _room(last)):
            last = None
        for file in files:
            for orphan in (file.path.with_suffix(".sqlite"),) if file.packed else ():
                if orphan.exists():
                    history_day.remove(orphan)
            if file.packed or file == last:
                continue
            try:
                pack_day(file)
            except (OSError, sqlite3.DatabaseError) as error:
                if not _damaged(error):
                    raise
                self._pack_damaged(file)
        for line in trim(self._folder, self._keep_bytes - day_bytes_most(len(self._columns))):
            self._say(f"history: {line}, to stay below {self._keep_bytes / 1e9:g} GB")
        return last

    def _salvaged(self, file: DayFile, now_s: float) -> DayWriter:
        """Set a damaged file aside and begin the next one with what can be read of it."""
        aside = set_aside(file)
        # The same number: what was set aside is not looked at again.
        fresh = file.path
        saved, why = history_day.salvage(aside, fresh)
        self._tell_damaged(file, aside, saved, why)
        return DayWriter(fresh, self._columns)

    def _pack_damaged(self, file: DayFile) -> None:
        aside = set_aside(file)
        saved, why = history_day.salvage(aside, file.path)
        self._tell_damaged(file, aside, saved, why)
        pack_day(file)

    def _tell_damaged(self, file: DayFile, aside: Path, saved: int, why: str) -> None:
        self._say(
            f"the history of {file.date} was damaged ({why}): its first {saved} samples are kept, "
            f"the file is set aside as {aside}",
            "warning",
        )

    def _end_day(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _fail(self, error: Exception) -> None:
        if not self._problem:
            log.warning("history", exc_info=error)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self._problem = f"{self._folder}: {reason}"
        # The next try opens the file anew: a disk that came back may hold another one.
        self._end_day()


def _room(file: DayFile) -> bool:
    try:
        with DayReader(file.path) as reader:
            return reader.count() < DAY_SAMPLES_MOST
    except sqlite3.Error:
        # Damaged or not begun: the writer sees which.
        return True


def _damaged(error: Exception) -> bool:
    """Not for lack of room or rights."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError
    )
