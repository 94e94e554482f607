"""The rig file: which instruments there are, their limits, geometry, timing and calibrations.

TOML, validated here; every key carries its unit. A wrong key or value raises `ConfigError` with
file, key and what is allowed. `docs/reference/rig-file.md` lists all keys. What an instrument's
table takes depends on its driver (`atta_daq.rig.drivers`).
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)

from atta_daq.rig.addresses import canonical
from atta_daq.rig.calibrations import Calibrations
from atta_daq.rig.drivers import KINDS, find, names
from atta_daq.rig.errors import ConfigError
from atta_daq.rig.fault_limits import FaultLimits
from atta_daq.rig.messages import MessagesConfig
from atta_daq.rig.models import STORED, RigModel
from atta_daq.rig.sections.amplifier import AmplifierConfig
from atta_daq.rig.sections.boards import LoadingConfig, ReferenceCellConfig, TrapSwitchConfig
from atta_daq.rig.sections.camera import CameraConfig
from atta_daq.rig.sections.lock import LockConfig
from atta_daq.rig.sections.power_meter import PowerMeterConfig
from atta_daq.rig.sections.section import InstrumentSection
from atta_daq.rig.sections.sideband import SidebandConfig
from atta_daq.rig.sections.slow_control import SlowControlConfig
from atta_daq.scans.blocks import Timing
from atta_daq.scans.wording import inner_model, problems


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
    steady_origin_s: float = Field(default=0.0, ge=0)
    """What the steady clock of this computer showed then; 0: UTC is looked at when the station
    starts. Only for instruments that run on this computer, as simulated ones do."""


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


class UnattendedConfig(RigModel):
    """What the station does by itself."""

    resume_at_start: bool = False
    """Go on with a run that crashed, and with the queue, when the station starts anew."""
    leave_free_gb: float = Field(default=5.0, ge=0.0)
    """The queue takes nothing that would leave less of the disk (10^9 bytes) than this."""


class HistoryConfig(RigModel):
    """What is kept of all readings and alarms, beside the runs."""

    keep_gb: float = Field(default=20.0, ge=0.5)
    """The history takes no more of the disk (10^9 bytes): the oldest days keep only their minutes
    first, then they go."""


class RigConfig(RigModel):
    """A whole rig file.

    Made by `rig_config`, which knows what each driver's table takes.
    """

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
    power_meter: PowerMeterConfig | None = None
    slow_control: SlowControlConfig | None = None
    timing: TimingConfig = TimingConfig()
    clock: ClockConfig = ClockConfig()
    network: NetworkConfig = NetworkConfig()
    unattended: UnattendedConfig = UnattendedConfig()
    messages: MessagesConfig | None = None
    history: HistoryConfig = HistoryConfig()
    faults: FaultLimits = FaultLimits()
    calibrations: Calibrations

    def __reduce__(self) -> Any:
        # The model is made for its drivers: another process makes it anew.
        return stored_rig_config, (self.model_dump(), "rig file")

    def instrument(self, kind: str) -> InstrumentSection | None:
        """The table of one kind of instrument; None where the rig has none."""
        return getattr(self, kind)

    @model_validator(mode="after")
    def _one_wire_each(self, info: ValidationInfo) -> "RigConfig":
        if info.context is STORED:
            # Its hosts need not be known here, nor be those that they were then.
            return self
        users: dict[str, str] = {}
        for kind in KINDS:
            section = self.instrument(kind)
            for key, address in (section.addresses() if section else {}).items():
                other = users.setdefault(canonical(address), f"{kind}.{key}")
                if other != f"{kind}.{key}":
                    raise ValueError(
                        f"{other} and {kind}.{key} are the same wire, {address}: two instruments "
                        "would take each other's answers; correct one of the addresses"
                    )
        return self

    @model_validator(mode="after")
    def _software_lock_in_real_time(self) -> "RigConfig":
        if self.lock.driver == "redpitaya-stcl" and self.clock.rate > 1.0:
            raise ValueError(
                "lock.driver = 'redpitaya-stcl' regulates in real time and cannot follow a rig at "
                f"clock.rate = {self.clock.rate:g}: take speed 1, or the firmware lock "
                "'arduino-stcl'"
            )
        return self

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

    def with_calibrations(self, calibrations: Calibrations) -> "RigConfig":
        """The same rig with the calibrations that are in use."""
        return self.model_copy(update={"calibrations": calibrations})

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


def load_rig(path: Path) -> RigConfig:
    """The rig file at `path`. Raises ConfigError."""
    return rig_config(read_toml(path), path)


def rig_config(data: dict[str, Any], path: Path | str) -> RigConfig:
    """`data` as a rig file; `path` stands in the messages. Raises ConfigError."""
    sections = tuple(_section(kind, data.get(kind)) for kind in KINDS)
    return validated(_with_sections(sections), data, path)


def stored_rig_config(data: dict[str, Any], path: Path | str) -> RigConfig:
    """The rig file that was kept with a run, whose drivers need not be installed here.

    Of an instrument with an unknown driver only what the station itself uses is kept. No host is
    looked up: that its instruments had a wire each was seen when it was loaded to be used.
    """
    sections = tuple(_section(kind, data.get(kind), tolerant=True) for kind in KINDS)
    return validated(_with_sections(sections), data, path, STORED)


@cache
def _with_sections(sections: tuple[type[InstrumentSection], ...]) -> type[RigConfig]:
    """The rig file's model with these tables, in the order of KINDS."""
    fields: dict[str, Any] = {}
    for kind, section in zip(KINDS, sections, strict=True):
        required = RigConfig.model_fields[kind].is_required()
        fields[kind] = (section, ...) if required else (section | None, None)
    return create_model("RigConfig", __base__=RigConfig, __doc__=RigConfig.__doc__, **fields)


def _section(kind: str, table: Any, *, tolerant: bool = False) -> type[InstrumentSection]:
    """What the table of `kind` takes, by the driver that it names."""
    if table is None and not RigConfig.model_fields[kind].is_required():
        return _base(kind)
    driver = table.get("driver") if isinstance(table, dict) else None
    spec = find(kind, driver) if isinstance(driver, str) else None
    if spec is not None:
        return spec.section
    if tolerant:
        return _tolerant(_base(kind))
    return _of_unknown_driver(kind)


@cache
def _of_unknown_driver(kind: str) -> type[InstrumentSection]:
    """The first driver's table, so that what else is wrong is told too; the drivers are listed."""
    first = find(kind, names(kind)[0])
    assert first is not None
    driver: Any = (Literal[names(kind)], Field(description="Which driver."))
    return create_model(
        first.section.__name__, __base__=first.section, __doc__=first.section.__doc__, driver=driver
    )


@cache
def _tolerant(base: type[InstrumentSection]) -> type[InstrumentSection]:
    class Tolerant(base):
        model_config = ConfigDict(extra="ignore")

    return Tolerant


def _base(kind: str) -> type[InstrumentSection]:
    """What the station needs of a kind of instrument, whatever its driver."""
    found, _ = inner_model(RigConfig.model_fields[kind].annotation)
    assert found is not None
    assert issubclass(found, InstrumentSection)
    return found


Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary; ConfigError names file and line when it is none."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error


def validated(
    model: type[Model],
    data: dict[str, Any],
    path: Path | str,
    context: dict[str, Any] | None = None,
) -> Model:
    """`data` as `model`, or a ConfigError that names every wrong key and what is allowed."""
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        lines = [f"{path}:", *(f"  {line}" for line in problems(model, error))]
        raise ConfigError("\n".join(lines)) from error
