"""What is made of a run when it has ended: final fits, NeXus file, report."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from atta_daq.analysis.drift_spectrum import BRACKET_NOISE, SOURCE_DRIFT, SOURCE_WALK
from atta_daq.analysis.results import FitResult
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import open_chain
from atta_daq.archive.gaps import missing_notes
from atta_daq.archive.nexus import FILE as NEXUS
from atta_daq.archive.nexus import export_nexus
from atta_daq.archive.report import FILE, build_report
from atta_daq.archive.run_folder import Run, RunState
from atta_daq.rig.calibrations import SourceCalibration
from atta_daq.rig.config import RigConfig, stored_rig_config
from atta_daq.scans.definition import ScanDefinition, parse_scan
from atta_daq.station.fitting import FitRequest, fit_all
from atta_daq.station.prior import prior_from_run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finished:
    """What was made of a run that has ended, in a process whose log nobody reads."""

    run_id: str
    fits: dict[str, FitResult]
    lacking: tuple[str, ...]
    """In words, for the station's log: what could not be made, and why."""


def finish_run(folder: Path, request: FitRequest | None) -> Finished:
    """Final fits with MINOS intervals, NeXus file and report of an ended run, or of the chain that
    it ends."""
    run = open_chain(folder)
    unfitted: dict[str, str] = {}
    fits = refit(run, request or request_of(run), unfitted)
    lacking = [f"{name} is not fitted: {why}" for name, why in unfitted.items()]
    if run.segments:
        try:
            lacking += export_nexus(run).lacking
        except Exception as error:  # whatever it is, the report of the measurement is not lost
            log.exception("%s", folder / NEXUS)
            lacking.append(f"{folder / NEXUS} is not made: {error}")
        build_report(open_chain(folder))
    return Finished(run.run_id, fits, tuple(lacking))


def left_unfinished(catalogue: Catalogue, rig: str) -> Path | None:
    """The youngest run of this rig, or of none that is known, if it ended but its station did not
    live to make its report."""
    mine = [entry for entry in catalogue.runs() if entry.measured_by(rig)]
    for entry in mine[:1]:
        folder = catalogue.data / entry.run_id
        ended = entry.state in (RunState.COMPLETE, RunState.GAPS, RunState.ABORTED)
        if ended and entry.segments and not (folder / FILE).exists():
            return folder
    return None


def finish_late(folder: Path) -> str:
    """Finish a run whose station was killed too early for it; returns what to say of it."""
    lacking = finish_run(folder, None).lacking
    said = f"the report of run {folder.name} was missing, as its station had died; it is made now"
    return "; ".join((said, *lacking))


def refit(
    run: Run, request: FitRequest, unusable: dict[str, str] | None = None
) -> dict[str, FitResult]:
    """Fit a run anew with MINOS intervals and store the result in its folder; `unusable` as in
    `fit_all`."""
    fits = fit_all(run.segments, request, minos=True, unusable=unusable)
    return keep_fits(run, fits)


def keep_fits(run: Run, fits: Mapping[str, FitResult]) -> dict[str, FitResult]:
    """Store fits of an ended run in its folder; each says what the run does not hold."""
    missing = missing_notes(run)
    told = {
        name: replace(fit, notes=(*fit.notes, *missing.get(name, ()))) for name, fit in fits.items()
    }
    run.save_fits(told)
    return told


def request_of(run: Run, *, free_width: bool = False) -> FitRequest:
    """How a run on disk asks to be fitted: by its own scan and rig files."""
    definition = definition_of(run)
    return FitRequest(
        definition,
        rig_of(run),
        prior_from_run(definition, run.folder.parent, run.first_id),
        free_width=free_width,
    )


def rig_of(run: Run) -> RigConfig | None:
    """The rig file that the run kept, with the source as it had been measured then; None for an
    imported run."""
    if not run.rig_toml:
        return None
    import tomllib

    config = stored_rig_config(tomllib.loads(run.rig_toml), run.folder / "rig.toml")
    used = {use.name: use for use in run.header.calibrations}
    walk = used.get(SOURCE_WALK)
    if walk is None:
        return config
    source = SourceCalibration(
        walk_per_root_h=walk.value,
        walk_error_per_root_h=walk.error,
        drift_per_h=used[SOURCE_DRIFT].value,
        excess_noise=used[BRACKET_NOISE].value,
        made=datetime.fromtimestamp(walk.measured_utc_s or run.start.utc_s, UTC),
    )
    calibrations = config.calibrations.model_copy(update={"source": source})
    return config.with_calibrations(calibrations)


def definition_of(run: Run) -> ScanDefinition:
    """The scan of the run; for an imported run one part for each isotope in its table."""
    if run.scan_toml:
        definition = parse_scan(run.scan_toml)
        update: dict[str, object] = {"geometry": run.header.geometry or "co"}
        if definition.bracket_period_s == "auto":
            # The blocks of a run stay as they were laid out, whatever is calibrated later.
            update["bracket_period_s"] = run.header.bracket_period_s
        return definition.model_copy(update=update)
    return imported_definition(run)


def imported_definition(run: Run) -> ScanDefinition:
    """What an imported table would have been asked for as a scan: its isotopes and axes."""
    parts = []
    for isotope in run.header.isotopes:
        axes = [{"quantity": axis, "values": (0.0,)} for axis in run.header.axes]
        part: dict = {"isotope": isotope, "axes": axes}
        if isotope in (81, 85):
            part["dwell_s"] = 1.0
        parts.append(part)
    return ScanDefinition.model_validate(
        {"name": run.header.scan_name, "geometry": run.header.geometry or "co", "parts": parts}
    )
