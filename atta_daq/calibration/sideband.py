"""Modulation depth of the EOM against RF power."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import jv

from atta_daq.physics.sidebands import depth_from_power_dbm

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Substitution:
    """What `fit_by_substitution` found."""

    v_pi_v: float
    error_v: float
    chi_square: float
    degrees_of_freedom: int
    curve: FloatArray
    """Coefficients of the increase in u = ln(power of the carrier / largest power): 1, u, u^2."""

    def increase(self, relative_power: FloatArray) -> FloatArray:
        """Fitted increase at a power of the carrier over the largest one."""
        u = np.log(relative_power)
        return self.curve[0] + self.curve[1] * u + self.curve[2] * u**2


def fit_by_substitution(
    relative_power: FloatArray,
    increase: FloatArray,
    error: FloatArray,
    power_dbm: FloatArray,
    increase_rf: FloatArray,
    error_rf: FloatArray,
    start_v: float,
) -> Substitution:
    """V_pi from how much RF dims the carrier as an atom sees it.

    Without RF the increase of a loading rate is measured at several powers (over the largest);
    with RF at the largest power and several RF powers (dBm). RF far from every atom's resonance
    only takes light from the carrier, so an increase with RF is that without RF at J0(beta)^2 of
    the power: no model of the pumping is needed. A parabola in the logarithm of the power is
    fitted to both at once. Raises ValueError when there are too few samples, or the increases do
    not rise with the power.
    """
    if relative_power.size < 4 or power_dbm.size < 2:
        raise ValueError("at least 4 powers without RF and 2 with RF are needed")
    u = np.log(relative_power)
    unit = np.array([depth_from_power_dbm(float(p), 1.0) for p in power_dbm])
    curve = np.polyfit(u, increase, 2, w=1.0 / error)[::-1]
    if not curve[1] > 0.0:
        raise ValueError("the increase does not rise with the power")

    def residuals(p: FloatArray) -> FloatArray:
        v_pi = start_v * np.exp(np.clip(p[3], -2.0, 2.0))
        share = np.maximum(jv(0, unit / v_pi) ** 2, 1e-6)
        v = np.log(share)
        plain = p[0] + p[1] * u + p[2] * u**2
        with_rf = p[0] + p[1] * v + p[2] * v**2
        return np.concatenate([(plain - increase) / error, (with_rf - increase_rf) / error_rf])

    found = least_squares(residuals, np.array([*curve, 0.0]), method="lm")
    covariance = np.linalg.pinv(found.jac.T @ found.jac)
    freedom = u.size + unit.size - 4
    chi_square = 2.0 * float(found.cost)
    v_pi = start_v * float(np.exp(found.x[3]))
    # The errors come from few repetitions: a scatter beyond them enlarges the error.
    widened = max(1.0, chi_square / freedom)
    error_v = v_pi * float(np.sqrt(covariance[3, 3] * widened))
    return Substitution(v_pi, error_v, chi_square, freedom, found.x[:3])
