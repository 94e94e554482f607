"""While a run is under way: does the source stay within what its brackets were planned for?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atta_daq.analysis.bracket_spacing import mean_variance
from atta_daq.analysis.drift_spectrum import DriftSpectrum
from atta_daq.analysis.normaliser import Normaliser, pooled_relative_errors
from atta_daq.analysis.records import Segment
from atta_daq.analysis.source_track import SourceStep, track_source

WINDOW = 9
"""Brackets that are judged together: what a source did hours ago is no alarm now."""
FEWEST = 4
EXCEEDED = 1.5
"""The variance of the normaliser over the planned one, surely exceeded, that is an alarm."""
MATTERS = 0.02
"""Share of the normaliser in the variance of a rate below which no drift matters."""
GRAVE = 0.2


@dataclass(frozen=True)
class DriftJudgement:
    """What the newest brackets of a run say."""

    planned_error: float
    """Relative error of the normaliser between two brackets, as planned."""
    error: float
    """As the newest brackets have it."""
    share: float
    """Of the normaliser in the variance of a rate."""
    outruns: bool
    better_period_s: float
    """Counting between two brackets that would suit the source."""

    @property
    def grave(self) -> bool:
        """The normaliser is no small part of the error any more."""
        return self.share > GRAVE

    @property
    def text(self) -> str:
        """For the operator."""
        return (
            f"the source drifts more than its brackets were planned for: the 83Kr normaliser "
            f"between two brackets is known to {100.0 * self.error:.2g} % instead of "
            f"{100.0 * self.planned_error:.2g} %, {100.0 * self.share:.0f} % of the variance of a "
            f"rate. Brackets every {self.better_period_s:.0f} s would suit it (bracket_period_s; "
            "'auto' after: atta-daq calibrate source-drift); look at the discharge and the "
            "pressures"
        )


def judge_drift(
    segments: Sequence[Segment],
    planned: DriftSpectrum,
    planned_bracket_error: float,
    bracket_s: float,
    *,
    pumped_brackets: bool = False,
) -> DriftJudgement | None:
    """From the segments of a run so far; None with fewer than `FEWEST` brackets.

    `planned_bracket_error` is the relative error of one bracket that the plan counted on,
    `bracket_s` its rig time with switches. An alarm needs three things: the walk of the newest
    brackets, less its own error, makes the variance `EXCEEDED` times the planned one; and the
    normaliser matters beside the counting.
    """
    brackets = _brackets(segments, pumped_brackets)[-WINDOW:]
    if len(brackets) < FEWEST:
        return None
    time_s = np.array([s.mid_rig_s for s in brackets])
    log_rate = np.log([s.rate or math.nan for s in brackets])
    errors = np.hypot(pooled_relative_errors(brackets), planned.excess_noise)
    loose = DriftSpectrum(planned.walk_per_s, drift_rms_per_s=planned.drift_rms_per_s)
    track = track_source(time_s, log_rate, errors**2, loose)
    gap_s = float(np.median(np.diff(time_s)))
    variance = float(np.mean(errors**2))
    expected_2 = planned_bracket_error**2 + planned.excess_noise**2
    was = mean_variance(gap_s, expected_2, planned.walk_per_s)
    now = mean_variance(gap_s, variance, track.walk_per_s)
    surely_s = max(track.walk_per_s - track.walk_error_per_s, 0.0)
    surely = mean_variance(gap_s, expected_2, surely_s) if surely_s else 0.0
    counting = _counting_variance(segments)
    share = now / (now + counting)
    best_s = math.sqrt(6.0 * bracket_s * counting / track.walk_per_s)
    return DriftJudgement(
        math.sqrt(was),
        math.sqrt(now),
        share,
        surely > EXCEEDED * was and share > MATTERS,
        min(best_s, 0.5 * gap_s),
    )


def newest_step(
    segments: Sequence[Segment], drift: DriftSpectrum, *, pumped_brackets: bool = False
) -> SourceStep | None:
    """A step of the source just before the last bracket."""
    brackets = _brackets(segments, pumped_brackets)
    if len(brackets) < FEWEST:
        return None
    steps = Normaliser.from_brackets(brackets, drift).steps
    if steps and steps[-1].before_s == brackets[-1].mid_rig_s:
        return steps[-1]
    return None


def _brackets(segments: Sequence[Segment], pumped: bool) -> list[Segment]:
    good = [
        s
        for s in segments
        if s.bracket and not s.flag and (pumped or not s.pumping)
        # Without a rate there is nothing to judge; the analysis says what it lacks.
        and s.rate and s.rate > 0.0 and s.rate_error is not None
    ]  # fmt: skip
    return sorted(good, key=lambda s: s.mid_rig_s)


def _counting_variance(segments: Sequence[Segment]) -> float:
    """Relative variance of one signal segment without the normaliser, median; 1 without any."""
    found = []
    for s in segments:
        if s.flag or s.bracket or not s.isotope:
            continue
        if s.counts is not None:
            found.append(1.0 / max(s.counts, 1))
        elif s.rate and s.rate_error:
            found.append((s.rate_error / s.rate) ** 2)
    return float(np.median(found)) if found else 1.0
