"""How results are shown: one JSON object, or tables for people."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.analysis.results import FitResult, Parameter
from atta_daq.archive.catalogue import Entry
from atta_daq.archive.parts import run_parts
from atta_daq.archive.report_rows import (
    MINUS,
    goodness_text,
    label_of,
    note_text,
    parameter_row,
    truth_rows,
)
from atta_daq.archive.run_folder import Run
from atta_daq.archive.truth import true_parameters

NOTE_WIDTH = 24
"""Columns that a note needs at least to be worth wrapping."""


def run_object(run: Run, fits: Mapping[str, FitResult]) -> dict[str, Any]:
    """`run`, `parameters` (name to value, error, unit), `truth` when simulated, `goodness`.

    Of several fits the names are prefixed: '85Kr.position_mhz'; a single fit's are not.
    """
    single = len(fits) == 1
    known = known_truth(run, fits)
    parameters: dict[str, Any] = {}
    goodness: dict[str, Any] = {}
    truth: dict[str, float] = {}
    for name, fit in fits.items():
        prefix = "" if single else f"{name}."
        for p in (*fit.parameters, *fit.derived):
            parameters[prefix + p.name] = {
                "value": _finite(p.value),
                "error": _finite(p.error),
                "unit": p.unit,
                "lower": p.lower,
                "upper": p.upper,
            }
        quality = fit.goodness
        goodness[name] = {
            "statistic": quality.statistic,
            "value": _finite(quality.value),
            "degrees_of_freedom": quality.degrees_of_freedom,
            "p_value": _finite(quality.p_value),
            "valid": fit.valid,
        }
        truth |= {prefix + key: value for key, value in known[name].items()}
    result: dict[str, Any] = {
        "run": run.run_id,
        "state": run.state.value,
        "folder": str(run.folder),
        "parameters": parameters,
        "goodness": next(iter(goodness.values())) if single else goodness,
    }
    if run.truth is not None:
        result["truth"] = truth
    return result


def print_fits(run: Run, fits: Mapping[str, FitResult], console: Console | None = None) -> None:
    """Fitted parameters, beside the truth where there is one; what a narrow terminal has no
    column for (meanings) stands below."""
    console = console or Console()
    known = known_truth(run, fits)
    meanings: list[str] = []
    for name, fit in fits.items():
        console.print(
            f"{name}: {fit.model[:1].upper()}{fit.model[1:]}",
            style="bold",
            markup=False,
            highlight=False,
        )
        tables = [
            _fit_table(fit, known[name], run.header.rate_unit, minos=minos, meaning=meaning)
            for minos, meaning in ((True, True), (True, False), (False, False))
        ]
        shown = next((t for t in tables if _width(console, t) <= console.width), tables[-1])
        console.print(shown)
        if shown is not tables[0]:
            meanings += [f"{label_of(p.name)}: {p.meaning}" for p in _all(fit) if p.meaning]
        _lines(console, [goodness_text(fit.goodness)], "")
        if not fit.valid:
            _lines(console, [f"NOT VALID: {fit.message}"], "")
        _lines(console, [_ascii(note_text(note, fit)) for note in fit.notes], "·")
        console.print()
    if meanings:
        console.print("Parameters", style="bold")
        _lines(console, list(dict.fromkeys(meanings)), "·")
    if fits:
        shown_truth = any(known.values())
        _lines(
            console,
            [
                "±: standard error; no error: held or assumed."
                + (" Pull: value less truth, in standard errors." if shown_truth else "")
            ],
            "",
        )


def print_runs(entries: Sequence[Entry], console: Console | None = None) -> None:
    """The catalogue, in its order, with as many columns as the terminal holds; the note wraps.

    A run id is never cut: it is what the other commands ask for, and it holds the isotopes.
    """
    console = console or Console()
    columns = ("state", "segments", "flagged", "origin")
    while len(columns) > 1 and _width(console, _runs_table(entries, columns)) > console.width:
        columns = columns[:-1]
    table = _runs_table(entries, columns)
    if _width(console, table) + NOTE_WIDTH <= console.width:
        table = _runs_table(entries, (*columns, "note"))
    console.print(table)


def known_truth(run: Run, fits: Mapping[str, FitResult]) -> dict[str, dict[str, float]]:
    """For each fit the true values that a simulated run knows; empty for a real one."""
    found: dict[str, dict[str, float]] = {name: {} for name in fits}
    if run.truth is not None:
        data = {part.name: part.data for part in run_parts(run)}
        for name, fit in fits.items():
            found[name] = true_parameters(run.truth, fit, data[name])
    return found


def _runs_table(entries: Sequence[Entry], columns: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("run", no_wrap=True, overflow="ignore")
    for column in columns:
        number = column in ("segments", "flagged")
        table.add_column(column, justify="right" if number else "left")
    for entry in entries:
        cells = [entry.run_id, *(str(getattr(entry, column)) for column in columns)]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _fit_table(
    fit: FitResult, truth: Mapping[str, float], rate_unit: str, *, minos: bool, meaning: bool
) -> Table:
    rows = {p.name: parameter_row(p, rate_unit) for p in _all(fit)}
    true = {row.name: row for row in truth_rows(fit, dict(truth))}
    minos = minos and any(row.interval for row in rows.values())
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("parameter")
    table.add_column("value ± error", justify="right", no_wrap=True)
    if minos:
        table.add_column("MINOS (68 %)", justify="right", no_wrap=True)
    table.add_column("unit")
    if truth:
        table.add_column("truth", justify="right")
        table.add_column("pull", justify="right")
    if meaning:
        table.add_column("meaning")
    for p in _all(fit):
        row = rows[p.name]
        cells = [row.name, row.value, *([row.interval] if minos else []), row.unit]
        if truth:
            beside = true.get(row.name)
            cells += [beside.true, beside.pull] if beside else ["", ""]
        if meaning:
            cells.append(p.meaning)
        table.add_row(*(Text(_ascii(cell)) for cell in cells))
    return table


def _all(fit: FitResult) -> tuple[Parameter, ...]:
    return (*fit.parameters, *fit.derived)


def _width(console: Console, table: Table) -> int:
    """Columns that the table takes with no cell wrapped."""
    wide = console.options.update(max_width=1000)
    return console.measure(table, options=wide).maximum


def _lines(console: Console, lines: Sequence[str], mark: str) -> None:
    """Paragraphs that wrap under themselves, behind a mark."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        grid.add_row(*([Text(f"  {mark}")] if mark else []), Text(line))
    if lines:
        console.print(grid)


def _ascii(text: str) -> str:
    """With a hyphen for the minus sign, which not every terminal's code page has."""
    return text.replace(MINUS, "-")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
