"""A table measured elsewhere, read and checked row by row. See docs/reference/import-format.md."""

import csv
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from atta_daq.archive.errors import ImportProblem
from atta_daq.archive.import_columns import Column, read_header

ISOTOPES = (0, 81, 83, 84, 85)
RARE = (81, 85)
GEOMETRIES = ("co", "counter")
_REMARK = re.compile(r"^#\s*(?P<key>[a-z]+)\s*:\s*(?P<value>.*?)\s*$")
_REMARKS = ("name", "geometry", "date", "source", "operator", "sample", "gas", "note")
_PUMPING = {
    **dict.fromkeys(("on", "yes", "true", "1"), True),
    **dict.fromkeys(("off", "no", "false", "0"), False),
}


@dataclass(frozen=True)
class Row:
    """One measurement. What the table left out is None."""

    line: int
    isotope: int
    pumping: bool
    detuning_mhz: float | None = None
    power_mw: float | None = None
    sideband_frequency_mhz: float = 0.0
    sideband_depth: float = 0.0
    time_s: float | None = None
    counts: int | None = None
    live_s: float | None = None
    efficiency: float | None = None
    efficiency_error: float | None = None
    loading_83: float | None = None
    loading_83_error: float | None = None
    rate: float | None = None
    rate_error: float | None = None


@dataclass(frozen=True)
class Table:
    """A whole file."""

    path: Path
    remarks: dict[str, str]
    """From the lines `# key: value`."""
    start_utc_s: float | None
    """From `# date:`."""
    units: dict[str, str]
    """Unit of each column."""
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """Read and check a table. Raises `ImportProblem` with file, line and column."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ImportProblem(path, 1, "", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ImportProblem(path, 1, "", f"not UTF-8 text ({error.reason})") from error
    remarks: dict[str, str] = {}
    start: float | None = None
    columns: tuple[Column, ...] = ()
    rows: list[Row] = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        if text.startswith("#"):
            remark = _REMARK.match(text)
            if remark and remark["key"] in _REMARKS:
                remarks[remark["key"]] = remark["value"]
                start = _date(remark["value"], path, number) if remark["key"] == "date" else start
                if remark["key"] == "geometry" and remark["value"] not in GEOMETRIES:
                    raise ImportProblem(path, number, "geometry", "must be 'co' or 'counter'")
            continue
        (cells,) = csv.reader([text], skipinitialspace=True)
        cells = [cell.strip() for cell in cells]
        if not columns:
            columns = read_header(cells, path, number)
        elif len(cells) != len(columns):
            raise ImportProblem(
                path, number, "", f"{len(cells)} cells where the header has {len(columns)} columns"
            )
        else:
            rows.append(_row(dict(zip(columns, cells, strict=True)), path, number))
    if not columns:
        raise ImportProblem(path, max(len(lines), 1), "", "no header line found")
    if not rows:
        raise ImportProblem(path, len(lines), "", "no measurement after the header")
    _check_together(rows, path)
    return Table(path, remarks, start, {c.name: c.unit for c in columns}, tuple(rows))


def _row(cells: dict[Column, str], path: Path, line: int) -> Row:
    texts = {column.name: text for column, text in cells.items()}
    pumping = _PUMPING.get(texts["pumping"].lower())
    if pumping is None:
        raise ImportProblem(path, line, "pumping", f"'{texts['pumping']}': must be on or off")
    values = {
        column.name: column.number(text, path, line)
        for column, text in cells.items()
        if column.name != "pumping"
    }
    isotope = values["isotope"]
    if isotope not in ISOTOPES:
        known = ", ".join(str(i) for i in ISOTOPES)
        raise ImportProblem(path, line, "isotope", f"'{texts['isotope']}': must be one of {known}")
    counts = values.get("counts")
    if counts is not None and counts != int(counts):
        raise ImportProblem(path, line, "counts", f"'{texts['counts']}' is not a whole number")
    row = Row(
        line=line,
        isotope=int(isotope),
        pumping=pumping,
        detuning_mhz=values.get("detuning"),
        power_mw=values.get("power"),
        sideband_frequency_mhz=values.get("sideband_frequency") or 0.0,
        sideband_depth=values.get("sideband_depth") or 0.0,
        time_s=values.get("time"),
        counts=None if counts is None else int(counts),
        live_s=values.get("live"),
        efficiency=values.get("efficiency"),
        efficiency_error=values.get("efficiency_error"),
        loading_83=values.get("loading_83"),
        loading_83_error=values.get("loading_83_error"),
        rate=values.get("rate"),
        rate_error=values.get("rate_error"),
    )
    _check_row(row, path)
    return row


def _check_row(row: Row, path: Path) -> None:
    def refuse(column: str, problem: str) -> None:
        raise ImportProblem(path, row.line, column, problem)

    if (row.counts is None) == (row.rate is None):
        refuse("counts", "a row has either counts or a rate")
    if row.counts is not None and row.live_s is None:
        refuse("live", "empty; counts need the time that counted")
    if row.rate is not None and row.rate_error is None:
        refuse("rate_error", "empty; a rate needs its error")
    if row.counts is not None and row.isotope not in (0, *RARE):
        refuse("counts", f"{row.isotope}Kr is measured by its loading rate: fill 'rate'")
    if row.rate is not None and row.isotope == 0:
        refuse("rate", "a blank has counts")
    if row.efficiency is not None and row.efficiency > 1.0:
        refuse("efficiency", f"{row.efficiency:g}: at most 1")
    if (row.loading_83 is None) != (row.loading_83_error is None):
        refuse("loading_83_error", "value and error go together")


def _check_together(rows: list[Row], path: Path) -> None:
    counted: dict[int, bool] = {}
    for row in rows:
        if counted.setdefault(row.isotope, row.counts is not None) != (row.counts is not None):
            raise ImportProblem(
                path,
                row.line,
                "counts",
                f"{row.isotope}Kr has counts in one row, a rate in another",
            )
    signal = [row for row in rows if row.isotope != 0]
    timed = [row.time_s is not None for row in rows]
    if any(timed) and not all(timed):
        raise ImportProblem(path, rows[timed.index(False)].line, "time", "empty; others have one")
    normalised = [row.loading_83 is not None for row in signal]
    if any(normalised) and not all(normalised) and not any(timed):
        raise ImportProblem(
            path,
            signal[normalised.index(False)].line,
            "loading_83",
            "empty; give it in every row, or a 'time [s]' to interpolate by",
        )
    seen: dict[float, Row] = {}
    for row in rows:
        if row.time_s is None or row.loading_83 is None:
            continue
        other = seen.setdefault(row.time_s, row)
        if other.loading_83 != row.loading_83:
            raise ImportProblem(
                path, row.line, "loading_83", f"differs from line {other.line}, at the same time"
            )


def _date(text: str, path: Path, line: int) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ImportProblem(
            path, line, "date", f"'{text}': write it as 2026-11-22 or 2026-11-22T08:30:00+00:00"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
