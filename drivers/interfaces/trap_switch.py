"""The switch of the trap's light."""

from dataclasses import dataclass
from typing import Protocol

from drivers.interfaces.base import Instrument


@dataclass(frozen=True)
class TrapStatus:
    offset_mhz: float
    """Frequency of the isotope-offset generator as read back."""
    lasers_locked: bool
    pumping_light: bool
    """True when the 819-nm shutter is open."""
    trap_light: bool


class TrapSwitch(Instrument, Protocol):
    """Which isotope the trap lasers address, and the 819-nm shutter."""

    def status(self) -> TrapStatus: ...

    def set_offset(self, offset_mhz: float, odd: bool) -> None:
        """Move the trap lasers by `offset_mhz` from the 84Kr master and switch the hyperfine
        repumping light of the odd isotopes; return when every laser reports lock."""
        ...

    def set_pumping_light(self, on: bool) -> None:
        """Open or close the 819-nm shutter; return when the line is read back."""
        ...

    def set_trap_light(self, on: bool) -> None: ...
