"""What each point of a planned scan is worth: how much of the result would be lost without it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atta_daq.analysis.records import Segment
from atta_daq.analysis.results import FitResult
from atta_daq.rig.light import LightControl
from atta_daq.scans.blocks import Block, Target, targets
from atta_daq.scans.selection import number_of_points, part_name
from atta_daq.station.expected import CountingRate, expected_segments
from atta_daq.station.fitting import FitRequest, fit_all

LEAST_WORTH = 0.1
"""Below this a point adds nothing: its time does a tenth of what the same time does elsewhere."""
NUISANCE = "background"
"""The rate without pumping light is fitted, but nobody measures for its sake."""


@dataclass(frozen=True)
class PointWorth:
    """One point of a part."""

    part: str
    """As the fit is named, '85Kr'."""
    point: int
    """Number within the part, from 0, in the order of the axes."""
    target: Target
    worth: float
    """Growth of the error of that parameter which would suffer most without the point, over the
    growth that the loss of its share of the time would bring by itself. 1: as good as the average;
    infinite: without it there is no fit."""


def point_worths(
    request: FitRequest,
    plan: Sequence[Block],
    light: LightControl,
    counting: Callable[[int], CountingRate | None],
) -> list[PointWorth]:
    """Every point of the parts that sweep something and whose fit can be foretold.

    A scan of n points that lost one evenly would have errors larger by 1/(2n): by this each
    point's own loss is measured, from fits of the segments expected without noise, with it and
    without it.
    """
    segments = expected_segments(request, plan, light, counting)
    whole = fit_all(segments, request, minos=False)
    found: list[PointWorth] = []
    first = 0
    for number, part in enumerate(request.definition.parts):
        count = number_of_points(part)
        name = part_name(request.definition, number)
        fit = whole.get(name)
        if part.axes and fit is not None and fit.valid:
            places = targets(part)
            for point in range(count):
                rest = [s for s in segments if s.point != first + point]
                growth = _growth(fit, _fitted(rest, request, name))
                found.append(PointWorth(name, point, places[point], 2.0 * count * growth))
        first += count
    return found


def _fitted(segments: list[Segment], request: FitRequest, name: str) -> FitResult | None:
    fit = fit_all(segments, request, minos=False).get(name)
    return fit if fit is not None and fit.valid else None


def _growth(whole: FitResult, rest: FitResult | None) -> float:
    """Largest relative growth of an error; infinite when nothing can be fitted any more."""
    if rest is None:
        return float("inf")
    errors = {p.name: p.error for p in rest.parameters}
    return max(
        (
            errors.get(p.name, float("inf")) / p.error - 1.0
            for p in whole.parameters
            if p.error > 0.0 and p.name != NUISANCE
        ),
        default=0.0,
    )
