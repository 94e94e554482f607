"""[sideband]: RF source of the electro-optical modulator."""

from typing import Literal

from pydantic import Field

from atta_daq.rig.models import Interval
from atta_daq.rig.sections.section import InstrumentSection


class SidebandConfig(InstrumentSection):
    """RF source of the electro-optical modulator."""

    frequency_mhz: Interval
    """Allowed sideband frequencies."""
    power_dbm: Interval
    """Allowed RF powers; the upper end protects the EOM."""


class SynthHDConfig(SidebandConfig):
    """Windfreak SynthHD."""

    driver: Literal["windfreak-synthhd"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+$", examples=["/dev/ttyACM0", "socket://192.168.1.21:5025"])
    """Serial device, or socket://host:port."""
    channel: Literal[0, 1] = 0
    """0: A, 1: B."""
