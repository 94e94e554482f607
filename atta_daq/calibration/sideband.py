"""Modulation depth of the EOM against RF power."""

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict
from scipy.optimize import curve_fit
from scipy.special import jv

from atta_daq.calibration.dated import Calibrated
from atta_daq.physics.sidebands import depth_from_power_dbm, power_dbm_from_depth

FloatArray = NDArray[np.float64]


class SidebandDepth(BaseModel):
    """Half-wave voltage of the modulator, into 50 ohm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    v_pi: Calibrated
    """V."""

    def depth(self, power_dbm: float) -> float:
        """Modulation index beta."""
        return depth_from_power_dbm(power_dbm, self.v_pi.value)

    def power_dbm(self, depth: float) -> float:
        """RF power for a modulation index. Raises ValueError unless it is positive."""
        return power_dbm_from_depth(depth, self.v_pi.value)

    def depth_error(self, power_dbm: float) -> float:
        """One standard error of the modulation index."""
        return self.depth(power_dbm) * self.v_pi.relative_error


def fit_sideband_depth(
    power_dbm: FloatArray,
    carrier_share: FloatArray,
    error: FloatArray,
    made: AwareDatetime | None = None,
) -> SidebandDepth:
    """V_pi from the share of the light left in the carrier, J0(beta)^2, on a cavity.

    Shares are heights of the carrier's peak over that without RF. Raises ValueError for fewer
    than 2 samples, RuntimeError when no V_pi describes them.
    """
    if power_dbm.size < 2:
        raise ValueError(f"{power_dbm.size} samples are too few (2 are needed)")
    unit = np.array([depth_from_power_dbm(float(p), 1.0) for p in power_dbm])

    def share(unit_depth: FloatArray, v_pi: float) -> FloatArray:
        return jv(0, unit_depth / v_pi) ** 2

    # beta = 1.5 at the highest power: on the monotonic side of the first zero of J0.
    start = float(unit.max()) / 1.5
    values, covariance = curve_fit(
        share, unit, carrier_share, p0=[start], sigma=error, absolute_sigma=True
    )
    v_pi = Calibrated(
        value=float(values[0]), error=float(np.sqrt(covariance[0, 0])), unit="V", made=made
    )
    return SidebandDepth(v_pi=v_pi)
