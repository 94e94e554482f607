"""Power in front of the source against the tapered amplifier's current."""

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict

from atta_daq.calibration.dated import Calibrated
from drivers.errors import OutOfRange

FloatArray = NDArray[np.float64]


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
    """Straight line through samples above threshold, its error from their scatter.

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
