"""What benchmarks of the window measure with: delays of its event loop, pictures on the screen."""

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

MEAN_GAP_S = 0.004


class LoopProbe(QObject):
    """How long an event waits until the window's thread handles it.

    A thread posts events at random times, as keys, mouse and station do. A timer on the window's
    own thread would see a block of 50 ms as one late beat among many that it never counted; an
    event that comes at a random moment sees it as often as it lasts.
    """

    _asked = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._delays_s: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._asked.connect(lambda at_s: self._delays_s.append(time.perf_counter() - at_s))

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> NDArray[np.float64]:
        """End it; the delays in ms."""
        self._stop.set()
        self._thread.join()
        return 1e3 * np.array(self._delays_s)

    def _ask(self) -> None:
        rng = np.random.default_rng(1)
        while not self._stop.wait(rng.exponential(MEAN_GAP_S)):
            self._asked.emit(time.perf_counter())


class Painted(QObject):
    """Calls `done` after a widget has been painted and the window was given to the screen.

    Qt paints what is due of a window within one event, and flushes it at its end; the timer
    comes after that event.
    """

    def __init__(self, widget: QWidget, done: Callable[[], None]) -> None:
        super().__init__()
        self._done = done
        self._widget = widget
        widget.installEventFilter(self)

    def close(self) -> None:
        """Look no longer."""
        self._widget.removeEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, self._done)
        return False
