"""The report of a run: one HTML file that needs nothing beside it."""

import logging
import tomllib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from atta_daq import __version__
from atta_daq.analysis.pumping_check import PumpingCheck, pumping_check
from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.archive import report_rows as rows
from atta_daq.archive.account import count_lines, time_account
from atta_daq.archive.axes import swept
from atta_daq.archive.disk import write_whole
from atta_daq.archive.gaps import lost_repeats, missing_points, skipped_blocks
from atta_daq.archive.intervals import duty, intervals
from atta_daq.archive.parts import RunPart, run_parts
from atta_daq.archive.plot_scan import drawn_curve, scan_plot
from atta_daq.archive.plot_time import increase_plot, order_plot, time_plot
from atta_daq.archive.report_source import source_rows
from atta_daq.archive.run_folder import TRUTH, Run
from atta_daq.archive.source_drift import drift_of
from atta_daq.archive.truth import source_at_start, true_parameters
from atta_daq.physics.hyperfine import closed_component

_log = logging.getLogger(__name__)

FILE = "report.html"


def build_report(run: Run) -> Path:
    """Write report.html into the run's folder, from whatever the run holds by now.

    A run under way, aborted or crashed gets a report like a complete one; it says so at its head.
    """
    html = template("report.html.j2").render(report_content(run))
    return write_whole(run.folder / FILE, html)


def template(name: str) -> Template:
    """A page of the archive's templates, with the words for numbers that they use."""
    environment = Environment(
        loader=PackageLoader("atta_daq.archive"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        duration=rows.duration,
        moment=rows.moment,
        clock=rows.clock,
        with_error=rows.with_error,
        number=rows.number,
    )
    return environment.get_template(name)


def report_content(run: Run) -> dict[str, Any]:
    """Everything that the template shows."""
    parts = run_parts(run)
    header, last = run.header, run.content.documents[-1]
    stop = run.stop
    flagged = [s for s in run.segments if s.flag]
    return {
        "run": run,
        "header": header,
        "state": run.state.value,
        "reason": str(stop.body.get("reason", "")) if stop and header.origin != "imported" else "",
        "facts": _facts(run),
        "parts": [_part(run, part) for part in parts],
        "increases": increase_plot(parts),
        "times": time_plot(run),
        "source": source_rows(run),
        "pumping_check": _pumping_check(run),
        "account": time_account(run.segments, run.start.rig_s),
        "rate": _clock_rate(run),
        "counts": count_lines(run.segments),
        "counted": any(s.counts is not None for s in run.segments),
        "sidebands": any(s.setting.sideband_depth for s in run.segments),
        "points": [(part, point) for part in parts for point in part.data.points],
        "calibrations": header.calibrations,
        "procedures": [
            (done.name, done.rig_s, rows.calibration_rows(done.body)) for done in run.procedures
        ],
        "notes": run.notes,
        "flagged": [(s, _what(s)) for s in flagged],
        "intervals": intervals(run),
        "duty": duty(run),
        "skipped": skipped_blocks(run),
        "missing": missing_points(run),
        "lost_repeats": lost_repeats(run),
        "two_parameter": any(p.fit and p.fit.model.startswith("two-parameter") for p in parts),
        "truth_toml": (run.folder / TRUTH).read_text("utf-8") if run.truth is not None else "",
        "torn_bytes": len(run.content.torn),
        "last_utc_s": last.utc_s,
        "version": __version__,
    }


def _pumping_check(run: Run) -> PumpingCheck:
    try:
        return pumping_check(run.segments, drift_of(run.header))
    except ValueError as error:
        _log.warning("%s: the checks of the pumping cannot be compared: %s", run.run_id, error)
        return PumpingCheck(())


def _facts(run: Run) -> list[tuple[str, str]]:
    header, last = run.header, run.content.documents[-1]
    if header.origin == "imported":
        facts = [("imported", rows.moment(run.start.utc_s)), ("imported from", header.source)]
    else:
        taken = rows.duration(last.rig_s - run.start.rig_s)
        rate = _clock_rate(run)
        facts = [
            ("started", rows.moment(run.start.utc_s)),
            ("ended" if run.stop else "last document", rows.moment(last.utc_s)),
            ("rig time", taken if rate == 1.0 else f"{taken} at {rate:g} times wall time"),
        ]
    if header.planned_rig_s:
        facts.append(("planned rig time", rows.duration(header.planned_rig_s)))
    if header.geometry:
        facts.append(("819-nm light", f"{header.geometry}-propagating"))
    facts += [(key, value) for key, value in header.metadata.items() if value and key != "note"]
    if header.rig:
        facts.append(("rig", header.rig))
    if header.resumes:
        facts.append(("goes on with", header.resumes))
    if header.program:
        facts.append(("taken with", header.program))
    return facts


def _part(run: Run, part: RunPart) -> dict[str, Any]:
    fit = part.fit
    true: list[rows.TruthRow] = []
    if fit is not None and run.truth is not None:
        try:
            true = rows.truth_rows(
                fit,
                true_parameters(run.truth, fit, part.data),
                source_at_start(run.truth, fit.isotope) if part.data.poisson else None,
            )
        except (KeyError, ValueError) as error:
            _log.warning("%s: truth.toml cannot be set beside the fit: %r", run.run_id, error)
    return {
        "name": part.name,
        "plot": scan_plot(part, line_position(run, part)),
        "curve": drawn_curve(part) is not None,
        "order": None if swept(part.data) else order_plot(run, part),
        "fit": fit,
        "parameters": [
            rows.parameter_row(p, "" if part.data.poisson else part.data.unit)
            for p in ((*fit.parameters, *fit.derived) if fit else ())
        ],
        "blanks": bool(part.data.blanks) and part.data.poisson,
        "goodness": rows.goodness_text(fit.goodness) if fit else "",
        "facts": rows.fit_facts(fit) if fit else "",
        "minos": bool(fit) and any(p.lower is not None for p in fit.parameters),
        "notes": [rows.note_text(n, fit) for n in (fit.notes if fit else part.data.notes)],
        "truth": true,
        "unit": part.data.unit,
    }


def _clock_rate(run: Run) -> float:
    """Rig seconds a second of wall time, from the run's rig file; 1 where it says nothing."""
    try:
        return float(tomllib.loads(run.rig_toml).get("clock", {}).get("rate", 1.0))
    except (tomllib.TOMLDecodeError, TypeError, ValueError):
        _log.warning("%s: the clock's rate in rig.toml cannot be read: taken as 1", run.run_id)
        return 1.0


def line_position(run: Run, part: RunPart) -> float | None:
    """Where the closed component should stand as set, from the Doppler shift in the header."""
    parity = "odd" if part.isotope % 2 else "even"
    for calibration in run.header.calibrations:
        if calibration.name == f"Doppler shift, {parity}" and run.header.geometry:
            sign = 1.0 if run.header.geometry == "co" else -1.0
            return closed_component(part.isotope).total_mhz + sign * calibration.value
    return None


def _what(segment: Segment) -> str:
    name = "blank" if segment.isotope == 0 else f"{segment.isotope}Kr"
    check = " check" if segment.kind is SegmentKind.CHECK_83 else ""
    kind = " bracket" if segment.bracket else check
    return f"{name}{kind}, light {'on' if segment.pumping else 'blocked'}"
