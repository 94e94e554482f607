"""A proportional-integral loop around an actuator that acts at once."""

import math


class PiLoop:
    """Output u = P e + z with z' = I e, e = target - (free + u): one exact relaxation.

    With the loop closed e = (target - free - z)/(1 + P), so z relaxes towards target - free with
    the rate I/(1 + P). The output stays within `low` and `high`, and z with it (no wind-up).
    """

    def __init__(self, default_p: float, default_time_s: float, low: float, high: float) -> None:
        self._default_p = default_p
        self._default_i = (1.0 + default_p) / default_time_s
        self._low, self._high = low, high
        self.proportional = 1.0
        """Proportional gain over its default."""
        self.integral = 1.0
        """Integral gain over its default."""
        self.stored = 0.0
        self.output = 0.0

    @property
    def closed(self) -> bool:
        return self.proportional != 0.0 or self.integral != 0.0

    def preset(self, value: float) -> None:
        """Put integrator and output to `value`."""
        self.stored = self.output = self._clamped(value)

    def advance(self, needed: float, step_s: float) -> None:
        """Close the loop for `step_s` on `needed`, the output that would make the error zero.

        Negative gains would run away; the output then goes to the rail.
        """
        p = max(self._default_p * self.proportional, -0.99)
        rate = self._default_i * self.integral / (1.0 + p)
        growth = math.exp(min(-rate * step_s, 700.0))
        self.stored = self._clamped(needed + (self.stored - needed) * growth)
        self.output = self._clamped(self.stored + p * (needed - self.stored) / (1.0 + p))

    def _clamped(self, value: float) -> float:
        return min(max(value, self._low), self._high)
