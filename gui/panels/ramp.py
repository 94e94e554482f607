"""How far a ramp has come."""

import math
from dataclasses import dataclass

ARRIVED_MA = 5.0
"""Nearer than this a current has arrived; its reading scatters."""


@dataclass
class Ramp:
    """Follows a current to its target. Currents in mA.

    A target that this window sent is known at once; else the setpoint is all there is to go by.
    """

    _start: float = math.nan
    _target: float = math.nan
    _sent: float = math.nan

    def sent(self, target: float) -> None:
        """This window sent a new target."""
        self._sent = target

    def answered(self) -> None:
        """The command is over: the setpoint tells the target again."""
        self._sent = math.nan

    def update(self, current: float, setpoint: float) -> tuple[float, float] | None:
        """Share of the way (0 to 1) and target; None while nothing ramps."""
        target = self._sent if math.isfinite(self._sent) else setpoint
        if not math.isfinite(target) or not math.isfinite(current):
            return None
        if abs(current - target) <= ARRIVED_MA:
            self._start = self._target = math.nan
            return None
        if target != self._target:
            # Another window's ramp moves its setpoint in steps: the start stays.
            if not math.isfinite(self._target) or math.isfinite(self._sent):
                self._start = current
            self._target = target
        whole = target - self._start
        share = (current - self._start) / whole if whole else 0.0
        return min(max(share, 0.0), 1.0), target
