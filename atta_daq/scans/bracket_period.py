"""The bracket period of a scan that leaves it to the source's measured drift."""

import math
from collections.abc import Mapping

import numpy as np

from atta_daq.analysis.bracket_spacing import BracketCost, Look, price
from atta_daq.analysis.drift_spectrum import DriftSpectrum
from atta_daq.analysis.records import SegmentKind
from atta_daq.scans.blocks import (
    PlannedSegment,
    Timing,
    batches,
    bracket,
    planned_segments,
    segment_duration_s,
)
from atta_daq.scans.definition import ScanDefinition

AUTO = "auto"
LONGEST_S = 1800.0
"""A block is retaken as a whole, and a step of the source spoils all that lies between two
brackets: half an hour is enough to lose."""
TRIED = 48
ENOUGH = 2000
"""Segments that are looked at."""


def chosen_period_s(
    definition: ScanDefinition,
    timing: Timing,
    drift: DriftSpectrum,
    counts_per_h: Mapping[int, float | None],
    loading_error: float,
) -> float:
    """The period (s, whole) at which the normalised rates of the scan get their least variance.

    `counts_per_h` of 81Kr and 85Kr without pumping light, `loading_error` of one loading rate.
    Raises ValueError where the counting rate of an isotope of the scan is not known.
    """
    rng = np.random.default_rng(definition.seed)
    planned = [s for part in definition.parts for s in planned_segments(part, 0, rng)][:ENOUGH]
    looks = {segment: _look(segment, timing, counts_per_h, loading_error) for segment in planned}
    shortest = min(look.length_s for look in looks.values())
    periods = np.geomspace(shortest, max(LONGEST_S, shortest), TRIED)
    cost = bracket_cost(definition, timing, loading_error)

    def price_of(period_s: float) -> float:
        laid_out = batches(planned, period_s, timing)
        return price([[looks[s] for s in batch] for batch in laid_out], cost, drift)

    return float(min((math.ceil(period) for period in periods), key=price_of))


def bracket_cost(definition: ScanDefinition, timing: Timing, loading_error: float) -> BracketCost:
    """A bracket with the switches around it (none where all is 83Kr)."""
    switches = 0 if all(part.isotope == 83 for part in definition.parts) else 2
    length_s = segment_duration_s(bracket(definition), timing)
    length_s += switches * (timing.switching_s + timing.settling_s)
    return BracketCost(length_s, loading_error**2)


def _look(
    segment: PlannedSegment,
    timing: Timing,
    counts_per_h: Mapping[int, float | None],
    loading_error: float,
) -> Look:
    length_s = segment_duration_s(segment, timing)
    if segment.kind is not SegmentKind.RARE:
        return Look(length_s, loading_error**2)
    rate = counts_per_h.get(segment.isotope)
    if not rate:
        raise ValueError(
            f"bracket_period_s = '{AUTO}' needs to know how many {segment.isotope}Kr come: set "
            f"counts_{segment.isotope}_per_h in the rig file's calibrations.rates, or give a "
            "period in seconds"
        )
    assert segment.dwell_s is not None
    return Look(length_s, 3600.0 / (rate * segment.dwell_s))
