"""What a run has told, whether it is under way or comes from the archive; no Qt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.results import FitResult
from atta_daq.client.runs import PartPoints, RunInfo, fits_from_json, points_from_json

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Theory:
    """What the model expects of one part of a scan."""

    name: str
    isotope: int
    axis: str
    """The swept quantity; empty for an on/off comparison."""
    x: FloatArray
    y: FloatArray
    """Relative increase of the rate: 0 is no pumping."""

    def as_part(self) -> PartPoints:
        """The part before its first point, so that it can be chosen and drawn."""
        unit = "1/h" if self.isotope in (81, 85) else "V/s"
        return PartPoints(self.name, self.isotope, (self.axis,) if self.axis else (), unit)


def theories(answer: Mapping[str, Any]) -> tuple[Theory, ...]:
    """The answer of the command `theory`. Raises KeyError on one of another shape."""
    return tuple(
        Theory(
            name=part["name"],
            isotope=int(part["isotope"]),
            axis=part["axis"] or "",
            x=np.array(part["x"], dtype=np.float64),
            y=np.array(part["y"], dtype=np.float64),
        )
        for part in answer["parts"]
    )


@dataclass(frozen=True)
class RunRecords:
    """One run: what it is about, its points and its fits."""

    info: RunInfo | None = None
    parts: tuple[PartPoints, ...] = ()
    fits: Mapping[str, FitResult] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "RunRecords":
        """The answer of `run_data`. Raises KeyError or TypeError on one of another shape."""
        return cls(
            RunInfo.from_dict(data["info"]),
            tuple(points_from_json(json.dumps(data["points"]))),
            {name: FitResult.from_dict(fit) for name, fit in data["fits"].items()},
        )

    @property
    def run_id(self) -> str:
        return self.info.run_id if self.info else ""

    @property
    def newest(self) -> PartPoints | None:
        """The part that holds the newest point: the one that is being taken."""
        taken = [part for part in self.parts if part.points]
        if not taken:
            return self.parts[0] if self.parts else None
        return max(taken, key=lambda part: max(point.mid_rig_s for point in part.points))

    def part(self, name: str) -> PartPoints | None:
        return next((part for part in self.parts if part.name == name), None)

    def like(self, other: PartPoints) -> PartPoints | None:
        """The part on the same isotope that sweeps the same; the one of that name first."""
        same = [p for p in self.parts if (p.isotope, p.axes) == (other.isotope, other.axes)]
        return next((p for p in same if p.name == other.name), same[0] if same else None)


class LiveRecords:
    """The records of the run under way; each text is parsed once."""

    def __init__(self) -> None:
        self.records = RunRecords()
        self._texts = ("", "", "")

    def update(self, info: str, points: str, fits: str) -> bool:
        """Take over the texts of `run:info`, `run:points`, `run:fit`; False if all are known."""
        texts = (info, points, fits)
        if texts == self._texts:
            return False
        old, was = self.records, self._texts
        self._texts = texts
        self.records = RunRecords(
            old.info if info == was[0] else RunInfo.from_json(info),
            old.parts if points == was[1] else tuple(points_from_json(points)),
            old.fits if fits == was[2] else fits_from_json(fits),
        )
        return True
