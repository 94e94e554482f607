"""`history`: what the readings were, and which alarms there were, from the disk."""

import csv
import json
import math
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.archive.history_folder import (
    FOLDER,
    HistoryFolder,
    day_files,
    history_folder,
    total_bytes,
)
from atta_daq.archive.history_records import SPREAD, Past
from atta_daq.archive.plot_history import plot_history
from atta_daq.cli.arguments import require_folder
from atta_daq.cli.moments import moment
from atta_daq.cli.options import DataOption
from atta_daq.rig.errors import ConfigError

SINCE = "2h"
SECONDS_UP_TO_S = 6 * 3600.0
"""Of a longer stretch the minutes are shown, unless seconds are asked for."""


class Every(StrEnum):
    """Resolution."""

    AUTO = "auto"
    SECOND = "second"
    MINUTE = "minute"


def history(
    readings: Annotated[
        list[str] | None,
        typer.Argument(help="Names, such as lock:rms; without any: what is recorded."),
    ] = None,
    since: Annotated[
        str, typer.Option(help="UTC, such as 2026-11-28T21:30, or how long ago: 90min, 12h, 3d.")
    ] = SINCE,
    until: Annotated[str, typer.Option(help="The same; without it, now.", show_default=False)] = "",
    every: Annotated[
        Every, typer.Option(help="auto: seconds up to 6 h, minutes of longer stretches.")
    ] = Every.AUTO,
    alarms: Annotated[bool, typer.Option("--alarms", help="Alarms instead of readings.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the readings into this .svg, .png or .pdf.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    rig: Annotated[str, typer.Option(help="Whose history, if the folder has several.")] = "",
    data: DataOption = Path("data"),
) -> None:
    """Readings at 1 Hz, their minutes, and alarms, as the station has kept them on disk."""
    require_folder(data)
    if as_csv and as_json:
        raise ConfigError("give either --csv or --json")
    folder = _folder(data, rig)
    start_s, end_s = moment(since, time.time), moment(until or "0s", time.time)
    if start_s >= end_s:
        raise ConfigError(f"--since {since} is not before --until {until or 'now'}")
    store = HistoryFolder(folder)
    if alarms:
        _show_alarms(store.alarms(start_s, end_s), as_csv=as_csv, as_json=as_json)
        return
    if not readings:
        _show_recorded(store, as_json=as_json)
        return
    seconds = every is Every.SECOND or (every is Every.AUTO and end_s - start_s <= SECONDS_UP_TO_S)
    try:
        past = (store.seconds if seconds else store.minutes)(readings, start_s, end_s)
    except KeyError as error:
        raise ConfigError(
            f"{error.args[0]} is not recorded; `atta-daq history` lists what is"
        ) from None
    _warn(past)
    if plot is not None:
        try:
            print(plot_history(past, plot), file=sys.stderr)
        except ValueError as error:
            raise ConfigError(str(error)) from None
    if as_csv:
        _write_csv(past)
    elif as_json:
        print(json.dumps(_object(past)))
    elif plot is None:
        _show(past)


def _folder(data: Path, rig: str) -> Path:
    rigs = sorted(path.name for path in (data / FOLDER).glob("*") if day_files(path))
    if not rigs or (rig and rig not in rigs):
        whose = f" of rig '{rig}'" if rig else ""
        has = f"; there is one of {', '.join(rigs)}" if rigs else ""
        raise ConfigError(f"{data}: no history{whose}{has}. A station writes it")
    if not rig and len(rigs) > 1:
        raise ConfigError(f"{data} holds the history of {', '.join(rigs)}: choose with --rig")
    return history_folder(data, rig or rigs[0])


def _utc(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _warn(past: Past) -> None:
    for name, reason in past.unreadable.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)


def _show_alarms(past: Past, *, as_csv: bool, as_json: bool) -> None:
    _warn(past)
    if as_json:
        print(json.dumps([vars(event) for event in past.alarms]))
        return
    names = ("utc", "rig_s", "event", "severity", "id", "source", "text")
    rows = [(_utc(e.utc_s), *(getattr(e, name) for name in names[1:])) for e in past.alarms]
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([names, *rows])
        return
    table = Table("utc", "event", "severity", "id", "text", box=SIMPLE_HEAD)
    for utc, _, event, severity, id_, _, text in rows:
        table.add_row(*(Text(cell) for cell in (utc, event, severity, id_, text)))
    Console().print(table)


def _show_recorded(store: HistoryFolder, *, as_json: bool) -> None:
    columns = store.columns()
    files = day_files(store.folder)
    if as_json:
        print(json.dumps([vars(column) for column in columns]))
        return
    table = Table("reading", "unit", "meaning", box=SIMPLE_HEAD)
    for column in columns:
        table.add_row(*(Text(cell) for cell in (column.name, column.unit, column.meaning)))
    console = Console()
    console.print(table)
    console.print(
        f"{len(files)} days, {files[0].date} to {files[-1].date}, "
        f"{total_bytes(store.folder) / 1e6:.1f} MB in {store.folder}",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _write_csv(past: Past) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = [column.name for column in past.columns]
    if past.minutes is not None:
        minutes = past.minutes
        writer.writerow(
            ["utc", "rig_s", "samples", *(f"{name} {which}" for name in names for which in SPREAD)]
        )
        rows = minutes.values.reshape(len(minutes), -1)
        for utc_s, rig_s, count, row in zip(
            minutes.utc_s, minutes.rig_s, minutes.samples, rows, strict=True
        ):
            writer.writerow([_utc(utc_s), f"{rig_s:.3f}", count, *map(_cell, row)])
    elif past.seconds is not None:
        writer.writerow(["utc", "rig_s", *names])
        for utc_s, rig_s, row in zip(
            past.seconds.utc_s, past.seconds.rig_s, past.seconds.values, strict=True
        ):
            writer.writerow([_utc(utc_s), f"{rig_s:.3f}", *map(_cell, row)])


def _cell(value: np.float32) -> str:
    """Seven digits: what is stored. Empty where the reading was stale."""
    return f"{value:.7g}" if math.isfinite(value) else ""


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.7g}") if math.isfinite(v) else None for v in values.tolist()]


def _object(past: Past) -> dict[str, Any]:
    shown: dict[str, Any] = {"units": {column.name: column.unit for column in past.columns}}
    if past.minutes is not None:
        minutes = past.minutes
        shown |= {"utc_s": minutes.utc_s.tolist(), "rig_s": minutes.rig_s.tolist(),
                  "samples": minutes.samples.tolist()}  # fmt: skip
        shown["values"] = {
            column.name: {
                which: _plain(minutes.of(column.name)[:, place])
                for place, which in enumerate(SPREAD)
            }
            for column in past.columns
        }
    elif past.seconds is not None:
        shown |= {"utc_s": past.seconds.utc_s.tolist(), "rig_s": past.seconds.rig_s.tolist()}
        shown["values"] = {c.name: _plain(past.seconds.of(c.name)) for c in past.columns}
    return shown


def _show(past: Past) -> None:
    """A line a reading: what a glance wants to know of the stretch."""
    table = Table(box=SIMPLE_HEAD)
    for name in ("reading", "least", "mean", "greatest", "last", "unit"):
        table.add_column(name, justify="left" if name in ("reading", "unit") else "right")
    for column in past.columns:
        numbers = _summary(past, column.name)
        cells = [column.name, *(f"{n:.6g}" if math.isfinite(n) else "-" for n in numbers)]
        table.add_row(*(Text(cell) for cell in (*cells, column.unit)))
    console = Console()
    console.print(table)
    part: Any = past.minutes if past.minutes is not None else past.seconds
    what = "minutes" if past.minutes is not None else "seconds"
    said = f"{len(part)} {what}"
    if len(part):
        said += f", {_utc(part.utc_s[0])} to {_utc(part.utc_s[-1])}"
    console.print(said, markup=False, highlight=False)


def _summary(past: Past, name: str) -> Sequence[float]:
    """Least, mean, greatest and last value; nan where there was none."""
    if past.minutes is not None:
        spread = past.minutes.of(name).astype(float)
        least, mean, greatest = spread[:, 0], spread[:, 1], spread[:, 2]
        weight = past.minutes.samples.astype(float)
    elif past.seconds is not None:
        least = mean = greatest = past.seconds.of(name).astype(float)
        weight = np.ones(len(mean))
    else:
        return (math.nan,) * 4
    good = ~np.isnan(mean)
    if not good.any():
        return (math.nan,) * 4
    return (
        float(least[good].min()), float(np.average(mean[good], weights=weight[good])),
        float(greatest[good].max()), float(mean[good][-1]),
    )  # fmt: skip
