"""What the readings were: one value a second for two hours, for strip charts of new windows."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atta_daq.archive.history_records import Column, Samples, aligned
from atta_daq.client.names import READINGS, Reading
from atta_daq.steady import steady_s

INTERVAL_S = 1.0
LENGTH_S = 7200.0
RECORDED = tuple(r.name for r in READINGS if r.kind in ("double", "int", "bool"))
"""Numeric readings; 8 bytes each a second: about 3 MB in all."""
_DIGITS = 7
_RIG_TIME = "station:rig_time"

Keep = Callable[[float, float, NDArray[np.float32]], None]
"""Takes UTC, rig time and the values of a sample in the order of `columns_of`."""


def columns_of(more: Sequence[Reading] = ()) -> tuple[Column, ...]:
    """What goes to disk: every numeric reading but rig time, which each sample carries anyway."""
    return tuple(
        Column(r.name, r.unit, r.meaning)
        for r in (*READINGS, *more)
        if r.kind in ("double", "int", "bool") and r.name != _RIG_TIME
    )


class History:
    """A ring of samples. `read(name)` gives a reading's value, None while it is stale.

    Samples are placed by the steady clock: a clock that is set costs none and swaps none.
    """

    def __init__(
        self,
        read: Callable[[str], Any],
        utc_now: Callable[[], float],
        length: int = int(LENGTH_S / INTERVAL_S),
        more: Sequence[str] = (),
        *,
        steady: Callable[[], float] = steady_s,
        rig_now: Callable[[], float] = lambda: float("nan"),
        keep: Keep = lambda _utc_s, _rig_s, _values: None,
    ) -> None:
        """`more`: readings that only this rig has; `keep` is given each sample, for the disk."""
        self._read = read
        self._utc_now = utc_now
        self._steady = steady
        self._rig_now = rig_now
        self._keep = keep
        self._names = (*RECORDED, *more)
        self._rows = {name: row for row, name in enumerate(self._names)}
        self._kept = [row for name, row in self._rows.items() if name != _RIG_TIME]
        self._values = np.full((len(self._names), length), np.nan)
        self._steady_s = np.full(length, np.nan)
        self._taken = 0
        self._due_s = float("-inf")
        self._mutex = threading.Lock()

    def sample(self) -> None:
        """Take every reading once, if a second has passed since the last time."""
        now = self._steady()
        if now < self._due_s:
            return
        # Once a second, not a second after the last one, which came when somebody had time.
        late = now - self._due_s >= INTERVAL_S
        self._due_s = (now if late else self._due_s) + INTERVAL_S
        read = [self._read(name) for name in self._names]
        values = np.array([np.nan if value is None else value for value in read], dtype=float)
        self._add(now, values)
        self._keep(self._utc_now(), self._rig_now(), values[self._kept].astype(np.float32))

    def restore(self, past: Samples) -> None:
        """Begin with what an earlier station kept on disk, before the first `sample`."""
        if not len(past):
            return
        columns = [Column(name) for name in self._names]
        values = aligned(past.values, past.columns, columns).astype(float)
        values[:, self._rows[_RIG_TIME]] = past.rig_s
        # Where the clock was set in between, the order of taking counts.
        age = np.maximum.accumulate((self._utc_now() - past.utc_s)[::-1])[::-1]
        now = self._steady() - INTERVAL_S
        for moment, row in zip(now - np.maximum(age, 0.0), values, strict=True):
            self._add(float(moment), row)

    def _add(self, steady_s: float, values: NDArray[np.float64]) -> None:
        with self._mutex:
            place = self._taken % self._steady_s.size
            self._steady_s[place] = steady_s
            self._values[:, place] = values
            self._taken += 1

    def since(self, names: Sequence[str], seconds: float) -> dict[str, dict[str, list[Any]]]:
        """The last `seconds` of each name: `utc_s` and `value`, oldest first; None where stale.

        Times are on the clock as it goes now, and increase, also where it was set meanwhile.
        Raises KeyError for a name that is not recorded.
        """
        rows = [self._rows[name] for name in names]
        with self._mutex:
            length = self._steady_s.size
            oldest = max(0, self._taken - length)
            order = np.arange(oldest, self._taken) % length
            age_s = self._steady() - self._steady_s[order]
            order, age_s = order[age_s <= seconds], age_s[age_s <= seconds]
            utc_s = np.round(self._utc_now() - age_s, 3).tolist()
            found = [self._values[row, order] for row in rows]
        return {
            name: {"utc_s": utc_s, "value": [_plain(value) for value in values]}
            for name, values in zip(names, found, strict=True)
        }


def _plain(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
