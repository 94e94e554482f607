"""What a run takes right now, in short: the reading `run:point`."""

from dataclasses import asdict

from atta_daq.client.runs import PointUnderWay
from atta_daq.rig.light import LightControl
from atta_daq.scans.blocks import PlannedSegment
from atta_daq.scans.definition import ScanDefinition
from drivers.errors import OutOfRange


def point_under_way(
    planned: PlannedSegment, definition: ScanDefinition, light: LightControl
) -> PointUnderWay:
    """`planned` with the place of its light: the swept quantities, the detuning where none is."""
    return PointUnderWay(
        kind=planned.kind.value,
        isotope=planned.isotope,
        pumping=planned.pumping,
        bracket=planned.bracket,
        index=planned.point,
        place=_place(planned, definition, light),
    )


def _place(
    planned: PlannedSegment, definition: ScanDefinition, light: LightControl
) -> dict[str, float]:
    if not (planned.pumping and planned.isotope):
        return {}
    try:
        resolved = asdict(light.resolve(planned.target, planned.isotope))
    except OutOfRange:
        return {}  # the segment itself is refused with it, and flagged
    mine = (part for part in definition.parts if part.isotope == planned.isotope)
    swept = dict.fromkeys(axis.quantity for part in mine for axis in part.axes)
    return {name: resolved[name] for name in swept or ("detuning_mhz",)}
