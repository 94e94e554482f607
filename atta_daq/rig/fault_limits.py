"""[faults] of the rig file: below what a run waits, and how often the amplifier may come back."""

from pydantic import Field

from atta_daq.rig.models import RigModel
from atta_daq.scans.rules import FaultRules


class FaultLimits(RigModel):
    """Below what a run waits, and how often the amplifier may come back by itself."""

    disk_free_min_gb: float = Field(default=1.0, ge=0.0)
    """A run waits while less is free where its data go; 0: it never does."""
    amplifier_restarts_per_h: int = Field(default=4, ge=0)
    """So often in an hour of rig time the runs of a station may switch an amplifier on again that
    went off by itself; beyond that they wait."""
    loading_fraction_min: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Of the 83Kr rate of a run's first good bracket; below it the run waits for the source."""
    loading_83_min_v_per_s: float | None = Field(default=None, gt=0.0)
    """83Kr rate of a bracket below which a run waits for the source."""
    loading_84_min_v_per_s: float | None = Field(default=None, gt=0.0)
    """84Kr rate below which a run waits for the source."""

    def loading(self, rules: FaultRules) -> "LoadingLimits":
        """The floors of a scan: its own where it has one, else those of the rig."""

        def first(of_scan: float | None, of_rig: float | None) -> float | None:
            return of_rig if of_scan is None else of_scan

        return LoadingLimits(
            fraction=first(rules.loading_fraction_min, self.loading_fraction_min),
            kr83_v_per_s=first(rules.loading_83_min_v_per_s, self.loading_83_min_v_per_s),
            kr84_v_per_s=first(rules.loading_84_min_v_per_s, self.loading_84_min_v_per_s),
        )


class LoadingLimits(RigModel):
    """Floors of the loading rate; None: none but zero."""

    fraction: float | None = None
    """Of the run's first good bracket."""
    kr83_v_per_s: float | None = None
    kr84_v_per_s: float | None = None
