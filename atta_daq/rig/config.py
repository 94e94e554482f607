"""The rig file: which instruments there are, their limits, geometry, timing and calibrations.

TOML, validated here; every key carries its unit. A wrong key or value raises `ConfigError` with
file, key and what is allowed. `docs/reference/rig-file.md` lists all keys.
"""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from atta_daq.scans.blocks import Timing


class ConfigError(Exception):
    """A file that cannot be used: which file, which key, what is allowed."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(_Model):
    """A closed interval."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ascending(self) -> "Interval":
        if not self.low <= self.high:
            raise ValueError(f"low {self.low:g} lies above high {self.high:g}")
        return self


class AmplifierConfig(_Model):
    """Seed and tapered amplifier. No limit has a default: the lab knows its chip."""

    driver: Literal["toptica-dlcpro"]
    address: str
    seed_current_ma: Interval
    amplifier_current_ma: Interval
    unseeded_ceiling_ma: float = Field(gt=0)
    seed_power_min_mw: float = Field(gt=0)
    seed_operating_ma: float
    """Current at which the seed is run."""


class SidebandConfig(_Model):
    driver: Literal["windfreak-synthhd"]
    address: str
    channel: Literal[0, 1] = 0
    frequency_mhz: Interval
    power_dbm: Interval


class LockConfig(_Model):
    driver: Literal["arduino-stcl"]
    address: str
    laser_ref_us: int = Field(default=2400, gt=0)
    ratio: Interval
    """Allowed setpoints; keep them away from the master peaks at 0 and 1."""
    landing_tolerance_mhz: float = Field(default=3.0, gt=0)


class CameraConfig(_Model):
    driver: Literal["areadetector"]
    address: str
    roi_x: int = Field(ge=0)
    roi_y: int = Field(ge=0)
    roi_width: int = Field(default=40, ge=8, le=48)
    roi_height: int = Field(default=40, ge=8, le=48)
    exposure_s: float = Field(default=0.1, gt=0)
    em_gain: int = Field(default=200, gt=0)
    em_gain_limit: int = Field(default=300, gt=0)
    """Above 300 a sensor ages fast."""
    temperature_c: Interval = Interval(low=-100.0, high=-60.0)


class TrapSwitchConfig(_Model):
    driver: Literal["redpitaya"]
    address: str
    offset_generator: str
    """Address of the SCPI generator that sets the isotope offset."""
    base_mhz: float = 1000.0
    """Generator frequency at zero offset."""
    offset_81_mhz: float
    offset_83_mhz: float
    offset_84_mhz: float = 0.0
    offset_85_mhz: float
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


class LoadingConfig(_Model):
    driver: Literal["redpitaya"]
    address: str
    load_s: float = Field(default=1.0, gt=0)
    quench_s: float = Field(default=0.05, gt=0)
    bursts: int = Field(default=5, ge=2, le=7)
    slope_record_s: float = Field(default=2.0, gt=0)


class ReferenceCellConfig(_Model):
    driver: Literal["redpitaya"]
    address: str
    read_s: float = Field(default=0.1, gt=0)
    scan_half_width_mhz: float = Field(default=60.0, gt=0)
    scan_points: int = Field(default=25, ge=7)


class TimingConfig(_Model):
    settling_s: float = Field(default=0.5, ge=0)
    switching_s: float = Field(default=1.0, ge=0)
    """Expected time until the trap lasers report lock; only for predictions."""
    settle_frames: int = Field(default=5, ge=0)


class ClockConfig(_Model):
    """Rig time = origin_s + rate x (UTC - origin_s). A real rig keeps rate = 1."""

    rate: float = Field(default=1.0, gt=0)
    origin_s: float = 0.0


class Dated(_Model):
    """A calibration: when it was made and how long it holds."""

    made: datetime | None = None
    valid_days: float = Field(default=365.0, gt=0)


class CavityCalibration(Dated):
    fsr_mhz: float = Field(gt=0)
    fsr_error_mhz: float = Field(ge=0)
    ratio_sign: Literal[-1, 1]
    zero_ratio: float
    """Ratio on the 84Kr line; a run that zeroes on the reference cell replaces it."""
    zero_error_mhz: float = Field(ge=0)


class FibrePowerCalibration(Dated):
    """power_mw = slope x (amplifier current - threshold), in front of the source."""

    threshold_ma: float
    slope_mw_per_ma: float = Field(gt=0)
    relative_error: float = Field(ge=0)
    full_power_mw: float = Field(gt=0)
    monitor_ratio: float = Field(gt=0)
    """Power in front of the source over the amplifier's own output reading."""


class EomCalibration(Dated):
    v_pi_v: float = Field(gt=0)
    v_pi_error_v: float = Field(ge=0)


class DopplerCalibration(Dated):
    """Most probable Doppler shifts of the beam, from the 84Kr and 83Kr spectra."""

    even_mhz: float
    even_error_mhz: float = Field(ge=0)
    odd_mhz: float
    odd_error_mhz: float = Field(ge=0)
    even_rms_mhz: float = Field(gt=0)
    odd_rms_mhz: float = Field(gt=0)
    odd_rms_error_mhz: float = Field(gt=0)


class PumpingCalibration(Dated):
    """What the spectra are fitted with unless a run says otherwise."""

    rabi_scale: float = Field(gt=0)
    rabi_scale_error: float = Field(gt=0)
    waist_mm: float = Field(gt=0)
    waist_counter_mm: float = Field(gt=0)
    tube_diameter_mm: float = Field(gt=0)


class Calibrations(_Model):
    cavity: CavityCalibration
    fibre_power: FibrePowerCalibration
    eom: EomCalibration
    doppler: DopplerCalibration
    pumping: PumpingCalibration


class RigConfig(_Model):
    """A whole rig file."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    geometry: Literal["co", "counter"]
    data_dir: Path | None = None
    amplifier: AmplifierConfig
    sideband: SidebandConfig
    lock: LockConfig
    camera: CameraConfig
    trap_switch: TrapSwitchConfig
    loading: LoadingConfig
    reference_cell: ReferenceCellConfig
    timing: TimingConfig = TimingConfig()
    clock: ClockConfig = ClockConfig()
    calibrations: Calibrations

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


def validated(model: type[Model], data: dict[str, Any], path: Path) -> Model:
    """`data` as `model`, or a ConfigError that names every wrong key and what is allowed."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [f"{path}:"]
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"]) or "(whole file)"
            lines.append(f"  {key}: {_explain(model, item)}")
        raise ConfigError("\n".join(lines)) from error


def _explain(model: type[BaseModel], item: Any) -> str:
    if item["type"] == "extra_forbidden":
        allowed = _allowed_keys(model, item["loc"][:-1])
        return f"unknown key; allowed here: {', '.join(allowed)}" if allowed else "unknown key"
    got = "" if item["type"] == "missing" else f" (got {item['input']!r})"
    return f"{item['msg']}{got}"


def _allowed_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part)
        if field is None:
            return []
        current = field.annotation
        for inner in getattr(current, "__args__", ()):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                current = inner
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return []
    return sorted(current.model_fields)
