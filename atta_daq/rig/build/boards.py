"""The instruments on Red Pitayas."""

from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.boards import (
    RedPitayaLoadingConfig,
    RedPitayaReferenceCellConfig,
    RedPitayaTrapSwitchConfig,
)
from drivers.interfaces import Range, SidebandLimits
from drivers.redpitaya_cell import RedPitayaReferenceCell
from drivers.redpitaya_loading import RedPitayaLoadingDetector
from drivers.redpitaya_trap_switch import RedPitayaTrapSwitch
from drivers.scpi_generator import ScpiGenerator

OFFSET_POWER_DBM = Range(-30.0, 10.0)
"""Of the isotope-offset generator; the station never changes it."""


def trap_switch(section: RedPitayaTrapSwitchConfig, context: BuildContext) -> RedPitayaTrapSwitch:
    """Digital lines, and the generator of the isotope offset."""
    del context
    offsets = [section.offset_mhz(isotope) for isotope in (0, 81, 83, 84, 85)]
    generator = ScpiGenerator(
        "isotope_offset",
        section.offset_generator,
        SidebandLimits(
            Range(section.base_mhz + min(offsets), section.base_mhz + max(offsets)),
            OFFSET_POWER_DBM,
        ),
    )
    return RedPitayaTrapSwitch("trap_switch", section.address, generator, base_mhz=section.base_mhz)


def loading(section: RedPitayaLoadingConfig, context: BuildContext) -> RedPitayaLoadingDetector:
    """Photodiodes and quench gate."""
    del context
    return RedPitayaLoadingDetector("loading", section.address)


def reference_cell(
    section: RedPitayaReferenceCellConfig, context: BuildContext
) -> RedPitayaReferenceCell:
    """Modulation-transfer spectroscopy."""
    del context
    return RedPitayaReferenceCell("reference_cell", section.address)
