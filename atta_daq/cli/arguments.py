"""What can be refused of the arguments alone."""

import tempfile
from pathlib import Path

from atta_daq.archive.disk import make_folder
from atta_daq.rig.errors import ConfigError

FASTEST = 1e6


def require_writable(folder: Path) -> None:
    """Make the folder of the runs. Raises ConfigError when nothing can be written there."""
    try:
        make_folder(folder)
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


def require_simulated(simulated: bool, **options: object) -> None:
    """Raises ConfigError when an option of the simulated rig (None: not given) has none.

    `with_` stands for --with, whose own name is a word of the language.
    """
    if simulated:
        return
    for option, value in options.items():
        if value is not None:
            raise ConfigError(f"--{option.rstrip('_')} belongs to --simulate; a real rig has none")
