"""The table `[faults]` of a scan: what the run does when its rig fails and nobody is there."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FaultRules(BaseModel):
    """What to do when the rig fails and does not come back."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    after_tries: Literal["skip", "stop"] = "stop"
    """Of a block that failed `max_attempts` times, or whose rig did not come back: 'skip' leaves it
    missing and goes on with the next, 'stop' ends the run with the rig safe."""
    tries: int | None = Field(default=None, ge=1)
    """So often each recipe is tried in one wait for the rig; left out: as often as it takes."""
    wait_at_most_s: float | None = Field(default=None, gt=0.0)
    """So long one wait for the rig may last (wall time); left out: as long as it must."""
    skips_in_a_row: int = Field(default=3, ge=1)
    """When so many blocks were skipped one after the other, the run stops all the same."""
    loading_fraction_min: float | None = Field(default=None, gt=0.0, lt=1.0)
    """A bracket that finds less than this fraction of the 83Kr rate of the run's first is flagged,
    and the run waits for the source; left out: as the rig file says."""
    loading_83_min_v_per_s: float | None = Field(default=None, gt=0.0)
    """The same for a bracket below this 83Kr rate."""
    loading_84_min_v_per_s: float | None = Field(default=None, gt=0.0)
    """The same for a measurement of 84Kr below this rate."""
