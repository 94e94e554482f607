"""The recent past of a reading: a ring of samples, and its reduction to what a screen can show."""

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
NEAR_S = 1.5
"""The station keeps one sample a second: nearer than this, both tell the same."""


class Ring:
    """The last `capacity` samples of one reading, at increasing times (s); nan is a gap.

    `view` is without a copy: the samples lie in one piece of a buffer that is a quarter longer,
    and move to its front when it is full.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a ring holds one sample at least")
        self.capacity = capacity
        self._buffer = np.empty((2, capacity + max(capacity // 4, 1)))
        self._first = self._end = 0

    def __len__(self) -> int:
        return self._end - self._first

    def add(self, time_s: float, value: float) -> None:
        """Add the newest sample. When the clock went back, what it takes back is forgotten."""
        times = self._buffer[0, self._first : self._end]
        if len(times) and time_s <= times[-1]:
            self._end = self._first + int(np.searchsorted(times, time_s))
        if self._end == self._buffer.shape[1]:
            self._load(self._buffer[:, self._first : self._end].copy())
        self._buffer[:, self._end] = time_s, value
        self._end += 1
        self._first = max(self._first, self._end - self.capacity)

    def gap(self) -> None:
        """The reading is lost from now on."""
        if len(self) and not np.isnan(self._buffer[1, self._end - 1]):
            self.add(float(np.nextafter(self._buffer[0, self._end - 1], np.inf)), np.nan)

    def fill(self, times_s: Series, values: Series) -> None:
        """Merge past samples, at increasing times, where the ring has none of its own near."""
        own, own_values = self.view()
        kept = ~np.isnan(own_values)
        known = own[kept]
        new = _distance(times_s, known) > NEAR_S
        # A gap of our own that the station can fill is no gap.
        kept |= _distance(own, times_s[new & ~np.isnan(values)]) > 2.0 * NEAR_S
        times = np.concatenate([own[kept], times_s[new]])
        merged = np.concatenate([own_values[kept], values[new]])
        order = np.argsort(times, kind="stable")[-self.capacity :]
        self._load(np.stack([times[order], merged[order]]))

    def view(self, since_s: float = -np.inf) -> tuple[Series, Series]:
        """Times and values since a time; valid until the next `add` or `fill`."""
        times = self._buffer[0, self._first : self._end]
        start = self._first + int(np.searchsorted(times, since_s))
        return self._buffer[0, start : self._end], self._buffer[1, start : self._end]

    def _load(self, samples: NDArray[np.float64]) -> None:
        count = samples.shape[1]
        self._buffer[:, :count] = samples
        self._first, self._end = 0, count


def _distance(times: Series, others: Series) -> Series:
    """From each time to the nearest of the others, which increase; inf when there are none."""
    if not len(others):
        return np.full(len(times), np.inf)
    after = np.searchsorted(others, times)
    return np.minimum(
        np.abs(times - others[np.maximum(after - 1, 0)]),
        np.abs(times - others[np.minimum(after, len(others) - 1)]),
    )


def reduce(times_s: Series, values: Series, bin_s: float) -> tuple[Series, Series]:
    """Two points a bin: its lowest and its highest value, so that no peak is lost.

    Bins lie on a fixed grid of `bin_s`: a curve that moves on does not flicker. The points stand
    at the bin's first and last time, the lowest first when the bin rises. A bin of nothing but
    nan stays a gap.
    """
    if len(times_s) <= 2:
        return times_s, values
    bins = np.floor(times_s / bin_s)
    starts = np.flatnonzero(np.diff(bins, prepend=-np.inf))
    if 2 * len(starts) >= len(times_s):
        return times_s, values
    ends = np.append(starts[1:], len(times_s)) - 1
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    rises = ~(values[ends] < values[starts])
    reduced = np.empty((2, 2 * len(starts)))
    reduced[0, 0::2], reduced[0, 1::2] = times_s[starts], times_s[ends]
    reduced[1, 0::2] = np.where(rises, low, high)
    reduced[1, 1::2] = np.where(rises, high, low)
    return reduced[0], reduced[1]
