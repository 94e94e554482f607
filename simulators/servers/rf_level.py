"""Level of a generator and the unit in which it takes and tells it, into 50 ohm."""

import math
import re

from simulators.scpi import OUT_OF_RANGE, ScpiError, choice, number

OHM = 50.0
UNITS = ("DBM", "DBMV", "DBUV", "V", "W")
"""What both makers' boxes share; V is the rms value."""
VOLTS_DB = {"DBMV": 1e-3, "DBUV": 1e-6}
"""The voltage at 0 dB."""


def to_dbm(value: float, unit: str) -> float:
    """A level in `unit` in dBm. Raises ScpiError for one that no output has."""
    if unit == "DBM":
        return value
    if unit in VOLTS_DB:
        value, unit = VOLTS_DB[unit] * 10.0 ** (min(value, 1e3) / 20.0), "V"
    watt = value * abs(value) / OHM if unit == "V" else value
    if not watt > 0.0:
        raise ScpiError(*OUT_OF_RANGE)
    return 10.0 * math.log10(watt / 1e-3)


def from_dbm(dbm: float, unit: str) -> float:
    """A level in dBm in `unit`."""
    watt = 1e-3 * 10.0 ** (dbm / 10.0)
    volt = math.sqrt(watt * OHM)
    if unit in VOLTS_DB:
        return 20.0 * math.log10(volt / VOLTS_DB[unit])
    return {"DBM": dbm, "V": volt, "W": watt}[unit]


class LevelUnit:
    """The setting `UNIT:POWer` of a box; a number without a unit is in it."""

    def __init__(self) -> None:
        self.name = "DBM"

    def choose(self, text: str) -> None:
        """Raises ScpiError for a unit that the box does not have."""
        self.name = choice(text, UNITS)

    def dbm(self, text: str, low_dbm: float, high_dbm: float) -> float:
        """The level that `text` means, within both ends. Raises ScpiError."""
        suffix = re.search(r"[A-Za-z]+\s*$", text)
        unit = suffix[0].strip().upper() if suffix else self.name
        if unit not in UNITS:
            raise ScpiError(-131, "Invalid suffix")
        value = to_dbm(number(text[: suffix.start()] if suffix else text), unit)
        if not low_dbm <= value <= high_dbm:
            raise ScpiError(*OUT_OF_RANGE)
        return round(value, 2)

    def shown(self, dbm: float) -> float:
        """What the box tells of a level."""
        return from_dbm(dbm, self.name)
