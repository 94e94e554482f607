"""Amplifiers."""

from atta_daq.rig.build.ranges import range_of
from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.amplifier import AmplifierConfig, DlcProConfig
from drivers.dlcpro import DlcPro
from drivers.interfaces import AmplifierLimits


def dlcpro(section: DlcProConfig, context: BuildContext) -> DlcPro:
    """A Toptica DLC pro."""
    del context
    host, _, port = section.address.rpartition(":")
    return DlcPro("amplifier", host, int(port), limits(section))


def limits(section: AmplifierConfig) -> AmplifierLimits:
    """The envelope in the rig file."""
    return AmplifierLimits(
        seed_current_ma=range_of(section.seed_current_ma),
        amplifier_current_ma=range_of(section.amplifier_current_ma),
        unseeded_ceiling_ma=section.unseeded_ceiling_ma,
        seed_power_min_mw=section.seed_power_min_mw,
    )
