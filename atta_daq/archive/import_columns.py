"""Columns of an imported table: which there are, which units they take.

A header cell is `name [unit]`, or `name` for a number without unit.
"""

import difflib
import math
import re
from dataclasses import dataclass
from pathlib import Path

from atta_daq.archive.errors import ImportProblem

FREQUENCY = {"MHz": 1.0, "GHz": 1e3, "kHz": 1e-3}
POWER = {"mW": 1.0, "W": 1e3, "uW": 1e-3, "µW": 1e-3}
TIME = {"s": 1.0, "min": 60.0, "h": 3600.0}
SHARE = {"": 1.0, "1": 1.0, "%": 0.01}
NUMBER = {"": 1.0, "1": 1.0}
ANY: dict[str, float] = {}
"""Rates keep whatever unit the lab uses, but must name one."""


@dataclass(frozen=True)
class Kind:
    """What a column holds: its units with the factor to the program's own, and what is allowed."""

    units: dict[str, float]
    meaning: str
    positive: bool = False
    not_negative: bool = False


COLUMNS: dict[str, Kind] = {
    "isotope": Kind(NUMBER, "mass number 81, 83, 84, 85; 0 for a blank"),
    "pumping": Kind(NUMBER, "819-nm light at the atoms: on or off"),
    "detuning": Kind(FREQUENCY, "of the 819-nm light, as set, from the 84Kr line; red negative"),
    "power": Kind(POWER, "of the 819-nm light in front of the source", not_negative=True),
    "sideband_frequency": Kind(FREQUENCY, "of the EOM; 0 without sidebands", not_negative=True),
    "sideband_depth": Kind(NUMBER, "modulation index beta", not_negative=True),
    "time": Kind(TIME, "middle of the measurement, after the start of the table"),
    "counts": Kind(NUMBER, "atoms detected, a whole number", not_negative=True),
    "live": Kind(TIME, "time that counted", positive=True),
    "efficiency": Kind(SHARE, "detected over true atoms, at most 1", positive=True),
    "efficiency_error": Kind(SHARE, "its standard error", not_negative=True),
    "loading_83": Kind(ANY, "83Kr loading rate that normalises the row", positive=True),
    "loading_83_error": Kind(ANY, "its standard error", not_negative=True),
    "rate": Kind(ANY, "loading rate, in place of counts", positive=True),
    "rate_error": Kind(ANY, "its standard error", positive=True),
}
_ERROR_OF = {"loading_83_error": "loading_83", "rate_error": "rate"}
_HEADER = re.compile(r"^\s*(?P<name>[^\[\]]*?)\s*(?:\[\s*(?P<unit>[^\[\]]*?)\s*\])?\s*$")


@dataclass(frozen=True)
class Column:
    """A column of one table."""

    name: str
    unit: str
    factor: float

    def number(self, text: str, path: Path, line: int) -> float | None:
        """The cell in the program's units; None when it is empty. Raises `ImportProblem`."""
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            raise ImportProblem(path, line, self.name, f"'{text}' is not a number") from None
        kind = COLUMNS[self.name]
        if not math.isfinite(value):
            raise ImportProblem(path, line, self.name, f"{text} is not finite")
        if kind.positive and value <= 0.0:
            raise ImportProblem(path, line, self.name, f"{text}: must be greater than 0")
        if kind.not_negative and value < 0.0:
            raise ImportProblem(path, line, self.name, f"{text}: must not be negative")
        return value * self.factor


def read_header(cells: list[str], path: Path, line: int) -> tuple[Column, ...]:
    """The columns that a header names. Raises `ImportProblem` for an unknown or doubled name, a
    missing or unknown unit, an error in another unit than its value."""
    columns: list[Column] = []
    for cell in cells:
        match = _HEADER.match(cell)
        name = match["name"] if match else cell.strip()
        if match is None or name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise ImportProblem(
                path, line, name, f"unknown column; {hint}known: {', '.join(COLUMNS)}"
            )
        unit = match["unit"] or ""
        allowed = COLUMNS[name].units
        named = [u for u in allowed if u]
        if not unit and "" not in allowed:
            example = f"[{named[0]}]" if named else "a unit such as [1/s] or [arb]"
            raise ImportProblem(path, line, name, f"unit missing; write '{name} {example}'")
        if allowed and unit not in allowed:
            raise ImportProblem(
                path, line, name, f"unit '{unit}' is not known; one of {', '.join(named)}"
            )
        if any(column.name == name for column in columns):
            raise ImportProblem(path, line, name, "column appears twice")
        columns.append(Column(name, unit, allowed.get(unit, 1.0)))
    _check_pairs({column.name: column.unit for column in columns}, path, line)
    return tuple(columns)


def _check_pairs(units: dict[str, str], path: Path, line: int) -> None:
    for name in ("isotope", "pumping"):
        if name not in units:
            raise ImportProblem(path, line, name, "column missing; every table needs it")
    if "counts" not in units and "rate" not in units:
        raise ImportProblem(path, line, "counts", "neither 'counts' nor 'rate [unit]' is there")
    if "counts" in units and "live" not in units:
        raise ImportProblem(path, line, "live", "column missing; counts need 'live [s]'")
    for error, value in _ERROR_OF.items():
        if value in units and error not in units:
            unit = units[value]
            raise ImportProblem(
                path, line, error, f"column missing; '{value}' needs '{error} [{unit}]'"
            )
        if error in units and value not in units:
            raise ImportProblem(path, line, error, f"there is no column '{value}'")
        if error in units and units[error] != units[value]:
            raise ImportProblem(
                path, line, error, f"unit '{units[error]}' differs from '{units[value]}' of {value}"
            )
    if "efficiency_error" in units and "efficiency" not in units:
        raise ImportProblem(path, line, "efficiency_error", "there is no column 'efficiency'")
