"""Numbers that a calibration found, with error and unit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class CalibrationError(ValueError):
    """The frames do not hold what a calibration needs; the text says what to change."""


@dataclass(frozen=True)
class Measured:
    """A value, its standard error and its unit."""

    value: float
    error: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:.6g} ± {self.error:.2g} {self.unit}"


def covariance_of_minimum(
    negative_log_likelihood: Callable[[FloatArray], float], best: FloatArray, steps: FloatArray
) -> FloatArray:
    """Inverse of the second derivatives at a minimum, by central differences.

    `steps` (parameters,): a fraction of an error to about an error each. Raises CalibrationError
    where the likelihood has no minimum, i.e. the data do not fix the parameters.
    """
    size = best.size
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            value = 0.0
            for si in (-1.0, 1.0):
                for sj in (-1.0, 1.0):
                    point = best.copy()
                    point[i] += si * steps[i]
                    point[j] += sj * steps[j]
                    value += si * sj * negative_log_likelihood(point)
            hessian[i, j] = hessian[j, i] = value / (4.0 * steps[i] * steps[j])
    if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian).min() <= 0.0:
        raise CalibrationError("the data do not fix all parameters: take more frames")
    return np.asarray(np.linalg.inv(hessian), dtype=np.float64)
