"""[lock]: transfer-cavity lock of the 819-nm laser."""

from typing import Literal

from pydantic import Field, model_validator

from atta_daq.rig.models import Interval
from atta_daq.rig.sections.section import InstrumentSection


class LockConfig(InstrumentSection):
    """Transfer-cavity lock of the 819-nm laser."""

    ratio: Interval
    """Allowed setpoints; keep them away from the master peaks at 0 and 1."""
    landing_tolerance_mhz: float = Field(default=3.0, gt=0)
    """A move has landed within this distance of its setpoint."""

    @model_validator(mode="after")
    def _between_the_peaks(self) -> "LockConfig":
        if not 0.0 < self.ratio.low < self.ratio.high < 1.0:
            raise ValueError(
                f"ratio, {self.ratio.low:g} to {self.ratio.high:g}, must lie between the master "
                "peaks at 0 and 1, such as { low = 0.08, high = 0.92 }"
            )
        return self


class ArduinoLockConfig(LockConfig):
    """Scanning-cavity-lock firmware on an Arduino Due."""

    driver: Literal["arduino-stcl"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+$", examples=["/dev/ttyACM0", "socket://192.168.1.21:5025"])
    """Serial device, or socket://host:port."""
    laser_ref_us: int = Field(default=2400, gt=0)
    """`laser_ref` compiled into the firmware."""
