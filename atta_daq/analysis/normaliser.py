"""The 83Kr loading rate through a run: what every rare rate is divided by.

The source is tracked through its brackets (see `source_track`): each bracket is drawn towards its
neighbours as far as its own error is larger than what the source can have walked. Between two
brackets its logarithm is interpolated linearly; beyond the first and the last one it follows the
steady drift. What the source did in between is not known, so a value carries, beside the
covariance of the brackets, the variance of a random walk that is pinned at both ends (a Brownian
bridge) or, beyond the ends, free.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.records import Segment
from atta_daq.analysis.source_track import SourceStep, SourceTrack, track_source

FloatArray = NDArray[np.float64]


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


def that_loaded(brackets: Sequence[Segment]) -> list[Segment]:
    """Brackets without those whose rate is not positive: the source was out.

    A station flags such a bracket; older runs hold them unflagged. One without any rate stays.
    """
    return [s for s in brackets if s.rate is None or s.rate > 0.0]


@dataclass(frozen=True)
class Normaliser:
    """Bracket rates, ascending in time, and the track of the source through them."""

    time_s: FloatArray
    """Middle of each bracket on the rig's clock, shape (k,)."""
    rate: FloatArray
    """83Kr loading rate as measured, detector units per second, shape (k,)."""
    relative_error: FloatArray
    """Of each bracket by itself, shape (k,)."""
    track: SourceTrack | None
    """None without brackets."""

    @classmethod
    def from_brackets(
        cls, brackets: Sequence[Segment], drift: DriftSpectrum = TYPICAL
    ) -> "Normaliser":
        """From unflagged bracket segments; none at all gives a constant 1 without error.

        `drift` is what is known of the source before, from a calibration. Brackets that do not
        say from how many bursts they come are a table's own normalisers: each is met, none is
        drawn towards its neighbours.
        """
        ordered = sorted(brackets, key=lambda segment: segment.mid_rig_s)
        relative = np.hypot(pooled_relative_errors(ordered), drift.excess_noise)
        time_s = np.array([segment.mid_rig_s for segment in ordered], dtype=np.float64)
        rate = np.array([segment.rate for segment in ordered], dtype=np.float64)
        given = bool(ordered) and all(segment.exposures < 2 for segment in ordered)
        return cls.of_rates(*_merged(time_s, rate, relative), drift, smooth=not given)

    @classmethod
    def of_rates(
        cls,
        time_s: FloatArray,
        rate: FloatArray,
        relative_error: FloatArray,
        drift: DriftSpectrum = TYPICAL,
        *,
        smooth: bool = True,
    ) -> "Normaliser":
        """From rates at ascending times; without `smooth` each bracket is met.

        Raises ValueError for times that do not ascend.
        """
        if rate.size == 0:
            return cls(time_s, rate, relative_error, None)
        track = track_source(time_s, np.log(rate), relative_error**2, drift, smooth=smooth)
        return cls(time_s, rate, relative_error, track)

    @property
    def mean_rate(self) -> float:
        """Mean of the brackets: normalisers are quoted relative to it (1 without brackets)."""
        return float(self.rate.mean()) if self.rate.size else 1.0

    @property
    def steps(self) -> tuple[SourceStep, ...]:
        """Jumps of the source between brackets, in the order of time."""
        return self.track.steps if self.track is not None else ()

    def at(self, start_s: FloatArray, end_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean relative rate over each interval, shape (m,), and its relative covariance (m, m).

        The mean is that of the logarithm; that of the rate is larger by 1/24 of the square of the
        relative change over the interval, 4e-6 for a per cent.

        The covariance holds what the brackets leave open, shared by intervals near each other,
        and the walk of the source in between (see the module). Intervals of one instant are good;
        two different ones are taken not to overlap.
        """
        if self.track is None:
            return np.ones(len(start_s)), np.zeros((len(start_s), len(start_s)))
        pieces = _Pieces.of(np.asarray(start_s), np.asarray(end_s), self.time_s)
        # Within a piece everything is linear in time: its mean is the value at its middle.
        middle = pieces.middle_s
        beyond = middle - np.clip(middle, self.time_s[0], self.time_s[-1])
        share = pieces.mixed(np.column_stack([self._hat(middle), beyond]))
        mean_log = share @ np.append(self.track.log_rate, self.track.drift_per_s)
        covariance = share @ self.track.covariance @ share.T
        between = pieces.mixed(pieces.mixed(self._between(pieces)).T)
        return np.exp(mean_log) / self.mean_rate, covariance + between

    def is_extrapolated(self, middle_s: float) -> bool:
        """No bracket on one side of this time."""
        return bool(self.rate.size == 0 or middle_s < self.time_s[0] or middle_s > self.time_s[-1])

    def _hat(self, t: FloatArray) -> FloatArray:
        """Weight of each bracket in the linear interpolation at the times t, shape (len(t), k)."""
        place = np.interp(t, self.time_s, np.arange(self.time_s.size))
        return np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(self.time_s.size)))

    def _between(self, pieces: "_Pieces") -> FloatArray:
        """Covariance of what the source did beside the brackets, between pieces, shape (p, p).

        The mean of a walk over a piece has with another piece the covariance of the walk at both
        middles; with itself, less by a sixth of its length.
        """
        assert self.track is not None
        interval = np.searchsorted(self.time_s, pieces.middle_s)
        unit = self._unpinned(pieces.middle_s, interval)
        unit[np.diag_indices_from(unit)] -= (pieces.end_s - pieces.start_s) / 6.0
        return unit * self.track.interval_walk_per_s(self.time_s)[interval][:, None]

    def _unpinned(self, t: FloatArray, interval: NDArray[np.intp]) -> FloatArray:
        """Covariance of a unit random walk pinned at the brackets, shape (m, m), in seconds."""
        same = interval[:, None] == interval[None, :]
        early, late = np.minimum.outer(t, t), np.maximum.outer(t, t)
        before = self.time_s[np.maximum(interval - 1, 0)][:, None]
        after = self.time_s[np.minimum(interval, self.time_s.size - 1)][:, None]
        length = np.where(after > before, after - before, 1.0)
        bridge = (early - before) * (after - late) / length
        bridge = np.where((interval == 0)[:, None], after - late, bridge)
        bridge = np.where((interval == self.time_s.size)[:, None], early - before, bridge)
        return np.where(same, bridge, 0.0)


@dataclass(frozen=True)
class _Pieces:
    """Intervals, cut at the brackets that they span."""

    start_s: FloatArray
    end_s: FloatArray
    mixing: FloatArray | None
    """Share of each piece in each interval, shape (m, p); None where none was cut."""

    @classmethod
    def of(cls, start_s: FloatArray, end_s: FloatArray, cuts_s: FloatArray) -> "_Pieces":
        first = np.searchsorted(cuts_s, start_s, "right")
        last = np.searchsorted(cuts_s, end_s, "left")
        if np.all(last <= first):
            return cls(start_s, end_s, None)
        nodes = [
            np.concatenate([[start], cuts_s[i:j], [end]])
            for start, end, i, j in zip(start_s, end_s, first, last, strict=True)
        ]
        begin = np.concatenate([n[:-1] for n in nodes])
        end = np.concatenate([n[1:] for n in nodes])
        owner = np.repeat(np.arange(len(nodes)), [n.size - 1 for n in nodes])
        mixing = np.zeros((len(nodes), begin.size))
        whole = (end_s - start_s)[owner]
        one = np.where(whole > 0.0, whole, 1.0)
        mixing[owner, np.arange(begin.size)] = np.where(whole > 0.0, (end - begin) / one, 1.0)
        return cls(begin, end, mixing)

    @property
    def middle_s(self) -> FloatArray:
        return 0.5 * (self.start_s + self.end_s)

    def mixed(self, of_pieces: FloatArray) -> FloatArray:
        """Rows of pieces to rows of intervals."""
        return of_pieces if self.mixing is None else self.mixing @ of_pieces


def _merged(
    time_s: FloatArray, rate: FloatArray, relative: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Brackets of one instant (rows of a table have no time) as one, weighted by their errors."""
    if time_s.size < 2 or np.all(np.diff(time_s) > 0.0):
        return time_s, rate, relative
    times, place = np.unique(time_s, return_inverse=True)
    weight = 1.0 / np.maximum(relative, 1e-7) ** 2
    total = np.bincount(place, weight)
    return times, np.bincount(place, weight * rate) / total, 1.0 / np.sqrt(total)
