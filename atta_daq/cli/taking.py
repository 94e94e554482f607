"""A run followed at the command line, from its start to its result."""

import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from atta_daq.archive.chain import open_chain
from atta_daq.archive.disk import write_whole
from atta_daq.archive.report import build_report
from atta_daq.cli.on_station import station_client
from atta_daq.cli.results import print_fits, run_object
from atta_daq.cli.simulated import SimulatedRig
from atta_daq.client.client import StationClient
from atta_daq.rig.config import RigConfig

POLL_S = 0.2


@dataclass(frozen=True)
class Taken:
    """A run that has ended: where it lies, and whether Ctrl-C ended it."""

    folder: Path
    interrupted: bool


def take(
    path: Path,
    rig: RigConfig,
    data: Path,
    console: Console,
    start: Callable[[StationClient], dict[str, Any]],
) -> Taken:
    """Let `start` begin a run on the rig's station, started here unless one runs; follow it."""
    with station_client(path, rig, data) as client:
        answer = start(client)
        for text in answer["warnings"]:
            console.print(f"! {text}", markup=False, highlight=False)
        interrupted = follow(client, str(answer["run"]), console)
        return Taken(_short(Path(answer["folder"])), interrupted)


def tell(taken: Taken, world: SimulatedRig | None, as_json: bool) -> None:
    """Print what came of the run; typer.Exit unless it is complete."""
    folder = taken.folder
    if world is not None:
        _lay_truth(world, folder)
    finished = open_chain(folder)
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


def _short(path: Path) -> Path:
    """Relative to where the operator stands, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def follow(client: StationClient, run_id: str, console: Console) -> bool:
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
    # Another run under way: the queue has gone on, and this one was finished before.
    if str(client.get("run:outcome")) or str(client.get("run:id")) != run_id:
        return True
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
    run = open_chain(folder)
    if run.segments:
        build_report(run)
