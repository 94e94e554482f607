"""The source's drift from the brackets of runs that were taken: no rig is needed for it."""

from collections.abc import Sequence
from pathlib import Path

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.run_folder import open_run
from atta_daq.rig.bench import Finding
from atta_daq.rig.calibrate_source import finding, series_of

KIND = "source-drift"


def source_drift_of_runs(data: Path, names: Sequence[str]) -> Finding:
    """From the dark brackets of these runs (their names, the start of one, or 'last').

    Raises ValueError for an imported run or too few brackets, ArchiveError for a run that cannot
    be read.
    """
    catalogue = Catalogue(data)
    try:
        runs = {folder: open_run(folder) for folder in map(catalogue.resolve, names)}
    finally:
        catalogue.close()
    for run in runs.values():
        if run.header.origin == "imported":
            raise ValueError(f"{run.run_id} was imported: its brackets have no times")
    series = series_of([run.segments for run in runs.values()])
    return finding(series, "brackets of " + ", ".join(run.run_id for run in runs.values()))
