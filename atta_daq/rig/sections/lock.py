"""[lock]: transfer-cavity lock of the 819-nm laser."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from atta_daq.rig.models import Interval
from atta_daq.rig.sections.section import InstrumentSection


class LockConfig(InstrumentSection):
    """Transfer-cavity lock of the 819-nm laser."""

    counts_orders: ClassVar[bool] = False
    """Its ratios are total: they go on beyond the master peaks."""

    ratio: Interval
    """Allowed setpoints of the peaks' ratio."""
    landing_tolerance_mhz: float = Field(default=3.0, gt=0)
    """A move has landed within this distance of its setpoint."""

    @property
    def wants_mode_check(self) -> bool:
        """Let the reference cell confirm the mode, where the driver asks for it."""
        return True


class ArduinoLockConfig(LockConfig):
    """Scanning-cavity-lock firmware on an Arduino Due."""

    driver: Literal["arduino-stcl"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+$", examples=["/dev/ttyACM0", "socket://192.168.1.21:5025"])
    """Serial device, or socket://host:port."""
    laser_ref_us: int = Field(default=2400, gt=0)
    """`laser_ref` compiled into the firmware."""
    ramp_share: float = Field(default=0.33, gt=0.0, lt=1.0)
    """`RAMP_FRAC` compiled into the firmware: the cavity loop has what the ramp leaves."""

    @model_validator(mode="after")
    def _between_the_peaks(self) -> "ArduinoLockConfig":
        if not 0.0 < self.ratio.low < self.ratio.high < 1.0:
            raise ValueError(
                f"ratio, {self.ratio.low:g} to {self.ratio.high:g}, must lie between the master "
                "peaks at 0 and 1, such as { low = 0.08, high = 0.92 }"
            )
        return self


class RedPitayaLockConfig(LockConfig):
    """Software lock over a Red Pitaya: OUT1 ramps the cavity, OUT2 drives the laser's piezo, IN1
    sees the 811-nm photodiode, IN2 the 819-nm one. Runs at a clock rate of 1 only.

    Its ratios are total: they may lie beyond the master peaks at 0 and 1, in another order of the
    cavity; within `master_margin` of one they are refused.
    """

    counts_orders: ClassVar[bool] = True

    driver: Literal["redpitaya-stcl"]
    """Which driver."""
    address: str = Field(
        pattern=r"^TCPIP\d*::[^\s:]+::\d+::SOCKET$",
        examples=["TCPIP0::192.168.1.22::5000::SOCKET"],
    )
    """VISA resource of the board's SCPI server."""
    ratio_per_v: float
    """Change of the ratio by one volt on OUT2, signed: the sign tells the ramp's polarity."""
    laser_v: Interval = Interval(low=-1.0, high=1.0)
    """Allowed voltages on the laser's piezo."""
    rest_v: float = 0.0
    """Where the laser's piezo rests; a diode on a wrong mode is led back there."""
    ramp_hz: float = Field(default=75.0, ge=1.0, le=1000.0)
    """Frequency of the triangle within one sweep."""
    ramp_amplitude_v: float = Field(default=0.6, gt=0.0, lt=1.0)
    """Half the swing of the ramp; one pass must hold two master peaks."""
    ramp_offset_v: Interval = Interval(low=-0.35, high=0.35)
    """Allowed offsets of the ramp, by which the cavity is kept in place."""
    spacing: float = Field(default=0.767, gt=0.3, lt=0.95)
    """Master spacing over one pass of the ramp, as seen on an oscilloscope, within 10 %."""
    finesse: float = Field(default=300.0, gt=10.0)
    """Of the cavity, for the width of the peaks."""
    master_margin: float = Field(default=0.04, gt=0.0, lt=0.5)
    """A setpoint nearer than this to a master peak is refused."""
    landing_tolerance_mhz: float = Field(default=0.9, gt=0)
    """A move has landed when the mean of six sweeps is this near to its setpoint."""
    rate_hz: float = Field(default=20.0, gt=0.0, le=100.0)
    """Highest rate of sweeps; a board's SCPI server reaches 5 to 20."""
    mode_check: bool = True
    """Have the reference cell confirm the mode after each relock."""

    @property
    def wants_mode_check(self) -> bool:
        return self.mode_check

    @model_validator(mode="after")
    def _ramp_within_the_output(self) -> "RedPitayaLockConfig":
        reach_v = max(-self.ramp_offset_v.low, self.ramp_offset_v.high)
        if self.ramp_amplitude_v + reach_v > 1.0:
            raise ValueError(
                f"ramp_amplitude_v = {self.ramp_amplitude_v:g} and ramp_offset_v up to {reach_v:g} "
                "leave the output's 1 V"
            )
        if self.ratio_per_v == 0.0:
            raise ValueError("ratio_per_v must not be 0: measure it with a small step on OUT2")
        if not -1.0 <= self.laser_v.low <= self.rest_v <= self.laser_v.high <= 1.0:
            raise ValueError("laser_v must lie within -1 to 1 V and hold rest_v")
        return self
