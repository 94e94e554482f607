"""Readings as the page keeps them, and how its parts look at them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atta_daq.client.reader import plain

INVALID = 3
TONES = ("ok", "warning", "danger", "stale")
"""By the severity of a reading; the page has a colour and a mark for each."""


@dataclass(frozen=True)
class Value:
    """The latest value of a reading."""

    value: Any
    severity: int = 0
    """0 fine, 1 minor, 2 major, 3 stale: the instrument does not answer."""
    message: str = ""
    utc_s: float = 0.0
    """When the station posted it."""
    taken_s: float | None = None
    """Rig time at which the camera ended the exposure (pictures only)."""

    @property
    def stale(self) -> bool:
        """No longer what the rig says now."""
        return self.severity >= INVALID


def value_of(structure: Any) -> Value:
    """A `Value` from what `StationReader.watch` delivers."""
    taken_s = _seconds(structure, "dataTimeStamp") if structure.has("dataTimeStamp") else None
    return Value(
        value=plain(structure),
        severity=int(structure["alarm.severity"]),
        message=str(structure["alarm.message"]),
        utc_s=_seconds(structure, "timeStamp"),
        taken_s=taken_s,
    )


def _seconds(structure: Any, stamp: str) -> float:
    whole, rest = structure[f"{stamp}.secondsPastEpoch"], structure[f"{stamp}.nanoseconds"]
    return float(whole) + 1e-9 * float(rest)


@dataclass(frozen=True)
class Row:
    """A line of a list: what, how much, and how it is to be taken."""

    label: str
    text: str
    tone: str = "ok"
    """'ok', 'busy', 'off', 'warning', 'danger' or 'stale'."""
    note: str = ""


class Look:
    """The readings, with an answer for those that have not come yet."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def value(self, name: str) -> Value | None:
        """The reading; None before it has come."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """A text reading; '' before it has come."""
        found = self._values.get(name)
        return "" if found is None else str(found.value)

    def flag(self, name: str) -> bool | None:
        """A bool reading; None where it is stale or has not come."""
        found = self._values.get(name)
        return None if found is None or found.stale else bool(found.value)

    def number(self, name: str) -> float | None:
        """A number; None where it is stale, not finite or has not come."""
        found = self._values.get(name)
        if found is None or found.stale:
            return None
        number = float(found.value)
        return number if math.isfinite(number) else None

    def json(self, name: str, empty: Any) -> Any:
        """What a reading holds that is a JSON text; `empty` for an empty one."""
        text = self.text(name)
        return json.loads(text) if text else empty

    def stale(self, name: str) -> bool:
        """The reading has come, and is no longer up to date."""
        found = self._values.get(name)
        return found is not None and found.stale

    def quantity(self, label: str, name: str, unit: str, decimals: int) -> Row:
        """A number with its unit as a line. A stale one keeps its last value, greyed."""
        found = self._values.get(name)
        if found is None:
            return Row(label, "–", "stale", "not read yet")
        number = float(found.value)
        text = f"{number:.{decimals}f}".replace("-", "−") if math.isfinite(number) else "–"
        return Row(label, f"{text} {unit}".rstrip(), TONES[min(found.severity, 3)], found.message)

    def switch(self, label: str, name: str, words: tuple[str, str], tones: tuple[str, str]) -> Row:
        """A bool as a line: `words` and `tones` for no and yes."""
        found = self._values.get(name)
        if found is None:
            return Row(label, "–", "stale", "not read yet")
        yes = bool(found.value)
        tone = TONES[3] if found.stale else tones[yes]
        return Row(label, words[yes], tone, found.message)
