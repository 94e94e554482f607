"""What a fit knows of one wanted number, and what a second of counting anywhere would add.

Expected (Fisher) information, so that nothing here follows the noise of single counts but through
the fitted parameters. All of it is kept for the fit and for some parameter sets drawn from its
covariance: where to count depends on where the spectrum stands, which is what the fit does not
know yet, and a choice that is good for all of the drawn spectra is safe against a fit that is off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.fit_run import deviance_of
from atta_daq.analysis.goodness import fisher_matrix
from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import NormalisedData, NormalisedPoint
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.results import FitResult

FloatArray = NDArray[np.float64]

DRAWS = 8
"""Parameter sets beside the fitted one; twice as many choose the same points (measured)."""
LEAST = {"background": 0.0, "rabi_scale": 0.05, "doppler_rms_mhz": 5.0}
"""Below these a drawn parameter has no spectrum."""
INCREASE = "increase"
HALVINGS = 60
"""Of the way from the fit to a drawn set; after as many nothing of it is left to a float."""


@dataclass(frozen=True)
class Wanted:
    """The number that is to become precise: a fit parameter, or the increase at a scan point."""

    parameter: str
    point: int | None = None
    """With `parameter` = 'increase' and a swept axis: the scan's point."""


@dataclass(frozen=True)
class Place:
    """Where a visit may count: a scan's point (None: a reference), 819-nm light on or off."""

    point: int | None
    pumping: bool


@dataclass(frozen=True)
class Knowledge:
    """Of one wanted number; k parameter sets (the fit's first), p free parameters, n places."""

    wanted: Wanted
    value: float
    """Fitted value of the wanted number."""
    names: tuple[str, ...]
    """Of the free parameters."""
    parameters: FloatArray
    """Their values in each set, shape (k, p)."""
    information: FloatArray
    """Of everything that the fit includes, shape (k, p, p)."""
    direction: FloatArray
    """d wanted / d parameters, shape (k, p)."""
    places: tuple[Place, ...]
    rate_per_s: FloatArray
    """Expected counts per second of dwell, false counts included, shape (k, n)."""
    gradient_per_s: FloatArray
    """d counts per second / d parameters, shape (k, n, p)."""
    noise_per_s2: FloatArray
    """Variance of a visit by its 83Kr normaliser over the square of its dwell, shape (k, n)."""
    overhead_s: float = 0.0
    """Dead time of going to another place."""
    segments: int = 0
    """So many segments of the measurement it includes."""
    last_block: int = -1

    @property
    def error(self) -> float:
        """Expected standard error of the wanted number now."""
        return expected_error(self.information[0], self.direction[0])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; enough to make a choice again."""
        return {
            "parameter": self.wanted.parameter,
            "point": self.wanted.point,
            "value": self.value,
            "names": list(self.names),
            "parameters": self.parameters.tolist(),
            "information": self.information.tolist(),
            "direction": self.direction.tolist(),
            "places": [[place.point, place.pumping] for place in self.places],
            "rate_per_s": self.rate_per_s.tolist(),
            "gradient_per_s": self.gradient_per_s.tolist(),
            "noise_per_s2": self.noise_per_s2.tolist(),
            "overhead_s": self.overhead_s,
            "segments": self.segments,
            "last_block": self.last_block,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Knowledge":
        """Inverse of `to_dict`. Raises KeyError on a record of another shape."""
        arrays = ("parameters", "information", "direction", "rate_per_s", "gradient_per_s",
                  "noise_per_s2")  # fmt: skip
        return cls(
            wanted=Wanted(data["parameter"], data["point"]),
            value=data["value"],
            names=tuple(data["names"]),
            places=tuple(Place(point, pumping) for point, pumping in data["places"]),
            overhead_s=data["overhead_s"],
            segments=data["segments"],
            last_block=data["last_block"],
            **{name: np.array(data[name], dtype=np.float64) for name in arrays},
        )


def expected_error(information: FloatArray, direction: FloatArray) -> float:
    """Standard error of a linear function of parameters, the others marginalised."""
    return float(np.sqrt(direction @ np.linalg.solve(information, direction)))


def know(
    data: NormalisedData,
    fit: FitResult,
    options: FitOptions,
    prior: Prior | None,
    wanted: Wanted,
    *,
    draws: int = DRAWS,
    seed: int = 1,
    overhead_s: float = 0.0,
    segments: int = 0,
) -> Knowledge:
    """What `fit`, made of `data` with these options and this prior, knows of the wanted number.

    Places are the points of the data, all references one place. Raises ValueError when the fit is
    not valid, when it stands where there is no spectrum, when it holds the wanted parameter fixed,
    or when it cannot tell its parameters apart yet.
    """
    if not fit.valid:
        raise ValueError(f"the fit is not valid yet: {fit.message}")
    names = tuple(p.name for p in fit.parameters)
    free = np.array([i for i, p in enumerate(fit.parameters) if not p.fixed], dtype=np.int64)
    deviance = deviance_of(data, options, prior)
    fitted = np.array([p.value for p in fit.parameters])
    row = _wanted_row(data, wanted, names)
    if not _has_spectrum(deviance, fitted):
        stands = ", ".join(f"{p.name} {p.value:.3g}" for p in fit.parameters)
        raise ValueError(f"nothing can be told from where the fit stands yet: {stands}")

    def value_of(p: FloatArray) -> float:
        if row is not None:
            return float(deviance.model.increase(p[1:])[row])
        return float(p[names.index(wanted.parameter)])

    now = fisher_matrix(deviance, fitted, free)
    if not _tells_apart(now):
        raise ValueError("the data cannot tell the fit's parameters apart yet")
    covariance = np.linalg.inv(now)
    root: FloatArray = np.asarray(
        np.linalg.cholesky(0.5 * (covariance + covariance.T)), dtype=np.float64
    )
    if row is None and names.index(wanted.parameter) not in free:
        raise ValueError(f"the fit holds {wanted.parameter}: nothing is learnt about it")
    sets = _parameter_sets(deviance, fitted, free, root, draws, seed)
    first = _places(data.points)
    per_s, noise = _counting(data)
    rows = list(first.values())
    used_sets: list[FloatArray] = []
    signals, rates, gradients, directions, information = [], [], [], [], []
    for parameters in sets:
        known = fisher_matrix(deviance, parameters, free)
        if not _tells_apart(known):
            continue
        information.append(known)
        used_sets.append(parameters[free])
        false_per_s = _false_counts(deviance)
        steps = 0.02 * np.sqrt(np.diag(covariance))
        columns, slopes = [], []
        for i, step in zip(free, steps, strict=True):
            up, down = parameters.copy(), parameters.copy()
            up[i] += step
            down[i] -= step
            columns.append((deviance.rate(up) - deviance.rate(down))[rows] / (2.0 * step))
            slopes.append((value_of(up) - value_of(down)) / (2.0 * step))
        signals.append(per_s * deviance.rate(parameters)[rows])
        rates.append(signals[-1] + false_per_s[rows])
        gradients.append(per_s * np.column_stack(columns))
        directions.append(slopes)
    return Knowledge(
        wanted=wanted,
        value=value_of(fitted),
        names=tuple(names[i] for i in free),
        parameters=np.array(used_sets),
        information=np.array(information),
        direction=np.array(directions),
        places=tuple(first),
        rate_per_s=np.array(rates),
        gradient_per_s=np.array(gradients),
        noise_per_s2=noise * np.array(signals) ** 2,
        overhead_s=overhead_s,
        segments=segments,
        last_block=data.last_block,
    )


def _wanted_row(data: NormalisedData, wanted: Wanted, names: Sequence[str]) -> int | None:
    """Row of the data's point whose increase is wanted; None for a parameter."""
    if wanted.parameter in names:
        return None
    if wanted.parameter == INCREASE:
        for i, point in enumerate(data.points):
            if point.pumping and point.index == wanted.point:
                return i
        raise ValueError("the point whose increase is wanted has not been counted yet")
    raise ValueError(f"the fit has no {wanted.parameter}: choose from {', '.join(names)}")


def _places(points: Sequence[NormalisedPoint]) -> dict[Place, int]:
    """Places in the order of the scan's points, and a row of the data for each."""
    found: dict[Place, int] = {}
    for i, point in enumerate(points):
        found.setdefault(Place(point.index, point.pumping), i)
    key = lambda place: (place.point is None, place.point or 0, place.pumping)  # noqa: E731
    return {place: found[place] for place in sorted(found, key=key)}


def _counting(data: NormalisedData) -> tuple[float, float]:
    """Counts per second of dwell for a rate of 1 per hour, and the relative variance that the
    normaliser adds to a visit between two brackets.

    Both as in the data: efficiency and 83Kr rate on their mean, and of the intervals between
    brackets the middle one.
    """
    per_s = float(data.array("weight").sum() / data.array("live_s").sum())
    times_s = data.normaliser.time_s
    if times_s.size < 2:
        return per_s, 0.0
    _, covariance = data.normaliser.at(times_s[:-1], times_s[1:])
    return per_s, float(np.median(np.diag(covariance)))


def _false_counts(deviance: Deviance) -> FloatArray:
    """False counts per second at each row of the data, as at the last evaluation."""
    rates = np.append(deviance.nuisance[deviance.map.shape[1] :], 0.0)
    return rates[deviance.blank]


def _tells_apart(information: FloatArray) -> bool:
    """Positive definite, checked by the root that it then has."""
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return False
    return True


def _parameter_sets(
    deviance: Deviance,
    fitted: FloatArray,
    free: NDArray[np.int64],
    root: FloatArray,
    draws: int,
    seed: int,
) -> list[FloatArray]:
    """The fitted parameters, which have a spectrum, and draws from their covariance that do."""
    rng = np.random.default_rng(seed)
    sets = [fitted]
    for _ in range(draws):
        step = np.zeros(fitted.size)
        step[free] = root @ rng.standard_normal(free.size)
        for _ in range(HALVINGS):
            if _has_spectrum(deviance, fitted + step):
                sets.append(fitted + step)
                break
            step *= 0.5  # towards the fit, which has one
    return sets


def _has_spectrum(deviance: Deviance, parameters: FloatArray) -> bool:
    """Whether every place counts something there, and light does something."""
    least = np.array([LEAST.get(name, -np.inf) for name in deviance.names])
    return bool(np.all(parameters > least) and np.all(deviance.rate(parameters) > 0.0))
