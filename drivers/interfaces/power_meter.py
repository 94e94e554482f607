"""The power meter behind the fibre."""

from dataclasses import dataclass
from typing import Protocol

from drivers.interfaces.base import Instrument


@dataclass(frozen=True)
class PowerReading:
    """One reading of the power meter."""

    power_mw: float
    """On the head. NaN when over range."""
    over_range: bool
    """More light than the present range or the head can show; there is no measurement then."""
    wavelength_nm: float | None = None
    """That the meter corrects for; None: the head needs none."""
    range_mw: float | None = None
    """Largest power of the present range."""
    dark_mw: float | None = None
    """Offset of the last dark zero, which the meter subtracts; None: it does not tell."""
    zeroing: bool | None = None
    """A dark zero is under way; None: the meter cannot tell."""


class PowerMeter(Instrument, Protocol):
    """Thermal or photodiode head in the 819-nm light. It moves nothing: `make_safe` has nothing
    to do."""

    def read(self) -> PowerReading: ...

    def zero(self) -> None:
        """Take the present reading as darkness; the head must be dark. Returns when done.

        Raises `OutOfRange`, with nothing sent, when it is not.
        """
        ...
