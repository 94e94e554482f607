"""The parts of a run: one measurement of one isotope each, with its points and its fit."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from atta_daq.analysis.points import NormalisedData, normalise
from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.analysis.results import FitResult
from atta_daq.archive.run_folder import Run
from atta_daq.archive.source_drift import drift_of
from atta_daq.scans.definition import ScanDefinition, parse_scan
from atta_daq.scans.selection import part_name, segments_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunPart:
    """What was measured on one isotope."""

    name: str
    """'85Kr', or '85Kr-2' when a scan has several parts on the isotope; names its fit too."""
    isotope: int
    data: NormalisedData
    fit: FitResult | None


def run_parts(run: Run) -> tuple[RunPart, ...]:
    """The parts of a run as its fits see them, in the order of the scan.

    A part without a usable segment is left out (and logged): a run may have ended before it.
    Rates of an imported table keep the table's unit.
    """
    scan = scan_of(run)
    pumped = scan is not None and scan.bracket_pumping
    found = []
    for name, isotope, segments in _selections(run, scan):
        try:
            data = normalise(
                segments,
                isotope,
                pumped_brackets=pumped,
                drift=drift_of(run.header),
                rate_unit=run.header.rate_unit,
            )
        except ValueError as error:
            _log.warning("%s: %s", run.run_id, error)
            continue
        found.append(RunPart(name, isotope, data, run.fits.get(name)))
    return tuple(found)


def scan_of(run: Run) -> ScanDefinition | None:
    """The scan of a run; None for an imported one, or (logged) when scan.toml cannot be read."""
    if not run.scan_toml:
        return None
    try:
        return parse_scan(run.scan_toml)
    except (ValidationError, ValueError) as error:
        _log.warning("%s: scan.toml cannot be used: %s", run.run_id, error)
        return None


def _selections(run: Run, scan: ScanDefinition | None) -> list[tuple[str, int, Sequence[Segment]]]:
    if scan is None:
        isotopes = {
            s.isotope
            for s in run.segments
            if not s.bracket and s.isotope and s.kind is not SegmentKind.CHECK_83
        }
        return [(f"{isotope}Kr", isotope, run.segments) for isotope in sorted(isotopes)]
    return [
        (part_name(scan, number), part.isotope, segments_of(scan, number, run.segments))
        for number, part in enumerate(scan.parts)
    ]
