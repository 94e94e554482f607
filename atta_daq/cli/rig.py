"""`station`, `check`, `simulate`: the processes of a rig."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import load_rig
from atta_daq.station.station import RigUnreachable, Station

__all__ = ["RigUnreachable", "check", "simulate", "station"]

ConfigOption = Annotated[Path, typer.Option("--config", help="Rig file (TOML).")]
DataOption = Annotated[Path, typer.Option("--data", help="Folder of the runs.")]


def station(
    config: ConfigOption,
    data: DataOption = Path("data"),
    parent_pid: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Own the rig: run scans, count, archive, serve process variables. Ends on SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    rig = load_rig(config)
    owner = Station(rig, config.read_text(), rig.data_dir or data)
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _frame: ended.append(caught))
    endpoint = owner.open()
    print(f"station '{endpoint.rig}' serves on {endpoint.host}:{endpoint.tcp_port}", flush=True)
    try:
        owner.wait(lambda: bool(ended) or (parent_pid and not _alive(parent_pid)))
    finally:
        owner.close()


def check(config: ConfigOption) -> None:
    """Connect to each instrument, tell who answered, release them. Changes nothing."""
    rig = load_rig(config)
    instruments = RigAssembly(rig).instruments
    answers = instruments.connect()
    instruments.close()
    table = Table("instrument", "address", "answer", title=f"rig '{rig.name}'")
    for answer in answers:
        if answer.identity is not None:
            who = answer.identity
            text = f"[green]{who.maker} {who.model}[/], serial {who.serial}, {who.firmware}"
        else:
            text = f"[red]{answer.error}[/]"
        table.add_row(answer.name, answer.address, text)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    if any(answer.error is not None for answer in answers):
        raise typer.Exit(3)


def simulate(context: typer.Context) -> None:
    """Simulated instruments on real wires; options as `python -m simulators --help` lists them."""
    command = [sys.executable, "-m", "simulators", *context.args]
    with subprocess.Popen(command) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            code = process.wait()
    raise typer.Exit(code)


def _alive(pid: int) -> bool:
    return os.getppid() == pid
