"""Transfer-cavity locks."""

from atta_daq.calibration.axis import SLAVE_OVER_MASTER
from atta_daq.rig.build.ranges import range_of
from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.lock import ArduinoLockConfig, LockConfig
from drivers.arduino_stcl import ArduinoStcl


def arduino(section: ArduinoLockConfig, context: BuildContext) -> ArduinoStcl:
    """The scanning-cavity-lock firmware."""
    return ArduinoStcl(
        "lock",
        section.address,
        ratio_range=range_of(section.ratio),
        landing_tolerance=landing_tolerance(section, context),
        laser_ref_us=section.laser_ref_us,
    )


def landing_tolerance(section: LockConfig, context: BuildContext) -> float:
    """The distance in MHz as a distance of ratios."""
    fsr_mhz = context.config.calibrations.cavity.fsr_mhz
    return section.landing_tolerance_mhz / (fsr_mhz * SLAVE_OVER_MASTER)
