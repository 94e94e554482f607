"""`protection`: who guards the amplifier against what, and a trial of the box's own guard."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.cli.arguments import require_simulated
from atta_daq.cli.checks import assembled
from atta_daq.cli.options import InstrumentsOption, OptionalConfigOption
from atta_daq.cli.simulated import simulated_rig
from atta_daq.client.client import StationClient
from atta_daq.client.discovery import find_station
from atta_daq.rig.config import RigConfig, load_rig
from atta_daq.rig.errors import ConfigError
from atta_daq.station.ownership import RigLock, wires_of
from drivers.errors import InterlockOpen
from drivers.interfaces import Guard, GuardTrial, TaperedAmplifier

FAILED = 1
NO_WATCHDOG = Guard(
    fault="stale reading, read-back mismatch, slow seed decay",
    by="station's watchdog",
    state="no station runs: nobody watches",
    armed=False,
    remedy="start the station",
)


def protection(
    config: OptionalConfigOption = None,
    simulated: Annotated[
        bool, typer.Option("--simulate", help="On a simulated rig, started and ended with it.")
    ] = False,
    instruments: InstrumentsOption = None,
    exercise: Annotated[
        bool,
        typer.Option(
            "--exercise",
            help="Take the seed away from the amplifier at a harmless current: its box must act.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Exercise without asking.")] = False,
) -> None:
    """Show who guards the amplifier against what; with --exercise, put the box's guard to the test.

    Asks the station where one runs; else connects to the amplifier alone. Exit code 1 when a
    guard is not armed or has failed.
    """
    if simulated == (config is not None):
        raise ConfigError("give either --simulate or --config RIG.toml")
    require_simulated(simulated, with_=instruments)
    with _rig_file(config, instruments or ()) as path:
        rig = load_rig(path)
        endpoint = None if exercise else find_station(rig.name)
        if endpoint is not None:
            client = StationClient(endpoint)
            try:
                answer = client.command("protection")
            finally:
                client.close()
            good = _show([Guard(**row) for row in answer["guards"]], rig.name)
        else:
            good = _directly(rig, path, exercise, yes)
    if not good:
        raise typer.Exit(FAILED)


@contextmanager
def _rig_file(config: Path | None, instruments: Sequence[str]) -> Iterator[Path]:
    if config is not None:
        with nullcontext(config) as path:
            yield path
        return
    with simulated_rig(speed=1.0, seed=1, truth=None, instruments=instruments) as (path, _world):
        yield path


def _directly(rig: RigConfig, path: Path, exercise: bool, yes: bool) -> bool:
    amplifier = assembled(rig, path).instruments.amplifier
    lock = RigLock(rig.name, "protection", wires_of(rig, "amplifier"))
    lock.acquire(time.time())
    try:
        try:
            amplifier.connect()
        except InterlockOpen as error:
            # The table shows what is missing; it is the reason to look at it.
            print(error, file=sys.stderr)
        guards = [*amplifier.guards(), NO_WATCHDOG]
        good = _show(guards, rig.name)
        if exercise:
            good = _exercised(amplifier, rig, yes) and good
        return good
    finally:
        amplifier.close()
        lock.release()


def _exercised(amplifier: TaperedAmplifier, rig: RigConfig, yes: bool) -> bool:
    section = rig.amplifier
    if not yes:
        typer.confirm(
            f"Seed on at {section.seed_operating_ma:g} mA, amplifier on below its unseeded ceiling "
            f"of {section.unseeded_ceiling_ma:g} mA, seed off, then both off. Light leaves the "
            "head. Go on?",
            abort=True,
        )
    trial = amplifier.exercise_guard(section.seed_operating_ma)
    print(trial_text(trial))
    return trial.passed


def trial_text(trial: GuardTrial) -> str:
    """What a trial showed, for the operator."""
    down = f"the driver itself takes it down in {1e3 * trial.take_down_s:.1f} ms. Both are off now"
    at = f"at {trial.current_ma:g} mA"
    allowed = f"allowed {1e3 * trial.allowed_s:.0f} ms"
    if math.isinf(trial.trip_s):
        return (
            f"FAILED: the seed was taken away {at} and the amplifier stayed on ({allowed}). Do not "
            f"raise it before the guard is mended; {down}"
        )
    took = f"off {1e3 * trial.trip_s:.0f} ms after the seed ({allowed})"
    verdict = "passed" if trial.passed else "FAILED, too slow"
    cause = trial.by or "none told"
    return f"{verdict}: {at} the box switched itself {took}; cause: {cause}; {down}"


def _show(guards: Sequence[Guard], name: str) -> bool:
    """Print the table; whether every guard is armed, the watchdog of a missing station aside."""
    table = Table("fault", "guard", "armed", "state", title=f"amplifier of rig '{name}'")
    for guard in guards:
        word = Text("yes" if guard.armed else "NO", style="green" if guard.armed else "red")
        todo = "" if guard.armed else f" — {guard.remedy}"
        table.add_row(guard.fault, guard.by, word, guard.state + todo)
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    return all(guard.armed for guard in guards if guard is not NO_WATCHDOG)
