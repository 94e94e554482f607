"""Drift spectrum of the discharge source from series of 83Kr loading rates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.drift_spectrum import SECONDS_PER_HOUR, TYPICAL, DriftSpectrum
from atta_daq.analysis.source_track import difference_likelihood, track_source

FloatArray = NDArray[np.float64]

LEAST_BRACKETS = 12
WALK_PER_ROOT_H = np.geomspace(1e-4, 0.5, 120)
NOISE_STEPS = 16
_WIDE_DRIFT_PER_S = 0.2 / SECONDS_PER_HOUR


@dataclass(frozen=True)
class Series:
    """83Kr rates of one stretch of time with the discharge left alone, ascending, shapes (n,)."""

    time_s: FloatArray
    rate: FloatArray
    relative_error: FloatArray
    """From the scatter of the bursts."""


@dataclass(frozen=True)
class SourceDriftFit:
    """Posterior means and their covariance."""

    walk_per_root_h: float
    drift_per_h: float
    excess_noise: float
    covariance: FloatArray
    """Of the three, in this order, (3, 3)."""
    steps: int
    """Jumps that were recognised; none of the numbers contains them."""
    hours: float
    """Of all series together."""


def fit_source_drift(series: Sequence[Series]) -> SourceDriftFit:
    """Walk and excess noise by their posterior over a grid, flat in both amplitudes.

    The likelihood is that of the differences of neighbouring rates, with a drift of its own for
    each series. Where the source jumped (see `source_track`) a series is cut in two. The steady
    drift is the mean of the series' own, weighted by what walk and time let know of it.
    Raises ValueError for fewer than `LEAST_BRACKETS` rates, or a rate that is not positive.
    """
    count = sum(s.rate.size for s in series)
    if count < LEAST_BRACKETS:
        raise ValueError(f"{count} rates are too few to tell a drift ({LEAST_BRACKETS} are needed)")
    if any(np.any(s.rate <= 0.0) for s in series):
        raise ValueError("a loading rate is not positive: does 83Kr load?")
    pieces, steps = [], 0
    for one in series:
        cut, found = _cut(one)
        pieces += cut
        steps += found
    errors = np.concatenate([p.relative_error for p in pieces])
    noise = np.linspace(0.0, 3.0 * float(np.sqrt(np.mean(errors**2))), NOISE_STEPS)
    walk = WALK_PER_ROOT_H**2 / SECONDS_PER_HOUR
    free = DriftSpectrum(drift_rms_per_s=_WIDE_DRIFT_PER_S)
    log = np.zeros((noise.size, walk.size))
    for row, excess in zip(log, noise, strict=True):
        for p in pieces:
            variance = p.relative_error**2 + excess**2
            row += difference_likelihood(p.time_s, np.log(p.rate), variance, walk, free)
    # Flat in both amplitudes: a step of the grid is as wide as the walk is large.
    weight = np.exp(log - log.max()) * np.gradient(WALK_PER_ROOT_H)
    weight /= weight.sum()
    w, n = weight.sum(axis=0), weight.sum(axis=1)
    mean_walk, mean_noise = float(w @ WALK_PER_ROOT_H), float(n @ noise)
    d_walk, d_noise = WALK_PER_ROOT_H - mean_walk, noise - mean_noise
    mean_walk_2 = float(w @ WALK_PER_ROOT_H**2)
    drift, drift_error = _drift(pieces, mean_walk_2 / SECONDS_PER_HOUR, mean_noise)
    covariance = np.zeros((3, 3))
    covariance[0, 0], covariance[2, 2] = w @ d_walk**2, n @ d_noise**2
    covariance[0, 2] = covariance[2, 0] = d_noise @ weight @ d_walk
    covariance[1, 1] = drift_error**2
    hours = sum(float(np.ptp(s.time_s)) for s in series) / SECONDS_PER_HOUR
    return SourceDriftFit(mean_walk, drift, mean_noise, covariance, steps, hours)


def _cut(series: Series) -> tuple[list[Series], int]:
    track = track_source(series.time_s, np.log(series.rate), series.relative_error**2, TYPICAL)
    ends = [int(np.searchsorted(series.time_s, step.after_s)) + 1 for step in track.steps]
    pieces = [
        Series(series.time_s[a:b], series.rate[a:b], series.relative_error[a:b])
        for a, b in zip([0, *ends], [*ends, series.rate.size], strict=True)
        if b - a >= 2
    ]
    return pieces, len(ends)


def _drift(pieces: Sequence[Series], walk_per_s: float, noise: float) -> tuple[float, float]:
    """Mean drift and its error (1/h): a walk alone makes one of sqrt(q / T) in the time T."""
    known = DriftSpectrum(walk_per_s, 1e9, _WIDE_DRIFT_PER_S)
    top = bottom = 0.0
    for p in pieces:
        variance = p.relative_error**2 + noise**2
        track = track_source(p.time_s, np.log(p.rate), variance, known)
        own = float(track.covariance[-1, -1])
        top += track.drift_per_s / own
        bottom += 1.0 / own
    return SECONDS_PER_HOUR * top / bottom, SECONDS_PER_HOUR / math.sqrt(bottom)


def structure(
    series: Sequence[Series], lags: int = 16
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Time apart (s), rms relative change between two rates so far apart, and its rough error.

    What the eye holds against the fit: 2 noise^2 + q t, plus the square of the drift. Pairs of
    one series only, in bins that grow with the time apart.
    """
    apart, change = [], []
    for s in series:
        i, j = np.triu_indices(s.rate.size, 1)
        apart.append(s.time_s[j] - s.time_s[i])
        change.append(np.log(s.rate[j] / s.rate[i]))
    t, d = np.concatenate(apart), np.concatenate(change)
    edges = np.geomspace(t.min() * 0.999, t.max() * 0.5, lags + 1)
    found = []
    for low, high in pairwise(edges):
        inside = (t >= low) & (t < high)
        if inside.sum() < 3:
            continue
        # Pairs that overlap are not independent: as many as fit side by side count.
        span = sum(float(np.ptp(s.time_s)) for s in series)
        independent = max(min(float(inside.sum()), span / float(t[inside].mean())), 1.0)
        rms = float(np.sqrt(np.mean(d[inside] ** 2)))
        found.append((float(t[inside].mean()), rms, rms / math.sqrt(2.0 * independent)))
    x, y, error = np.array(found).T
    return x, y, error
