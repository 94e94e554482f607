"""What a client is told about runs: `run:info`, `run:points` and the answers of `run_data`."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from atta_daq.analysis.results import FitResult


@dataclass(frozen=True)
class RunInfo:
    """What a run is about."""

    run_id: str
    scan: str
    """The scan file, TOML."""
    name: str
    geometry: str
    started_utc_s: float
    state: str
    """running, complete, aborted, crashed."""
    outcome: str
    """Why it ended; empty while it runs."""
    sample: str = ""
    note: str = ""
    operator: str = ""
    notes: tuple[str, ...] = ()
    """The operator's notes, taken during the run."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "RunInfo | None":
        """Inverse of `to_json`; None for an empty text (no run yet)."""
        return cls.from_dict(json.loads(text)) if text else None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RunInfo":
        return cls(**{**data, "notes": tuple(data["notes"])})


@dataclass(frozen=True)
class Point:
    """One normalised point of a part of the run, for plots."""

    detuning_mhz: float | None
    """As set in the lab, read back from the lock, from the 84Kr line."""
    power_mw: float | None
    sideband_frequency_mhz: float
    sideband_depth: float
    ratio: float
    """Normalised rate: atoms/h or detector units/s at the run's mean 83Kr loading rate."""
    error: float
    pumping: bool
    provisional: bool
    """Its closing bracket has not been taken yet: the normalisation may still move."""
    mid_rig_s: float
    live_s: float
    counts: int | None
    index: int | None
    """The scan's point; None for references."""


@dataclass(frozen=True)
class PartPoints:
    """All points of one part of the scan."""

    name: str
    """Name of the part and of its fit, such as '85Kr'."""
    isotope: int
    axes: tuple[str, ...]
    """Swept quantities; empty for an on/off comparison."""
    unit: str
    """'1/h' for counted isotopes, 'V/s' for loading rates (an imported table: its own)."""
    points: tuple[Point, ...] = field(default=())


@dataclass(frozen=True)
class PointUnderWay:
    """What a run takes right now: the value of `run:point`."""

    kind: str
    """Of the segment: rare, loading-83, loading-84, check-83, blank."""
    isotope: int
    """Mass number; 0 for a blank."""
    pumping: bool
    """819 nm on the atoms."""
    bracket: bool
    """An 83Kr segment that normalises the others."""
    index: int | None
    """The scan's point; None for brackets, references and blanks."""
    place: dict[str, float]
    """Where the light is asked to stand: the swept quantities of the part, or `detuning_mhz`;
    empty while it is blocked."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "PointUnderWay | None":
        """Inverse of `to_json`; None for an empty text: nothing is taken."""
        return cls(**json.loads(text)) if text else None


def points_to_json(parts: list[PartPoints]) -> str:
    return json.dumps([asdict(part) for part in parts])


def points_from_json(text: str) -> list[PartPoints]:
    """Inverse of `points_to_json`; an empty text means none."""
    return [
        PartPoints(
            **{
                **part,
                "axes": tuple(part["axes"]),
                "points": tuple(Point(**point) for point in part["points"]),
            }
        )
        for part in json.loads(text or "[]")
    ]


def fits_from_json(text: str) -> dict[str, FitResult]:
    """The value of `run:fit`; an empty text means none."""
    return {name: FitResult.from_dict(fit) for name, fit in json.loads(text or "{}").items()}


def time_to_error_s(error: float, wanted: float, live_s: float) -> float:
    """Counting time still needed until an error falls to `wanted`, by 1/sqrt(time).

    0 when it has been reached, infinite for a wanted error that is not positive.
    """
    if wanted <= 0.0:
        return math.inf
    return max(0.0, live_s * ((error / wanted) ** 2 - 1.0))
