"""What the fits of a run under way tell those who decide about its next blocks."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from atta_daq.analysis.fit_run import normalised
from atta_daq.analysis.knowledge import DRAWS, Knowledge, Wanted, know
from atta_daq.analysis.points import usable
from atta_daq.analysis.records import Segment
from atta_daq.analysis.results import FitResult
from atta_daq.scans.adaptive import Adaptive, part_number, wanted_point
from atta_daq.scans.decisions import first_point
from atta_daq.scans.selection import part_name, segments_of
from atta_daq.station.fitting import FitRequest, fit_options, part_prior

log = logging.getLogger(__name__)


def known_of(
    segments: Sequence[Segment], request: FitRequest, fits: Mapping[str, FitResult]
) -> dict[str, Knowledge]:
    """For 'adaptive' and 'stop_when', as far as the scan asks and these fits can tell.

    `fits` are of all `segments`. What cannot be told yet is left out; the log says why.
    """
    definition = request.definition
    known: dict[str, Knowledge] = {}
    for key, aim in (("adaptive", definition.adaptive), ("stop_when", definition.stop_when)):
        if aim is None:
            continue
        number = part_number(aim, definition.parts)
        part = definition.parts[number]
        fit = fits.get(part_name(definition, number))
        if fit is None:
            continue
        mine = segments_of(definition, number, segments)
        point = wanted_point(aim, part)
        if point is not None:
            point += first_point(definition, number)
        options = fit_options(part, request, minos=False)
        try:
            known[key] = know(
                normalised(mine, options),
                fit,
                options,
                part_prior(part, request, fits),
                Wanted(aim.parameter, point),
                draws=DRAWS if isinstance(aim, Adaptive) else 0,
                seed=aim.seed if isinstance(aim, Adaptive) else 1,
                overhead_s=_overhead_s(mine, part.isotope),
                segments=len(segments),
            )
        except ValueError as error:
            log.info("%s: %s", key, error)
    return known


def _overhead_s(segments: Sequence[Segment], isotope: int) -> float:
    """Dead time of one counting segment, as it was on average."""
    spent = [
        sum(s.dead_s.values())
        for s in usable(segments)
        if s.isotope == isotope and not s.bracket and s.counts is not None
    ]
    return float(np.mean(spent)) if spent else 0.0
