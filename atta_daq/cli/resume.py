"""`atta-daq resume`: take what is missing of a run that ended too early."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import open_chain
from atta_daq.cli.arguments import (
    require_folder,
    require_simulated,
    require_speed_and_seed,
    require_writable,
)
from atta_daq.cli.options import DataOption, InstrumentsOption, SeedOption, TruthOption
from atta_daq.cli.simulated import simulated_rig
from atta_daq.cli.taking import take, tell
from atta_daq.client.client import CommandRefused
from atta_daq.rig.config import ConfigError, load_rig
from atta_daq.station.finish import definition_of
from atta_daq.station.resuming import last_to_resume, rest_of


def resume(
    run: Annotated[
        str, typer.Argument(help="Run id or the start of one; left out: the youngest.")
    ] = "",
    config: Annotated[Path | None, typer.Option("--config", help="Rig file (TOML).")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulate", help="On a simulated rig, started for it.")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(help="Rig seconds per second, with --simulate.", show_default="120"),
    ] = None,
    seed: SeedOption = None,
    truth: TruthOption = None,
    instruments: InstrumentsOption = None,
    data: DataOption = Path("data"),
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output at the end.")
    ] = False,
) -> None:
    """Go on with a run that crashed or was aborted: only its missing blocks are taken.

    Each is opened by a bracket. The new run names the old one, and both are fitted and reported
    as one measurement.
    """
    if simulated == (config is not None):
        raise ConfigError("give either --simulate or --config RIG.toml")
    require_simulated(simulated, speed=speed, seed=seed, truth=truth, with_=instruments)
    speed, seed = 120.0 if speed is None else speed, 1 if seed is None else seed
    require_speed_and_seed(speed, seed)
    folder = (load_rig(config).data_dir or data) if config is not None else data
    require_folder(folder)
    name = run or last_to_resume(folder)
    if name is None:
        raise ConfigError(f"{folder}: no run has ended too early, there is nothing to resume")
    rig_used = (
        nullcontext((config, None))
        if config is not None
        else simulated_rig(
            speed=speed, seed=seed, truth=truth, geometry=_geometry(name, folder),
            instruments=instruments or (),
        )
    )  # fmt: skip
    with rig_used as (path, world):
        rig = load_rig(path)
        try:
            rest_of(folder, name, rig)
        except CommandRefused as refused:
            raise ConfigError(str(refused)) from refused
        require_writable(folder)
        taken = take(
            path,
            rig,
            data,
            Console(stderr=True),
            lambda client: client.command("resume_run", run=name),
        )
        tell(taken, world, as_json)


def _geometry(name: str, data: Path) -> str | None:
    return definition_of(open_chain(Catalogue(data).resolve(name))).geometry
