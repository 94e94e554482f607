"""The RF generator behind the EOM."""

from dataclasses import dataclass
from typing import Protocol

from drivers.interfaces.base import Instrument, Range


@dataclass(frozen=True)
class SidebandLimits:
    frequency_mhz: Range
    power_dbm: Range


@dataclass(frozen=True)
class SidebandStatus:
    frequency_mhz: float
    power_dbm: float
    rf_on: bool
    pll_locked: bool | None
    """None: this box cannot tell."""
    temperature_c: float | None
    """None: this box cannot tell."""


class SidebandGenerator(Instrument, Protocol):
    """RF source of the electro-optical modulator."""

    def status(self) -> SidebandStatus: ...

    def set_frequency(self, frequency_mhz: float) -> float:
        """Set and return the frequency read back (MHz)."""
        ...

    def set_power(self, power_dbm: float) -> float:
        """Set and return the power read back (dBm)."""
        ...

    def rf_on(self) -> None: ...

    def rf_off(self) -> None: ...
