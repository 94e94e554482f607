"""Takes frames off the camera's thread: to the archive and to the counter, in order."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drivers.errors import DeviceFault
from drivers.interfaces import AtomCamera, Frame

FrameConsumer = Callable[[Frame], None]
"""Anything that takes frames one by one: the counter, the archive, the latest image."""


class FramePump:
    """One segment's frames. The camera's thread only puts them into a queue.

    Counts exposures until `wanted` have come after the first `settle` (the trap and the light
    settle), then says so through `wait`. Frames lost on the way are counted, never guessed.
    """

    def __init__(
        self, wanted: int, settle: int, shape: tuple[int, int],
        consumers: tuple[FrameConsumer, ...],
    ) -> None:  # fmt: skip
        """`shape`: rows and columns that every frame must have."""
        self._wanted = wanted + settle
        self._shape = shape
        self._consumers = consumers
        self._queue: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._full = threading.Event()
        self._received = 0
        self._first_id: int | None = None
        self._last_wall_s = time.monotonic()
        self._error: BaseException | None = None
        self._strange: tuple[int, ...] = ()
        """Shape of a frame that is none of the region of interest."""
        self._thread = threading.Thread(target=self._consume, name="frames", daemon=True)
        self._thread.start()

    def __call__(self, frame: Frame) -> None:
        """The sink of the camera. Frames beyond the wanted number are dropped."""
        self._last_wall_s = time.monotonic()
        if self._first_id is None:
            self._first_id = frame.unique_id
        # Lost frames count as exposures of the segment: it ends in time, their time is dead.
        if frame.unique_id - self._first_id >= self._wanted:
            self._full.set()
            return
        if frame.image.shape != self._shape:
            self._strange = self._strange or frame.image.shape
            self._full.set()
            return
        self._received += 1
        self._queue.put(frame)
        if frame.unique_id - self._first_id == self._wanted - 1:
            self._full.set()

    @property
    def received(self) -> int:
        """Frames that came and were wanted."""
        return self._received

    @contextmanager
    def fed_by(self, camera: AtomCamera) -> Iterator[None]:
        """The camera acquires within; behind it, it has stopped and the consumers have taken what
        came. Raises what camera and `finish` do."""
        try:
            camera.start(self)
            yield
        finally:
            try:
                camera.stop()
            finally:
                self.finish()

    def wait(self, stall_s: float, interrupted: Callable[[], str], poll_s: float = 0.02) -> str:
        """Wait until all exposures have come. Returns '' or why the segment ended early.

        `stall_s` is the wall time without a frame after which the camera counts as stalled.
        """
        while not self._full.wait(poll_s):
            cause = interrupted()
            if cause:
                return cause
            if time.monotonic() - self._last_wall_s > stall_s:
                return f"camera stalled: no frame for {stall_s:.1f} s"
        return ""

    def finish(self) -> None:
        """Let the consumers take what has come.

        Raises DeviceFault of the camera for frames of another size, and of the archive with what
        a consumer raised.
        """
        self._queue.put(None)
        self._thread.join()
        if self._strange:
            raise DeviceFault(
                "camera",
                f"its frames have {_pixels(self._strange)} pixels instead of "
                f"{_pixels(self._shape)}: it has lost its region of interest",
                "it is set up anew; when it happens again, see who else sets the camera's server",
            )
        if self._error is not None:
            raise DeviceFault(
                "archive", f"frames could not be kept: {self._error}", "check the disk"
            ) from self._error

    def _consume(self) -> None:
        while (frame := self._queue.get()) is not None:
            if self._error is not None:
                continue
            try:
                for consumer in self._consumers:
                    consumer(frame)
            except Exception as error:  # kept for `finish`: this thread has nobody to raise to
                self._error = error
                self._full.set()


def _pixels(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)
