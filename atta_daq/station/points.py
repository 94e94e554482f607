"""The normalised points of a run's parts, as clients see them."""

from collections.abc import Iterable, Sequence

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.points import NormalisedData, NormalisedPoint, has_signal, normalise
from atta_daq.analysis.records import Segment
from atta_daq.client.runs import PartPoints, Point
from atta_daq.scans.definition import ScanDefinition
from atta_daq.scans.selection import part_name, segments_of

RATE_UNIT = "V/s"
"""Of what a rig loads and does not count: the slope of the loading detector."""


def part_points(
    definition: ScanDefinition,
    segments: Sequence[Segment],
    *,
    running: bool = True,
    drift: DriftSpectrum = TYPICAL,
    unusable: dict[str, str] | None = None,
) -> list[PartPoints]:
    """Points of each part that has any, in the order of the scan; `running`: brackets may come.

    `drift` is what is known of the source beside the brackets. `unusable` is given the reason for
    each part that has unflagged segments of its own and yet no points.
    """
    found = []
    for number, part in enumerate(definition.parts):
        mine = segments_of(definition, number, segments)
        try:
            data = normalise(
                mine, part.isotope, pumped_brackets=definition.bracket_pumping, drift=drift,
                rate_unit=RATE_UNIT,
            )  # fmt: skip
        except ValueError as error:
            if unusable is not None and has_signal(mine, part.isotope):
                unusable[part_name(definition, number)] = str(error)
            continue
        axes = (axis.quantity for axis in part.axes)
        found.append(points_of(part_name(definition, number), axes, data, running=running))
    return found


def points_of(name: str, axes: Iterable[str], data: NormalisedData, *, running: bool) -> PartPoints:
    """Normalised data as a client sees them."""
    unit = "1/h" if data.poisson else data.unit
    points = tuple(_point(point, running) for point in data.points)
    return PartPoints(name, data.isotope, tuple(axes), unit, points)


def _point(point: NormalisedPoint, running: bool) -> Point:
    at = point.setting
    detuning = at.detuning_mhz if at.detuning_mhz is not None else at.detuning_set_mhz
    return Point(
        detuning_mhz=detuning,
        power_mw=at.power_mw,
        sideband_frequency_mhz=at.sideband_frequency_mhz,
        sideband_depth=at.sideband_depth,
        ratio=point.ratio,
        error=point.error,
        pumping=point.pumping,
        provisional=running and point.extrapolated,
        mid_rig_s=point.mid_rig_s,
        live_s=point.live_s,
        counts=point.counts,
        index=point.index,
    )
