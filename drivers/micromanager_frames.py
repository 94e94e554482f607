"""The frames of one sequence acquisition out of Micro-Manager's circular buffer.

The core stamps every image that reaches its buffer with `ImageNumber` (from 0) and
`ElapsedTime-ms` (since the acquisition was started, on a steady clock). What the camera itself
drops before, the core cannot see. The sequence stops when the buffer runs over: the loss is told,
not hidden.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.interfaces import Frame
from drivers.micromanager_core import Core

_log = logging.getLogger(__name__)


class SequenceStream:
    """Takes images out of the core on a thread of its own and hands them to `sink`, in order.

    `start_rig_s`: rig time at which the acquisition was started.
    """

    def __init__(
        self,
        core: Core,
        sink: Callable[[Frame], None],
        start_rig_s: float,
        new_metadata: Callable[[], Any],
        *,
        poll_s: float = 0.001,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.delivered = 0
        self.lost = 0
        self.failure = ""
        """Why the stream ended by itself, in words; empty while it runs."""
        self._core = core
        self._sink = sink
        self._start_rig_s = start_rig_s
        self._new_metadata = new_metadata
        self._poll_s = poll_s
        self._sleep = sleep
        self._last_number = -1
        self._open = True
        self._thread = threading.Thread(target=self._run, name="camera frames", daemon=True)
        self._thread.start()

    def cease(self) -> None:
        """No frame is handed over any more but the one under way."""
        self._open = False

    def close(self) -> None:
        """End it; after the return `sink` is not running and will not be called again."""
        self.cease()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while self._open and not self.failure:
                if self._core.getRemainingImageCount() > 0:
                    self._pop()
                elif self._core.isBufferOverflowed():
                    self.failure = (
                        "the image buffer ran over and frames were lost: the sequence has stopped"
                    )
                elif not self._core.isSequenceRunning():
                    if self._open:
                        self.failure = "the camera has stopped by itself"
                    return
                else:
                    self._sleep(self._poll_s)
        # Anything raised here would end the frames without a word to anybody.
        except Exception as error:
            _log.exception("camera: the frames have ended")
            self.failure = f"the frames cannot be used: {error}"

    def _pop(self) -> None:
        metadata = self._new_metadata()
        pixels = self._core.popNextImageMD(metadata)
        number, elapsed_s = stamps(tags(metadata))
        if number <= self._last_number:
            raise ValueError(f"image {number} came after image {self._last_number}")
        self.lost += number - self._last_number - 1
        self._last_number = number
        frame = Frame(number + 1, self._start_rig_s + elapsed_s, picture(pixels))
        self.delivered += 1
        if self._open:
            self._sink(frame)


def tags(metadata: Any) -> dict[str, str]:
    """MMCore's metadata as plain texts."""
    return {key: str(metadata.GetSingleTag(key).GetValue()) for key in metadata.GetKeys()}


def stamps(tags: Mapping[str, str]) -> tuple[int, float]:
    """Number from 0 and seconds since the start. Raises ValueError for what is none."""
    try:
        number, elapsed_ms = int(tags["ImageNumber"]), float(tags["ElapsedTime-ms"])
    except KeyError as error:
        raise ValueError(f"an image without {error.args[0]}") from error
    if number < 0 or not math.isfinite(elapsed_ms) or elapsed_ms < 0.0:
        raise ValueError(f"image {number} at {elapsed_ms} ms")
    return number, elapsed_ms / 1e3


def picture(pixels: Any) -> NDArray[np.uint16]:
    """(rows, columns) of 16 bits. Raises TypeError for anything else."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint16 or pixels.ndim != 2:
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        raise TypeError(f"pixels of type {kind}, not one 16-bit number each")
    return pixels
