"""The 83Kr loading rate through a run: what every rare rate is divided by.

Between two brackets the source is interpolated linearly. What it did in between is not known, so
the interpolated value carries, beside the errors of its brackets, the variance of a random walk
that is pinned at the brackets (a Brownian bridge); before the first and after the last bracket the
rate is held and the variance of the free walk is added. The strength of the walk is estimated from
the brackets themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.records import Segment

FloatArray = NDArray[np.float64]

# With few brackets the walk cannot be estimated from them alone: they are completed by two
# pseudo-intervals of a source that walks 2 % in a root hour, what the rig's own stability suggests.
TYPICAL_WALK_PER_S = 0.02**2 / 3600.0
TYPICAL_INTERVALS = 2.0


def pooled_relative_errors(segments: Sequence[Segment]) -> FloatArray:
    """Relative error of each loading rate, shape (n,), scatter estimates pooled.

    A rate from a handful of bursts brings an error from the scatter of that handful: as a weight
    it is worthless (the variance of 1/s^2 diverges at five bursts). Bursts of one kind, one
    pumping state share their relative noise, so their scatter is pooled over the run, weighted by
    the degrees of freedom. Segments that name no number of bursts (`exposures` < 2) keep their own.
    Raises ValueError for a rate that is missing or not positive.
    """
    relative = np.empty(len(segments))
    single_variance: dict[tuple[str, bool], list[float]] = {}
    for i, segment in enumerate(segments):
        if segment.rate is None or segment.rate_error is None or segment.rate <= 0.0:
            raise ValueError(
                f"segment {segment.index} ({segment.kind}): a loading rate and its error are "
                f"needed, got {segment.rate} ± {segment.rate_error}"
            )
        relative[i] = segment.rate_error / segment.rate
        if segment.exposures >= 2:
            freedom = segment.exposures - 1
            sums = single_variance.setdefault((segment.kind, segment.pumping), [0.0, 0.0])
            sums[0] += freedom * segment.exposures * relative[i] ** 2
            sums[1] += freedom
    for i, segment in enumerate(segments):
        if segment.exposures >= 2:
            weighted, freedom = single_variance[(segment.kind, segment.pumping)]
            relative[i] = np.sqrt(weighted / freedom / segment.exposures)
    return relative


@dataclass(frozen=True)
class Normaliser:
    """Bracket rates, ascending in time, and the walk of the source between them."""

    time_s: FloatArray
    """Middle of each bracket on the rig's clock, shape (k,)."""
    rate: FloatArray
    """83Kr loading rate, detector units per second, shape (k,)."""
    relative_error: FloatArray
    walk_per_s: float
    """Relative variance that the source gathers in a second."""

    @classmethod
    def from_brackets(cls, brackets: Sequence[Segment]) -> "Normaliser":
        """From unflagged bracket segments; none at all gives a constant 1 without error."""
        ordered = sorted(brackets, key=lambda segment: segment.mid_rig_s)
        relative = pooled_relative_errors(ordered)
        time_s = np.array([segment.mid_rig_s for segment in ordered], dtype=np.float64)
        rate = np.array([segment.rate for segment in ordered], dtype=np.float64)
        return cls(time_s, rate, relative, _walk(time_s, rate, relative))

    @property
    def mean_rate(self) -> float:
        """Mean of the brackets: normalisers are quoted relative to it (1 without brackets)."""
        return float(self.rate.mean()) if self.rate.size else 1.0

    def at(self, start_s: FloatArray, end_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean relative rate over each interval, shape (m,), and its relative covariance (m, m).

        The covariance holds the bracket errors, shared by all intervals between the same
        brackets, and the walk of the source (see the module).
        """
        m = len(start_s)
        if self.rate.size == 0:
            return np.ones(m), np.zeros((m, m))
        weights = np.stack([self._mean_hat(a, b) for a, b in zip(start_s, end_s, strict=True)])
        relative_rate = self.rate / self.mean_rate
        value = weights @ relative_rate
        share = weights * (relative_rate * self.relative_error) / value[:, None]
        middle = 0.5 * (np.asarray(start_s) + np.asarray(end_s))
        return value, share @ share.T + self.walk_per_s * self._unpinned(middle)

    def is_extrapolated(self, middle_s: float) -> bool:
        """No bracket on one side of this time."""
        return bool(self.rate.size == 0 or middle_s < self.time_s[0] or middle_s > self.time_s[-1])

    def _hat(self, t: FloatArray) -> FloatArray:
        """Weight of each bracket in the linear interpolation at the times t, shape (len(t), k)."""
        place = np.interp(t, self.time_s, np.arange(self.time_s.size))
        return np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(self.time_s.size)))

    def _mean_hat(self, start: float, end: float) -> FloatArray:
        """Mean weight of each bracket over an interval; exact for piecewise linear weights."""
        if end <= start:
            return self._hat(np.array([start]))[0]
        inside = self.time_s[(self.time_s > start) & (self.time_s < end)]
        nodes = np.concatenate([[start], inside, [end]])
        return np.atleast_1d(np.trapezoid(self._hat(nodes), nodes, axis=0)) / (end - start)

    def _unpinned(self, t: FloatArray) -> FloatArray:
        """Covariance of a unit random walk pinned at the brackets, shape (m, m), in seconds."""
        interval = np.searchsorted(self.time_s, t)
        same = interval[:, None] == interval[None, :]
        early, late = np.minimum.outer(t, t), np.maximum.outer(t, t)
        before = self.time_s[np.maximum(interval - 1, 0)][:, None]
        after = self.time_s[np.minimum(interval, self.time_s.size - 1)][:, None]
        length = np.where(after > before, after - before, 1.0)
        bridge = (early - before) * (after - late) / length
        bridge = np.where((interval == 0)[:, None], after - late, bridge)
        bridge = np.where((interval == self.time_s.size)[:, None], early - before, bridge)
        return np.where(same, bridge, 0.0)


def _walk(time_s: FloatArray, rate: FloatArray, relative_error: FloatArray) -> float:
    """Relative variance per second, from the steps between brackets less their errors."""
    if rate.size < 2:
        return TYPICAL_WALK_PER_S
    interval = np.diff(time_s)
    noise = relative_error[1:] ** 2 + relative_error[:-1] ** 2
    excess = float(np.sum(np.diff(np.log(rate)) ** 2 - noise))
    pseudo = TYPICAL_INTERVALS * float(interval.mean())
    return max(excess + TYPICAL_WALK_PER_S * pseudo, 0.0) / (float(interval.sum()) + pseudo)
