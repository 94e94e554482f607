"""What can be refused before anything is connected."""

import tempfile
from pathlib import Path

from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import ConfigError, RigConfig
from atta_daq.rig.light import LightControl
from atta_daq.scans.blocks import blocks
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.precheck import axis_of, require_reachable
from atta_daq.station.session import with_geometry
from drivers.errors import OutOfRange

FASTEST = 1e6


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


def require_writable(folder: Path) -> None:
    """Make the folder of the runs. Raises ConfigError when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot write runs there ({error.strerror}); choose another folder with "
            "--data, or in the rig file with data_dir"
        ) from error


def require_folder(folder: Path) -> None:
    """Raises ConfigError when there is no folder of runs to look into."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "no such folder"
        raise ConfigError(f"{folder}: {what}; --data names the folder of the runs")


def require_speed_and_seed(speed: float, seed: int) -> None:
    """Raises ConfigError outside what the simulated rig can do."""
    if not 0.0 < speed <= FASTEST:
        raise ConfigError(f"--speed: {speed:g} is not allowed; above 0 and at most {FASTEST:.0f}")
    if seed < 0:
        raise ConfigError(f"--seed: {seed} is not allowed; 0 or more")
