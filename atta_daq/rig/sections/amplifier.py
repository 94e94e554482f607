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
    seed_reading_max_age_s: float = Field(default=1.0, gt=0, le=2.0)
    """A reading of the seed power that takes longer (wall time) verifies nothing: the driver does
    not raise the amplifier on it, and the watchdog counts it as lost."""
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
    guard_delay_max_s: float = Field(default=0.2, gt=0, le=0.5)
    """Each shut-down delay of the box must lie above zero and at or below this; else it is refused.
    A chip at full current without seed is destroyed in about 0.3 s."""


class ItcPairConfig(AmplifierConfig):
    """Two Thorlabs ITC4000: one drives the seed, one the amplifier chip.

    The amplifier box's LD-ENABLE must be wired to a seed photodiode (how-to: wire LD-ENABLE).
    """

    driver: Literal["thorlabs-itc4000"]
    """Which driver."""
    seed_address: str = Field(
        pattern=r"^(USB|TCPIP|ASRL)\S*$", examples=["USB0::0x1313::0x804A::M00310001::INSTR"]
    )
    """VISA resource of the seed's box."""
    amplifier_address: str = Field(
        pattern=r"^(USB|TCPIP|ASRL)\S*$", examples=["USB0::0x1313::0x804A::M00310002::INSTR"]
    )
    """VISA resource of the amplifier's box."""
    seed_mw_per_photodiode_ma: float = Field(gt=0, examples=[20.0])
    """Seed power at the chip for each mA on the seed box's photodiode. Measured, no default."""
    output_mw_per_photodiode_ma: float = Field(gt=0, examples=[500.0])
    """Output power for each mA on the amplifier box's photodiode. Measured, no default."""
    ld_enable_delay_max_s: float = Field(default=0.05, gt=0, le=0.2)
    """Within this time of the seed's end LD-ENABLE must have switched the amplifier off."""

    def addresses(self) -> dict[str, str]:
        """Both boxes."""
        return {"seed_address": self.seed_address, "amplifier_address": self.amplifier_address}
