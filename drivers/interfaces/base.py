"""What every instrument offers."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Identity:
    """Who answered at an address."""

    maker: str
    model: str
    serial: str
    firmware: str
    beside: tuple["Identity", ...] = field(default=(), kw_only=True)
    """Other boxes that belong to the same instrument."""


@dataclass(frozen=True)
class Range:
    """An allowed closed interval, in the unit of the quantity that it limits."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


class Instrument(Protocol):
    """What every driver offers."""

    @property
    def name(self) -> str:
        """Name from the rig file, used in every message."""
        ...

    def connect(self) -> Identity:
        """Open the wire, learn who answers, check what must be armed. Idempotent."""
        ...

    def close(self) -> None:
        """Release the wire. Never raises; changes nothing on the instrument."""
        ...

    def make_safe(self) -> None:
        """Bring the instrument into its safe state, whatever it was doing (STOP)."""
        ...
