"""A table measured elsewhere becomes a run, to be fitted and reported like one's own.

A row becomes a segment at one moment, its middle: how long it took is its live time. Its 83Kr
loading rate, if any, becomes a bracket at that same moment, so that the interpolation gives back
exactly the row's own rate and error.
"""

from collections.abc import Callable
from pathlib import Path

from atta_daq import __version__
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.disk import write_whole
from atta_daq.archive.header import RunHeader, new_run_id
from atta_daq.archive.import_table import RARE, Row, Table, read_table
from atta_daq.archive.run_folder import Run, RunState, RunWriter, open_run

SOURCE = "source.csv"
"""Copy of the table in the run's folder."""


def import_csv(path: Path, data: Path, utc_now: Callable[[], float]) -> Run:
    """Make a complete run below `data` from the table at `path`.

    Raises `ImportProblem`, before anything is written, for a table that cannot be used.
    """
    table = read_table(path)
    utc_s = utc_now() if table.start_utc_s is None else table.start_utc_s
    isotopes = tuple(sorted({row.isotope for row in table.rows} - {0}))
    name = table.remarks.get("name") or path.stem
    header = RunHeader(
        run_id=new_run_id(isotopes or (0,), name, utc_s),
        scan_name=name,
        isotopes=isotopes,
        geometry=table.remarks.get("geometry", ""),
        axes=swept(table),
        metadata={
            key: table.remarks[key]
            for key in ("operator", "sample", "gas", "note", "source")
            if key in table.remarks
        },
        origin="imported",
        source=path.name,
        rate_unit=table.units.get("rate", "1/s"),
        loading_83_unit=table.units.get("loading_83", ""),
        program=f"atta-daq {__version__}",
    )
    writer = RunWriter.create(data, header, rig_now=lambda: utc_s, utc_now=utc_now)
    write_whole(writer.folder / SOURCE, path.read_bytes())
    for segment in table_segments(table, header.run_id, utc_s):
        writer.segment(segment)
    writer.close(RunState.COMPLETE, f"imported from {path.name}")
    return open_run(writer.folder)


def swept(table: Table) -> tuple[str, ...]:
    """What the table varies while the light is on, within an isotope."""
    found = []
    for axis in ("detuning_mhz", "power_mw", "sideband_frequency_mhz", "sideband_depth"):
        for isotope in {row.isotope for row in table.rows}:
            rows = [r for r in table.rows if r.isotope == isotope and r.pumping]
            if len({getattr(row, axis) for row in rows}) > 1:
                found.append(axis)
                break
    return tuple(found)


def table_segments(table: Table, run_id: str, start_s: float) -> list[Segment]:
    """The segments of a table, with a bracket beside each row that names its 83Kr rate.

    Rows of one isotope at the same setting of the light belong to one point. Without a time
    column, rows follow each other, each as long as its live time.
    """
    segments: list[Segment] = []
    points: dict[tuple, int] = {}
    elapsed = 0.0
    bracketed: set[float] = set()
    for block, row in enumerate(table.rows):
        length = row.live_s or 1.0
        moment = start_s + (elapsed + 0.5 * length if row.time_s is None else row.time_s)
        elapsed += length
        if row.loading_83 is not None and moment not in bracketed:
            bracketed.add(moment)
            segments.append(_bracket(row, run_id, block, len(segments), moment))
        point = None if row.isotope == 0 else points.setdefault(_place(row), len(points))
        segments.append(
            Segment(
                run_id=run_id,
                block=block,
                attempt=0,
                index=len(segments),
                kind=_kind(row.isotope),
                isotope=row.isotope,
                pumping=row.pumping,
                point=point,
                bracket=False,
                setting=Setting(
                    detuning_set_mhz=row.detuning_mhz,
                    detuning_mhz=row.detuning_mhz,
                    power_mw=row.power_mw,
                    sideband_frequency_mhz=row.sideband_frequency_mhz,
                    sideband_depth=row.sideband_depth,
                ),
                start_rig_s=moment,
                end_rig_s=moment,
                live_s=row.live_s or 0.0,
                counts=row.counts,
                efficiency=row.efficiency,
                efficiency_error=row.efficiency_error,
                rate=row.rate,
                rate_error=row.rate_error,
            )
        )
    return segments


def _bracket(row: Row, run_id: str, block: int, index: int, moment: float) -> Segment:
    return Segment(
        run_id=run_id,
        block=block,
        attempt=0,
        index=index,
        kind=SegmentKind.LOADING_83,
        isotope=83,
        pumping=False,
        point=None,
        bracket=True,
        setting=Setting(),
        start_rig_s=moment,
        end_rig_s=moment,
        live_s=0.0,
        rate=row.loading_83,
        rate_error=row.loading_83_error,
    )


def _place(row: Row) -> tuple:
    return (
        row.isotope,
        row.detuning_mhz,
        row.power_mw,
        row.sideband_frequency_mhz,
        row.sideband_depth,
    )


def _kind(isotope: int) -> SegmentKind:
    if isotope == 0:
        return SegmentKind.BLANK
    if isotope in RARE:
        return SegmentKind.RARE
    return SegmentKind.LOADING_83 if isotope == 83 else SegmentKind.LOADING_84
