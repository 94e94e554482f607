"""Answers about runs on disk, as the commands `runs` and `run_*` give them.

Functions of plain arguments: they are computed outside the station's process. All raise
`ArchiveError` for a run that is not there or cannot be read.
"""

import base64
from dataclasses import asdict
from pathlib import Path
from typing import Any

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import open_chain
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.export import FORMATS, export
from atta_daq.archive.parts import run_parts, scan_of
from atta_daq.archive.report import build_report
from atta_daq.archive.run_folder import Run, RunState
from atta_daq.client.runs import RunInfo
from atta_daq.scans.selection import part_name
from atta_daq.station.points import points_of
from atta_daq.station.run_display import table_row

REPORT = "report.html"


def list_runs(data: Path, search: str, limit: int) -> dict[str, Any]:
    """The runs whose name, sample, operator or note holds `search`, newest first."""
    return {
        "runs": [
            {
                "run_id": entry.run_id,
                "name": entry.scan_name,
                "isotopes": [int(word.rstrip("Kr")) for word in entry.isotopes.split(", ") if word],
                "state": entry.state.value,
                "started_utc_s": entry.start_utc_s,
                # A run under way has no end yet; its newest document is that of this look only.
                "duration_s": None
                if entry.state is RunState.RUNNING
                else entry.end_utc_s - entry.start_utc_s,
                "sample": entry.sample,
                "note": entry.note,
                "geometry": entry.geometry,
            }
            for entry in Catalogue(data).runs(search)[:limit]
        ]
    }


def run_data(data: Path, name: str) -> dict[str, Any]:
    """What the run is about, its normalised points, last fits and segments."""
    run = _open(data, name)
    running = run.state is RunState.RUNNING
    axes = _axes(run)
    parts = [
        points_of(part.name, axes.get(part.name, run.header.axes), part.data, running=running)
        for part in run_parts(run)
    ]
    return {
        "info": asdict(_info(run)),
        "points": [asdict(part) for part in parts],
        "fits": {name: fit.to_dict() for name, fit in run.fits.items()},
        "rows": [table_row(segment) for segment in run.segments],
    }


def run_scan(data: Path, name: str) -> dict[str, str]:
    """The scan file of the run."""
    run = _open(data, name)
    if not run.scan_toml:
        raise ArchiveError(f"run {run.run_id} was imported and has no scan file")
    return {"scan": run.scan_toml}


def run_report(data: Path, name: str) -> dict[str, str]:
    """The report, one self-contained HTML file; made anew for a run that goes on."""
    run = _open(data, name)
    path = run.folder / REPORT
    if run.state is RunState.RUNNING or not path.exists():
        if not run.segments:
            raise ArchiveError(f"run {run.run_id} has no segment yet: nothing to report")
        path = build_report(run)
    return {"name": f"{run.run_id}.html", "html": path.read_text(encoding="utf-8")}


def run_export(data: Path, name: str, form: str) -> dict[str, object]:
    """The files of one format, base64 by file name, and in words what they lack. Raises ValueError
    for another format."""
    for known in FORMATS:
        if form == known:
            made = export(_open(data, name), known)
            files = {p.name: base64.b64encode(p.read_bytes()).decode() for p in made.paths}
            return {"files": files, "lacking": made.lacking}
    raise ValueError(f"format '{form}' is not known; one of {', '.join(FORMATS)}")


def _open(data: Path, name: str) -> Run:
    return open_chain(Catalogue(data).resolve(name))


def _info(run: Run) -> RunInfo:
    header, stop = run.header, run.stop
    return RunInfo(
        run_id=run.run_id,
        scan=run.scan_toml,
        name=header.scan_name,
        geometry=header.geometry,
        started_utc_s=run.start.utc_s,
        state=run.state.value,
        outcome=str(stop.body.get("reason", "")) if stop else "",
        sample=header.metadata.get("sample", ""),
        note=header.metadata.get("note", ""),
        operator=header.metadata.get("operator", ""),
        notes=tuple(note.text for note in run.notes),
    )


def _axes(run: Run) -> dict[str, tuple[str, ...]]:
    """Swept quantities of each part; empty for an imported run."""
    scan = scan_of(run)
    if scan is None:
        return {}
    return {
        part_name(scan, number): tuple(axis.quantity for axis in part.axes)
        for number, part in enumerate(scan.parts)
    }
