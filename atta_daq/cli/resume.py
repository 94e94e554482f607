"""`atta-daq resume`: take what is missing of a run that ended too early."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import open_chain
from atta_daq.archive.run_folder import open_run
from atta_daq.cli.arguments import (
    require_folder,
    require_simulated,
    require_speed_and_seed,
    require_writable,
)
from atta_daq.cli.options import (
    DataOption,
    InstrumentsOption,
    OptionalConfigOption,
    SeedOption,
    TruthOption,
)
from atta_daq.cli.simulated import simulated_rig
from atta_daq.cli.simulated_name import SIMULATED
from atta_daq.cli.taking import Taken, take, tell
from atta_daq.rig.config import ConfigError, load_rig
from atta_daq.station.errors import NothingMissing
from atta_daq.station.finish import definition_of, finish_late, rig_of
from atta_daq.station.resuming import close_whole, last_to_resume, rest_of


def resume(
    run: Annotated[
        str,
        typer.Argument(
            help="Run id or the start of one; left out: the youngest of this rig (with --simulate: "
            "of a simulated one) that ended too early."
        ),
    ] = "",
    config: OptionalConfigOption = None,
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
    named = load_rig(config) if config is not None else None
    folder = (named.data_dir if named is not None else None) or data
    require_folder(folder)
    mine = named.name.__eq__ if named is not None else _is_simulated
    name = run or last_to_resume(folder, mine)
    if name is None:
        of = f"rig '{named.name}'" if named is not None else "a simulated rig"
        raise ConfigError(
            f"{folder}: no run of {of} has ended too early, there is nothing to resume"
        )
    if simulated:
        name = _of_a_simulated_rig(name, folder)
    # With the rig file that it kept, as no simulated rig is started yet: none is for a run that
    # holds all of its blocks.
    own = named or rig_of(open_chain(Catalogue(folder).resolve(name)))
    try:
        if own is not None:
            rest_of(folder, name, own)
    except NothingMissing as nothing:
        tell(Taken(_closed(name, folder, nothing), interrupted=False), None, as_json)
        return
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
        if named is None:
            rest_of(folder, name, rig)
        require_writable(folder)
        taken = take(
            path,
            rig,
            data,
            Console(stderr=True),
            lambda client: client.command("resume_run", run=name),
        )
        tell(taken, world, as_json)


def _closed(name: str, data: Path, nothing: NothingMissing) -> Path:
    """The folder of a run whose station died behind its last block, closed as complete and with its
    report, which its station would have made. Raises `nothing` for a run that ended otherwise."""
    folder = Catalogue(data).resolve(name)
    # Nobody knows the time of the rig that took it, but for what it has written.
    last_rig_s = open_run(folder).content.documents[-1].rig_s
    if not close_whole(data, folder.name, lambda: last_rig_s):
        raise nothing
    said = f"{nothing}; its station ended before it could say so, so it is closed as complete now"
    print(said, file=sys.stderr)
    print(finish_late(folder), file=sys.stderr)
    return folder


def _is_simulated(rig: str) -> bool:
    return rig.startswith(SIMULATED)


def _of_a_simulated_rig(name: str, data: Path) -> str:
    """The whole name of the run. A simulated rig is another one each time, but a real one's run is
    never gone on with on it: raises ConfigError for that."""
    run = open_run(Catalogue(data).resolve(name))
    rig = run.header.rig
    if rig and not _is_simulated(rig):
        raise ConfigError(
            f"run {run.run_id} was taken by rig '{rig}'; with --simulate only runs of a simulated "
            "rig are gone on with"
        )
    return run.run_id


def _geometry(name: str, data: Path) -> str | None:
    return definition_of(open_chain(Catalogue(data).resolve(name))).geometry
