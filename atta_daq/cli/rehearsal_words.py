"""What a rehearsal found, for people and as one JSON object."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.analysis.results import Parameter
from atta_daq.archive.report_rows import duration, parameter_row
from atta_daq.archive.run_folder import Run
from atta_daq.cli.rehearsal import Rehearsed
from atta_daq.scans.blocks import Target
from atta_daq.station.check_scan import FORECAST_POINTS
from atta_daq.station.worth import LEAST_WORTH, PointWorth


def rehearsal_object(done: Sequence[Rehearsed]) -> dict[str, Any]:
    """One entry a scan, and the sums, of duration and volume with all repeats."""
    entries = [_entry(item) for item in done]
    duration_s, archive_bytes = _night(done)
    return {
        "scans": entries,
        "duration_s": duration_s,
        "archive_bytes": archive_bytes,
        **{key: sum(entry[key] for entry in entries) for key in ("frames_lost", "wall_s")},
    }


def _night(done: Sequence[Rehearsed]) -> tuple[float, int]:
    """Rig time (s) and bytes of all scans, each as often as it is taken."""
    return (
        sum(item.scan.times * item.forecast["duration_s"] for item in done),
        sum(item.scan.times * item.forecast["archive_bytes"] for item in done),
    )


def _entry(item: Rehearsed) -> dict[str, Any]:
    parts = [
        {
            **part,
            "counts": item.counts(part["isotope"]),
            "rehearsed": _fitted(item.run, part["name"]),
            "worth": [
                worth.worth if math.isfinite(worth.worth) else None
                for worth in item.worths
                if worth.part == part["name"]
            ],
        }
        for part in item.forecast["parts"]
    ]
    return {
        "scan": item.scan.name,
        "times": item.scan.times,
        "waits": item.scan.waits,
        "duration_s": item.forecast["duration_s"],
        "archive_bytes": item.forecast["archive_bytes"],
        "rehearsed_bytes": item.volume_bytes,
        "parts": parts,
        "state": item.run.state.value,
        "frames_lost": item.frames_lost,
        "flagged": item.flagged,
        "warnings": warnings(item),
        "wall_s": round(item.wall_s, 1),
    }


def print_rehearsal(done: Sequence[Rehearsed], console: Console | None = None) -> None:
    """Scan by scan, then the whole."""
    console = console or Console()
    for item in done:
        _print_scan(item, console)
    total_s, total_bytes = _night(done)
    taken = sum(item.scan.times for item in done)
    wall_s = sum(item.wall_s for item in done)
    lost = sum(item.frames_lost for item in done)
    _say(
        console,
        f"{taken} scan{'s' * (taken > 1)}: {duration(total_s)} on the rig, "
        f"{_volume(total_bytes)}; rehearsed in {duration(wall_s)}, "
        f"{lost or 'no'} frame{'' if lost == 1 else 's'} lost",
    )


def warnings(item: Rehearsed) -> list[str]:
    """What an operator should look at before the scan is taken."""
    said = []
    if item.run.state.value != "complete":
        stop = item.run.stop
        reason = stop.body.get("reason", "") if stop else ""
        said.append(f"the rehearsal ended {item.run.state.value}: {reason}")
    if item.frames_lost:
        said.append(f"{item.frames_lost} frames lost: rehearse it more slowly, with --speed")
    for flag, times in Counter(item.flagged).items():
        said.append(f"{times} segment{'s' * (times > 1)} not used: {flag}")
    points = sum(part["points"] for part in item.forecast["parts"])
    if points > FORECAST_POINTS:
        said.append(
            f"which of its {points} points add nothing is not worked out: that is done for at most "
            f"{FORECAST_POINTS}"
        )
    for part in item.forecast["parts"]:
        useless = [w for w in item.worths if w.part == part["name"] and w.worth < LEAST_WORTH]
        if useless:
            verb = "adds" if len(useless) == 1 else "add"
            said.append(
                f"{part['name']}: {len(useless)} of {part['points']} points {verb} nothing to any "
                f"fitted parameter: {', '.join(_place(w) for w in useless)}"
            )
    return said


def _print_scan(item: Rehearsed, console: Console) -> None:
    forecast = item.forecast
    times = f", {item.scan.times} times" if item.scan.times > 1 else ""
    console.print(f"{item.scan.name}: {forecast['name']}{times}", style="bold", markup=False,
                  highlight=False)  # fmt: skip
    _say(
        console,
        f"  {duration(forecast['duration_s'])} on the rig, {forecast['segments']} segments in "
        f"{forecast['blocks']} blocks, {_volume(forecast['archive_bytes'])} "
        f"(rehearsed: {_volume(item.volume_bytes)})",
    )
    if item.scan.waits:
        _say(console, f"  the queue waits for: {item.scan.waits} (not rehearsed)")
    for part in forecast["parts"]:
        counted = item.counts(part["isotope"])
        atoms = f", {counted} atoms counted" if counted else ""
        _say(console, f"  {part['name']}: {part['points']} points{atoms}; {part['note']}")
        if part["errors"]:
            console.print(_table(part, item.run))
    for text in warnings(item):
        _say(console, f"  ! {text}")
    console.print()


def _table(part: dict[str, Any], run: Run) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 2))
    table.add_column("parameter")
    table.add_column("expected ± error", justify="right", no_wrap=True)
    table.add_column("as rehearsed", justify="right", no_wrap=True)
    table.add_column("unit")
    fit = run.fits.get(part["name"])
    found = {p.name: p for p in fit.parameters} if fit is not None else {}
    for name, entry in part["errors"].items():
        row = parameter_row(Parameter(name, entry["value"], entry["error"], entry["unit"]))
        rehearsed = found.get(name)
        shown = parameter_row(rehearsed).value if rehearsed is not None else ""
        cells = (row.name, row.value, shown, row.unit)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _fitted(run: Run, name: str) -> dict[str, Any]:
    fit = run.fits.get(name)
    return {
        p.name: {"value": p.value, "error": p.error, "unit": p.unit}
        for p in (fit.parameters if fit is not None else ())
        if math.isfinite(p.value) and math.isfinite(p.error)
    }


def _place(worth: PointWorth) -> str:
    """Where a point stands, by what the scan gives it."""
    target: Target = worth.target
    known = {
        "MHz": target.detuning_mhz,
        "mW": target.power_mw,
        "MHz between sidebands": target.sideband_frequency_mhz or None,
        "of depth": target.sideband_depth or None,
    }
    words = [f"{value:g} {unit}" for unit, value in known.items() if value is not None]
    return " at ".join(words) or f"point {worth.point + 1}"


def _volume(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _say(console: Console, text: str) -> None:
    console.print(Text(text))
