"""The statistic that every fit minimises, as a function of the model's parameters."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.points import NormalisedData, blank_for
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.profile import profile_deviance

FloatArray = NDArray[np.float64]

NEGLIGIBLE = 5e-4
"""Nuisance directions with less than this share of the statistical variance are left out."""


class IncreaseModel(Protocol):
    """Relative increase of the rate at each point as a function of some parameters."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters, in order."""
        ...

    def increase(self, parameters: FloatArray) -> FloatArray:
        """Shape (n,); 0 at points without pumping light."""
        ...


class Deviance:
    """-2 ln L + constant of normalised data; parameters are (background, *model.names).

    Rate at a point: background * (1 + increase). The uncertainty of the 83Kr normalisers, of the
    source between brackets, of the counting efficiency and of the blanks enters as nuisances,
    profiled (see `profile`). A prior adds its chi-square.
    """

    def __init__(
        self, data: NormalisedData, model: IncreaseModel, prior: Prior | None = None
    ) -> None:
        self.data = data
        self.model = model
        self.names = ("background", *model.names)
        self.prior = prior
        self._prior_rows = [self.names.index(name) for name in prior.names] if prior else []
        self._prior_inverse = np.linalg.inv(prior.covariance) if prior else np.zeros((0, 0))
        self.poisson = data.poisson
        self.value = data.array("value")
        self.sigma = data.array("value_error")
        self.weight = data.array("weight")
        self.live_s = data.array("live_s")
        if self.poisson:
            information = np.maximum(self.value, 1.0)
        else:
            information = (self.value / self.sigma) ** 2
        self.map = nuisance_map(data.covariance, information)
        chosen = [blank_for(data.blanks, p.pumping) if self.poisson else -1 for p in data.points]
        served = sorted({b for b in chosen if b >= 0})
        self.blank = np.array([served.index(b) if b >= 0 else -1 for b in chosen], dtype=np.int64)
        self.blank_counts = np.array([data.blanks[b].counts for b in served], dtype=np.float64)
        self.blank_live_s = np.array([data.blanks[b].live_s for b in served], dtype=np.float64)
        self._start = np.concatenate(
            [np.zeros(self.map.shape[1]), (self.blank_counts + 0.5) / self.blank_live_s]
        )
        self.nuisance = self._start.copy()
        """Nuisances at the last evaluation: normal ones, then blank rates per second."""
        self.expected = np.zeros(len(self.value))
        """Expected values at the last evaluation, blanks included."""

    def rate(self, parameters: Sequence[float] | FloatArray) -> FloatArray:
        """Normalised rate at each point."""
        values = np.asarray(parameters, dtype=np.float64)
        return values[0] * (1.0 + self.model.increase(values[1:]))

    def __call__(self, parameters: Sequence[float] | FloatArray) -> float:
        signal = self.weight * self.rate(parameters)
        if not np.all(np.isfinite(signal)):
            return 1e20
        # A rate below zero has no likelihood; the fit's limits keep it away from here.
        signal = np.maximum(signal, 1e-9 * self.weight)
        statistic = profile_deviance(
            self.poisson,
            self.value,
            self.sigma,
            signal,
            self.live_s,
            self.blank,
            self.blank_counts,
            self.blank_live_s,
            self.map,
            self.nuisance,
            self.expected,
        )
        if self.prior is not None:
            pull = np.asarray(parameters)[self._prior_rows] - np.array(self.prior.values)
            statistic += float(pull @ self._prior_inverse @ pull)
        if not np.isfinite(statistic):
            self.nuisance = self._start.copy()
            return 1e20
        return float(statistic)

    def degrees_of_freedom(self, free: int) -> int:
        """Points and constraints less free parameters; nuisances carry their own constraint."""
        return len(self.value) + len(self._prior_rows) - free


def nuisance_map(covariance: FloatArray, information: FloatArray) -> FloatArray:
    """L with L L^T = covariance of the weights, shape (n, r), without what cannot matter.

    `information` is the inverse relative statistical variance of each point. In units of the
    statistical errors the eigenvalues of the covariance are shares of the statistical variance:
    leaving out those below `NEGLIGIBLE` changes no error by more than half of that, and keeps
    the profile fast when points are many and counts are few.
    """
    root = np.sqrt(information)
    values, vectors = np.linalg.eigh(root[:, None] * covariance * root[None, :])
    kept = values > NEGLIGIBLE
    return np.ascontiguousarray(vectors[:, kept] * np.sqrt(values[kept]) / root[:, None])
