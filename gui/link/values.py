"""Values as the window keeps them, made from what p4p delivers."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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


def value_of(delivered: Any) -> Value:
    """A `Value` from a p4p value of `StationClient.watch`."""
    raw = getattr(delivered, "raw", None)
    if raw is None:  # NTTable comes as it is on the wire: columns
        columns = dict(delivered["value"].items())
        return Value(columns, OK, "", _seconds(delivered))
    unit, low, high = "", None, None
    if raw.has("display.units"):
        unit = str(raw["display.units"])
    if raw.has("display.limitLow"):
        low, high = float(raw["display.limitLow"]), float(raw["display.limitHigh"])
        if low == high:  # none were given
            low = high = None
    image = raw.has("dimension")
    return Value(
        value=np.asarray(delivered) if image else raw["value"],
        severity=int(raw["alarm.severity"]),
        message=str(raw["alarm.message"]),
        utc_s=_seconds(raw),
        unit=unit,
        low=low,
        high=high,
    )


def _seconds(raw: Any) -> float:
    return float(raw["timeStamp.secondsPastEpoch"]) + 1e-9 * float(raw["timeStamp.nanoseconds"])
