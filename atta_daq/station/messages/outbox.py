"""News that have not been delivered yet, on disk: what a dead mail server or a kill cannot lose.

DATA/messages/RIG.sqlite: one row for each event and channel, gone when the channel has taken it.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from atta_daq.archive.disk import make_folder
from atta_daq.station.messages.event import Event

log = logging.getLogger(__name__)

_TABLE = """
    CREATE TABLE IF NOT EXISTS news (
        number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, event TEXT NOT NULL
    )
"""


@dataclass(frozen=True)
class Waiting:
    """An event that waits for a channel."""

    number: int
    """Of its row; negative where the disk did not take it."""
    event: Event


class Outbox:
    """Safe from any thread. Nothing is made on disk before the first event."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        """Why the disk does not take events; they are kept in memory and sent all the same."""
        self._unsaved: list[tuple[str, Waiting]] = []
        self._delivered: set[int] = set()
        """Rows that the disk did not give up yet: they are not sent again."""
        self._count = 0
        self._mutex = threading.Lock()

    def add(self, event: Event, channels: Sequence[str]) -> None:
        """Keep an event for each of the channels: on the medium when this returns, unless
        `problem` says why not."""
        with self._mutex:
            try:
                with self._open() as base:
                    base.executemany(
                        "INSERT INTO news (channel, event) VALUES (?, ?)",
                        [
                            *((name, held.event.to_json()) for name, held in self._unsaved),
                            *((channel, event.to_json()) for channel in channels),
                        ],
                    )
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
                for channel in channels:
                    self._count += 1
                    self._unsaved.append((channel, Waiting(-self._count, event)))
            else:
                self._unsaved, self.problem = [], ""

    def waiting(self, channel: str, most: int) -> list[Waiting]:
        """The oldest events that the channel has not taken, at most so many."""
        with self._mutex:
            rows: list[tuple[int, str]] = []
            if self.path.exists():
                try:
                    with self._open() as base:
                        rows = base.execute(
                            "SELECT number, event FROM news WHERE channel = ? ORDER BY number "
                            "LIMIT ?",
                            (channel, most),
                        ).fetchall()
                except (sqlite3.Error, OSError) as error:
                    self._failed(error)
            found = [
                Waiting(number, Event.from_json(text))
                for number, text in rows
                if number not in self._delivered
            ]
            found += [waiting for name, waiting in self._unsaved if name == channel]
            return found[:most]

    def count(self, channel: str) -> int:
        """How many wait for it."""
        return len(self.waiting(channel, 1_000_000))

    def taken(self, waiting: Sequence[Waiting]) -> None:
        """The channel has delivered these. Until then a kill would send them again."""
        numbers = {entry.number for entry in waiting}
        with self._mutex:
            self._unsaved = [pair for pair in self._unsaved if pair[1].number not in numbers]
            self._delivered |= {number for number in numbers if number > 0}
            if not self._delivered:
                return
            try:
                with self._open() as base:
                    base.executemany(
                        "DELETE FROM news WHERE number = ?", [(n,) for n in self._delivered]
                    )
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
            else:
                self._delivered.clear()

    def _failed(self, error: Exception) -> None:
        if not self.problem:
            log.warning("%s: %s", self.path, error)
        self.problem = f"{self.path}: {error}"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        make_folder(self.path.parent)
        with closing(sqlite3.connect(self.path, timeout=5.0)) as base:
            # A commit returns when the medium has it and has let the rollback journal go: one that
            # a power cut brought back would undo it.
            base.execute("PRAGMA synchronous = EXTRA")
            with base:
                base.execute(_TABLE)
                yield base
