"""The 819-nm reference cell."""

from typing import Protocol

from drivers.interfaces.base import Instrument
from drivers.interfaces.trace import Trace


class ReferenceCell(Instrument, Protocol):
    """Modulation-transfer signal of the stable isotopes at the laser's present frequency."""

    def read_signal(self, duration_s: float) -> Trace:
        """Error signal (V), averaged by the caller."""
        ...
