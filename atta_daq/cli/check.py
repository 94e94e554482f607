"""`check`: who of the rig's instruments answers."""

import sys
import time

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.cli.checks import assembled
from atta_daq.cli.options import ConfigOption
from atta_daq.rig.config import load_rig
from atta_daq.station.ownership import RigLock, wires_of


def check(
    config: ConfigOption,
) -> None:
    """Connect to each instrument as a station does, tell who answered, release them.

    No light, shutter or gain goes on. A driver sets what it needs in order to read its box: the
    power meter's unit and range, a software lock's ramp; Micro-Manager's end stops the cooler.
    """
    rig = load_rig(config)
    instruments = assembled(rig, config).instruments
    lock = RigLock(rig.name, "check", wires_of(rig))
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
            text = "; ".join(
                f"{box.maker} {box.model}, serial {box.serial}, {box.firmware}"
                for box in (who, *who.beside)
            )
        else:
            style, text = "red", str(answer.error)
        table.add_row(answer.name, answer.address, Text(text, style=style))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    silent = [answer.name for answer in answers if answer.error is not None]
    if silent:
        print(f"no answer: {', '.join(silent)}", file=sys.stderr)
        raise typer.Exit(3)
