"""The rig file: which instruments there are, their limits, geometry, timing and calibrations.

TOML, validated here; every key carries its unit. A wrong key or value raises `ConfigError` with
file, key and what is allowed. `docs/reference/rig-file.md` lists all keys.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from atta_daq.rig.calibrations import Calibrations
from atta_daq.rig.errors import ConfigError
from atta_daq.rig.models import Interval, RigModel
from atta_daq.scans.blocks import Timing
from atta_daq.scans.wording import problems


class AmplifierConfig(RigModel):
    """Seed and tapered amplifier. No limit has a default: the lab knows its chip."""

    driver: Literal["toptica-dlcpro"]
    """Which driver."""
    address: str = Field(pattern=r"^[^\s:]+:\d{1,5}$", examples=["192.168.1.20:1998"])
    """host:port of the DLC pro's command line (1998)."""
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


class SidebandConfig(RigModel):
    """RF source of the electro-optical modulator."""

    driver: Literal["windfreak-synthhd"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+$", examples=["/dev/ttyACM0", "socket://192.168.1.21:5025"])
    """Serial device, or socket://host:port."""
    channel: Literal[0, 1] = 0
    """0: A, 1: B."""
    frequency_mhz: Interval
    """Allowed sideband frequencies."""
    power_dbm: Interval
    """Allowed RF powers; the upper end protects the EOM."""


class LockConfig(RigModel):
    """Transfer-cavity lock of the 819-nm laser."""

    driver: Literal["arduino-stcl"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+$", examples=["/dev/ttyACM0", "socket://192.168.1.21:5025"])
    """Serial device, or socket://host:port."""
    laser_ref_us: int = Field(default=2400, gt=0)
    """`laser_ref` compiled into the firmware."""
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


class CameraConfig(RigModel):
    """The EMCCD that sees single atoms."""

    driver: Literal["areadetector"]
    """Which driver."""
    address: str = Field(
        pattern=r"^pva://[^\s/:]+:\d{1,5}/\S+$", examples=["pva://192.168.1.23:5076/ATTA:ANDOR:"]
    )
    """pva://host:UDP port/PREFIX: of the IOC."""
    roi_x: int = Field(ge=0)
    """First column of the region of interest."""
    roi_y: int = Field(ge=0)
    """First row."""
    roi_width: int = Field(default=40, ge=8, le=48)
    """Columns."""
    roi_height: int = Field(default=40, ge=8, le=48)
    """Rows."""
    exposure_s: float = Field(default=0.1, gt=0)
    """Of one frame."""
    em_gain: int = Field(default=200, gt=0)
    """While counting."""
    em_gain_limit: int = Field(default=300, gt=0)
    """Above 300 a sensor ages fast."""
    temperature_c: Interval = Interval(low=-100.0, high=-60.0)
    """Sensor temperatures at which gain is allowed."""

    @model_validator(mode="after")
    def _gain_allowed(self) -> "CameraConfig":
        if self.em_gain > self.em_gain_limit:
            raise ValueError(
                f"em_gain = {self.em_gain} lies above em_gain_limit = {self.em_gain_limit}"
            )
        return self


class TrapSwitchConfig(RigModel):
    """Isotope of the trap lasers, and the 819-nm shutter."""

    driver: Literal["redpitaya"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"])
    """VISA resource of the Red Pitaya with the digital lines."""
    offset_generator: str = Field(
        pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"]
    )
    """VISA resource of the SCPI generator that sets the isotope offset."""
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


class LoadingConfig(RigModel):
    """Photodiode on the trap: 83Kr and 84Kr loading rates."""

    driver: Literal["redpitaya"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"])
    """VISA resource of the Red Pitaya at the photodiodes and the quench gate."""
    load_s: float = Field(default=1.0, gt=0)
    """Loading time before each quench burst."""
    quench_s: float = Field(default=0.05, gt=0)
    """Length of a quench pulse."""
    bursts: int = Field(default=5, ge=2, le=7)
    """Bursts of one 83Kr measurement, slopes of one 84Kr measurement."""
    slope_record_s: float = Field(default=1.0, gt=0)
    """Record after clearing in one slope of 84Kr."""


class ReferenceCellConfig(RigModel):
    """Modulation-transfer spectroscopy of the stable isotopes."""

    driver: Literal["redpitaya"]
    """Which driver."""
    address: str = Field(pattern=r"^\S+::\S+$", examples=["TCPIP0::192.168.1.24::5000::SOCKET"])
    """VISA resource of the Red Pitaya at the spectroscopy."""
    read_s: float = Field(default=0.1, gt=0)
    """Averaging time of one step of the zeroing."""
    scan_half_width_mhz: float = Field(default=60.0, gt=0)
    """The zeroing steps this far to both sides."""
    scan_points: int = Field(default=25, ge=7)
    """Steps of the zeroing."""


class TimingConfig(RigModel):
    """What the rig needs around the counting."""

    settling_s: float = Field(default=0.5, ge=0)
    """Waited after every switch of the isotope."""
    switching_s: float = Field(default=1.0, ge=0)
    """Expected time until the trap lasers report lock; only for predictions."""
    settle_frames: int = Field(default=5, ge=0)
    """Thrown away at the start of a counting segment."""


class ClockConfig(RigModel):
    """Rig time = origin_s + rate x (UTC - origin_s). A real rig keeps rate = 1."""

    rate: float = Field(default=1.0, gt=0)
    """Rig seconds per second of UTC."""
    origin_s: float = 0.0
    """UTC (s since 1970) at which both were equal."""


class NetworkConfig(RigModel):
    """Who reaches the station. Who does may command the rig: serve on the lab's network only."""

    interface: str = Field(
        default="127.0.0.1", pattern=r"^\d{1,3}(\.\d{1,3}){3}$", examples=["192.168.1.10"]
    )
    """Address of this computer on which the station serves; 127.0.0.1: only to this computer,
    0.0.0.0: on every network."""
    tcp_port: int = Field(default=0, ge=0, le=65535)
    """0: any free one. Windows on other computers look for 5075."""
    udp_port: int = Field(default=0, ge=0, le=65535)
    """For the search by name, as EPICS clients do on 5076; 0: any free one."""


class RigConfig(RigModel):
    """A whole rig file."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", examples=["atta-1"])
    """First part of every process variable, of letters, digits, - and _; one station for each
    name."""
    geometry: Literal["co", "counter"]
    """819-nm light along or against the atomic beam."""
    data_dir: Path | None = None
    """Folder of the runs; left out: `--data`."""
    amplifier: AmplifierConfig
    sideband: SidebandConfig
    lock: LockConfig
    camera: CameraConfig
    trap_switch: TrapSwitchConfig
    loading: LoadingConfig
    reference_cell: ReferenceCellConfig
    timing: TimingConfig = TimingConfig()
    clock: ClockConfig = ClockConfig()
    network: NetworkConfig = NetworkConfig()
    calibrations: Calibrations

    @model_validator(mode="after")
    def _full_power_allowed(self) -> "RigConfig":
        fibre, chip = self.calibrations.fibre_power, self.amplifier.amplifier_current_ma
        needed = fibre.threshold_ma + fibre.full_power_mw / fibre.slope_mw_per_ma
        if needed > chip.high:
            reach = (chip.high - fibre.threshold_ma) * fibre.slope_mw_per_ma
            raise ValueError(
                f"calibrations.fibre_power.full_power_mw = {fibre.full_power_mw:g} needs "
                f"{needed:.0f} mA, but amplifier.amplifier_current_ma ends at {chip.high:g} mA; "
                f"at most {reach:.0f} mW"
            )
        return self

    def scan_timing(self) -> Timing:
        """What the layout of a scan needs to know of this rig."""
        return Timing(
            exposure_s=self.camera.exposure_s,
            load_s=self.loading.load_s,
            quench_s=self.loading.quench_s,
            bursts=self.loading.bursts,
            switching_s=self.timing.switching_s,
            settling_s=self.timing.settling_s,
            settle_frames=self.timing.settle_frames,
            slope_record_s=self.loading.slope_record_s,
        )


Model = TypeVar("Model", bound=BaseModel)


def load_rig(path: Path) -> RigConfig:
    """The rig file at `path`. Raises ConfigError."""
    return validated(RigConfig, read_toml(path), path)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary; ConfigError names file and line when it is none."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error


def validated(model: type[Model], data: dict[str, Any], path: Path | str) -> Model:
    """`data` as `model`, or a ConfigError that names every wrong key and what is allowed."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [f"{path}:", *(f"  {line}" for line in problems(model, error))]
        raise ConfigError("\n".join(lines)) from error
