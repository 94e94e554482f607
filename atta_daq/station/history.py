"""What the readings were: one value a second for two hours, for strip charts of new windows."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from atta_daq.client.names import READINGS

INTERVAL_S = 1.0
LENGTH_S = 7200.0
RECORDED = tuple(r.name for r in READINGS if r.kind in ("double", "int", "bool"))
"""Numeric readings; 8 bytes each a second: about 3 MB in all."""
_DIGITS = 7


class History:
    """A ring of samples. `read(name)` gives a reading's value, None while it is stale."""

    def __init__(
        self,
        read: Callable[[str], Any],
        utc_now: Callable[[], float],
        length: int = int(LENGTH_S / INTERVAL_S),
        more: Sequence[str] = (),
    ) -> None:
        """`more`: readings that only this rig has."""
        self._read = read
        self._utc_now = utc_now
        self._names = (*RECORDED, *more)
        self._rows = {name: row for row, name in enumerate(self._names)}
        self._values = np.full((len(self._names), length), np.nan)
        self._utc_s = np.full(length, np.nan)
        self._taken = 0
        self._mutex = threading.Lock()

    def sample(self) -> None:
        """Take every reading once, if a second has passed since the last time."""
        now = self._utc_now()
        length = self._utc_s.size
        if self._taken and now - self._utc_s[(self._taken - 1) % length] < INTERVAL_S:
            return
        values = [self._read(name) for name in self._names]
        with self._mutex:
            place = self._taken % length
            self._utc_s[place] = now
            self._values[:, place] = [np.nan if value is None else value for value in values]
            self._taken += 1

    def since(self, names: Sequence[str], seconds: float) -> dict[str, dict[str, list[Any]]]:
        """The last `seconds` of each name: `utc_s` and `value`, oldest first; None where stale.

        Raises KeyError for a name that is not recorded.
        """
        rows = [self._rows[name] for name in names]
        with self._mutex:
            length = self._utc_s.size
            oldest = max(0, self._taken - length)
            order = np.arange(oldest, self._taken) % length
            utc_s = self._utc_s[order]
            order = order[utc_s >= self._utc_now() - seconds]
            utc_s = np.round(self._utc_s[order], 3).tolist()
            found = [self._values[row, order] for row in rows]
        return {
            name: {"utc_s": utc_s, "value": [_plain(value) for value in values]}
            for name, values in zip(names, found, strict=True)
        }


def _plain(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
