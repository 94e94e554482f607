"""`atta-daq gui`: the window, with the station that it needs."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from atta_daq.cli.arguments import require_simulated, require_speed_and_seed, require_writable
from atta_daq.cli.children import Process, StationStart, end
from atta_daq.cli.options import InstrumentsOption, SeedOption, SpeedOption, TruthOption
from atta_daq.cli.simulated_name import made_up_name
from atta_daq.client.discovery import find_station
from atta_daq.rig.errors import ConfigError

POLL_S = 0.1
WINDOW_END_S = 10.0


def gui(
    simulated: Annotated[
        bool, typer.Option("--simulate", help="With a simulated rig, started and ended with it.")
    ] = False,
    connect: Annotated[
        str | None,
        typer.Option(metavar="HOST[:PORT]", help="A station on another computer (port 5075)."),
    ] = None,
    rig: Annotated[
        str | None, typer.Option(help="Name of the rig, where several stations run.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Rig file: start its station unless it runs; it outlives the window."),
    ] = None,
    speed: SpeedOption = None,
    seed: SeedOption = None,
    truth: TruthOption = None,
    instruments: InstrumentsOption = None,
    data: Annotated[
        Path, typer.Option(help="Folder of the runs, with --simulate or --config.")
    ] = Path("data"),
) -> None:
    """Open the window: on the station of this computer, unless an option says which.

    Closing the window touches neither station nor run, save for --simulate.
    """
    given = {"--simulate": simulated, "--connect": connect, "--config": config}
    ways = [name for name, value in given.items() if value]
    if len(ways) > 1:
        raise ConfigError(f"{' and '.join(ways)} exclude each other; give one of them")
    if rig is not None and (simulated or config):
        raise ConfigError(f"--rig: with {ways[0]} the rig has its name already")
    require_simulated(simulated, speed=speed, seed=seed, truth=truth, with_=instruments)
    if simulated:
        speed, seed = 1.0 if speed is None else speed, 1 if seed is None else seed
        code = _with_simulated_rig(speed, seed, truth, instruments or [], data)
    elif config is not None:
        code = _with_rig_file(config, data)
    else:
        wanted = [*(["--connect", connect] if connect else []), *(["--rig", rig] if rig else [])]
        with _signals() as caught:
            code = _with_window(wanted, None, caught)
    raise typer.Exit(code)


def _with_simulated_rig(
    speed: float, seed: int, truth: Path | None, instruments: list[str], data: Path
) -> int:
    require_speed_and_seed(speed, seed)
    require_writable(data)
    name = made_up_name()
    arguments = ["--simulate", "--name", name, "--speed", str(speed), "--seed", str(seed),
                 "--data", str(data)]  # fmt: skip
    if truth is not None:
        arguments += ["--truth", str(truth)]
    arguments += [word for pair in instruments for word in ("--with", pair)]
    with _signals() as caught:
        # The window opens while the station starts: it shows that there is none yet.
        station = StationStart(name, arguments, data, stays=False)
        try:
            return _with_window(["--rig", name, "--simulated"], station, caught)
        finally:
            end(station.process)


def _with_rig_file(config: Path, data: Path) -> int:
    from atta_daq.rig.config import load_rig

    rig = load_rig(config)
    folder = rig.data_dir or data
    station = None
    with _signals() as caught:
        if find_station(rig.name) is None:
            require_writable(folder)
            arguments = ["--config", str(config), "--data", str(data)]
            station = StationStart(rig.name, arguments, folder, stays=True)
            pid = station.process.pid
            print(
                f"started station '{rig.name}' (process {pid}); it goes on when the window is "
                f"closed. To end it: kill {pid}",
                file=sys.stderr,
            )
        return _with_window(["--rig", rig.name], station, caught)


def _with_window(arguments: list[str], station: StationStart | None, caught: list[int]) -> int:
    """Open the window and wait for its end; returns its exit code, or 128 + a signal's number.

    A station that does not start ends the window, and its exit code is the command's.
    """
    command = [sys.executable, "-m", "gui", *arguments]
    # Its own session: Ctrl-C comes from here, once.
    window: Process = subprocess.Popen(command, start_new_session=True)
    try:
        while window.poll() is None:
            if caught:
                return 128 + caught[0]
            if station is not None and station.endpoint() is not None:
                station = None
            time.sleep(POLL_S)
    finally:
        end(window, WINDOW_END_S)
    code = window.returncode
    return code if code >= 0 else 128 - code


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Note SIGINT and SIGTERM instead of being torn out of what ends the children."""
    caught: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda n, _frame: caught.append(n)) for number in numbers]
    try:
        yield caught
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
