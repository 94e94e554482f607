"""`atta-daq calibrations`: which hold, what was measured when, and taking one out of use."""

import getpass
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.archive.plot_calibration import drawn_plot, quantity_text
from atta_daq.calibration.result import CalibrationResult
from atta_daq.cli.options import ConfigOption, DataOption
from atta_daq.client.client import StationClient
from atta_daq.client.discovery import find_station
from atta_daq.rig.config import ConfigError, RigConfig, load_rig
from atta_daq.station.calibration_keeper import CalibrationKeeper
from atta_daq.station.ownership import RigLock

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Calibrations of a rig: list, show, history, retire.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@app.command("list")
def list_(
    config: ConfigOption, data: DataOption = Path("data"), as_json: JsonOption = False
) -> None:
    """The calibrations in use, with what renews each. Exit code 1 when one is stale."""
    rig = load_rig(config)
    rows = CalibrationKeeper(rig, _store(rig, data), time.time).rows()
    if as_json:
        print(json.dumps(rows))
    else:
        table = Table("name", "value", "made", "valid until", "source", "state", "renewed by")
        for row in rows:
            state = str(row["state"])
            style = "red" if state.startswith("stale") else ""
            command = f"atta-daq calibrate {row['renewed_by']}" if row["renewed_by"] else ""
            table.add_row(
                str(row["name"]), str(row["text"]), str(row["made"]), str(row["valid_until"]),
                str(row["source"]), Text(state, style=style), command,
            )  # fmt: skip
        Console(width=None if sys.stdout.isatty() else 200).print(table)
    if any(str(row["state"]).startswith("stale") for row in rows):
        raise typer.Exit(1)


@app.command()
def show(
    result_id: Annotated[str, typer.Argument(metavar="NAME", help="Id, or a kind: its newest.")],
    config: ConfigOption,
    data: DataOption = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Everything that is known of one result."""
    rig = load_rig(config)
    store = _store(rig, data)
    found = [r for r in store.results(retired=True) if result_id in (r.id, r.kind)]
    if not found:
        raise ConfigError(f"rig '{rig.name}' has no calibration '{result_id}' in {store.folder}")
    result = found[-1]
    if as_json:
        print(json.dumps(result.to_dict()))
        return
    end = store.retirements().get(result.id)
    now = datetime.now(UTC)
    print(result.id)
    for quantity in result.quantities:
        print(f"  {quantity_text(quantity)}")
    print(f"made        {result.made:%Y-%m-%d %H:%M:%S} UTC by {result.program}")
    print(f"valid until {result.valid_until:%Y-%m-%d %H:%M:%S} UTC; {result.stale(now) or 'valid'}")
    print(f"method      {result.method}")
    for name, note in result.notes.items():
        print(f"  {name} = {note:.6g}" if isinstance(note, float) else f"  {name} = {note}")
    print(f"raw data    {store.raw(result.id)}")
    print(f"plot        {drawn_plot(store, result)}")
    if end is not None:
        print(f"retired     by {end.who}: {end.reason}")


@app.command()
def history(
    kind: Annotated[str, typer.Argument(metavar="NAME", help="Kind, such as axis-zero.")],
    config: ConfigOption,
    data: DataOption = Path("data"),
) -> None:
    """Every result of one kind, oldest first."""
    rig = load_rig(config)
    store = _store(rig, data)
    gone = store.retirements()
    found = [r for r in store.results(retired=True) if r.kind == kind]
    if not found:
        raise ConfigError(f"rig '{rig.name}' has no calibration of '{kind}' in {store.folder}")
    for result in found:
        print(f"{result.id}{_retired(result, gone)}")
        for quantity in result.quantities:
            print(f"  {quantity_text(quantity)}")


@app.command()
def retire(
    result_id: Annotated[str, typer.Argument(metavar="ID", help="Of the result.")],
    reason: Annotated[str, typer.Option(help="Why it shall not be used any more.")],
    config: ConfigOption,
    data: DataOption = Path("data"),
) -> None:
    """Use a result no more; it stays in the history. The next older one holds then."""
    rig = load_rig(config)
    endpoint = find_station(rig.name)
    if endpoint is not None:
        with StationClient(endpoint) as client:
            client.command("retire_calibration", id=result_id, reason=reason)
    else:
        lock = RigLock(rig.name, "retire")
        lock.acquire(time.time())
        try:
            _store(rig, data).retire(result_id, getpass.getuser(), reason)
        except KeyError:
            raise ConfigError(f"rig '{rig.name}': no calibration '{result_id}' is in use") from None
        finally:
            lock.release()
    print(f"retired {result_id}")


def _store(rig: RigConfig, data: Path) -> CalibrationStore:
    return CalibrationStore(rig.data_dir or data, rig.name, time.time, time.time)


def _retired(result: CalibrationResult, gone: dict) -> str:
    end = gone.get(result.id)
    return "" if end is None else f"  retired by {end.who}: {end.reason}"
