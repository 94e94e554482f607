"""Which drivers there are: this program's own, and those that other packages bring.

A package adds one by an entry point of the group `atta_daq.drivers`, named like the driver in the
rig file, that leads to a `DriverSpec` (`docs/how-to/add-a-driver.md`).
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from atta_daq.rig.errors import ConfigError
from atta_daq.rig.sections import (
    amplifier,
    boards,
    camera,
    lock,
    power_meter,
    sideband,
    slow_control,
)
from atta_daq.rig.sections.section import InstrumentSection
from drivers.interfaces import Instrument

if TYPE_CHECKING:
    from atta_daq.rig.config import RigConfig

GROUP = "atta_daq.drivers"


@dataclass(frozen=True)
class BuildContext:
    """What a driver may need beside its own table of the rig file."""

    config: "RigConfig"
    gain_forbidden: Callable[[], str]
    """Asked before any EM gain: why not, or ''."""


Build = Callable[[Any, BuildContext], Instrument]


@dataclass(frozen=True)
class DriverSpec:
    """One driver: what its table in the rig file looks like, and how it is built.

    `kind` is the name of the table and of the instrument (`amplifier`, `lock` ...). `section`
    derives from the kind's base and has `driver: Literal[...]`. `build(section, context)`
    returns the instrument, not connected; a text 'module:function' is imported when needed.
    """

    kind: str
    driver: str
    section: type[InstrumentSection]
    build: Build | str

    def instrument(self, section: InstrumentSection, context: BuildContext) -> Instrument:
        """Build it. Raises ConfigError when a library that it needs is not installed."""
        build = self.build
        if isinstance(build, str):
            module, _, name = build.partition(":")
            build = getattr(importlib.import_module(module), name)
        return build(section, context)


def _own(kind: str, driver: str, section: type[InstrumentSection], build: str) -> DriverSpec:
    return DriverSpec(kind, driver, section, f"atta_daq.rig.build.{build}")


BUILT_IN = (
    _own("amplifier", "toptica-dlcpro", amplifier.DlcProConfig, "amplifier:dlcpro"),
    _own("amplifier", "thorlabs-itc4000", amplifier.ItcPairConfig, "amplifier:itc_pair"),
    _own("sideband", "windfreak-synthhd", sideband.SynthHDConfig, "sideband:synthhd"),
    _own("sideband", "rigol-dsg800", sideband.RigolConfig, "sideband:scpi"),
    _own("sideband", "keysight-mxg", sideband.KeysightConfig, "sideband:scpi"),
    _own("lock", "arduino-stcl", lock.ArduinoLockConfig, "lock:arduino"),
    _own("lock", "redpitaya-stcl", lock.RedPitayaLockConfig, "lock:redpitaya"),
    _own("camera", "areadetector", camera.AreaDetectorConfig, "camera:areadetector"),
    _own("camera", "micromanager", camera.MicroManagerConfig, "camera:micromanager"),
    _own("trap_switch", "redpitaya", boards.RedPitayaTrapSwitchConfig, "boards:trap_switch"),
    _own("loading", "redpitaya", boards.RedPitayaLoadingConfig, "boards:loading"),
    _own(
        "reference_cell",
        "redpitaya",
        boards.RedPitayaReferenceCellConfig,
        "boards:reference_cell",
    ),
    _own("power_meter", "thorlabs-pm100", power_meter.PM100Config, "power_meter:pm100"),
    _own("slow_control", "epics-pva", slow_control.EpicsSlowControlConfig, "slow_control:epics"),
)

KINDS = tuple(dict.fromkeys(spec.kind for spec in BUILT_IN))
"""The tables of the rig file that are instruments."""


def names(kind: str) -> tuple[str, ...]:
    """Drivers of a kind that come with this program."""
    return tuple(spec.driver for spec in BUILT_IN if spec.kind == kind)


def find(kind: str, driver: str) -> DriverSpec | None:
    """The driver of that name, or None. Raises ConfigError when a package's cannot be loaded."""
    for spec in BUILT_IN:
        if (spec.kind, spec.driver) == (kind, driver):
            return spec
    for point in entry_points(group=GROUP, name=driver):
        spec = _loaded(point)
        if spec.kind == kind:
            return spec
    return None


def _loaded(point: Any) -> DriverSpec:
    where = f"driver '{point.name}' ({point.value})"
    try:
        spec = point.load()
    except Exception as error:  # whatever a foreign package throws while it is imported
        raise ConfigError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(spec, DriverSpec) or spec.driver != point.name:
        raise ConfigError(f"{where} is no DriverSpec of that name; see docs/how-to/add-a-driver.md")
    return spec
