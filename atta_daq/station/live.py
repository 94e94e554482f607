"""What the fit worker does while a run is under way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atta_daq.analysis.drift_spectrum import TYPICAL
from atta_daq.analysis.knowledge import Knowledge
from atta_daq.analysis.records import Segment
from atta_daq.analysis.results import FitResult
from atta_daq.client.runs import PartPoints
from atta_daq.station.fitting import FitRequest, fit_all
from atta_daq.station.knowing import known_of
from atta_daq.station.points import part_points


class Told:
    """What has been said of the parts of one run that have no points."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def news(self, unusable: Mapping[str, str]) -> list[str]:
        """In words, what has not been said yet; `unusable` as in `LiveResult`."""
        fresh = {n: why for n, why in unusable.items() if self._reasons.get(n) != why}
        self._reasons |= fresh
        return [f"{name} has segments but no points: {why}" for name, why in fresh.items()]


@dataclass(frozen=True)
class LiveResult:
    """Points of all segments so far; the fits when they were asked for."""

    run_id: str
    """The run that was under way when it was asked for."""
    segments: int
    """So many it includes."""
    points: list[PartPoints]
    unusable: Mapping[str, str]
    """Parts that have segments and yet no points, with the reason."""
    fits: dict[str, FitResult] | None
    known: Mapping[str, Knowledge]
    """What the scan's adaptive time and its early end go by, as far as these fits tell."""


def live_result(
    run_id: str, segments: Sequence[Segment], request: FitRequest, fit: bool
) -> LiveResult:
    """Normalised points, and fits with HESSE errors (no MINOS), of the run under way."""
    config = request.config
    drift = TYPICAL if config is None else config.calibrations.source.spectrum()
    unusable: dict[str, str] = {}
    points = part_points(request.definition, segments, drift=drift, unusable=unusable)
    fits = fit_all(segments, request, minos=False) if fit else None
    known = known_of(segments, request, fits) if fits else {}
    return LiveResult(run_id, len(segments), points, unusable, fits, known)
