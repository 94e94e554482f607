"""`atta-daq run`: carry out a scan on a real or a simulated rig and show what came of it."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from atta_daq.cli.arguments import require_simulated, require_speed_and_seed, require_writable
from atta_daq.cli.checks import require_usable
from atta_daq.cli.options import DataOption, InstrumentsOption, SeedOption
from atta_daq.cli.simulated import simulated_rig
from atta_daq.cli.taking import take, tell
from atta_daq.rig.config import ConfigError, load_rig, read_toml, validated
from atta_daq.scans.definition import ScanDefinition, rename_parts


def run(
    scan: Annotated[Path, typer.Argument(help="Scan file (TOML), such as scans/demo.toml.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="Rig file (TOML): take it on this rig.")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulate", help="Take it on a simulated rig, started for it.")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(help="Rig seconds per second, with --simulate.", show_default="120"),
    ] = None,
    seed: SeedOption = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="TOML that overrides the simulated world's truth; `atta-daq simulate "
            "--print-truth` lists what there is."
        ),
    ] = None,
    instruments: InstrumentsOption = None,
    data: DataOption = Path("data"),
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output at the end.")
    ] = False,
) -> None:
    """Take a scan: start a station unless one runs, show progress, print the fit.

    Ctrl-C ends the run in good order; what was taken is kept, fitted and reported.
    """
    if simulated == (config is not None):
        raise ConfigError("give either --simulate or --config RIG.toml")
    require_simulated(simulated, speed=speed, seed=seed, truth=truth, with_=instruments)
    speed, seed = 120.0 if speed is None else speed, 1 if seed is None else seed
    require_speed_and_seed(speed, seed)
    definition = validated(ScanDefinition, rename_parts(read_toml(scan)), scan)
    rig_used = (
        nullcontext((config, None))
        if config is not None
        else simulated_rig(
            speed=speed,
            seed=seed,
            truth=truth,
            geometry=definition.geometry,
            instruments=instruments or (),
        )
    )
    with rig_used as (path, world):
        rig = load_rig(path)
        require_usable(rig, path, definition, scan)
        require_writable(rig.data_dir or data)
        taken = take(
            path,
            rig,
            data,
            Console(stderr=True),
            lambda client: client.command("run", scan=scan.read_text(), path=scan),
        )
        tell(taken, world, as_json)
