"""What a digitiser records."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Trace:
    """A digitised voltage against time."""

    volts: NDArray[np.float64]
    dt_s: float
    rig_time_s: float | None
    """Rig time of the first sample if the box stamps it; None where it cannot."""

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Seconds after the first sample."""
        return np.arange(self.volts.size, dtype=np.float64) * self.dt_s
