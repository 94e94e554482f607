"""What one segment of a run measured: the unit that analysis, archive and report share.

A `Segment` is written as one JSON object in the journal (`to_dict`), and everything after the
counting starts from a list of them, whether it comes from a running station, a run folder or an
imported table.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class SegmentKind(StrEnum):
    """What a segment looked at."""

    RARE = "rare"
    """Single atoms of 81Kr or 85Kr on the EMCCD."""
    LOADING_83 = "loading-83"
    """83Kr loading rate from quench bursts: normaliser (bracket) or signal."""
    LOADING_84 = "loading-84"
    """84Kr loading rate from the slope after clearing."""
    CHECK_83 = "check-83"
    """83Kr loading rate with or without pumping light, to see that the pumping has not changed."""
    BLANK = "blank"
    """EMCCD counts with the trap off every isotope."""


@dataclass(frozen=True)
class Setting:
    """Where the 819-nm light stood during a segment, as set and as read back."""

    detuning_set_mhz: float | None = None
    detuning_mhz: float | None = None
    """Read back from the lock; the axis of every fit. From the 84Kr line, as set in the lab."""
    power_mw: float | None = None
    """At the source, read back."""
    sideband_frequency_mhz: float = 0.0
    sideband_depth: float = 0.0
    """Modulation index beta; 0 without sidebands."""


@dataclass(frozen=True)
class Segment:
    """One segment, taken once. Times on the rig's clock, seconds since 1970."""

    run_id: str
    block: int
    attempt: int
    index: int
    """Position in the run, over all blocks and attempts."""
    kind: SegmentKind
    isotope: int
    """Mass number; 0 for a blank off every isotope."""
    pumping: bool
    """819-nm shutter open."""
    point: int | None
    """Index of the scan's point; None for brackets, blanks and references without one."""
    bracket: bool
    """True for the 83Kr segments that normalise the others."""
    setting: Setting
    start_rig_s: float
    end_rig_s: float
    live_s: float
    """Rig time that counts: exposures used times exposure, or record time of a burst."""
    dead_s: dict[str, float] = field(default_factory=dict)
    """Rig time lost on the way to and in this segment, by cause: switching, settling, moving,
    lost-frames, overhead, ..."""
    counts: int | None = None
    """Atoms detected (RARE, BLANK)."""
    efficiency: float | None = None
    """Detected over true atoms, from the calibrated counting model."""
    efficiency_error: float | None = None
    exposures: int = 0
    frames_lost: int = 0
    rate: float | None = None
    """Loading rate in the detector's units per second (LOADING_*)."""
    rate_error: float | None = None
    flag: str = ""
    """Cause, when the segment must not be used; kept, never summed."""

    @property
    def mid_rig_s(self) -> float:
        """Middle of the segment on the rig's clock."""
        return 0.5 * (self.start_rig_s + self.end_rig_s)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Segment":
        """Inverse of `to_dict`. Raises KeyError or TypeError on a record of another shape."""
        values = dict(data)
        values["kind"] = SegmentKind(values["kind"])
        values["setting"] = Setting(**values["setting"])
        return cls(**values)
