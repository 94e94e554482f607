"""Does pumping still do what it did? 83Kr with and without light at both ends of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.points import normalise, usable
from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.analysis.results import pdg_round

DISAGREE = 3.0
"""In standard errors of the difference."""


@dataclass(frozen=True)
class Increase:
    """Relative increase of the 83Kr loading rate by the light in one check."""

    block: int
    mid_rig_s: float
    value: float
    error: float


@dataclass(frozen=True)
class PumpingCheck:
    """The checks of a run, in the order of time."""

    checks: tuple[Increase, ...]
    change: float | None = None
    """Last less first; None with one check only."""
    change_error: float | None = None

    @property
    def pull(self) -> float | None:
        """The change in standard errors; None with one check only."""
        if self.change is None or not self.change_error:
            return None
        return self.change / self.change_error

    @property
    def disagrees(self) -> bool:
        """More than `DISAGREE` standard errors lie between first and last."""
        return self.pull is not None and abs(self.pull) > DISAGREE

    @property
    def text(self) -> str:
        """In words, with what to do when they disagree."""
        first, last = self.checks[0], self.checks[-1]
        if self.change is None or self.change_error is None:
            return f"83Kr gains {_percent(first.value, first.error)} by the light; one check only"
        said = (
            f"83Kr gained {_percent(first.value, first.error)} by the light at the start and "
            f"{_percent(last.value, last.error)} at the end: the difference is "
            f"{_percent(self.change, self.change_error)}"
        )
        if not self.disagrees:
            return said
        return (
            f"{said}, {abs(self.pull or 0.0):.1f} standard errors. The pumping is not what it was: "
            "check power, detuning and overlap of the 819-nm beam, and take the last hours with "
            "care"
        )


def pumping_check(segments: Sequence[Segment], drift: DriftSpectrum = TYPICAL) -> PumpingCheck:
    """Compare the checks among the segments of a run; no check at all gives an empty one.

    Each check is divided by the 83Kr track between the brackets around it; errors come from the
    scatter of the bursts, pooled over all checks, and from the track.
    """
    taken = [s for s in usable(segments) if s.kind is SegmentKind.CHECK_83]
    states = {(s.block, s.pumping) for s in taken}
    whole = sorted({b for b, _ in states if {(b, False), (b, True)} <= states})
    brackets = [s for s in segments if s.bracket and not s.pumping]
    if not whole:
        return PumpingCheck(())
    as_signal = [
        replace(s, kind=SegmentKind.LOADING_83, point=None) for s in taken if s.block in whole
    ]
    data = normalise([*brackets, *as_signal], 83, drift=drift)
    block_of = {s.index: s.block for s in as_signal}
    row = {(block_of[p.segments[0]], p.pumping): i for i, p in enumerate(data.points)}
    log_rate = np.log([p.value / p.weight for p in data.points])
    law = data.covariance + np.diag([(p.value_error / p.value) ** 2 for p in data.points])
    taking = np.zeros((len(whole), len(data.points)))
    for i, block in enumerate(whole):
        taking[i, row[block, True]], taking[i, row[block, False]] = 1.0, -1.0
    gain = np.exp(taking @ log_rate)
    covariance = (taking @ law @ taking.T) * np.outer(gain, gain)
    checks = tuple(
        Increase(
            block,
            float(np.mean([s.mid_rig_s for s in as_signal if s.block == block])),
            float(gain[i] - 1.0),
            float(np.sqrt(covariance[i, i])),
        )
        for i, block in enumerate(whole)
    )
    if len(whole) < 2:
        return PumpingCheck(checks)
    variance = covariance[0, 0] + covariance[-1, -1] - 2.0 * covariance[0, -1]
    return PumpingCheck(checks, float(gain[-1] - gain[0]), float(np.sqrt(variance)))


def _percent(value: float, error: float) -> str:
    return " ± ".join(pdg_round(100.0 * value, 100.0 * error)) + " %"
