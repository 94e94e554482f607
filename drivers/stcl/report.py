"""What a status tells of sweeps."""

import math
from collections.abc import Sequence

from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import Pass, Ratio, Sweep


def peaks_us(sweep: Sweep | None, settings: StclSettings) -> tuple[float, ...]:
    """Master, slave, master on the way up, then as they come on the way down, times after the
    lowest point of the ramp (us); empty where a peak is missing."""
    if sweep is None:
        return ()
    half_us = 0.5e6 / settings.ramp_hz

    def places(one: Pass) -> list[float]:
        middle = sorted(one.slaves, key=lambda p: abs(p.position - 0.5))[:1]
        return [p.position for p in (*one.masters[:1], *middle, *one.masters[1:2])]

    up, down = places(sweep.rising), places(sweep.falling)
    if len(up) != 3 or len(down) != 3:
        return ()
    return tuple(half_us * x for x in (*up, *(2.0 - x for x in reversed(down))))


def scatter(ratios: Sequence[Ratio]) -> float:
    """Standard deviation of single passes around the means of rising and falling ramps."""
    if len(ratios) < 2:
        return math.nan
    squares = 0.0
    for values in ([r.rising for r in ratios], [r.falling for r in ratios]):
        mean = sum(values) / len(values)
        squares += sum((v - mean) ** 2 for v in values)
    return math.sqrt(squares / (2 * len(ratios) - 2))
