"""Runs for other programs: tables as CSV, everything as one NeXus file."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from atta_daq.analysis.records import Segment
from atta_daq.archive.disk import write_whole
from atta_daq.archive.nexus import Exported, export_nexus
from atta_daq.archive.origins import Origin, origins
from atta_daq.archive.parts import run_parts
from atta_daq.archive.run_folder import Run

Format = Literal["csv", "nexus"]
FORMATS: tuple[Format, ...] = ("csv", "nexus")


def export(run: Run, form: Format) -> Exported:
    """Write the files of one format into the run's folder.

    'csv': segments.csv (everything taken, flagged or not) and points.csv (normalised). 'nexus':
    run.nxs, which links to the frames. Raises ValueError for another format.
    """
    if form == "csv":
        return Exported((export_segments(run), export_points(run)))
    if form == "nexus":
        return export_nexus(run)
    raise ValueError(f"format '{form}' is not known; one of {', '.join(FORMATS)}")


def export_segments(run: Run) -> Path:
    """One line a segment, in the order taken. A chain numbers them through: `run_id` and
    `index_in_run` lead to the journal and the frames of the run that took each."""
    causes = sorted({cause for s in run.segments for cause in s.dead_s})
    header = [
        "index",
        "run_id",
        "index_in_run",
        "block",
        "attempt",
        "kind",
        "isotope",
        "pumping",
        "bracket",
        "point",
        "start [UTC]",
        "start [rig s]",
        "end [rig s]",
        "live [s]",
        *(f"dead: {cause} [s]" for cause in causes),
        "detuning set [MHz]",
        "detuning [MHz]",
        "power [mW]",
        "sideband_frequency [MHz]",
        "sideband_depth",
        "counts",
        "efficiency",
        "efficiency_error",
        "exposures",
        "frames_lost",
        f"rate [{run.header.rate_unit}]",
        f"rate_error [{run.header.rate_unit}]",
        "flag",
    ]
    rows = (
        _segment_row(segment, origin, causes)
        for segment, origin in zip(run.segments, origins(run), strict=True)
    )
    return _write(run.folder / "segments.csv", run, header, rows)


def _segment_row(s: Segment, origin: Origin, causes: Sequence[str]) -> list[object]:
    return [
        s.index,
        origin.run_id,
        origin.index,
        s.block,
        s.attempt,
        s.kind.value,
        s.isotope,
        _on(s.pumping),
        int(s.bracket),
        s.point,
        datetime.fromtimestamp(s.start_rig_s, UTC).isoformat(timespec="milliseconds"),
        s.start_rig_s,
        s.end_rig_s,
        s.live_s,
        *(s.dead_s.get(cause, 0.0) for cause in causes),
        s.setting.detuning_set_mhz,
        s.setting.detuning_mhz,
        s.setting.power_mw,
        s.setting.sideband_frequency_mhz,
        s.setting.sideband_depth,
        s.counts,
        s.efficiency,
        s.efficiency_error,
        s.exposures,
        s.frames_lost,
        s.rate,
        s.rate_error,
        s.flag,
    ]


def export_points(run: Run) -> Path:
    """One line a normalised point: what the fits stand on, blanks subtracted."""
    header = [
        "part",
        "isotope",
        "point",
        "pumping",
        "detuning [MHz]",
        "power [mW]",
        "sideband_frequency [MHz]",
        "sideband_depth",
        "middle [rig s]",
        "counts",
        "live [s]",
        "relative 83Kr rate",
        "relative 83Kr rate_error",
        "normalised rate",
        "normalised rate_error",
        "unit of the rate",
        "segments",
    ]
    rows = (
        [
            part.name,
            part.isotope,
            point.index,
            _on(point.pumping),
            point.setting.detuning_mhz,
            point.setting.power_mw,
            point.setting.sideband_frequency_mhz,
            point.setting.sideband_depth,
            point.mid_rig_s,
            point.counts,
            point.live_s,
            point.normaliser,
            point.normaliser * point.normaliser_error,
            point.ratio,
            point.error,
            part.data.unit,
            " ".join(str(index) for index in point.segments),
        ]
        for part in run_parts(run)
        for point in part.data.points
    )
    return _write(run.folder / "points.csv", run, header, rows)


def _on(pumping: bool) -> str:
    return "on" if pumping else "off"


def _write(path: Path, run: Run, header: list[str], rows: Iterable[list[object]]) -> Path:
    text = io.StringIO()
    text.write(f"# run: {run.run_id}\n# state: {run.state}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return write_whole(path, text.getvalue())
