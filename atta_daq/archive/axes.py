"""The quantities that a scan can sweep, seen from the points."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from atta_daq.analysis.points import NormalisedData, NormalisedPoint


@dataclass(frozen=True)
class Axis:
    """A quantity that a scan can move; `name` is also the attribute of `Setting`."""

    name: str
    label: str
    unit: str
    step: float
    """Two values nearer than this are the same point, read back twice."""

    def value(self, point: NormalisedPoint) -> float | None:
        """Where the point stands; as set if it was never read back."""
        value = getattr(point.setting, self.name)
        if value is None and self.name == "detuning_mhz":
            return point.setting.detuning_set_mhz
        return value

    @property
    def title(self) -> str:
        """Label with unit, for plots and headers."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


AXES = (
    Axis("detuning_mhz", "detuning as set, from the 84Kr line", "MHz", 2.0),
    Axis("power_mw", "819-nm power", "mW", 2.0),
    Axis("sideband_frequency_mhz", "sideband frequency", "MHz", 1.0),
    Axis("sideband_depth", "modulation index", "", 0.02),
)


def swept(data: NormalisedData) -> tuple[Axis, ...]:
    """The axes along which the pumped points spread, the one with most values first."""
    points = [p for p in data.points if p.pumping]
    found = [(len(levels(points, axis)), axis) for axis in AXES]
    moved = [(count, axis) for count, axis in found if count > 1]
    return tuple(axis for _, axis in sorted(moved, key=lambda item: -item[0]))


def levels(points: Sequence[NormalisedPoint], axis: Axis) -> tuple[float, ...]:
    """The different values of the points along an axis: the lowest reading of each."""
    values = sorted(v for v in (axis.value(p) for p in points) if v is not None)
    return tuple(values[:1]) + tuple(b for a, b in pairwise(values) if b - a > axis.step)
