"""`station`: the owner of a rig."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from atta_daq.cli.arguments import require_simulated, require_speed_and_seed
from atta_daq.cli.options import (
    DataOption,
    InstrumentsOption,
    OptionalConfigOption,
    SeedOption,
    SpeedOption,
    TruthOption,
)
from atta_daq.cli.simulated import simulated_rig
from atta_daq.quick_start import loading
from atta_daq.rig.errors import ConfigError


def station(
    config: OptionalConfigOption = None,
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
        _serve()(config, data, parent_pid)
        return
    speed, seed = 1.0 if speed is None else speed, 1 if seed is None else seed
    require_speed_and_seed(speed, seed)
    # Until the station serves: whoever asks to end must not leave the simulators behind.
    signal.signal(signal.SIGTERM, _interrupted)
    with simulated_rig(
        speed=speed, seed=seed, truth=truth, name=name, instruments=instruments or (),
        meanwhile=_serve,
    ) as (path, _world):  # fmt: skip
        _serve()(path, data, parent_pid)


def _serve() -> Callable[[Path, Path, int], None]:
    """What it takes to serve, loaded when it is needed: that takes as long as simulators need to
    start, and is done beside them."""
    with loading():
        from atta_daq.cli.serving import serve

    return serve


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
