"""A calibrated number: value, error, when it was measured, how long it is trusted."""

from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Calibrated(BaseModel):
    """One measured number. Frozen: a new measurement is a new object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float
    error: float = Field(ge=0.0)
    """One standard error, in the unit of the value."""
    unit: str = ""
    made: AwareDatetime | None = None
    """When it was measured; None: unknown, always stale."""
    valid_days: float = Field(default=365.0, gt=0.0)
    source: str = ""

    def stale(self, now: datetime) -> str:
        """'' while it is valid, else why it is not."""
        if self.made is None or self.expires is None:
            return "its date is unknown"
        if now <= self.expires:
            return ""
        made = self.made.astimezone(UTC).strftime("%Y-%m-%d")
        return f"made {made}, valid for {self.valid_days:g} days: measure it again"

    @property
    def expires(self) -> datetime | None:
        """Until when it is trusted (UTC); None: its date is unknown."""
        if self.made is None:
            return None
        return (self.made + timedelta(days=self.valid_days)).astimezone(UTC)

    @property
    def relative_error(self) -> float:
        """Error over value. Raises ZeroDivisionError for a value of 0."""
        return self.error / abs(self.value)
