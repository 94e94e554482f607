"""[power_meter]: power meter on a pick-off of the 819-nm light. May be left out."""

from typing import Literal

from pydantic import Field

from atta_daq.rig.sections.section import InstrumentSection


class PowerMeterConfig(InstrumentSection):
    """Power meter on a pick-off between the fibre and the 819-nm shutter."""

    source_over_head: float = Field(gt=0)
    """Power in front of the source over power on the head: what the pick-off does."""
    disagreement: float = Field(default=0.1, gt=0, lt=1)
    """Alarm when meter and amplifier's monitor differ by more than this share."""
    compare_above_mw: float = Field(default=20.0, gt=0)
    """Power in front of the source below which the two are not compared."""
    dark_limit_mw: float = Field(default=0.05, gt=0)
    """The most that the head may show when its dark zero is taken."""


class PM100Config(PowerMeterConfig):
    """Thorlabs PM100D or PM100USB with a photodiode head."""

    driver: Literal["thorlabs-pm100"]
    """Which driver."""
    address: str = Field(
        pattern=r"^\S+::\S+$",
        examples=["USB0::0x1313::0x8078::P0012345::INSTR", "TCPIP0::192.168.1.28::5025::SOCKET"],
    )
    """VISA resource of the console."""
    wavelength_nm: float = Field(default=819.0, gt=0)
    """That the head's responsivity is taken at."""
