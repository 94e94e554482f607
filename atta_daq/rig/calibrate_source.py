"""Drift spectrum of the source: brackets for an hour, or those of runs that were taken."""

from collections.abc import Sequence

import numpy as np

from atta_daq.analysis.normaliser import pooled_relative_errors, that_loaded
from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.calibration.result import Quantity
from atta_daq.calibration.source_drift import (
    Series,
    SourceDriftFit,
    fit_source_drift,
    structure,
)
from atta_daq.rig.bench import Bench, Finding
from atta_daq.rig.fault_limits import LoadingLimits
from atta_daq.rig.loading_floor import LoadingFloor
from atta_daq.rig.taker import Place
from atta_daq.scans.blocks import PlannedSegment, Target
from drivers.errors import DeviceFault

VALID_DAYS = 90.0
LASTS_RIG_S = 3600.0
PERIOD_RIG_S = 20.0
MOST_FLAGGED = 10
"""In a row: the rig does not come back by itself."""


def calibrate_source_drift(bench: Bench) -> Finding:
    """83Kr brackets every 20 s for an hour of rig time, 819-nm light blocked. DriverError."""
    taker, clock = bench.taker, bench.clock
    taker.trap.start()
    taker.configure_camera()
    wanted = PlannedSegment(
        SegmentKind.LOADING_83, 83, False, None, Target(), None, None, bracket=True
    )
    begun_s = clock.now_s()
    taken: list[Segment] = []
    # As in a run: a source that is out for a moment has no rate, and no logarithm of one.
    floor = LoadingFloor(LoadingLimits())
    flagged = 0
    while (passed_s := clock.now_s() - begun_s) < LASTS_RIG_S:
        bench.check("loading")
        bench.tell(f"{len(taken)} brackets, {passed_s / 60.0:.0f} of {LASTS_RIG_S / 60.0:.0f} min")
        segment = taker.take(wanted, Place("calibration", 0, 0, len(taken)))
        bad = segment.flag or floor.judge(segment)
        if bad:
            flagged += 1
            if flagged >= MOST_FLAGGED:
                raise DeviceFault(
                    "loading", f"{flagged} brackets in a row failed: {bad}",
                    "see to it, then calibrate again",
                )  # fmt: skip
        else:
            flagged = 0
            taken.append(segment)
        bench.wait(max(0.0, PERIOD_RIG_S - (clock.now_s() - begun_s - passed_s)))
    try:
        series = series_of([taken])
        return finding(series, f"83Kr loading every {PERIOD_RIG_S:g} s, 819-nm light blocked")
    except ValueError as error:
        raise DeviceFault("loading", f"the source's drift was not found: {error}") from error


def series_of(runs: Sequence[Sequence[Segment]]) -> list[Series]:
    """The unflagged dark brackets of each run, of those that loaded, as a series; runs with fewer
    than two left out.

    Raises ValueError for a bracket without a rate.
    """
    found = []
    for segments in runs:
        dark = [s for s in segments if s.bracket and not s.flag and not s.pumping]
        good = sorted(that_loaded(dark), key=lambda s: s.mid_rig_s)
        if len(good) >= 2:
            found.append(
                Series(
                    np.array([s.mid_rig_s for s in good]),
                    np.array([s.rate for s in good], dtype=np.float64),
                    pooled_relative_errors(good),
                )
            )
    return found


def finding(series: Sequence[Series], method: str) -> Finding:
    """The calibration from series of brackets. Raises ValueError where they are too few."""
    fit = fit_source_drift(series)
    t, rms, error = structure(series)
    own = np.sqrt(np.mean(np.concatenate([s.relative_error for s in series]) ** 2))
    fit_t = np.geomspace(t.min(), t.max(), 60)
    return Finding(
        quantities=_quantities(fit),
        valid_days=VALID_DAYS,
        method=f"{method}; {sum(s.rate.size for s in series)} brackets in {fit.hours:.1f} h",
        raw={
            "x": t / 60.0, "y": 100.0 * rms, "y_error": 100.0 * error,
            "fit_x": fit_t / 60.0, "fit_y": 100.0 * _expected(fit, float(own), fit_t),
            "time_s": np.concatenate([s.time_s for s in series]),
            "rate": np.concatenate([s.rate for s in series]),
            "relative_error": np.concatenate([s.relative_error for s in series]),
        },
        covariance=tuple(tuple(float(v) for v in row) for row in fit.covariance),
        notes={"steps": float(fit.steps), "hours": fit.hours, "bracket_error": float(own)},
    )  # fmt: skip


def _quantities(fit: SourceDriftFit) -> tuple[Quantity, ...]:
    errors = np.sqrt(np.diag(fit.covariance))
    return tuple(
        Quantity(name=name, value=value, error=float(error), unit=unit)
        for (name, value, unit), error in zip(
            (
                ("walk_per_root_h", fit.walk_per_root_h, "1/sqrt(h)"),
                ("drift_per_h", fit.drift_per_h, "1/h"),
                ("excess_noise", fit.excess_noise, ""),
            ),
            errors,
            strict=True,
        )
    )


def _expected(fit: SourceDriftFit, own: float, apart_s: np.ndarray) -> np.ndarray:
    """Rms relative change between two brackets so far apart."""
    hours = apart_s / 3600.0
    noise = 2.0 * (own**2 + fit.excess_noise**2)
    return np.sqrt(noise + fit.walk_per_root_h**2 * hours + (fit.drift_per_h * hours) ** 2)
