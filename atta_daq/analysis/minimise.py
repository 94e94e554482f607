"""Drives iminuit over a deviance and returns parameters, covariance and intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from iminuit import Minuit
from numpy.typing import NDArray

from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.results import Curve, Parameter

FloatArray = NDArray[np.float64]

PROFILE_PRECISION = 1e-9
"""A profiled deviance is exact to about this, not to the last bit: told so, the minimiser takes
steps that rise above it (else HESSE errors came out up to 15 % wrong)."""


@dataclass(frozen=True)
class ParameterStart:
    """Where a parameter starts and how far it may go."""

    name: str
    value: float
    step: float
    unit: str = ""
    lower: float | None = None
    upper: float | None = None
    fixed: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Minimum:
    """What the minimiser found."""

    parameters: tuple[Parameter, ...]
    values: FloatArray
    """All parameters, fixed ones included."""
    free: NDArray[np.int64]
    covariance: FloatArray
    """Of the free parameters."""
    valid: bool
    message: str

    def spread(
        self, function: Callable[[FloatArray], FloatArray]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, error and covariance of a vector function of all parameters, linearised."""
        at = np.atleast_1d(function(self.values))
        if not self.free.size:
            return at, np.zeros(at.size), np.zeros((at.size, at.size))
        columns = []
        for i, error in zip(self.free, np.sqrt(np.diag(self.covariance)), strict=True):
            step = 0.1 * error if np.isfinite(error) and error > 0.0 else 1e-6
            up, down = self.values.copy(), self.values.copy()
            up[i] += step
            down[i] -= step
            columns.append((np.atleast_1d(function(up)) - np.atleast_1d(function(down))) / 2 / step)
        jacobian = np.column_stack(columns)
        covariance = jacobian @ self.covariance @ jacobian.T
        return at, np.sqrt(np.maximum(np.diag(covariance), 0.0)), covariance

    def curve(
        self, axis: str, x: FloatArray, function: Callable[[FloatArray], FloatArray]
    ) -> Curve:
        """`function` of all parameters on `x`, with its one-sigma band."""
        y, band, _ = self.spread(function)
        return Curve(axis, x, y, band)


def minimise(deviance: Deviance, start: Sequence[ParameterStart], *, minos: bool) -> Minimum:
    """Least deviance with HESSE errors, and MINOS intervals of every free parameter if asked.

    `start` names the parameters in the deviance's order. A fit that does not converge is
    returned with valid = False and a message, never raised: a live display must show it.
    """
    names = [s.name for s in start]
    if tuple(names) != deviance.names:
        raise ValueError(f"parameters {names} do not match the model's {deviance.names}")

    def cost(*values: float) -> float:
        return deviance(values)

    minuit = Minuit(cost, *[s.value for s in start], name=names)
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.print_level = 0
    minuit.precision = PROFILE_PRECISION
    for s in start:
        minuit.errors[s.name] = s.step
        minuit.limits[s.name] = (s.lower, s.upper)
        minuit.fixed[s.name] = s.fixed
    free = np.flatnonzero([not s.fixed for s in start])
    if not free.size:
        return _result(minuit, start, free, minos=False, message="all parameters are fixed")
    minuit.strategy = 1
    minuit.migrad(ncall=4000)
    if not minuit.valid:
        minuit.simplex(ncall=2000)
        minuit.migrad(ncall=4000)
    if minuit.valid:
        minuit.hesse()
    message = ""
    if not minuit.valid:
        message = "the minimiser did not converge: too little data for the free parameters?"
    elif not minuit.accurate:
        message = "errors are approximate: the curvature at the minimum is not positive"
    if minos and minuit.valid:
        try:
            minuit.minos(*[s.name for s in start if not s.fixed])
        except RuntimeError as error:
            message = f"MINOS found no interval ({error}); HESSE errors stand"
    return _result(minuit, start, free, minos=minos, message=message)


def _result(
    minuit: Minuit,
    start: Sequence[ParameterStart],
    free: NDArray[np.int64],
    *,
    minos: bool,
    message: str,
) -> Minimum:
    covariance = np.full((free.size, free.size), np.nan)
    if minuit.covariance is not None:
        covariance = np.array(minuit.covariance)[np.ix_(free, free)]
    errors = np.zeros(len(start))
    errors[free] = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    parameters = []
    for i, s in enumerate(start):
        lower = upper = None
        interval = minuit.merrors.get(s.name) if minos and minuit.merrors else None
        if interval is not None and interval.is_valid:
            lower, upper = float(interval.lower), float(interval.upper)
        value, error = float(minuit.values[s.name]), float(errors[i])
        parameters.append(Parameter(s.name, value, error, s.unit, lower, upper, s.fixed, s.meaning))
    values = np.array(list(minuit.values), dtype=np.float64)
    valid = bool(minuit.valid) if free.size else True
    return Minimum(tuple(parameters), values, free, covariance, valid, message)
