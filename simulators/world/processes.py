"""Stochastic processes and relaxations, advanced exactly over any step of time."""

import math

import numpy as np


class OrnsteinUhlenbeck:
    """A mean-reverting random walk around zero, stationary from its start.

    `rms` is its standard deviation, `correlation_s` its correlation time. `at(t)` returns the
    value at rig time `t` (s), exactly distributed whatever the steps are; an earlier time gives
    the latest value. (Gillespie, Phys. Rev. E 54, 2084 (1996), Eq. 1.9.)
    """

    def __init__(
        self, rms: float, correlation_s: float, start_s: float, stream: np.random.Generator
    ) -> None:
        self._rms = rms
        self._correlation_s = correlation_s
        self._stream = stream
        self._time_s = start_s
        self._value = rms * float(stream.standard_normal())

    def at(self, time_s: float) -> float:
        step_s = time_s - self._time_s
        if step_s > 0.0:
            decay = math.exp(-step_s / self._correlation_s)
            spread = self._rms * math.sqrt(-math.expm1(-2.0 * step_s / self._correlation_s))
            self._value = self._value * decay + spread * float(self._stream.standard_normal())
            self._time_s = time_s
        return self._value


def wander(
    change_per_min: float, correlation_s: float, start_s: float, stream: np.random.Generator
) -> OrnsteinUhlenbeck:
    """A slow drift that stays bounded: its rms change within one minute is `change_per_min`."""
    rms = abs(change_per_min) / math.sqrt(-2.0 * math.expm1(-60.0 / correlation_s))
    return OrnsteinUhlenbeck(rms, correlation_s, start_s, stream)


def relaxed(value: float, target: float, step_s: float, time_constant_s: float) -> float:
    """`value` after it has relaxed towards `target` for `step_s`."""
    return target + (value - target) * math.exp(-step_s / time_constant_s)
