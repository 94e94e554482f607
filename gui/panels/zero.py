"""The last zeroing on the reference cell, as the station tells it in `cell:zero`."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gui.model.readings import Readings
from gui.words import true_minus


@dataclass(frozen=True)
class Zero:
    """`found_mhz` is where the 84Kr line stood on the axis before, nan when it was not found."""

    found_mhz: float
    text: str
    ok: bool


def last_zero(readings: Readings) -> Zero | None:
    """From the readings; None before the first zeroing."""
    record = readings.parsed("cell:zero")
    return zero_of(record) if record else None


def zero_of(record: dict[str, Any]) -> Zero:
    """From the record: `shift_mhz` (of the zero, on the axis before), `error_mhz` and `utc_s`, or
    `problem` with the reason."""
    when = ""
    if record.get("utc_s"):
        moment = datetime.fromtimestamp(record["utc_s"], UTC).astimezone()
        when = f" at {moment:%H:%M}"
    if record.get("problem"):
        return Zero(math.nan, f"The last zeroing{when} found no zero: {record['problem']}", False)
    found, error = float(record["shift_mhz"]), float(record["error_mhz"])
    digits = 2 if error < 1.0 else 1
    return Zero(
        found, f"Last zeroing{when}: the 84Kr line was at {true_minus(f'{found:+.{digits}f}')} ± "
        f"{error:.{digits}f} MHz; that is the zero now.", True,
    )  # fmt: skip
