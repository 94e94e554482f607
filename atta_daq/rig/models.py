"""What every table of the rig file is made of."""

from pydantic import BaseModel, ConfigDict, model_validator


class RigModel(BaseModel):
    """Frozen; refuses unknown keys and numbers that are not finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Interval(RigModel):
    """A closed interval."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ascending(self) -> "Interval":
        if not self.low <= self.high:
            raise ValueError(f"low {self.low:g} lies above high {self.high:g}")
        return self
