"""The gate of the 810-nm quench light: a burst of pulses, or a steady level."""

import math
from dataclasses import dataclass

EDGE_TOLERANCE_S = 1e-6


@dataclass(frozen=True)
class PulseTrain:
    """`count` pulses of `width_s`, `period_s` apart, the first beginning at `start_s` (s)."""

    start_s: float
    period_s: float
    width_s: float
    count: float
    """May be infinite."""

    def high(self, time_s: float) -> bool:
        """Whether the light is on at `time_s` (not an edge)."""
        pulse = math.floor((time_s - self.start_s) / self.period_s)
        if not 0 <= pulse < self.count:
            return False
        return time_s - self.start_s - pulse * self.period_s < self.width_s

    def next_edge_s(self, time_s: float) -> float:
        """Next edge after `time_s`; infinity after the last pulse."""
        after_s = time_s + EDGE_TOLERANCE_S
        if after_s < self.start_s:
            return self.start_s
        pulse = math.floor((after_s - self.start_s) / self.period_s)
        if pulse >= self.count:
            return math.inf
        falling_s = self.start_s + pulse * self.period_s + self.width_s
        if after_s < falling_s:
            return falling_s
        if pulse + 1 >= self.count:
            return math.inf
        return self.start_s + (pulse + 1) * self.period_s


DARK = PulseTrain(0.0, 1.0, 0.0, 0)
"""No quench light at all."""
