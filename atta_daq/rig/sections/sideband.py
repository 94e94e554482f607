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


class ScpiSidebandConfig(SidebandConfig):
    """SCPI generator over LAN or USB."""

    address: str = Field(
        pattern=r"^\S+::\S+$",
        examples=["TCPIP0::192.168.1.21::5555::SOCKET", "TCPIP0::192.168.1.21::5025::SOCKET"],
    )
    """VISA resource of the generator."""


class RigolConfig(ScpiSidebandConfig):
    """Rigol DSG800 series."""

    driver: Literal["rigol-dsg800"]
    """Which driver."""


class KeysightConfig(ScpiSidebandConfig):
    """Keysight or Agilent MXG (N5181A ...), E8257D, ESG."""

    driver: Literal["keysight-mxg"]
    """Which driver."""
