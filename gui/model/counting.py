"""How the station counts, as far as a plot of the counts needs it (`camera:counting`)."""

import math
from dataclasses import dataclass
from typing import Any

ATOMS = (0, 1, 2, 3)
"""Numbers of atoms whose light is marked."""
RARE = "rare"
"""Kind of the segments in which atoms are counted, in the table of a run."""
SPOT = ("spot_row_px", "spot_column_px", "spot_sigma_px")


@dataclass(frozen=True)
class Counting:
    """The light (e- a frame) of a number of atoms."""

    electrons_per_atom: float
    zero: float
    """Light of the empty trap."""
    spot: tuple[float, float, float] | None = None
    """Row, column and sigma (px) of an atom's light; 0, 0 is the middle of the first pixel."""

    @classmethod
    def from_record(cls, record: dict[str, Any] | None) -> "Counting | None":
        """From the station's record; None when nothing counts yet."""
        if not record or not record.get("electrons_per_atom"):
            return None
        spot = [record[name] for name in SPOT if name in record]
        return cls(
            float(record["electrons_per_atom"]),
            float(record.get("zero_electrons", 0.0)),
            (spot[0], spot[1], spot[2]) if len(spot) == len(SPOT) else None,
        )

    def light(self, atoms: float) -> float:
        """Light of so many atoms (e-)."""
        return self.zero + atoms * self.electrons_per_atom

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Midpoints between the lights of neighbouring numbers (e-)."""
        return tuple(self.light(atoms + 0.5) for atoms in ATOMS[:-1])

    def bin_width(self, spread: float) -> float:
        """Width of a histogram bin (e-): eighths of an atom, doubled until 100 bins hold all."""
        width = self.electrons_per_atom / 8.0
        return width * 2.0 ** max(0, math.ceil(math.log2(max(spread / (100.0 * width), 1e-9))))


def rate_error(table: dict[str, Any] | None, rate: float) -> float:
    """Counting error (1/h) of the rate of the last counting segment, from the columns of the run's
    table; nan where that does not hold the segment (rate and table arrive one after the other)."""
    columns = ("kind", "flag", "counts", "live_s", "efficiency")
    rows = zip(*((table or {}).get(name, ()) for name in columns), strict=False)
    for kind, flag, counts, live_s, efficiency in reversed(list(rows)):
        if kind != RARE or flag:
            continue
        live_h = float(live_s) * (float(efficiency) if efficiency > 0.0 else 1.0) / 3600.0
        if not live_h > 0.0 or not math.isclose(counts / live_h, rate, rel_tol=1e-3):
            return math.nan
        # Of a segment without atoms: what one of them would have made.
        return math.sqrt(max(counts, 1)) / live_h
    return math.nan


def two_digits(error: float) -> str:
    """An error with two significant digits, and whole at least: '400', '37'."""
    return f"{round(error, min(0, 1 - math.floor(math.log10(error)))):.0f}"
