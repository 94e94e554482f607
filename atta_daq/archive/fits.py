"""Fit results back from their plain form."""

from typing import Any

import numpy as np

from atta_daq.analysis.results import Curve, FitResult, Goodness, Parameter


def fit_from_dict(data: dict[str, Any]) -> FitResult:
    """Inverse of `FitResult.to_dict`. Raises KeyError or TypeError on another shape."""
    curve = data["curve"]
    return FitResult(
        model=data["model"],
        isotope=data["isotope"],
        parameters=_parameters(data["parameters"]),
        covariance=np.array(data["covariance"], dtype=np.float64),
        goodness=Goodness(**data["goodness"]),
        valid=data["valid"],
        message=data["message"],
        last_block=data["last_block"],
        curve=None
        if curve is None
        else Curve(
            axis=curve["axis"],
            x=np.array(curve["x"], dtype=np.float64),
            y=np.array(curve["y"], dtype=np.float64),
            band=np.array(curve["band"], dtype=np.float64),
        ),
        derived=_parameters(data["derived"]),
        notes=tuple(data["notes"]),
    )


def _parameters(data: dict[str, dict[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(Parameter(name=name, **values) for name, values in data.items())
