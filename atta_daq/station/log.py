"""The station's log: the last lines, for every window."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from atta_daq.client.log import Level, LogLine, log_to_json

KEPT_LINES = 200
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

log = logging.getLogger("atta_daq.station")


class Say(Protocol):
    """How every part of the station speaks to the operator."""

    def __call__(self, text: str, level: Level = "info", source: str = "station") -> None:
        """`source`: the instrument, `run`, `operator` (a note), `station` or a client's name."""
        ...


class StationLog:
    """Keeps the last lines; `post(name, value)` serves them. Methods are safe from any thread."""

    def __init__(self, post: Callable[[str, object], None], utc_now: Callable[[], float]) -> None:
        self._post = post
        self._utc_now = utc_now
        self._lines: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self._number = 0
        self._changed = True
        self._mutex = threading.Lock()

    def say(self, text: str, level: Level = "info", source: str = "station") -> None:
        """Add a line."""
        log.log(_LEVELS[level], "%s: %s", source, text)
        with self._mutex:
            self._number += 1
            self._lines.append(LogLine(self._number, self._utc_now(), level, source, text))
            self._changed = True
        self._post("station:message", text)

    def lines(self) -> list[LogLine]:
        """What is kept, oldest first."""
        with self._mutex:
            return list(self._lines)

    def publish(self) -> None:
        """Post the lines if there are new ones; called a few times a second, however many."""
        with self._mutex:
            if not self._changed:
                return
            self._changed = False
            text = log_to_json(list(self._lines))
        self._post("station:log", text)
