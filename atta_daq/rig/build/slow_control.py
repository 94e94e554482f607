"""Slow control."""

from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.slow_control import EpicsSlowControlConfig
from drivers.epics_slow import EpicsSlowControl, SlowQuantity


def epics(section: EpicsSlowControlConfig, context: BuildContext) -> EpicsSlowControl:
    """EPICS process variables."""
    del context
    quantities = [
        SlowQuantity(
            value.name,
            value.pv,
            value.unit,
            value.low_major,
            value.low_minor,
            value.high_minor,
            value.high_major,
            value.stale_after_s,
        )
        for value in section.value
    ]
    return EpicsSlowControl("slow_control", section.servers, quantities)
