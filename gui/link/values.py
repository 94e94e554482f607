"""Values as the window keeps them."""

from dataclasses import dataclass, replace
from typing import Any

from atta_daq.client.client import plain

OK, MINOR, MAJOR, INVALID = range(4)


@dataclass(frozen=True)
class Value:
    """The latest value of a reading."""

    value: Any = None
    """A plain number, bool or text, a numpy array, or columns by name (table)."""
    severity: int = INVALID
    """0 fine, 1 minor, 2 major, 3 stale: the instrument or the station does not answer."""
    message: str = "not read yet"
    utc_s: float = 0.0
    """When the station posted it."""
    taken_s: float | None = None
    """Rig time at which the camera ended the exposure (pictures only)."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    """Limits of the setpoint that belongs to the reading, if there are any."""

    @property
    def stale(self) -> bool:
        """No longer what the rig says now."""
        return self.severity >= INVALID

    def as_stale(self, message: str) -> "Value":
        """The same value, marked as no longer up to date."""
        return replace(self, severity=INVALID, message=message)


def value_of(structure: Any) -> Value:
    """A `Value` from what `StationClient.watch` delivers."""
    unit, low, high = "", None, None
    if structure.has("display.units"):
        unit = str(structure["display.units"])
    if structure.has("display.limitLow"):
        low, high = float(structure["display.limitLow"]), float(structure["display.limitHigh"])
        if low == high:  # none were given
            low = high = None
    taken_s = _seconds(structure, "dataTimeStamp") if structure.has("dataTimeStamp") else None
    return Value(
        value=plain(structure),
        severity=int(structure["alarm.severity"]),
        message=str(structure["alarm.message"]),
        utc_s=_seconds(structure, "timeStamp"),
        taken_s=taken_s,
        unit=unit,
        low=low,
        high=high,
    )


def _seconds(structure: Any, stamp: str) -> float:
    """A time stamp of a structure, in seconds since 1970."""
    whole, rest = structure[f"{stamp}.secondsPastEpoch"], structure[f"{stamp}.nanoseconds"]
    return float(whole) + 1e-9 * float(rest)
