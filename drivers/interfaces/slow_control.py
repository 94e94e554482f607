"""What other programs of the lab publish: pressures, RF power, temperatures."""

from dataclasses import dataclass
from typing import Literal, Protocol

from drivers.interfaces.base import Instrument

Severity = Literal["ok", "minor", "major", "invalid"]


@dataclass(frozen=True)
class SlowReading:
    """One quantity that something else on the lab's network publishes."""

    value: float
    """NaN while it is not connected."""
    unit: str
    severity: Severity
    """The worse of the publisher's own alarm and the limits of the rig file; `invalid`: silent."""
    reason: str
    """Why not ok, in words; empty when ok."""
    rig_time_s: float
    """When the publisher stamped it; NaN while it is not connected."""


class SlowControl(Instrument, Protocol):
    """Read-only: pressures, RF power of the discharge, source temperature, other locks."""

    def readings(self) -> dict[str, SlowReading]:
        """Name from the rig file to its latest reading."""
        ...
