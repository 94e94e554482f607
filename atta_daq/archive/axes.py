"""What a run swept, seen from its points; and the points themselves."""

import logging
import tomllib
from dataclasses import dataclass
from itertools import pairwise

from atta_daq.analysis.points import NormalisedData, NormalisedPoint, normalise
from atta_daq.archive.run_folder import Run

_log = logging.getLogger(__name__)


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
    found = [(distinct(points, axis), axis) for axis in AXES]
    moved = [(count, axis) for count, axis in found if count > 1]
    return tuple(axis for _, axis in sorted(moved, key=lambda item: -item[0]))


def distinct(points: list[NormalisedPoint], axis: Axis) -> int:
    """How many different values the points have along an axis."""
    values = sorted(v for v in (axis.value(p) for p in points) if v is not None)
    if not values:
        return 0
    return 1 + sum(b - a > axis.step for a, b in pairwise(values))


def normalised(run: Run) -> dict[int, NormalisedData]:
    """The normalised points of every isotope of a run, as its fits see them.

    An isotope without a usable segment is left out (and logged): a run may have ended before it.
    """
    found: dict[int, NormalisedData] = {}
    pumped = pumped_brackets(run)
    for isotope in sorted({s.isotope for s in run.segments if not s.bracket and s.isotope}):
        try:
            found[isotope] = normalise(run.segments, isotope, pumped_brackets=pumped)
        except ValueError as error:
            _log.warning("%s: %s", run.run_id, error)
    return found


def pumped_brackets(run: Run) -> bool:
    """True when the scan asked for brackets with pumping light on (to show what they do)."""
    try:
        return bool(tomllib.loads(run.scan_toml).get("bracket_pumping", False))
    except tomllib.TOMLDecodeError as error:
        _log.warning("%s: scan.toml cannot be read: %s", run.run_id, error)
        return False


def rate_unit(run: Run, data: NormalisedData) -> str:
    """Unit of the normalised rate: atoms per hour, or the loading detector's."""
    return data.unit if data.poisson else run.header.rate_unit
