"""What every table of the rig file is made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

STORED: dict[str, Any] = {"stored": True}
"""Context of a validation: a rig file that is read, not one that a rig is built from."""


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
