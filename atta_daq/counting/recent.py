"""Light of the trap in the last frames and the arrivals in it: for display, never for a result."""

import numpy as np
from numpy.typing import NDArray

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.chain import AtomChain
from atta_daq.counting.segment import PROVISIONAL_ARRIVALS_PER_EXPOSURE

LENGTH = 300


class RecentSignals:
    """The last `length` frames as the counter's filter sees them. Not for several threads."""

    def __init__(self, calibration: CountingCalibration, length: int = LENGTH) -> None:
        self.calibration = calibration
        self._length = length
        self._chain = AtomChain(
            calibration.emission(), PROVISIONAL_ARRIVALS_PER_EXPOSURE, calibration.dwell_exposures
        )
        self.clear()

    def clear(self) -> None:
        """Forget all frames (a new segment)."""
        self._signals = np.empty(0)
        self._ids = np.empty(0, dtype=np.int64)

    def add(self, images: NDArray[np.uint16], unique_ids: NDArray[np.int64]) -> None:
        """Take frames (n, rows, columns) with the camera's numbers (n,), ascending.

        Raises ValueError when they are not of the calibration's shape.
        """
        signals = self.calibration.spot_filter.apply(images)
        self._signals = np.concatenate([self._signals, signals])[-self._length :]
        self._ids = np.concatenate([self._ids, unique_ids])[-self._length :]

    def read(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Signals (electrons, oldest first) and the indices of those with an arrival.

        Two arrivals in one frame stand twice. An atom that sits there at the start is none.
        """
        if not self._signals.size:
            return self._signals, np.empty(0, dtype=np.int64)
        lost = np.diff(self._ids, prepend=self._ids[:1] - 1) - 1
        return self._signals, self._chain.arrivals(self._signals, lost).frame
