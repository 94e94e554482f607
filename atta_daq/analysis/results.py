"""Results of fits as value objects that print themselves."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pdg_round(value: float, error: float) -> tuple[str, str]:
    """Value and error rounded by the rule of the Particle Data Group (Review, Sec. 5.3).

    Three leading digits of the error: 100-354 keep two, 355-949 keep one, 950-999 round up to
    1000 and keep two. The value gets the same last digit.
    """
    if not (math.isfinite(error) and error > 0.0 and math.isfinite(value)):
        return f"{value:.6g}", f"{error:.3g}"
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0**exponent * 100)
    if leading >= 1000:
        leading, exponent = 100, exponent + 1
    digits = 2 if leading <= 354 else 1
    if leading >= 950:
        exponent, digits = exponent + 1, 2
    decimals = digits - 1 - exponent
    rounded = round(error, decimals)
    places = max(decimals, 0)
    return f"{round(value, decimals):.{places}f}", f"{rounded:.{places}f}"


@dataclass(frozen=True)
class Parameter:
    """One fitted number. `lower` and `upper` are MINOS distances (negative, positive)."""

    name: str
    value: float
    error: float
    unit: str = ""
    lower: float | None = None
    upper: float | None = None
    fixed: bool = False
    meaning: str = ""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.fixed:
            return f"{self.name} = {self.value:.5g}{unit} (held)"
        value, error = pdg_round(self.value, self.error)
        return f"{self.name} = {value} ± {error}{unit}"


_PERCENT = {
    "amplitude", "increase", "asymptote", "peak_increase", "increase_at_highest_power",
    "share_of_asymptote",
}  # fmt: skip
"""Dimensionless parameters that people quote in percent."""


def in_percent(p: Parameter) -> Parameter:
    """The same parameter in percent, if that is how it is quoted."""
    if p.name not in _PERCENT or p.unit:
        return p
    return replace(
        p,
        value=100.0 * p.value,
        error=100.0 * p.error,
        unit="%",
        lower=None if p.lower is None else 100.0 * p.lower,
        upper=None if p.upper is None else 100.0 * p.upper,
    )


@dataclass(frozen=True)
class Goodness:
    """How well the model describes the data."""

    statistic: str
    """'Poisson deviance' or 'chi-square'."""
    value: float
    degrees_of_freedom: int
    p_value: float
    method: str = "wilks"
    """How the p-value was found: 'wilks' (chi-square law of the statistic) or 'toys'."""


@dataclass(frozen=True)
class Curve:
    """A fitted curve with its one-sigma band, for plots."""

    axis: str
    """Name and unit of `x`, for example 'detuning_mhz'."""
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    band: NDArray[np.float64]


@dataclass(frozen=True)
class FitResult:
    """What a fit found, and what it stands on."""

    model: str
    isotope: int
    parameters: tuple[Parameter, ...]
    covariance: NDArray[np.float64]
    """Of the free parameters, in their order."""
    goodness: Goodness
    valid: bool
    message: str
    last_block: int
    """The last block that the fit includes; -1 when it is not from a run."""
    curve: Curve | None = None
    derived: tuple[Parameter, ...] = ()
    """Quantities computed from the parameters with their covariance, e.g. positions at rest."""
    notes: tuple[str, ...] = field(default=())
    settings: dict[str, float | str] = field(default_factory=dict)
    """What the fit took as given: geometry, pumping model, Doppler shape, rest position, ..."""

    def __getitem__(self, name: str) -> Parameter:
        for parameter in (*self.parameters, *self.derived):
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: `parameters` maps names to value, error and unit."""
        return {
            "model": self.model,
            "isotope": self.isotope,
            "parameters": {p.name: _parameter_dict(p) for p in self.parameters},
            "derived": {p.name: _parameter_dict(p) for p in self.derived},
            "covariance": self.covariance.tolist(),
            "goodness": {
                "statistic": self.goodness.statistic,
                "value": self.goodness.value,
                "degrees_of_freedom": self.goodness.degrees_of_freedom,
                "p_value": self.goodness.p_value,
                "method": self.goodness.method,
            },
            "valid": self.valid,
            "message": self.message,
            "last_block": self.last_block,
            "notes": list(self.notes),
            "settings": dict(self.settings),
            "curve": None
            if self.curve is None
            else {
                "axis": self.curve.axis,
                "x": self.curve.x.tolist(),
                "y": self.curve.y.tolist(),
                "band": self.curve.band.tolist(),
            },
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "FitResult":
        """Inverse of `to_dict`. Raises KeyError or TypeError on a record of another shape."""
        curve = data["curve"]
        return cls(
            model=data["model"],
            isotope=data["isotope"],
            parameters=tuple(Parameter(name, **p) for name, p in data["parameters"].items()),
            covariance=np.array(data["covariance"], dtype=np.float64),
            goodness=Goodness(**data["goodness"]),
            valid=data["valid"],
            message=data["message"],
            last_block=data["last_block"],
            curve=None
            if curve is None
            else Curve(
                curve["axis"], *(np.array(curve[k], dtype=np.float64) for k in ("x", "y", "band"))
            ),
            derived=tuple(Parameter(name, **p) for name, p in data["derived"].items()),
            notes=tuple(data["notes"]),
            settings=dict(data["settings"]),
        )


def _parameter_dict(parameter: Parameter) -> dict[str, Any]:
    return {
        "value": parameter.value,
        "error": parameter.error,
        "unit": parameter.unit,
        "lower": parameter.lower,
        "upper": parameter.upper,
        "fixed": parameter.fixed,
        "meaning": parameter.meaning,
    }
