"""Sideband generators."""

from atta_daq.rig.build.ranges import range_of
from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.sideband import ScpiSidebandConfig, SidebandConfig, SynthHDConfig
from drivers.interfaces import SidebandLimits
from drivers.scpi_generator import DIALECTS, ScpiGenerator
from drivers.windfreak_synthhd import SynthHD


def synthhd(section: SynthHDConfig, context: BuildContext) -> SynthHD:
    """A Windfreak SynthHD."""
    del context
    return SynthHD("sideband", section.address, limits(section), channel=section.channel)


def scpi(section: ScpiSidebandConfig, context: BuildContext) -> ScpiGenerator:
    """A Rigol or Keysight generator: the dialect goes by the driver's name."""
    del context
    return ScpiGenerator(
        "sideband", section.address, limits(section), dialect=DIALECTS[section.driver]
    )


def limits(section: SidebandConfig) -> SidebandLimits:
    """The envelope in the rig file."""
    return SidebandLimits(range_of(section.frequency_mhz), range_of(section.power_dbm))
