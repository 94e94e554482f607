"""Transfer-cavity locks."""

from atta_daq.calibration.axis import SLAVE_OVER_MASTER
from atta_daq.rig.build.ranges import range_of
from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.lock import ArduinoLockConfig, LockConfig, RedPitayaLockConfig
from drivers.arduino_stcl import ArduinoStcl
from drivers.redpitaya_stcl import RedPitayaStcl
from drivers.stcl.settings import StclSettings


def arduino(section: ArduinoLockConfig, context: BuildContext) -> ArduinoStcl:
    """The scanning-cavity-lock firmware."""
    return ArduinoStcl(
        "lock",
        section.address,
        ratio_range=range_of(section.ratio),
        landing_tolerance=landing_tolerance(section, context),
        laser_ref_us=section.laser_ref_us,
        ramp_share=section.ramp_share,
    )


def redpitaya(section: RedPitayaLockConfig, context: BuildContext) -> RedPitayaStcl:
    """The software lock; the station gives it its check of the mode."""
    settings = StclSettings(
        ramp_hz=section.ramp_hz,
        ramp_amplitude_v=section.ramp_amplitude_v,
        ramp_offset_v=range_of(section.ramp_offset_v),
        laser_v=range_of(section.laser_v),
        rest_v=section.rest_v,
        ratio_per_v=section.ratio_per_v,
        spacing=section.spacing,
        finesse=section.finesse,
        ratio_range=range_of(section.ratio),
        master_margin=section.master_margin,
        slave_over_master=SLAVE_OVER_MASTER,
        landing_tolerance=landing_tolerance(section, context),
    )
    return RedPitayaStcl("lock", section.address, settings, rate_hz=section.rate_hz)


def landing_tolerance(section: LockConfig, context: BuildContext) -> float:
    """The distance in MHz as a distance of ratios."""
    fsr_mhz = context.config.calibrations.cavity.fsr_mhz
    return section.landing_tolerance_mhz / (fsr_mhz * SLAVE_OVER_MASTER)
