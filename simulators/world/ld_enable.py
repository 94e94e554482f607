"""The hardware line from a seed photodiode to the amplifier's rear input LD-ENABLE."""

import math
from typing import Literal

from simulators.truth import Light
from simulators.world.seed import SeedDiode

LineMode = Literal["OFF", "PROT", "ENAB"]
"""What the box does with a low line: ignores it, latches off, inhibits while it is low."""


class EnableLine:
    """A comparator on the seed photodiode: high above one level, low below a lower one.

    It changes only after its condition has lasted for its delay (rig time). Between two changes
    of the seed's inputs the seed power never rises: the line can fall by itself, but it rises
    only for a seed that was switched or mended.
    """

    def __init__(self, truth: Light) -> None:
        self._truth = truth
        self.mode: LineMode = "OFF"
        self.high = False
        self.stuck = False
        """A broken wire: the line stays as it is."""
        self._since_s = math.inf

    @property
    def changes_at_s(self) -> float:
        """When the line changes; inf while nothing asks it to."""
        return math.inf if self.stuck else self._since_s + self._truth.ld_enable_delay_s

    @property
    def inhibits(self) -> bool:
        """The box keeps the amplifier's current at zero."""
        return self.mode != "OFF" and not self.high

    def watch(self, seed: SeedDiode, now_s: float) -> None:
        """Start or stop the delay for the conditions from now on; an older start stays."""
        t = self._truth
        if self.high:
            from_s = seed.below_from_s(t.ld_enable_low_mw, now_s)
        else:
            start_s = min(self._since_s, now_s)
            lasts = seed.below_from_s(t.ld_enable_high_mw, now_s) > start_s + t.ld_enable_delay_s
            from_s = now_s if lasts else math.inf
        self._since_s = from_s if math.isinf(from_s) else min(self._since_s, from_s)

    def change(self) -> None:
        """The delay is over."""
        self.high = not self.high
        self._since_s = math.inf
