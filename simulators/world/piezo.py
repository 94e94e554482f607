"""A piezo with hysteresis: part of its stroke follows only after the drive has turned round."""

import numpy as np
from numpy.typing import NDArray

PLAYS_MHZ: NDArray[np.float64] = np.array([5.0, 20.0, 80.0, 320.0])
"""Half widths of the plays; equal weights give the usual loop, small at small strokes."""


class HystereticPiezo:
    """Prandtl-Ishlinskii model: output = (1 - share) drive + share times the mean of four plays.

    A play follows its input only at the ends of its dead band (Kuhnen, Eur. J. Control 9, 407
    (2003), Eqs. 2-5). Drive and output in MHz of what it tunes.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._plays: NDArray[np.float64] = np.zeros_like(PLAYS_MHZ)
        self.drive_mhz = 0.0

    def set(self, drive_mhz: float) -> None:
        self.drive_mhz = drive_mhz
        self._plays = np.clip(self._plays, drive_mhz - PLAYS_MHZ, drive_mhz + PLAYS_MHZ)

    @property
    def output_mhz(self) -> float:
        return (1.0 - self._share) * self.drive_mhz + self._share * float(self._plays.mean())
