"""The source's logarithm through a run, smoothed from its 83Kr brackets, with steps recognised.

The logarithm of the strength is a random walk, a steady drift, and now and then a step:

    x(i+1) - x(i) ~ Normal(drift (t(i+1) - t(i)), q (t(i+1) - t(i)) + step(i)^2)
    bracket(i)    ~ Normal(x(i), error(i)^2)

with the first x unconstrained and drift ~ Normal(0, rms^2) (a local level model; Durbin and
Koopman, Time Series Analysis by State Space Methods, 2nd ed., sections 2.1 and 3.2). Linear and
Gaussian, so the posterior of all x and of the drift is exact. The walk q is not known: the
likelihood of the differences between brackets is laid over a grid of ln q, times an inverse-gamma
prior, and the posterior mean of q is used, in which the variance between brackets is linear.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from atta_daq.analysis.drift_spectrum import TYPICAL_WALK_INTERVALS, DriftSpectrum
from atta_daq.analysis.results import pdg_round

FloatArray = NDArray[np.float64]

FALSE_STEPS = 0.005
"""A source that only walks is said to have made a step in so many runs."""
STEP_INTERVALS = 0.5
"""Weight of what is typical when a step is looked for, in intervals."""
GRID = np.linspace(math.log(1e-3), math.log(1e3), 93)
"""ln of q over its prior value."""
_SMALLEST_VARIANCE = 1e-14


@dataclass(frozen=True)
class SourceStep:
    """The source jumped somewhere between two brackets."""

    after_s: float
    """Middle of the bracket before it, on the rig's clock."""
    before_s: float
    """Middle of the bracket after it."""
    change: float
    """Of the logarithm of the rate, beyond what the other brackets let expect."""
    error: float
    """One standard error of `change`."""
    false_alarm: float
    """Probability that a source that only walks shows so much anywhere in the run."""

    def in_words(self, first_s: float) -> str:
        """'the source stepped by -5.1 ± 0.7 % between ...'; `first_s`: the first bracket."""
        change, error = pdg_round(100.0 * self.change, 100.0 * self.error)
        return (
            f"the source stepped by {change} ± {error} % between the brackets "
            f"{(self.after_s - first_s) / 60.0:.1f} and {(self.before_s - first_s) / 60.0:.1f} min "
            "after the first"
        )


@dataclass(frozen=True)
class SourceTrack:
    """Posterior of the source at its brackets."""

    log_rate: FloatArray
    """At each bracket, shape (k,)."""
    drift_per_s: float
    covariance: FloatArray
    """Of (log_rate, drift_per_s), shape (k + 1, k + 1)."""
    walk_per_s: float
    """Posterior mean of q."""
    walk_error_per_s: float
    step_variance: FloatArray
    """Beyond the walk, of each interval between two brackets, shape (k - 1,)."""
    steps: tuple[SourceStep, ...]

    def interval_walk_per_s(self, time_s: FloatArray) -> FloatArray:
        """Variance gathered in a second before the first bracket, in each interval and after the
        last one, shape (k + 1,).

        A step at an unknown moment of an interval has, pinned at both ends, the covariance of a
        walk with the same total variance: u (1 - v) step^2 at the shares u < v of the interval.
        """
        inside = self.walk_per_s + self.step_variance / np.diff(time_s)
        return np.concatenate([[self.walk_per_s], inside, [self.walk_per_s]])


def track_source(
    time_s: FloatArray,
    log_rate: FloatArray,
    variance: FloatArray,
    drift: DriftSpectrum,
    *,
    smooth: bool = True,
) -> SourceTrack:
    """The posterior from k >= 1 brackets at ascending times, shapes (k,).

    `variance` is of each log rate. Without `smooth` a bracket says nothing of its neighbours: the
    track meets each one, without drift, and knows of no steps. Raises ValueError for times that do
    not ascend.
    """
    gaps = np.diff(time_s)
    if np.any(gaps <= 0.0):
        raise ValueError("brackets must ascend in time")
    variance = np.maximum(variance, _SMALLEST_VARIANCE)
    walk = drift.walk_per_s * np.exp(GRID)
    prior = _log_prior(drift.walk_intervals)
    # That a source is typical is no evidence against a wilder one: it must not make steps of it.
    measured = drift.walk_intervals > TYPICAL_WALK_INTERVALS
    open_minded = _log_prior(drift.walk_intervals if measured else STEP_INTERVALS)
    steps_2 = np.zeros(gaps.size)
    found: dict[int, SourceStep] = {}
    while True:
        differences = _Differences(gaps, np.diff(log_rate), variance, steps_2, walk, drift)
        posterior = prior + differences.log_likelihood
        if not smooth or gaps.size == 0 or len(found) >= gaps.size // 2:
            break
        left_out = differences.leave_out()
        doubtful = open_minded + differences.log_likelihood
        chance = left_out.chances(doubtful)
        chance[list(found)] = 1.0
        i = int(np.argmin(chance))
        if chance[i] * gaps.size >= FALSE_STEPS:
            break
        # As it is without this interval, whose jump would speak for a strong walk.
        weight = _normalised(doubtful - left_out.log_density[i])
        change = float(weight @ left_out.residual[i])
        error = math.sqrt(float(weight @ left_out.spread_2[i]))
        steps_2[i] = change**2
        found[i] = SourceStep(
            float(time_s[i]), float(time_s[i + 1]), change, error, float(chance[i] * gaps.size)
        )
    weight = _normalised(posterior)
    q = float(weight @ walk)
    spread = math.sqrt(max(float(weight @ (walk - q) ** 2), 0.0))
    if not smooth:
        covariance = np.diag([*variance, 0.0])
        return SourceTrack(log_rate, 0.0, covariance, q, spread, steps_2, ())
    mean, covariance = _smoothed(gaps, log_rate, variance, q * gaps + steps_2, drift)
    return SourceTrack(
        mean[:-1], float(mean[-1]), covariance, q, spread, steps_2,
        tuple(found[i] for i in sorted(found)),
    )  # fmt: skip


def difference_likelihood(
    time_s: FloatArray,
    log_rate: FloatArray,
    variance: FloatArray,
    walk_per_s: FloatArray,
    drift: DriftSpectrum,
) -> FloatArray:
    """ln of the likelihood of the differences of neighbouring brackets for each of some walks.

    Shapes (k,) and, of `walk_per_s` and the result, (grid,). `drift` gives the prior of the drift.
    """
    gaps = np.diff(time_s)
    variance = np.maximum(variance, _SMALLEST_VARIANCE)
    none = np.zeros(gaps.size)
    law = _Differences(gaps, np.diff(log_rate), variance, none, walk_per_s, drift)
    return law.log_likelihood


def _log_prior(intervals: float) -> FloatArray:
    """Inverse gamma, as of a variance seen in so many intervals; per unit of ln q."""
    half = 0.5 * intervals
    return -half * (GRID + np.exp(-GRID))


def _normalised(log_weight: FloatArray) -> FloatArray:
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum()


class _Differences:
    """The differences d of neighbouring brackets for each walk of a grid, shapes (n, grid).

    Their covariance is tridiagonal (neighbours share a bracket) plus the drift's, of rank one:
    elimination gives the likelihood in O(n), forward and backward the leave-one-out residuals.
    """

    def __init__(
        self,
        gaps: FloatArray,
        d: FloatArray,
        variance: FloatArray,
        steps_2: FloatArray,
        walk: FloatArray,
        drift: DriftSpectrum,
    ) -> None:
        own = variance[:-1] + variance[1:] + steps_2
        self._diagonal = own[:, None] + gaps[:, None] * walk[None, :]
        self._off = -variance[1:-1]
        ones = np.ones_like(walk)
        self._right = np.stack([d[:, None] * ones, gaps[:, None] * ones])
        self._pivot, self._ahead = _eliminated(self._diagonal, self._off, self._right)
        self._rms_2 = drift.drift_rms_per_s**2
        # Sherman and Morrison for the drift, whose pattern are the gaps.
        dd, dg, gg = (
            np.sum(self._ahead[i] * self._ahead[j] / self._pivot, axis=0)
            for i, j in ((0, 0), (0, 1), (1, 1))
        )
        self._bound = 1.0 + self._rms_2 * gg
        self._along = self._rms_2 * dg / self._bound
        log_det = np.sum(np.log(self._pivot), axis=0) + np.log(self._bound)
        self.log_likelihood: FloatArray = -0.5 * (
            dd - self._along * dg + log_det + gaps.size * math.log(2.0 * math.pi)
        )

    def leave_out(self) -> "_LeftOut":
        """Each difference against what all others let expect."""
        right = self._right
        pivot_back, back = _eliminated(self._diagonal[::-1], self._off[::-1], right[:, ::-1])
        inverse = 1.0 / (self._pivot + pivot_back[::-1] - self._diagonal)
        solved = (self._ahead + back[:, ::-1] - right) * inverse
        whitened = solved[0] - self._along * solved[1]
        inverse = inverse - self._rms_2 * solved[1] ** 2 / self._bound
        return _LeftOut(whitened / inverse, 1.0 / inverse)


@dataclass(frozen=True)
class _LeftOut:
    """Differences given all others, shapes (n, grid)."""

    residual: FloatArray
    """Each difference less what all others let expect."""
    spread_2: FloatArray
    """Its variance."""

    @property
    def log_density(self) -> FloatArray:
        """ln of the density of each difference given all others."""
        return -0.5 * (self.residual**2 / self.spread_2 + np.log(2.0 * math.pi * self.spread_2))

    def chances(self, log_posterior: FloatArray) -> FloatArray:
        """Probability of a difference as far off as each one is, given all others, (n,).

        The walk is the one that the others let expect, with its uncertainty.
        """
        weight = log_posterior - self.log_density
        weight = np.exp(weight - weight.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        return np.sum(weight * erfc(np.abs(self.residual) / np.sqrt(2.0 * self.spread_2)), axis=1)


def _eliminated(
    diagonal: FloatArray, off: FloatArray, right: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Pivots and right-hand sides of a symmetric tridiagonal system after forward elimination."""
    pivot, rest = diagonal.copy(), right.copy()
    for i in range(1, diagonal.shape[0]):
        factor = off[i - 1] / pivot[i - 1]
        pivot[i] -= factor * off[i - 1]
        rest[:, i] -= factor * rest[:, i - 1]
    return pivot, rest


def _smoothed(
    gaps: FloatArray,
    log_rate: FloatArray,
    variance: FloatArray,
    gathered: FloatArray,
    drift: DriftSpectrum,
) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of the source at the brackets and of its drift."""
    k = log_rate.size
    centre = float(log_rate.mean())
    precision = np.zeros((k + 1, k + 1))
    precision[np.arange(k), np.arange(k)] = 1.0 / variance
    # The drift in units of its prior keeps the matrix well conditioned.
    pattern = np.zeros((k - 1, k + 1))
    rows = np.arange(k - 1)
    pattern[rows, rows], pattern[rows, rows + 1] = -1.0, 1.0
    pattern[:, k] = -gaps * drift.drift_rms_per_s
    precision += pattern.T @ (pattern / gathered[:, None])
    precision[k, k] += 1.0
    covariance = np.linalg.inv(precision)
    mean = covariance[:, :k] @ ((log_rate - centre) / variance)
    unit = np.ones(k + 1)
    unit[k] = drift.drift_rms_per_s
    mean, covariance = mean * unit, covariance * np.outer(unit, unit)
    mean[:k] += centre
    return mean, 0.5 * (covariance + covariance.T)
