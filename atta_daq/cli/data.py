"""`runs`, `fit`, `report`, `export`, `import`: work on runs that are on disk."""

import json
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import open_chain
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.export import export as export_run
from atta_daq.archive.import_csv import import_csv
from atta_daq.archive.report import build_report
from atta_daq.archive.run_folder import Run
from atta_daq.cli.arguments import require_folder
from atta_daq.cli.options import DataOption
from atta_daq.cli.results import print_fits, print_runs, run_object
from atta_daq.station.finish import refit, request_of

RunArgument = Annotated[str, typer.Argument(help="Run id, the start of one, or 'last'.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


class Format(StrEnum):
    """Forms of `export`."""

    CSV = "csv"
    NEXUS = "nexus"


def runs(
    search: Annotated[str, typer.Argument(help="Text in the run's name, sample or note.")] = "",
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """List the runs, newest last."""
    require_folder(data)
    entries = list(reversed(Catalogue(data).runs(search)))
    if as_json:
        print(json.dumps([vars(entry) for entry in entries], default=str))
        return
    print_runs(entries)


def fit(
    run: RunArgument,
    data: DataOption = Path("data"),
    free_width: Annotated[
        bool, typer.Option(help="Leave Rabi scale and Doppler width free.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fit a run anew, with MINOS intervals; store the result in its folder."""
    opened = _open(run, data)
    fits = refit(opened, request_of(opened, free_width=free_width))
    if as_json:
        print(json.dumps(run_object(opened, fits)))
    else:
        print_fits(opened, fits)
    if not fits:
        print(f"run {opened.run_id}: nothing to fit, it has too few good segments", file=sys.stderr)
        raise typer.Exit(1)


def report(run: RunArgument, data: DataOption = Path("data")) -> None:
    """Make the run's report anew: one self-contained HTML file."""
    opened = _open(run, data)
    if not opened.segments:
        raise ArchiveError(f"run {opened.run_id} has no segment yet: nothing to report")
    print(build_report(opened))


def export(
    run: RunArgument,
    form: Annotated[Format, typer.Option("--format", help="csv or nexus.")] = Format.CSV,
    data: DataOption = Path("data"),
) -> None:
    """Write a run as CSV tables or as a NeXus file beside its data."""
    made = export_run(_open(run, data), form.value)
    for path in made.paths:
        print(path)
    for text in made.lacking:
        print(text, file=sys.stderr)


def import_table(
    file: Annotated[Path, typer.Argument(help="CSV with units; see docs/reference.")],
    data: DataOption = Path("data"),
) -> None:
    """Make a run of a measurement taken elsewhere."""
    print(import_csv(file, data, time.time).run_id)


def _open(name: str, data: Path) -> Run:
    require_folder(data)
    return open_chain(Catalogue(data).resolve(name))
