"""What a window may show of the frames that come in; not for analysis."""

import threading
from collections import deque
from contextlib import suppress

from atta_daq.counting.segment import NotArmed, SegmentCounter
from drivers.interfaces import Frame

RECENT_FRAMES = 300


class Provisional:
    """The latest frames of the segment or the live view under way.

    The frames' thread adds, others look; adding costs microseconds and never waits for a look.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._came = threading.Event()
        self._new: deque[Frame] = deque(maxlen=RECENT_FRAMES)
        self.frame: Frame | None = None
        """The latest."""
        self.frames = 0
        self.series = 0
        """Counts the segments and views."""
        self.counter: SegmentCounter | None = None
        self._counts = 0

    def begin(self) -> None:
        """A new segment or view; the last picture stays until the next one comes."""
        with self._lock:
            self._new.clear()
            self.frames = 0
            self.series += 1
            self.counter = None
            self._counts = 0

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        with self._lock:
            self._new.append(frame)
            self.frame = frame
            self.frames += 1
        self._came.set()

    def wait(self, timeout_s: float) -> Frame | None:
        """The latest frame as soon as one has come since the last call; None for none in time."""
        if not self._came.wait(timeout_s):
            return None
        self._came.clear()
        return self.frame

    def take(self) -> tuple[int, list[Frame]]:
        """The series and its frames since the last call, at most 300, oldest first."""
        with self._lock:
            new = list(self._new)
            self._new.clear()
            return self.series, new

    def counts(self) -> int:
        """Atoms so far; the segment's count is decided at its end."""
        counter = self.counter
        if counter is None:
            return 0
        with suppress(NotArmed):  # decided meanwhile; the next segment has not begun
            self._counts = counter.provisional()
        return self._counts
