"""`station`, `check`: the rig as a whole."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.cli.arguments import require_simulated, require_speed_and_seed, require_writable
from atta_daq.cli.checks import assembled
from atta_daq.cli.options import DataOption, InstrumentsOption, SeedOption, SpeedOption, TruthOption
from atta_daq.cli.simulated import simulated_rig
from atta_daq.rig.config import load_rig
from atta_daq.rig.errors import ConfigError
from atta_daq.station.ownership import RigLock
from atta_daq.station.station import Station

ConfigOption = Annotated[Path, typer.Option("--config", help="Rig file (TOML).")]


def station(
    config: Annotated[Path | None, typer.Option("--config", help="Rig file (TOML).")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulate", help="Own a simulated rig, started and ended with it.")
    ] = False,
    speed: SpeedOption = None,
    seed: SeedOption = None,
    truth: TruthOption = None,
    instruments: InstrumentsOption = None,
    name: Annotated[
        str | None, typer.Option(help="Of the rig, with --simulate.", show_default="made up")
    ] = None,
    data: DataOption = Path("data"),
    parent_pid: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Own the rig: run scans, count, archive, serve process variables. Ends on SIGTERM."""
    if simulated == (config is not None):
        raise ConfigError("give either --simulate or --config RIG.toml")
    require_simulated(simulated, speed=speed, seed=seed, truth=truth, name=name, with_=instruments)
    if config is not None:
        _serve(config, data, parent_pid)
        return
    speed, seed = 1.0 if speed is None else speed, 1 if seed is None else seed
    require_speed_and_seed(speed, seed)
    # Until the station serves: whoever asks to end must not leave the simulators behind.
    signal.signal(signal.SIGTERM, _interrupted)
    with simulated_rig(
        speed=speed, seed=seed, truth=truth, name=name, instruments=instruments or ()
    ) as (path, _world):
        _serve(path, data, parent_pid)


def _serve(config: Path, data: Path, parent_pid: int) -> None:
    """Until SIGTERM, Ctrl-C, a client's `shutdown`, or the end of the parent."""
    rig = load_rig(config)
    assembled(rig, config)
    require_writable(rig.data_dir or data)
    owner = Station(rig, config.read_text(), rig.data_dir or data)
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _frame: ended.append(caught))
    endpoint = owner.open()
    print(f"station '{endpoint.rig}' serves on {endpoint.host}:{endpoint.tcp_port}", flush=True)
    try:
        owner.wait(lambda: bool(ended) or bool(parent_pid and not _alive(parent_pid)))
    finally:
        owner.close()


def check(config: ConfigOption) -> None:
    """Connect to each instrument, tell who answered, release them. Changes nothing."""
    rig = load_rig(config)
    instruments = assembled(rig, config).instruments
    lock = RigLock(rig.name, "check")
    lock.acquire(time.time())
    try:
        answers = instruments.connect()
    finally:
        instruments.close()
        lock.release()
    table = Table("instrument", "address", "answer", title=f"rig '{rig.name}'")
    for answer in answers:
        if answer.identity is not None:
            who = answer.identity
            style = "green"
            text = f"{who.maker} {who.model}, serial {who.serial}, {who.firmware}"
        else:
            style, text = "red", str(answer.error)
        table.add_row(answer.name, answer.address, Text(text, style=style))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    silent = [answer.name for answer in answers if answer.error is not None]
    if silent:
        print(f"no answer: {', '.join(silent)}", file=sys.stderr)
        raise typer.Exit(3)


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _alive(pid: int) -> bool:
    return os.getppid() == pid
