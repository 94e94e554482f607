"""How a fit scatters: many fits of data drawn from its own model, or of its own points anew.

Every replica has a stream of random numbers of its own, from the seed and its number alone: what
comes out does not depend on how many processes share the work, nor in which order they do it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.fit_run import deviance_of, fit_normalised
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import NormalisedData, NormalisedPoint, blank_for
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.results import FitResult

FloatArray = NDArray[np.float64]
Kind = Literal["toys", "bootstrap"]


@dataclass(frozen=True)
class Ensemble:
    """Which replicas of which fit. Everything that a process needs to make any of them."""

    kind: Kind
    """`toys`: counts (or loading rates), blanks, normalisers and prior drawn anew from the fitted
    model (parametric bootstrap). `bootstrap`: the measured points drawn with replacement (Efron,
    Ann. Statist. 7 (1979) 1), which knows nothing of the model's errors."""
    data: NormalisedData
    options: FitOptions
    prior: Prior | None
    fit: FitResult
    """Of `data`, with these options and this prior."""
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters that were free in the fit."""
        return tuple(p.name for p in self.fit.parameters if not p.fixed)


@dataclass(frozen=True)
class Spread:
    """What an ensemble says of one parameter."""

    name: str
    unit: str
    fitted: float
    error: float
    """One standard error, as the fit quotes it."""
    mean: float
    """Of the replicas."""
    deviation: float
    """Their standard deviation."""
    low: float
    high: float
    """16th and 84th percentile."""
    pull_mean: float
    pull_deviation: float
    """Of (replica - fitted)/(error of the replica): 0 and 1 for a fit that tells the truth."""
    coverage: float
    """Share of replicas whose fitted value is within their own error of the first fit's."""


def replicas(ensemble: Ensemble, first: int, count: int) -> FloatArray:
    """Replicas `first` to `first + count - 1`, shape (count, 2 k): values, then their errors, of
    the free parameters; a row of nan for one that could not be fitted."""
    names = ensemble.names
    rows = np.full((count, 2 * len(names)), np.nan)
    options = replace(ensemble.options, minos=False, toys=0)
    draw = _Toys(ensemble).draw if ensemble.kind == "toys" else _points_anew
    for row in range(count):
        rng = np.random.default_rng(np.random.SeedSequence(ensemble.seed, spawn_key=(first + row,)))
        data, prior = draw(ensemble, rng)
        try:
            fit = fit_normalised(data, options, prior)
        except (ValueError, np.linalg.LinAlgError):
            # A draw without a pumped point, for one.
            continue
        if fit.valid:
            found = [fit[name] for name in names]
            rows[row] = [*(p.value for p in found), *(p.error for p in found)]
    return rows


def summary(ensemble: Ensemble, rows: FloatArray) -> tuple[Spread, ...]:
    """What the replicas say, one `Spread` for each free parameter. Raises ValueError when fewer
    than two could be fitted."""
    good = rows[np.isfinite(rows).all(axis=1)]
    if len(good) < 2:
        raise ValueError(f"{len(good)} of {len(rows)} replicas could be fitted: nothing to tell")
    k = len(ensemble.names)
    found = []
    for i, name in enumerate(ensemble.names):
        parameter = ensemble.fit[name]
        values, errors = good[:, i], good[:, k + i]
        pulls = (values - parameter.value) / errors
        low, high = np.percentile(values, [15.865, 84.135])
        found.append(
            Spread(
                name,
                parameter.unit,
                parameter.value,
                parameter.error,
                float(values.mean()),
                float(values.std(ddof=1)),
                float(low),
                float(high),
                float(pulls.mean()),
                float(pulls.std(ddof=1)),
                float(np.mean(np.abs(pulls) <= 1.0)),
            )
        )
    return tuple(found)


class _Toys:
    """Draws data as the fitted model would give them."""

    def __init__(self, ensemble: Ensemble) -> None:
        data, fit = ensemble.data, ensemble.fit
        deviance = deviance_of(data, ensemble.options, ensemble.prior)
        fitted = np.array([fit[name].value for name in deviance.names])
        deviance(fitted)
        self._prior = deviance.prior
        self._values = dict(zip(deviance.names, fitted.tolist(), strict=True))
        rate = deviance.rate(fitted)
        self._signal = np.maximum(deviance.weight * rate, 0.0)
        served = deviance.nuisance[deviance.map.shape[1] :]
        false = [served[b] if b >= 0 else 0.0 for b in deviance.blank]
        self._false = deviance.live_s * np.array(false)
        self._blanks = _fitted_blanks(data, served)
        self._root = _root(data.covariance)

    def draw(
        self, ensemble: Ensemble, rng: np.random.Generator
    ) -> tuple[NormalisedData, Prior | None]:
        """Counts about their expectation; normalisers as they would have been measured."""
        data = ensemble.data
        # What was measured of the weights scatters about what they were.
        scale = np.exp(self._root @ rng.standard_normal(len(data.points)))
        blanks = tuple(
            replace(blank, counts=int(rng.poisson(mean)))
            for blank, mean in zip(data.blanks, self._blanks, strict=True)
        )
        if data.poisson:
            values = rng.poisson(self._signal + self._false).astype(float)
        else:
            values = rng.normal(self._signal, data.array("value_error"))
        points = tuple(
            _with_value(replace(point, weight=point.weight * float(factor)), float(value), data)
            for point, value, factor in zip(data.points, values, scale, strict=True)
        )
        drawn = replace(data, points=points, blanks=blanks)
        return drawn, self._prior_anew(ensemble.prior, rng)

    def _prior_anew(self, prior: Prior | None, rng: np.random.Generator) -> Prior | None:
        """The measurement behind the prior, done again: about what the fit found."""
        if prior is None or self._prior is None:
            return prior
        centre = [self._values.get(n, v) for n, v in zip(prior.names, prior.values, strict=True)]
        drawn = rng.multivariate_normal(centre, prior.covariance)
        return replace(prior, values=tuple(float(v) for v in drawn))


def _points_anew(
    ensemble: Ensemble, rng: np.random.Generator
) -> tuple[NormalisedData, Prior | None]:
    data = ensemble.data
    chosen = np.sort(rng.integers(0, len(data.points), len(data.points)))
    points = tuple(data.points[i] for i in chosen.tolist())
    covariance = data.covariance[np.ix_(chosen, chosen)]
    return replace(data, points=points, covariance=covariance), ensemble.prior


def _fitted_blanks(data: NormalisedData, rates_per_s: FloatArray) -> Sequence[float]:
    """Expected counts of every blank; one that serves no point keeps its own."""
    served = sorted({blank_for(data.blanks, p.pumping) for p in data.points} - {-1})
    means = [float(blank.counts) for blank in data.blanks]
    for place, blank in enumerate(served[: len(rates_per_s)]):
        means[blank] = float(rates_per_s[place]) * data.blanks[blank].live_s
    return means


def _root(covariance: FloatArray) -> FloatArray:
    """L with L L^T = covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _with_value(point: NormalisedPoint, value: float, data: NormalisedData) -> NormalisedPoint:
    """The point with another count or rate; `ratio`, where fits start, follows."""
    blank = blank_for(data.blanks, point.pumping) if data.poisson else -1
    false = 0.0
    if blank >= 0:
        false = data.blanks[blank].counts / data.blanks[blank].live_s * point.live_s
    changed = replace(point, value=value, ratio=(value - false) / point.weight)
    if not data.poisson:
        return changed
    return replace(changed, counts=round(value), value_error=float(np.sqrt(max(value, 1.0))))
