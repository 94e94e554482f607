"""Amplifiers."""

from atta_daq.rig.build.ranges import range_of
from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.amplifier import AmplifierConfig, DlcProConfig, ItcPairConfig
from drivers.dlcpro import DlcPro
from drivers.interfaces import AmplifierLimits
from drivers.itc4000 import Itc4000Pair


def dlcpro(section: DlcProConfig, context: BuildContext) -> DlcPro:
    """A Toptica DLC pro."""
    del context
    host, _, port = section.address.rpartition(":")
    return DlcPro(
        "amplifier",
        host,
        int(port),
        limits(section),
        guard_delay_max_s=section.guard_delay_max_s,
    )


def itc_pair(section: ItcPairConfig, context: BuildContext) -> Itc4000Pair:
    """Two Thorlabs ITC4000."""
    del context
    return Itc4000Pair(
        "amplifier",
        section.seed_address,
        section.amplifier_address,
        limits(section),
        seed_mw_per_ma=section.seed_mw_per_photodiode_ma,
        output_mw_per_ma=section.output_mw_per_photodiode_ma,
        line_delay_max_s=section.ld_enable_delay_max_s,
    )


def limits(section: AmplifierConfig) -> AmplifierLimits:
    """The envelope in the rig file."""
    return AmplifierLimits(
        seed_current_ma=range_of(section.seed_current_ma),
        amplifier_current_ma=range_of(section.amplifier_current_ma),
        unseeded_ceiling_ma=section.unseeded_ceiling_ma,
        seed_power_min_mw=section.seed_power_min_mw,
        seed_reading_max_age_s=section.seed_reading_max_age_s,
    )
