"""The frames of one acquisition out of an NTNDArray monitor.

What p4p delivers needs care (measured): the default queue loses frames even when idle, so the
queue is deep; a new subscription first delivers the last frame of an earlier acquisition; a lost
frame shows only as a gap in `uniqueId`. At 2000 frames/s nothing may be done here that is not
needed: fields are read by path, which is ten times cheaper than attributes of sub-structures.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.errors import Timeout
from drivers.interfaces import Frame
from drivers.pva_link import PvaLink

_log = logging.getLogger(__name__)

HALF_COUNTER = 1 << 30
"""A `uniqueId` further ahead than half the range of the counter is behind it."""


class FrameStream:
    """Hands the frames numbered after `last_id` to `sink`, in order, on the link's thread.

    areaDetector numbers every exposure with its array counter, which runs on from acquisition to
    acquisition: with `last_id` its value while the camera stands idle, whatever comes late from
    before is recognised for sure. `Frame.unique_id` counts from 1 in each acquisition. A lost
    connection ends the stream for good: a server that restarts counts from anew.
    """

    def __init__(
        self,
        link: PvaLink,
        pv: str,
        sink: Callable[[Frame], None],
        *,
        last_id: int,
        queue_size: int,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self.delivered = 0
        self.lost = 0
        self.last_frame_wall_s: float | None = None
        """Wall time (monotonic) at which the last frame came."""
        self.failure = ""
        """Why the stream ended by itself, in words; empty while it runs."""
        self._link = link
        self._pv = pv
        self._sink = sink
        self._origin_id = last_id
        self._last_id = 0
        self._queue_size = queue_size
        self._wall = wall
        self._primed = threading.Event()
        # Re-entrant: a frame that cannot be used ends the stream while it is being delivered.
        self._delivering = threading.RLock()
        self._open = True
        self._shape = (0, 0)
        self._subscription: Any = None

    def open(self) -> None:
        """Subscribe, and wait for the first update: the camera is idle, so it is an old frame,
        and from then on none is missed. Raises Timeout."""
        self._subscription = self._link.monitor(self._pv, self._on_update, self._queue_size)
        if not self._primed.wait(self._link.timeout_s):
            self.close()
            raise Timeout(
                self._link.name,
                f"no first update of {self._link.prefix}{self._pv} "
                f"within {self._link.timeout_s:g} s",
                "check that the pvAccess plugin of the camera server is enabled",
            )

    def close(self) -> None:
        """End it; after the return `sink` is not running and will not be called again."""
        with self._delivering:
            self._open = False
        if self._subscription is not None:
            self._subscription.close()

    def _on_update(self, update: Any) -> None:
        if isinstance(update, Exception):
            # Every subscription starts with one such notice, before its first update.
            if self._primed.is_set():
                self._end("the connection to the camera server was lost")
            return
        if not self._primed.is_set():
            self._primed.set()
            return
        with self._delivering:
            if not self._open:
                return
            try:
                self._deliver(update)
            # Anything raised here would end the subscription without a word to anybody.
            except Exception as error:
                _log.exception("%s: frame dropped", self._link.name)
                self._end(f"the frames cannot be used: {error}")

    def _deliver(self, update: Any) -> None:
        unique_id = update["uniqueId"] - self._origin_id
        if not self._last_id < unique_id <= HALF_COUNTER:
            return
        self.lost += unique_id - self._last_id - 1
        self._last_id = unique_id
        frame = Frame(
            unique_id=unique_id,
            rig_time_s=update["timeStamp.secondsPastEpoch"]
            + 1e-9 * update["timeStamp.nanoseconds"],
            image=self._image(update),
        )
        self.last_frame_wall_s = self._wall()
        self.delivered += 1
        self._sink(frame)

    def _image(self, update: Any) -> NDArray[np.uint16]:
        pixels = update["value"]
        if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint16:
            raise TypeError("pixels are not of type UInt16")
        rows, columns = self._shape
        if pixels.size != rows * columns or not pixels.size:
            # areaDetector lists the fastest axis first: columns, then rows.
            columns, rows = (int(axis["size"]) for axis in update["dimension"])
            if pixels.size != rows * columns or not pixels.size:
                raise ValueError(f"{pixels.size} pixels do not fill {columns} x {rows}")
            self._shape = (rows, columns)
        return pixels.reshape(rows, columns)

    def _end(self, reason: str) -> None:
        with self._delivering:
            self._open = False
            self.failure = self.failure or reason
