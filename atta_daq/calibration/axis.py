"""The frequency axis: ratio of the transfer cavity's peaks to detuning and back."""

import math
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from atta_daq.calibration.dated import Calibrated
from drivers.errors import OutOfRange

SLAVE_OVER_MASTER = 0.9906
"""f_slave/f_master = 811.51 nm / 819.23 nm: one free spectral range of the master in length moves
the slave by that share of it."""
MASTER_MARGIN = 0.03
"""Nearer than this to a master peak (ratio 0 or 1) the slave's peak cannot be told from it."""


class AxisCalibration(BaseModel):
    """detuning = sign (r - zero_ratio) FSR 0.9906 + order FSR, in MHz from the 84Kr line.

    r = (x_slave - x_m1)/(x_m2 - x_m1) lies between 0 and 1. `sign` is the ramp's polarity, found
    by a known jump. The ratio is blind to whole orders of the cavity: `order` counts the free
    spectral ranges between the slave's peak in use and the one at the zero (0 unless a run works
    on another one, to be checked with a wavemeter). A lock that counts the orders by itself
    (`total`) is given ratios beyond 0 and 1; then `order` stays 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fsr: Calibrated
    """Free spectral range, MHz."""
    sign: Literal[-1, 1]
    zero: Calibrated
    """Ratio on the 84Kr line; its error is in ratio."""
    order: int = 0
    total: bool = False
    margin: float = Field(default=MASTER_MARGIN, gt=0.0, lt=0.5)

    @classmethod
    def from_numbers(
        cls,
        *,
        fsr_mhz: float,
        fsr_error_mhz: float,
        sign: Literal[-1, 1],
        zero_ratio: float,
        zero_error_mhz: float,
        order: int = 0,
        total: bool = False,
        made: AwareDatetime | None = None,
        valid_days: float = 365.0,
        source: str = "rig file",
    ) -> "AxisCalibration":
        """From plain numbers. Raises pydantic.ValidationError."""
        dated: dict[str, Any] = {"made": made, "valid_days": valid_days, "source": source}
        return cls(
            fsr=Calibrated(value=fsr_mhz, error=fsr_error_mhz, unit="MHz", **dated),
            sign=sign,
            zero=Calibrated(
                value=zero_ratio, error=zero_error_mhz / (fsr_mhz * SLAVE_OVER_MASTER), **dated
            ),
            order=order,
            total=total,
        )

    @property
    def mhz_per_ratio(self) -> float:
        """Change of the detuning with the ratio, signed."""
        return self.sign * self.fsr.value * SLAVE_OVER_MASTER

    def ratio_to_detuning(self, ratio: float) -> float:
        """Detuning (MHz from the 84Kr line, red negative) of a measured ratio."""
        return (ratio - self.zero.value) * self.mhz_per_ratio + self.order * self.fsr.value

    def detuning_to_ratio(self, detuning_mhz: float) -> float:
        """Setpoint for a detuning.

        Raises OutOfRange when the slave's peak would come within the margin of a master peak, or
        lie in another order: nothing may be sent then.
        """
        ratio = self.zero.value + (detuning_mhz - self.order * self.fsr.value) / self.mhz_per_ratio
        if self.total:
            self._require_off_the_masters(detuning_mhz, ratio)
            return ratio
        low, high = self.range_mhz
        if not self.margin <= ratio <= 1.0 - self.margin:
            raise OutOfRange(
                "lock",
                f"{detuning_mhz:.1f} MHz needs ratio {ratio:.4f}, within {self.margin:g} of a "
                "master peak or beyond it",
                f"this axis reaches {low:.0f} to {high:.0f} MHz; shift its zero or its order",
            )
        return ratio

    def _require_off_the_masters(self, detuning_mhz: float, ratio: float) -> None:
        # Peaks of the slave lie half its own wavelength apart, which is longer than the masters'.
        r = ratio % (1.0 / SLAVE_OVER_MASTER)
        if not self.margin <= r <= 1.0 - self.margin:
            raise OutOfRange(
                "lock",
                f"{detuning_mhz:.1f} MHz needs ratio {ratio:.4f}, within {self.margin:g} of a "
                "master peak",
                f"move by {2.0 * self.margin * abs(self.mhz_per_ratio):.0f} MHz or more",
            )

    @property
    def range_mhz(self) -> tuple[float, float]:
        """Lowest and highest detuning that can be set."""
        if self.total:
            return -math.inf, math.inf
        ends = sorted(self.ratio_to_detuning(r) for r in (self.margin, 1.0 - self.margin))
        return ends[0], ends[1]

    def error_mhz(self, detuning_mhz: float) -> float:
        """One standard error of the axis at a detuning: zero and scale."""
        zero = self.zero.error * abs(self.mhz_per_ratio)
        scale = self.fsr.relative_error * detuning_mhz
        return float((zero**2 + scale**2) ** 0.5)

    def with_zero(
        self, ratio: float, error_mhz: float, made: AwareDatetime | None, source: str
    ) -> "AxisCalibration":
        """The same scale on a new zero."""
        zero = Calibrated(
            value=ratio,
            error=error_mhz / abs(self.mhz_per_ratio),
            made=made,
            valid_days=self.zero.valid_days,
            source=source,
        )
        return self.model_copy(update={"zero": zero})

    def describe(self) -> dict[str, Any]:
        """Plain JSON types, for the journal."""
        return {
            "zero_ratio": self.zero.value,
            "zero_error_mhz": self.zero.error * abs(self.mhz_per_ratio),
            "fsr_mhz": self.fsr.value,
            "fsr_error_mhz": self.fsr.error,
            "sign": self.sign,
            "order": self.order,
            "source": self.zero.source,
        }
