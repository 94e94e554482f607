"""[trap_switch], [loading], [reference_cell]: the instruments on Red Pitayas."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from atta_daq.rig.sections.section import InstrumentSection


class TrapSwitchConfig(InstrumentSection):
    """Isotope of the trap lasers, and the 819-nm shutter."""

    base_mhz: float = 1000.0
    """Generator frequency at zero offset."""
    offset_81_mhz: float
    """811-nm trap offset of 81Kr from the 84Kr master."""
    offset_83_mhz: float
    """The same for 83Kr."""
    offset_84_mhz: float = 0.0
    """The same for 84Kr."""
    offset_85_mhz: float
    """The same for 85Kr."""
    offset_blank_mhz: float
    """An offset at which no krypton isotope is trapped."""
    abundant_guard_mhz: float = Field(default=40.0, gt=0)
    """Nearer than this to 83Kr or 84Kr counts as 'on an abundant isotope'."""

    def offset_mhz(self, isotope: int) -> float:
        """Trap offset of an isotope; 0 stands for the blank."""
        return self.offset_blank_mhz if isotope == 0 else getattr(self, f"offset_{isotope}_mhz")

    def abundant(self, offset_mhz: float) -> str:
        """Name of the abundant isotope that this offset lies on or near; empty if none."""
        for isotope in (83, 84):
            if abs(offset_mhz - self.offset_mhz(isotope)) < self.abundant_guard_mhz:
                return f"{isotope}Kr"
        return ""

    def passes_abundant(self, one: int, other: int) -> bool:
        """Whether the way between two isotopes (0: blank) touches an abundant one."""
        low, high = sorted((self.offset_mhz(one), self.offset_mhz(other)))
        return any(
            low - self.abundant_guard_mhz
            < self.offset_mhz(isotope)
            < high + self.abundant_guard_mhz
            for isotope in (83, 84)
        )

    @model_validator(mode="after")
    def _apart(self) -> "TrapSwitchConfig":
        for isotope in (0, 81, 85):
            near = self.abundant(self.offset_mhz(isotope))
            if near:
                name = "offset_blank_mhz" if isotope == 0 else f"offset_{isotope}_mhz"
                raise ValueError(
                    f"{name} lies within {self.abundant_guard_mhz:g} MHz of {near}; "
                    "the camera must never see an abundant isotope"
                )
        return self


class RedPitayaTrapSwitchConfig(TrapSwitchConfig):
    """Digital lines of a Red Pitaya, and an SCPI generator for the isotope offset
    ([wiring](../how-to/wire-the-boards.md))."""

    driver: Literal["redpitaya"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"])
    """VISA resource of the Red Pitaya with the digital lines."""
    offset_generator: str = Field(
        pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"]
    )
    """VISA resource of the SCPI generator that sets the isotope offset."""

    def addresses(self) -> dict[str, str]:
        return {"address": self.address, "offset_generator": self.offset_generator}


class LoadingConfig(InstrumentSection):
    """Photodiode on the trap: 83Kr and 84Kr loading rates."""

    load_s: float = Field(default=1.0, gt=0)
    """Loading time before each quench burst."""
    quench_s: float = Field(default=0.05, gt=0)
    """Length of a quench pulse."""
    bursts: int = Field(default=5, ge=2, le=7)
    """Bursts of one 83Kr measurement, slopes of one 84Kr measurement."""
    slope_record_s: float = Field(default=1.0, gt=0)
    """Record after clearing in one slope of 84Kr."""


class RedPitayaLoadingConfig(LoadingConfig):
    """Red Pitaya at the photodiodes and the quench gate
    ([wiring](../how-to/wire-the-boards.md))."""

    driver: Literal["redpitaya"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"])
    """VISA resource of the Red Pitaya at the photodiodes and the quench gate."""


class ReferenceCellConfig(InstrumentSection):
    """Modulation-transfer spectroscopy of the stable isotopes."""

    read_s: float = Field(default=0.1, gt=0)
    """Averaging time of one step of the zeroing."""
    scan_half_width_mhz: float = Field(default=60.0, gt=0)
    """The zeroing steps this far to both sides."""
    scan_points: int = Field(default=25, ge=7)
    """Steps of the zeroing."""
    line_height_v: float | None = None
    """Height of the 84Kr line's extremum on its blue side at the seed's operating current, with its
    sign, as the panel of the cell shows it; a line below half of it is another isotope's. Without
    it a component of 83Kr passes for 84Kr when the zero is wrong by 300 MHz or more."""

    @field_validator("line_height_v")
    @classmethod
    def _has_a_sign(cls, value: float | None) -> float | None:
        if value == 0.0:
            raise ValueError("the height of the line is not zero: give it with its sign")
        return value


class RedPitayaReferenceCellConfig(ReferenceCellConfig):
    """Red Pitaya at the spectroscopy ([wiring](../how-to/wire-the-boards.md))."""

    driver: Literal["redpitaya"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"])
    """VISA resource of the Red Pitaya at the spectroscopy."""
