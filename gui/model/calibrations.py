"""The calibrations in use, as the station tells them in `calibrations:table`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gui.theme.palettes import Tone
from gui.words import duration

_STALE = "stale"
_VALID = "valid"


@dataclass(frozen=True)
class CalibrationLine:
    """One calibrated number."""

    name: str
    text: str
    """Value and error with unit, rounded by the station."""
    made: datetime | None
    """None where the date is not known."""
    valid_until: datetime | None
    source: str
    """'rig file', id of a stored result, or empty."""
    state: str
    """'valid', 'not measured', or 'stale: ' with the reason."""
    renewed_by: str
    """Kind of calibration that measures it anew; empty for none."""

    @property
    def stale(self) -> bool:
        return self.state.partition(":")[0] == _STALE

    @property
    def word(self) -> str:
        """The state in a word."""
        return "STALE" if self.stale else self.state

    @property
    def tone(self) -> Tone:
        if self.stale:
            return Tone.WARNING
        return Tone.OK if self.state == _VALID else Tone.OFF

    @property
    def why(self) -> str:
        """Reason of a stale one."""
        return self.state.partition(": ")[2] if self.stale else ""

    def age(self, now_s: float) -> str:
        """Since it was made, as in '3 h 05 min'; `now_s` is UTC."""
        if self.made is None:
            return ""
        return duration(max(now_s - self.made.timestamp(), 0.0))


def calibration_lines(table: Mapping[str, Any] | None) -> tuple[CalibrationLine, ...]:
    """From the columns of the table: stale ones first, then those never measured, then the valid;
    among themselves in the order of the station."""
    if not table:
        return ()
    names = ("name", "text", "made", "valid_until", "source", "state", "renewed_by")
    lines = [
        CalibrationLine(name, text, _moment(made), _moment(until), source, state, renewed_by)
        for name, text, made, until, source, state, renewed_by in zip(
            *(map(str, table[column]) for column in names), strict=True
        )
    ]
    return tuple(sorted(lines, key=lambda line: (not line.stale, line.state == _VALID)))


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
