"""What can be refused before anything is connected."""

from pathlib import Path

from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import ConfigError, RigConfig
from atta_daq.rig.light import LightControl
from atta_daq.scans.blocks import blocks
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.precheck import axis_of, require_reachable
from atta_daq.station.run_header import with_geometry
from drivers.errors import OutOfRange


def assembled(rig: RigConfig, path: Path) -> RigAssembly:
    """The instruments of a rig file, nothing connected. Raises ConfigError."""
    try:
        return RigAssembly(rig)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def require_usable(rig: RigConfig, path: Path, definition: ScanDefinition, scan: Path) -> None:
    """Raises ConfigError for a scan that this rig cannot take, naming the limits."""
    light = LightControl(assembled(rig, path).instruments, rig, axis_of(rig))
    try:
        plan = blocks(with_geometry(definition, rig), rig.scan_timing())
        require_reachable(plan, light, rig)
    except (OutOfRange, ValueError) as error:
        text = error.reason if isinstance(error, OutOfRange) else str(error)
        raise ConfigError(f"{scan}: {text}") from error
