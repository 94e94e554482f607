"""Slow control as it travels in `slow:readings`: pressures, RF power, temperatures, other locks."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

SlowSeverity = Literal["ok", "minor", "major", "invalid"]


@dataclass(frozen=True)
class SlowValue:
    """One value of the rig file's slow control, as the station sees it."""

    name: str
    """From the rig file; the value alone is served as `slow:<name>`."""
    meaning: str
    """What it is, in the lab's words."""
    unit: str
    value: float | None
    """None while it is not connected or has never been read."""
    severity: SlowSeverity
    """The worse of the PV's own severity and the rig file's limits; 'invalid': no value."""
    reason: str
    """Why it is not ok; empty when it is."""
    suspends: bool
    """A major alarm or a lost value flags the segment under way."""
    low_major: float | None
    low_minor: float | None
    high_minor: float | None
    high_major: float | None
    rig_time_s: float | None
    """Time stamp of the PV, on the clock of its server."""


def slow_to_json(values: list[SlowValue]) -> str:
    return json.dumps([asdict(value) for value in values])


def slow_from_json(text: str) -> list[SlowValue]:
    """Inverse of `slow_to_json`; an empty text means none."""
    return [SlowValue(**value) for value in json.loads(text or "[]")]
