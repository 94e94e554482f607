"""`atta-daq run`: carry out a scan on a real or a simulated rig and show what came of it."""

import json
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tomli_w
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from atta_daq.archive.disk import write_whole
from atta_daq.archive.report import build_report
from atta_daq.archive.run_folder import open_run
from atta_daq.cli.arguments import require_simulated, require_speed_and_seed, require_writable
from atta_daq.cli.checks import require_usable
from atta_daq.cli.children import StationStart, end
from atta_daq.cli.options import DataOption, InstrumentsOption, SeedOption
from atta_daq.cli.results import print_fits, run_object
from atta_daq.cli.simulated import SimulatedRig, simulated_rig
from atta_daq.client.client import CommandRefused, StationClient
from atta_daq.client.discovery import find_station
from atta_daq.rig.config import ConfigError, RigConfig, load_rig, read_toml, validated
from atta_daq.scans.definition import ScanDefinition, rename_parts

POLL_S = 0.2


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
    console = Console(stderr=True)
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
        taken = _take(path, rig, scan, data, console)
        folder = taken.folder
        if world is not None:
            _lay_truth(world, folder)
    finished = open_run(folder)
    if as_json:
        print(json.dumps(run_object(finished, finished.fits)))
    else:
        print_fits(finished, finished.fits)
        if (folder / "report.html").exists():
            print(f"report  {folder / 'report.html'}")
        print(f"data    {folder}")
    if finished.state.value != "complete":
        stop = finished.stop
        reason = stop.body.get("reason", "") if stop else ""
        print(f"run {finished.run_id} ended {finished.state.value}: {reason}", file=sys.stderr)
        raise typer.Exit(130 if taken.interrupted else 1)


@dataclass(frozen=True)
class _Taken:
    """A run that has ended: where it lies, and whether Ctrl-C ended it."""

    folder: Path
    interrupted: bool


def _take(path: Path, rig: RigConfig, scan: Path, data: Path, console: Console) -> _Taken:
    """Run the scan on the rig's station, started here unless one runs."""
    endpoint = find_station(rig.name)
    process = None
    try:
        if endpoint is None:
            arguments = ["--config", str(path), "--data", str(data)]
            station = StationStart(rig.name, arguments, rig.data_dir or data, stays=False)
            process = station.process
            endpoint = station.wait()
        with StationClient(endpoint) as client:
            answer = client.command("run", scan=scan.read_text(), path=scan)
            interrupted = _follow(client, str(answer["run"]), console)
            return _Taken(_short(Path(answer["folder"])), interrupted)
    finally:
        if process is not None:
            end(process)


def _short(path: Path) -> Path:
    """Relative to where the operator stands, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _follow(client: StationClient, run_id: str, console: Console) -> bool:
    """Show progress until the run has ended; True when Ctrl-C has ended it.

    The first Ctrl-C aborts the run and waits for its fit; a second one does not wait.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} segments"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
        console=console,
    )
    asked: list[int] = []
    aborting = False
    # Noted, not raised: an exception in the middle of a reply of the station could be lost there.
    before = signal.signal(signal.SIGINT, lambda number, _frame: asked.append(number))
    try:
        with progress:
            task = progress.add_task(run_id, total=1.0, detail="")
            while not _step(client, run_id, progress, task):
                if asked and not aborting:
                    aborting = True
                    progress.console.print("aborting; what was taken is kept (Ctrl-C: do not wait)")
                    client.command("abort", reason="interrupted at the command line")
                elif len(asked) > 1:
                    raise KeyboardInterrupt
                time.sleep(POLL_S)
    finally:
        signal.signal(signal.SIGINT, before)
    return aborting


def _step(client: StationClient, run_id: str, progress: Progress, task: Any) -> bool:
    """Update the bar; True when the run is over."""
    if str(client.get("run:outcome")):
        return True
    if str(client.get("run:id")) != run_id:
        raise CommandRefused(f"the station went on to another run than {run_id}")
    state = str(client.get("run:state"))
    counting = float(client.get("rate:counting"))
    left_h = float(client.get("run:remaining")) / 3600.0
    detail = state
    if state == "running" and left_h == left_h:
        detail = f"{left_h:.1f} h of rig time left"
        if counting == counting:
            detail += f", {counting:.0f} atoms/h"
    progress.update(
        task,
        completed=int(client.get("run:segment")),
        total=max(1, int(client.get("run:segments"))),
        detail=detail,
    )
    return False


def _lay_truth(world: SimulatedRig, folder: Path) -> None:
    """Beside the finished run of a simulated rig; the report then shows it."""
    truth = world.ask({"cmd": "truth"})
    write_whole(folder / "truth.toml", tomli_w.dumps(truth["truth"]))
    run = open_run(folder)
    if run.segments:
        build_report(run)
