"""Scale and width from another run, as a scan's `fit_width_from` asks."""

from pathlib import Path

from atta_daq.analysis.prior import Prior
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.run_folder import open_run
from atta_daq.scans.definition import ScanDefinition


def prior_from_run(definition: ScanDefinition, data: Path, run_id: str = "") -> Prior | None:
    """The 83Kr (else 84Kr) fit of the named run as a prior; None when the scan names none.

    `run_id`: the run that asks, or the first of its chain, if it has begun: for it 'last' is the
    run before.

    Raises `archive.errors.UnknownRun` with the nearest names, or ValueError when that run has no
    such fit.
    """
    if definition.fit_width_from is None:
        return None
    run = open_run(Catalogue(data).resolve(definition.fit_width_from, before=run_id))
    for name in ("83Kr", "84Kr"):
        if name in run.fits:
            return Prior.from_fit(run.fits[name], source=run.run_id)
    raise ValueError(
        f"fit_width_from: run {run.run_id} has no 83Kr or 84Kr spectrum fit; "
        f"it has {', '.join(run.fits) or 'none'}"
    )
