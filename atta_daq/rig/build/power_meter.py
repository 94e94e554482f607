"""Power meters."""

from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.power_meter import PM100Config
from drivers.pm100 import PM100


def pm100(section: PM100Config, context: BuildContext) -> PM100:
    """A Thorlabs PM100."""
    del context
    return PM100(
        "power_meter",
        section.address,
        wavelength_nm=section.wavelength_nm,
        dark_limit_mw=section.dark_limit_mw,
    )
