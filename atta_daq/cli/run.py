"""`atta-daq run`: carry out a scan on a real or a simulated rig and show what came of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import tomli_w
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from atta_daq.archive.disk import write_whole
from atta_daq.archive.report import build_report
from atta_daq.archive.run_folder import open_run
from atta_daq.cli.results import print_fits, run_object
from atta_daq.cli.simulated import SimulatedRig, rig_file, start_simulated_rig
from atta_daq.client.client import CommandRefused, Endpoint, StationClient, StationSilent
from atta_daq.rig.config import ConfigError, RigConfig, load_rig, read_toml, validated
from atta_daq.scans.definition import ScanDefinition, rename_parts
from atta_daq.station.ownership import find_station

START_TIMEOUT_S = 60.0
POLL_S = 0.2


def run(
    scan: Annotated[Path, typer.Argument(help="Scan file (TOML).")],
    config: Annotated[Path | None, typer.Option("--config", help="Rig file (TOML).")] = None,
    simulated: Annotated[bool, typer.Option("--simulate", help="On a simulated rig.")] = False,
    speed: Annotated[float, typer.Option(help="Rig seconds per second, with --simulate.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Of the simulated world.")] = 1,
    truth: Annotated[
        Path | None, typer.Option(help="TOML that overrides the simulated world's truth.")
    ] = None,
    data: Annotated[Path, typer.Option("--data", help="Folder of the runs.")] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object at the end.")] = False,
) -> None:
    """Take a scan: start a station unless one runs, show progress, print the fit."""
    definition = validated(ScanDefinition, rename_parts(read_toml(scan)), scan)
    if simulated == (config is not None):
        raise ConfigError("give either --simulate or --config RIG.toml")
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="atta-daq-") as scratch,
        _rig(Path(scratch), definition, config, speed, seed, truth) as (path, world),
    ):
        rig = load_rig(path)
        run_id = _take(path, rig, scan, data, console)
        folder = (rig.data_dir or data) / run_id
        if world is not None:
            _lay_truth(world, folder)
    finished = open_run(folder)
    if as_json:
        print(json.dumps(run_object(finished, finished.fits)))
    else:
        print_fits(finished, finished.fits)
        print(f"report  {folder / 'report.html'}")
        print(f"data    {folder}")
    if finished.state.value != "complete":
        stop = finished.stop
        reason = stop.body.get("reason", "") if stop else ""
        print(f"run {run_id} ended {finished.state.value}: {reason}", file=sys.stderr)
        raise typer.Exit(1)


@contextmanager
def _rig(
    scratch: Path,
    definition: ScanDefinition,
    config: Path | None,
    speed: float,
    seed: int,
    truth: Path | None,
) -> Iterator[tuple[Path, SimulatedRig | None]]:
    """The rig file to use; with a simulated rig, the simulators for as long as it is used."""
    if config is not None:
        yield config, None
        return
    world = start_simulated_rig(
        scratch, speed=speed, seed=seed, truth=truth, geometry=definition.geometry
    )
    try:
        path = scratch / "rig.toml"
        path.write_text(tomli_w.dumps(rig_file(world.ports, definition.geometry or "co")))
        yield path, world
    finally:
        world.close()


def _take(path: Path, rig: RigConfig, scan: Path, data: Path, console: Console) -> str:
    """Run the scan on the rig's station, started here unless one runs; returns the run id."""
    endpoint = find_station(rig.name)
    process = None
    if endpoint is None:
        log = (rig.data_dir or data) / "station.log"
        said_before = log.stat().st_size if log.exists() else 0
        process = _start_station(path, data, log)
        endpoint = _wait_for_station(rig.name, process, log, said_before)
    try:
        with StationClient(endpoint) as client:
            run_id = str(client.command("run", scan=scan.read_text(), path=scan)["run"])
            _follow(client, run_id, console)
            return run_id
    finally:
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.wait(60.0)


def _start_station(path: Path, data: Path, log: Path) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable, "-m", "atta_daq", "station", "--config", str(path), "--data", str(data),
        "--parent-pid", str(os.getpid()),
    ]  # fmt: skip
    data.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        # Its own session: Ctrl-C is for the command, which then ends the run in good order.
        return subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)


def _wait_for_station(
    rig: str, process: "subprocess.Popen[bytes]", log: Path, said_before: int
) -> Endpoint:
    """Where the new station serves; if it ends instead, its own words and exit code."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while (endpoint := find_station(rig)) is None:
        if process.poll() is not None:
            said = log.read_bytes()[said_before:].decode(errors="replace").strip()
            print(said, file=sys.stderr)
            raise typer.Exit(process.returncode or 1)
        if time.monotonic() > deadline:
            process.kill()
            raise StationSilent(f"the station did not start within {START_TIMEOUT_S:g} s")
        time.sleep(0.05)
    return endpoint


def _follow(client: StationClient, run_id: str, console: Console) -> None:
    """Show progress until the run has ended. Ctrl-C aborts the run; what was taken is kept."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} segments"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
        console=console,
    )
    with progress:
        task = progress.add_task(run_id, total=1.0, detail="")
        while True:
            try:
                if _step(client, run_id, progress, task):
                    return
                time.sleep(POLL_S)
            except KeyboardInterrupt:
                progress.console.print("aborting; what was taken is kept")
                client.command("abort", reason="interrupted at the command line")


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
