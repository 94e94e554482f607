"""A scan before it is taken: what is wrong with it, what it costs, what it will tell."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from atta_daq.analysis.records import SegmentKind
from atta_daq.analysis.results import FitResult
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.frames import predicted_bytes
from atta_daq.archive.run_folder import RunState, open_run
from atta_daq.rig.config import RigConfig
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.scans.blocks import (
    Block,
    blocks,
    predicted_duration_s,
    segment_duration_s,
    segments_to_take,
    targets,
)
from atta_daq.scans.course import whole_course
from atta_daq.scans.definition import ScanDefinition, rename_parts
from atta_daq.scans.selection import number_of_points, part_name
from atta_daq.scans.wording import problems
from atta_daq.station.expected import CountingRate, expected_increase, expected_segments, light_of
from atta_daq.station.fitting import FitRequest, fit_all
from atta_daq.station.foreseen import decision_notes, foreseen_plan
from atta_daq.station.precheck import plan_warnings, require_reachable
from atta_daq.station.prior import prior_from_run
from atta_daq.station.run_header import with_geometry
from drivers.errors import OutOfRange

FORECAST_POINTS = 400
"""A forecast of more takes too long for an answer while one types."""
COMPRESSION = 1.55
"""Of the frames of the region of interest, bitshuffle-lz4, at gain 200: measured 1.57."""
JOURNAL_BYTES = 5_000
"""Of one segment, with its Bluesky documents and its share of the fits."""
CURVE_POINTS = 200
_NEWEST = 5
_REHEARSED = """
name = "rehearsal"
[[part]]
isotope = 83
[[part.axis]]
quantity = "detuning_mhz"
start = -300.0
stop = 600.0
points = 10
[[part]]
isotope = 85
dwell_s = 240.0
[[part.axis]]
quantity = "detuning_mhz"
start = -300.0
stop = 600.0
points = 10
"""


def check_scan(text: str, config: RigConfig, data: Path) -> dict[str, Any]:
    """The answer of the command `check_scan`: see `docs/reference/pv-names.md`."""
    definition, wrong = _definition(text, config)
    if definition is None:
        return {"ok": False, "problems": wrong}
    light = light_of(config)
    try:
        plan = blocks(definition, config.scan_timing())
        require_reachable(plan, light, config)
        prior = prior_from_run(definition, data)
    except OutOfRange as error:
        return {"ok": False, "problems": error.reason.split("\n  ")}
    except (ValueError, ArchiveError) as error:
        return {"ok": False, "problems": [str(error)]}
    request = FitRequest(definition, config, prior)
    rates = {
        part.isotope: counting_rate(part.isotope, config, data)
        for part in definition.parts
        if part.isotope in (81, 85)
    }
    timing = config.scan_timing()
    small = sum(number_of_points(part) for part in definition.parts) <= FORECAST_POINTS
    if small:
        plan = foreseen_plan(request, timing, light, rates.get)
    else:
        plan = whole_course(definition, timing)
    return {
        "ok": True,
        "problems": [],
        "warnings": plan_warnings(plan, light.calibrations),
        "name": definition.name,
        "duration_s": duration_s(definition, plan, config),
        "segments": segments_to_take(plan),
        "blocks": len(plan),
        "bracket_period_s": definition.bracket_period_s,
        "archive_bytes": archive_bytes(plan, config),
        "parts": _forecast(request, plan, light, rates, small),
    }


def rehearse(config: RigConfig, data: Path) -> None:
    """A question that nobody asked: what `check_scan` and `theory` need is loaded after it."""
    check_scan(_REHEARSED, config, data)
    theory(_REHEARSED, config)


def theory(text: str, config: RigConfig) -> dict[str, Any]:
    """The answer of the command `theory`: relative increase along the first axis of each part.

    What else the part sweeps stands at its highest power and at its mean; a part without an axis
    has one value at x = 0. Raises ValueError for a scan that cannot be used.
    """
    definition, wrong = _definition(text, config)
    if definition is None:
        raise ValueError("the scan cannot be used: " + "; ".join(wrong))
    light, request = light_of(config), FitRequest(definition, config)
    parts = []
    for number, part in enumerate(definition.parts):
        points = [light.resolve(target, part.isotope) for target in targets(part)]
        axis = part.axes[0].quantity if part.axes else ""
        x, along = _along(axis, points)
        parts.append(
            {
                "name": part_name(definition, number),
                "isotope": part.isotope,
                "axis": axis,
                "x": x.tolist(),
                "y": expected_increase(part, along, request, light).tolist(),
            }
        )
    return {"parts": parts}


def archive_bytes(plan: Sequence[Block], config: RigConfig) -> int:
    """Predicted size of the run's folder: frames, compressed by `COMPRESSION`, and journal."""
    camera, timing = config.camera, config.scan_timing()
    taken = [s for block in plan for s in block.segments[1 if block.index else 0 :]]
    exposed_s = sum(
        segment_duration_s(s, timing)
        for s in taken
        if s.kind in (SegmentKind.RARE, SegmentKind.BLANK)
    )
    frames = predicted_bytes(
        camera.roi_height, camera.roi_width, 1.0 / camera.exposure_s, exposed_s, COMPRESSION
    )
    return frames + JOURNAL_BYTES * len(taken)


def counting_rate(isotope: int, config: RigConfig, data: Path) -> CountingRate | None:
    """From the newest complete run on the isotope in the folder, else from the rig file."""
    for entry in Catalogue(data).runs(isotope=isotope, state=RunState.COMPLETE)[:_NEWEST]:
        try:
            run = open_run(data / entry.run_id)
            fit = next((f for f in run.fits.values() if f.isotope == isotope), None)
            efficiencies = [s.efficiency for s in run.segments if s.efficiency is not None]
        except (ArchiveError, KeyError, TypeError, ValueError):
            continue
        if fit is not None and fit.valid and fit["background"].value > 0.0 and efficiencies:
            source = f"as in run {entry.run_id}"
            return CountingRate(fit["background"].value, float(np.mean(efficiencies)), source)
    rates = config.calibrations.rates
    known = {81: rates.counts_81_per_h, 85: rates.counts_85_per_h}.get(isotope)
    return CountingRate(known, 1.0, "from the rig file") if known else None


def _definition(text: str, config: RigConfig) -> tuple[ScanDefinition | None, list[str]]:
    try:
        raw = rename_parts(tomllib.loads(text))
        definition = with_geometry(ScanDefinition.model_validate(raw), config)
    except ValidationError as error:
        return None, problems(ScanDefinition, error)
    except tomllib.TOMLDecodeError as error:
        return None, [f"not a scan file: {error}"]
    except ValueError as error:
        return None, [str(error)]
    return definition, []


def duration_s(definition: ScanDefinition, plan: tuple[Block, ...], config: RigConfig) -> float:
    """Predicted rig time (s) of a run, with the calibration of its counting."""
    counted = any(part.isotope in (81, 85) for part in definition.parts)
    before = definition.calibrate_counting_s if counted else None
    return predicted_duration_s(plan, config.scan_timing()) + (before or 0.0)


def _forecast(
    request: FitRequest,
    plan: tuple[Block, ...],
    light: LightControl,
    rates: Mapping[int, CountingRate | None],
    small: bool,
) -> list[dict[str, Any]]:
    definition, config = request.definition, request.config
    assert config is not None
    points = [number_of_points(part) for part in definition.parts]
    fits: dict[str, FitResult] = {}
    if small:
        segments = expected_segments(request, plan, light, rates.get)
        fits = fit_all(segments, request, minos=False)
    parts = []
    for number, part in enumerate(definition.parts):
        name = part_name(definition, number)
        fit, rate = fits.get(name), rates.get(part.isotope)
        if not small:
            note = f"no forecast for more than {FORECAST_POINTS} points"
        elif part.isotope in rates and rate is None:
            note = (
                f"no run on {name} yet, and no counts_{part.isotope}_per_h in the rig file: "
                "its counting rate is not known"
            )
        elif fit is None or not fit.valid:
            note = "the scan cannot tell the parameters of its fit apart"
            fit = None
        elif rate is not None:
            note = f"{rate.per_h:.0f} atoms/h without pumping, {rate.source}"
        else:
            error = config.calibrations.rates.loading_relative_error
            note = f"loading rates with {100.0 * error:g} % error each, from the rig file"
        errors = {
            p.name: {"value": p.value, "error": p.error, "unit": p.unit}
            for p in (fit.parameters if fit else ())
            if p.error > 0.0 and (p.name != "background" or part.isotope in rates)
        }
        notes = [note, *decision_notes(request, number, plan, light, rates, fits)]
        parts.append(
            {
                "name": name,
                "isotope": part.isotope,
                "points": points[number],
                "errors": errors,
                "note": "; ".join(notes),
            }
        )
    return parts


def _along(axis: str, points: Sequence[ResolvedTarget]) -> tuple[np.ndarray, list[ResolvedTarget]]:
    """Values of the first axis over its range, and the light at each."""
    mean = ResolvedTarget(
        float(np.mean([at.detuning_mhz for at in points])),
        max(at.power_mw for at in points),
        float(np.mean([at.sideband_frequency_mhz for at in points])),
        float(np.mean([at.sideband_depth for at in points])),
    )
    if not axis:
        return np.zeros(1), [mean]
    swept = [getattr(at, axis) for at in points]
    x = np.linspace(min(swept), max(swept), CURVE_POINTS)
    return x, [replace(mean, **{axis: float(value)}) for value in x]
