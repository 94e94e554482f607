"""A calibration that was measured: frozen, dated, with its covariance and where it came from."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from atta_daq.calibration.dated import Calibrated


class Quantity(BaseModel):
    """One number of a result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """As in the rig file, with its unit in the name: 'fsr_mhz'."""
    value: float
    error: float = Field(ge=0.0)
    """One standard error, statistics and systematics together."""
    unit: str = ""


class CalibrationResult(BaseModel):
    """What one calibration found. A new measurement is a new object; nothing is changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """`<kind>-yyyymmdd-HHMMSS-<4 hex>`, UTC; also the name of its raw data and its plot."""
    kind: str
    """What measures it anew: 'axis-zero', 'cavity', 'fibre-power', ..."""
    made: AwareDatetime
    valid_days: float = Field(gt=0.0)
    quantities: tuple[Quantity, ...] = Field(min_length=1)
    covariance: tuple[tuple[float, ...], ...]
    """In the order of `quantities`; its diagonal are the squared errors."""
    method: str
    """How it was measured, in one sentence."""
    rig: str
    program: str
    """Name and version of the program that measured it."""
    notes: dict[str, float | str] = {}
    """What the fit took as given and how well it described the data."""

    @model_validator(mode="after")
    def _covariance_fits(self) -> "CalibrationResult":
        size = len(self.quantities)
        if len(self.covariance) != size or any(len(row) != size for row in self.covariance):
            raise ValueError(f"the covariance of {size} quantities must be {size} x {size}")
        for index, quantity in enumerate(self.quantities):
            variance = quantity.error**2
            if abs(self.covariance[index][index] - variance) > 1e-6 * max(variance, 1e-300):
                raise ValueError(f"covariance and error of {quantity.name} disagree")
        return self

    def __getitem__(self, name: str) -> Quantity:
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        raise KeyError(name)

    @property
    def valid_until(self) -> datetime:
        """When it becomes stale (UTC)."""
        return (self.made + timedelta(days=self.valid_days)).astimezone(UTC)

    def calibrated(self, name: str) -> Calibrated:
        """One of its numbers with date, validity and source."""
        quantity = self[name]
        return Calibrated(
            value=quantity.value,
            error=quantity.error,
            unit=quantity.unit,
            made=self.made,
            valid_days=self.valid_days,
            source=self.id,
        )

    def stale(self, now: datetime) -> str:
        """'' while it is valid, else why it is not."""
        return self.calibrated(self.quantities[0].name).stale(now)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return self.model_dump(mode="json")


def diagonal(quantities: tuple[Quantity, ...]) -> tuple[tuple[float, ...], ...]:
    """Covariance of quantities that are independent of each other."""
    return tuple(
        tuple(q.error**2 if i == k else 0.0 for k in range(len(quantities)))
        for i, q in enumerate(quantities)
    )
