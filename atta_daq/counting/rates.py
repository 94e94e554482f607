"""Counts to rates, with the blank taken off.

Counts are Poisson numbers of mean `rate x live x efficiency` (plus the blank's), so the error of
a count is its root; that of no count at all is 1, the standard deviation of a Poisson mean given
zero counts and a flat prior. Fits do not use these errors but the Poisson likelihood of the
counts; these are for display, sums and blanks.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Counted:
    """Counts of one segment or of several taken together."""

    counts: int
    live_s: float
    efficiency: float
    efficiency_error: float = 0.0
    """Common to all segments of one calibration: it does not average out."""

    def __post_init__(self) -> None:
        if self.counts < 0 or not self.live_s > 0.0 or not self.efficiency > 0.0:
            raise ValueError("counts must not be negative, live time and efficiency positive")

    @property
    def exposure_s(self) -> float:
        """Live time that a perfect counter would have needed."""
        return self.live_s * self.efficiency


@dataclass(frozen=True)
class Rate:
    """Atoms per second."""

    per_s: float
    statistical_per_s: float
    """Standard error from the counts."""
    systematic_per_s: float
    """Standard error from the efficiency."""

    @property
    def error_per_s(self) -> float:
        return math.hypot(self.statistical_per_s, self.systematic_per_s)

    @property
    def per_h(self) -> float:
        return 3600.0 * self.per_s

    @property
    def error_per_h(self) -> float:
        return 3600.0 * self.error_per_s


def combine(parts: Iterable[Counted]) -> Counted:
    """Several segments of one setting as one: sums of counts and of live time x efficiency.

    Raises ValueError if there is none.
    """
    parts = list(parts)
    if not parts:
        raise ValueError("no segment to combine")
    live = sum(p.live_s for p in parts)
    effective = sum(p.exposure_s for p in parts)
    relative = sum(p.exposure_s * p.efficiency_error / p.efficiency for p in parts) / effective
    efficiency = effective / live
    return Counted(sum(p.counts for p in parts), live, efficiency, relative * efficiency)


def rate_of(counted: Counted) -> Rate:
    """Rate without any blank taken off."""
    rate = counted.counts / counted.exposure_s
    return Rate(
        per_s=rate,
        statistical_per_s=math.sqrt(counted.counts + (counted.counts == 0)) / counted.exposure_s,
        systematic_per_s=rate * counted.efficiency_error / counted.efficiency,
    )


def net_rate(counted: Counted, blank: Counted) -> Rate:
    """Rate with the blank's taken off; may be negative.

    The statistical errors add in quadrature. The efficiency's error scales the difference, as
    both were counted with one calibration.
    """
    gross, empty = rate_of(counted), rate_of(blank)
    net = gross.per_s - empty.per_s
    return Rate(
        per_s=net,
        statistical_per_s=math.hypot(gross.statistical_per_s, empty.statistical_per_s),
        systematic_per_s=abs(net) * counted.efficiency_error / counted.efficiency,
    )


def net_increase(on: Counted, off: Counted, blank: Counted) -> tuple[float, float]:
    """Net rate with pumping over that without, minus 1, and its error.

    One blank serves both, so it pulls numerator and denominator together; the efficiency drops
    out but for its small dependence on the rate. Raises ValueError if nothing is left of `off`.
    """
    b = rate_of(blank)
    above, below = rate_of(on).per_s - b.per_s, rate_of(off).per_s - b.per_s
    if below <= 0.0:
        raise ValueError("the rate without pumping does not exceed the blank")
    ratio = above / below
    variance = (
        (rate_of(on).statistical_per_s / below) ** 2
        + (ratio * rate_of(off).statistical_per_s / below) ** 2
        + ((ratio - 1.0) * b.statistical_per_s / below) ** 2
    )
    return ratio - 1.0, math.sqrt(variance)
