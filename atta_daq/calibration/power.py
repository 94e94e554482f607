"""Power in front of the source against the tapered amplifier's current."""

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict

from atta_daq.calibration.dated import Calibrated
from drivers.errors import OutOfRange

FloatArray = NDArray[np.float64]
LAW_SHARE = 0.1
"""Of the distance between line and parabola at zero power: what another law of the chip's heat
changes."""


class FibrePower(BaseModel):
    """power = slope (current - threshold), above threshold, seeded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: Calibrated
    """mA."""
    slope: Calibrated
    """mW/mA."""
    full_power_mw: float

    def power_mw(self, current_ma: float) -> float:
        """Power in front of the source; 0 below threshold."""
        return max(self.slope.value * (current_ma - self.threshold.value), 0.0)

    def current_ma(self, power_mw: float) -> float:
        """Amplifier current for a power. Raises OutOfRange outside 0 to full power."""
        if not 0.0 <= power_mw <= self.full_power_mw:
            raise OutOfRange(
                "amplifier",
                f"{power_mw:g} mW asked for",
                f"the calibrated range is 0 to {self.full_power_mw:g} mW",
            )
        return self.threshold.value + power_mw / self.slope.value


def fit_fibre_power(
    current_ma: FloatArray, power_mw: FloatArray, made: AwareDatetime | None = None
) -> FibrePower:
    """Straight line through samples above threshold, its error from their scatter. Its threshold is
    where the line meets zero, for powers within the samples; see `chip_threshold`.

    Raises ValueError for fewer than 3 samples or a slope that is not positive.
    """
    if current_ma.size < 3:
        raise ValueError(f"{current_ma.size} samples are too few (3 are needed)")
    centre = float(np.mean(current_ma))
    offset = current_ma - centre
    slope = float(offset @ power_mw / (offset @ offset))
    mean = float(np.mean(power_mw))
    if not slope > 0.0:
        raise ValueError("the power does not rise with the current: is the seed on?")
    scatter = power_mw - mean - slope * offset
    variance = float(scatter @ scatter) / (current_ma.size - 2)
    slope_variance = variance / float(offset @ offset)
    mean_variance = variance / current_ma.size
    # threshold = centre - mean/slope; mean and slope of a centred line are uncorrelated.
    threshold_error = np.sqrt(mean_variance / slope**2 + slope_variance * (mean / slope**2) ** 2)
    return FibrePower(
        threshold=Calibrated(
            value=centre - mean / slope, error=float(threshold_error), unit="mA", made=made
        ),
        slope=Calibrated(
            value=slope, error=float(np.sqrt(slope_variance)), unit="mW/mA", made=made
        ),
        full_power_mw=float(power_mw.max()),
    )


def chip_threshold(
    current_ma: FloatArray, power_mw: FloatArray, line_threshold_ma: float
) -> tuple[float, float] | None:
    """Where the power of the chip itself begins (mA), and its error; None where it shows nowhere.

    A chip that warms up gives less than a straight line at high currents, so that the line meets
    zero below the chip's threshold. A parabola, weighted by the power because a laser's noise is
    relative, follows the bend down to it. Where the chip's heat grows as the current or its cube
    instead of its square, the parabola is off by a tenth of its distance from the line.
    """
    lit = power_mw > 0.0
    if np.count_nonzero(lit) < 5:
        return None
    current_ma, power_mw = current_ma[lit], power_mw[lit]
    centre, width = float(np.mean(current_ma)), float(np.ptp(current_ma))
    terms = np.vander((current_ma - centre) / width, 3, increasing=True)
    weighted = terms / power_mw[:, None]
    found, *_ = np.linalg.lstsq(weighted, np.ones_like(power_mw), rcond=None)
    offset, rise, bend = (float(value) for value in found)
    inside = rise**2 - 4.0 * bend * offset
    if not (rise > 0.0 and inside > 0.0):
        return None
    x = -2.0 * offset / (rise + np.sqrt(inside))
    scatter = 1.0 - weighted @ found
    variance = float(scatter @ scatter) / (power_mw.size - 3)
    covariance = variance * np.linalg.inv(weighted.T @ weighted)
    arm = np.array([1.0, x, x**2]) / (rise + 2.0 * bend * x)
    threshold_ma = centre + width * float(x)
    own_ma = width * float(np.sqrt(arm @ covariance @ arm))
    law_ma = LAW_SHARE * abs(threshold_ma - line_threshold_ma)
    return threshold_ma, float(np.hypot(own_ma, law_ma))
