"""[amplifier]: seed diode and tapered amplifier."""

from typing import Literal

from pydantic import Field, model_validator

from atta_daq.rig.models import Interval
from atta_daq.rig.sections.section import InstrumentSection


class AmplifierConfig(InstrumentSection):
    """Seed and tapered amplifier. No limit has a default: the lab knows its chip."""

    seed_current_ma: Interval
    """Allowed seed currents."""
    amplifier_current_ma: Interval
    """Allowed amplifier currents."""
    unseeded_ceiling_ma: float = Field(gt=0)
    """Amplifier current that needs no seed."""
    seed_power_min_mw: float = Field(gt=0)
    """Seed power at the chip below which it counts as unseeded."""
    seed_operating_ma: float
    """Current at which the seed is run."""

    @model_validator(mode="after")
    def _consistent(self) -> "AmplifierConfig":
        seed, chip = self.seed_current_ma, self.amplifier_current_ma
        if not seed.low <= self.seed_operating_ma <= seed.high:
            raise ValueError(
                f"seed_operating_ma = {self.seed_operating_ma:g} lies outside seed_current_ma, "
                f"{seed.low:g} to {seed.high:g} mA"
            )
        if not chip.low <= self.unseeded_ceiling_ma <= chip.high:
            raise ValueError(
                f"unseeded_ceiling_ma = {self.unseeded_ceiling_ma:g} lies outside "
                f"amplifier_current_ma, {chip.low:g} to {chip.high:g} mA"
            )
        return self


class DlcProConfig(AmplifierConfig):
    """Toptica DLC pro with a TA pro head."""

    driver: Literal["toptica-dlcpro"]
    """Which driver."""
    address: str = Field(pattern=r"^[^\s:]+:\d{1,5}$", examples=["192.168.1.20:1998"])
    """host:port of the DLC pro's command line (1998)."""
