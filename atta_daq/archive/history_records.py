"""What the history is made of: samples of all readings, their minutes, events of alarms."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

MINUTE_S = 60.0
SPREAD = ("least", "mean", "greatest")
"""What a minute keeps of each reading, in this order."""


@dataclass(frozen=True)
class Column:
    """A recorded reading."""

    name: str
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Samples:
    """Readings at n moments in the order in which they were taken, whatever the clock said."""

    utc_s: NDArray[np.float64]
    """Of this computer, seconds since 1970, shape (n,); may step where the clock was set."""
    rig_s: NDArray[np.float64]
    """On the rig's clock, shape (n,)."""
    columns: tuple[Column, ...]
    values: NDArray[np.float32]
    """Shape (n, k), one column for each of `columns`; nan where a reading was stale."""

    def __len__(self) -> int:
        return len(self.utc_s)

    def of(self, name: str) -> NDArray[np.float32]:
        """Values of one reading, shape (n,). Raises KeyError."""
        return self.values[:, _place(self.columns, name)]

    def minutes(self) -> "Minutes":
        """Least, mean and greatest value of each minute of UTC.

        A minute that the clock came back to is a second group: the order of taking is kept.
        """
        if not len(self):
            return Minutes.nothing(self.columns)
        minute = np.floor(self.utc_s / MINUTE_S)
        starts = np.flatnonzero(np.diff(minute, prepend=np.nan) != 0.0)
        samples = np.diff(starts, append=len(self))
        good = ~np.isnan(self.values)
        count = np.add.reduceat(good, starts, axis=0, dtype=np.int64)
        total = np.add.reduceat(np.where(good, self.values, 0.0), starts, axis=0, dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (total / count).astype(np.float32)
        spread = np.stack(
            [
                np.fmin.reduceat(self.values, starts, axis=0),
                mean,
                np.fmax.reduceat(self.values, starts, axis=0),
            ],
            axis=2,
        )
        return Minutes(
            np.add.reduceat(self.utc_s, starts) / samples,
            np.add.reduceat(self.rig_s, starts) / samples,
            samples,
            self.columns,
            spread,
        )


@dataclass(frozen=True)
class Minutes:
    """Readings of m minutes in the order in which they were taken."""

    utc_s: NDArray[np.float64]
    """Mean time of the minute's samples, shape (m,)."""
    rig_s: NDArray[np.float64]
    samples: NDArray[np.int64]
    """How many there were, shape (m,)."""
    columns: tuple[Column, ...]
    values: NDArray[np.float32]
    """Shape (m, k, 3), `SPREAD` last; nan where a reading was stale all the time."""

    def __len__(self) -> int:
        return len(self.utc_s)

    def of(self, name: str) -> NDArray[np.float32]:
        """`SPREAD` of one reading, shape (m, 3). Raises KeyError."""
        return self.values[:, _place(self.columns, name)]

    @classmethod
    def nothing(cls, columns: Sequence[Column] = ()) -> "Minutes":
        """No minute at all."""
        k = len(columns)
        return cls(
            np.empty(0), np.empty(0), np.empty(0, np.int64), tuple(columns),
            np.empty((0, k, 3), np.float32),
        )  # fmt: skip


@dataclass(frozen=True)
class AlarmEvent:
    """Something happened to an alarm."""

    utc_s: float
    rig_s: float
    event: str
    """'raised', 'changed', 'over' or 'acknowledged'."""
    id: str
    source: str
    severity: str
    text: str

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_line(cls, line: str) -> "AlarmEvent":
        """Inverse of `to_line`. Raises ValueError or TypeError."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Past:
    """A stretch of the history."""

    columns: tuple[Column, ...]
    seconds: Samples | None = None
    minutes: Minutes | None = None
    alarms: tuple[AlarmEvent, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)
    """Files that could not be read, with the reason."""


def merged(columns: Sequence[Sequence[Column]]) -> tuple[Column, ...]:
    """Every column once, by its name; the latest description counts."""
    found: dict[str, Column] = {}
    for some in columns:
        found |= {column.name: column for column in some}
    return tuple(found.values())


def aligned(values: NDArray, had: Sequence[Column], wanted: Sequence[Column]) -> NDArray:
    """`values` (n, k, ...) with their columns in another order; nan where there was none."""
    places = {column.name: place for place, column in enumerate(had)}
    result = np.full((len(values), len(wanted), *values.shape[2:]), np.nan, values.dtype)
    for place, column in enumerate(wanted):
        if column.name in places:
            result[:, place] = values[:, places[column.name]]
    return result


def _place(columns: Sequence[Column], name: str) -> int:
    for place, column in enumerate(columns):
        if column.name == name:
            return place
    raise KeyError(name)
