"""`refit`, `toys`, `bootstrap`: fits of many runs, and how a fit scatters, over many processes."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.analysis.ensemble import Ensemble, Kind, Spread, replicas, summary
from atta_daq.analysis.results import pdg_round
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import ChainedRun, open_chain
from atta_daq.cli.arguments import require_folder
from atta_daq.cli.data import JsonOption
from atta_daq.cli.options import DataOption
from atta_daq.cli.results import print_fits, run_object
from atta_daq.cli.spread import one_thread, spread_over
from atta_daq.station.finish import keep_fits, request_of
from atta_daq.station.fitting import FitRequest, ensembles, fit_finally

REPLICAS = 1000
PIECE = 25
"""Replicas that a process makes in one go; what a replica is does not depend on it."""

RunsArgument = Annotated[
    list[str], typer.Argument(help="Run ids, starts of some, or 'last'.", metavar="RUN...")
]
WorkersOption = Annotated[
    int, typer.Option(min=0, help="Processes on this computer; 0: only this one.")
]
SchedulerOption = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Of a dask scheduler, such as tcp://big-pc:8786.")
]
NumberOption = Annotated[int, typer.Option(min=2, help="How many.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of the random numbers.")]
FreeWidthOption = Annotated[bool, typer.Option(help="Leave Rabi scale and Doppler width free.")]


def refit(
    runs: RunsArgument,
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    free_width: FreeWidthOption = False,
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Fit many runs anew, with MINOS intervals; store the results in their folders."""
    opened = _opened(runs, data)
    arguments = [(run.segments, request_of(run, free_width=free_width)) for run in opened]
    with spread_over(workers, scheduler) as spread:
        fitted = spread(fit_finally, arguments)
    results = [keep_fits(run, fits) for run, fits in zip(opened, fitted, strict=True)]
    objects: list[dict[str, Any]] = []
    for run, fits in zip(opened, results, strict=True):
        if as_json:
            objects.append(run_object(run, fits))
        else:
            Console().print(run.run_id, style="bold", highlight=False)
            print_fits(run, fits)
    if as_json:
        print(json.dumps(objects))
    empty = [run.run_id for run, fits in zip(opened, results, strict=True) if not fits]
    if empty:
        print(f"nothing to fit, too few good segments: {', '.join(empty)}", file=sys.stderr)
        raise typer.Exit(1)


def toys(
    runs: RunsArgument,
    number: NumberOption = REPLICAS,
    seed: SeedOption = 1,
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    free_width: FreeWidthOption = False,
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Fit data drawn from each fitted model: is the fit unbiased, and are its errors right?"""
    requests = _requests(runs, data, free_width=free_width)
    _ensembles(requests, "toys", number, seed, workers, scheduler, as_json=as_json)


def bootstrap(
    runs: RunsArgument,
    number: NumberOption = REPLICAS,
    seed: SeedOption = 1,
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    free_width: FreeWidthOption = False,
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Fit each run's own points, drawn with replacement: errors that trust no model of them."""
    requests = _requests(runs, data, free_width=free_width)
    _ensembles(requests, "bootstrap", number, seed, workers, scheduler, as_json=as_json)


def _opened(names: Sequence[str], data: Path) -> list[ChainedRun]:
    require_folder(data)
    catalogue = Catalogue(data)
    folders = dict.fromkeys(catalogue.resolve(name) for name in names)
    return [open_chain(folder) for folder in folders]


def _requests(
    names: Sequence[str], data: Path, *, free_width: bool
) -> list[tuple[ChainedRun, FitRequest]]:
    return [(run, request_of(run, free_width=free_width)) for run in _opened(names, data)]


def _ensembles(
    requests: Sequence[tuple[ChainedRun, FitRequest]],
    kind: Kind,
    number: int,
    seed: int,
    workers: int,
    scheduler: str,
    *,
    as_json: bool,
) -> None:
    one_thread()  # as the pieces
    found = [
        (run, name, ensemble)
        for run, request in requests
        for name, ensemble in ensembles(run.segments, request, kind, seed).items()
    ]
    if not found:
        print("nothing to fit: too few good segments", file=sys.stderr)
        raise typer.Exit(1)
    pieces = [
        (ensemble, first, min(PIECE, number - first))
        for _, _, ensemble in found
        for first in range(0, number, PIECE)
    ]
    with spread_over(workers, scheduler) as spread:
        rows = spread(replicas, pieces)
    each = -(-number // PIECE)
    shown: list[dict[str, Any]] = []
    for place, (run, name, ensemble) in enumerate(found):
        mine = np.concatenate(rows[place * each : (place + 1) * each])
        try:
            spreads = summary(ensemble, mine)
        except ValueError as error:
            print(f"{run.run_id} {name}: {error}", file=sys.stderr)
            raise typer.Exit(1) from None
        failed = int(np.sum(~np.isfinite(mine).all(axis=1)))
        if as_json:
            shown.append(
                {
                    "run": run.run_id, "part": name, "kind": kind, "seed": seed,
                    "number": number, "failed": failed,
                    "parameters": {spread.name: asdict(spread) for spread in spreads},
                }
            )  # fmt: skip
        else:
            _print(run.run_id, name, ensemble, spreads, number, failed)
    if as_json:
        print(json.dumps(shown))


def _print(
    run_id: str,
    name: str,
    ensemble: Ensemble,
    spreads: Sequence[Spread],
    number: int,
    failed: int,
) -> None:
    console = Console()
    table = Table(title=f"{run_id}  {name}", box=SIMPLE_HEAD)
    for column in ("parameter", "fit", "mean", "scatter", "pull", "coverage"):
        table.add_column(column, justify="left" if column == "parameter" else "right")
    for one in spreads:
        unit = f" [{one.unit}]" if one.unit else ""
        value, error = pdg_round(one.fitted, one.error)
        cells = (
            f"{one.name}{unit}", f"{value} ± {error}", f"{one.mean:.5g}", f"{one.deviation:.3g}",
            f"{one.pull_mean:+.2f} ± {one.pull_deviation:.2f}", f"{one.coverage:.2f}",
        )  # fmt: skip
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    said = f"{number} {ensemble.kind}, seed {ensemble.seed}"
    console.print(said + (f"; {failed} could not be fitted" if failed else ""), highlight=False)
