"""How well a fit describes its data: p-value of the least deviance."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, xlogy

from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.results import Goodness

FloatArray = NDArray[np.float64]


def goodness(
    deviance: Deviance,
    parameters: FloatArray,
    free: NDArray[np.int64],
    *,
    toys: int = 0,
    rng: np.random.Generator | None = None,
) -> Goodness:
    """Deviance at `parameters` with its p-value.

    Without toys by Wilks' theorem (chi-square law), which is rough below some ten counts a point.
    With toys: counts, normalisers, blanks and priors are drawn anew from the fitted model, and
    each toy's own least deviance is found by one step of Fisher scoring from there, exact to
    second order, at a thousandth of the cost of refitting it.
    """
    statistic = deviance(parameters)
    name = "Poisson deviance" if deviance.poisson else "chi-square"
    freedom = deviance.degrees_of_freedom(len(free))
    if toys and rng is not None and freedom > 0:
        simulated = toy_deviances(deviance, parameters, free, toys, rng)
        p_value = (1.0 + float(np.sum(simulated >= statistic))) / (toys + 1.0)
        return Goodness(name, statistic, freedom, p_value, "toys")
    # Rounding can leave a perfect fit a hair below zero, of which `chdtrc` makes nan.
    p_value = float(chdtrc(freedom, max(statistic, 0.0))) if freedom > 0 else float("nan")
    return Goodness(name, statistic, freedom, p_value, "wilks")


def toy_deviances(
    deviance: Deviance,
    parameters: FloatArray,
    free: NDArray[np.int64],
    toys: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Least deviances of data drawn from the model at `parameters`, shape (toys,)."""
    deviance(parameters)
    expected, jacobian = deviance.expected.copy(), _jacobian(deviance, parameters, free)
    nuisances = deviance.map.shape[1]
    blank_mean = np.maximum(deviance.nuisance[nuisances:] * deviance.blank_live_s, 1e-12)
    n, k = jacobian.shape
    if deviance.poisson:
        drawn = rng.poisson(expected, (toys, n)).astype(np.float64)
        total = 2.0 * np.sum(
            expected - drawn + xlogy(drawn, np.where(drawn > 0, drawn, 1.0) / expected), axis=1
        )
        variance = expected
    else:
        drawn = rng.normal(expected, deviance.sigma, (toys, n))
        variance = deviance.sigma**2
        total = np.sum((drawn - expected) ** 2 / variance, axis=1)
    blanks = rng.poisson(blank_mean, (toys, blank_mean.size)).astype(np.float64)
    ratio = np.where(blanks > 0, blanks, 1.0) / blank_mean
    total += 2.0 * np.sum(blank_mean - blanks + xlogy(blanks, ratio), axis=1)
    fisher = jacobian.T @ (jacobian / variance[:, None])
    score = ((drawn - expected) / variance) @ jacobian

    # Constraints: standard normal nuisances, blanks, prior; each drawn about its fitted value.
    first = len(free)
    centre = rng.standard_normal((toys, nuisances))
    total += np.sum(centre**2, axis=1)
    rows = np.arange(first, first + nuisances)
    fisher[rows, rows] += 1.0
    score[:, rows] += centre
    rows = np.arange(first + nuisances, k)
    fisher[rows, rows] += deviance.blank_live_s**2 / blank_mean
    score[:, rows] += (blanks - blank_mean) / blank_mean * deviance.blank_live_s
    if deviance.prior is not None:
        inverse = np.linalg.inv(deviance.prior.covariance)
        drawn_prior = rng.multivariate_normal(
            np.zeros(len(inverse)), deviance.prior.covariance, toys
        )
        total += np.einsum("ti,ij,tj->t", drawn_prior, inverse, drawn_prior)
        names = [deviance.names[i] for i in free]
        for a, name_a in enumerate(deviance.prior.names):
            score[:, names.index(name_a)] += drawn_prior @ inverse[a]
            for b, name_b in enumerate(deviance.prior.names):
                fisher[names.index(name_a), names.index(name_b)] += inverse[a, b]
    return total - np.einsum("ti,ti->t", score, np.linalg.solve(fisher, score.T).T)


def fisher_matrix(
    deviance: Deviance, parameters: FloatArray, free: NDArray[np.int64]
) -> FloatArray:
    """Expected information of the free parameters, nuisances profiled, shape (free, free)."""
    deviance(parameters)
    variance = deviance.expected.copy() if deviance.poisson else deviance.sigma**2
    jacobian = _jacobian(deviance, parameters, free)
    first, nuisances = len(free), deviance.map.shape[1]
    full = jacobian.T @ (jacobian / variance[:, None])
    rows = np.arange(first, first + nuisances)
    full[rows, rows] += 1.0
    rows = np.arange(first + nuisances, len(full))
    blank = np.maximum(deviance.nuisance[nuisances:], 1e-12)
    full[rows, rows] += deviance.blank_live_s / blank
    own, cross, inner = full[:first, :first], full[:first, first:], full[first:, first:]
    information = own - cross @ np.linalg.solve(inner, cross.T) if inner.size else own
    if deviance.prior is not None:
        names = [deviance.names[i] for i in free]
        at = [names.index(name) for name in deviance.prior.names]
        information[np.ix_(at, at)] += np.linalg.inv(deviance.prior.covariance)
    return information


def _jacobian(deviance: Deviance, parameters: FloatArray, free: NDArray[np.int64]) -> FloatArray:
    """d expected / d (free parameters, normal nuisances, blank rates), shape (n, k)."""
    nuisances = deviance.map.shape[1]
    z = deviance.nuisance[:nuisances]
    scale = deviance.weight * np.exp(deviance.map @ z)
    rate = deviance.rate(parameters)
    columns = []
    for i in free:
        step = 1e-4 * max(abs(float(parameters[i])), 1e-3)
        up, down = parameters.copy(), parameters.copy()
        up[i] += step
        down[i] -= step
        columns.append(scale * (deviance.rate(up) - deviance.rate(down)) / (2.0 * step))
    normal = (scale * rate)[:, None] * deviance.map
    blank = np.zeros((len(rate), deviance.blank_counts.size))
    for i, b in enumerate(deviance.blank):
        if b >= 0:
            blank[i, b] = deviance.live_s[i]
    return np.column_stack([*columns, normal, blank])
