"""A laser on a Peltier element: its temperature, and when it leaves its window."""

import math

TIME_CONSTANT_S = 5.0
AMBIENT_C = 22.0
LOADED_C = 32.0
"""Where a laser without its cooler ends."""
RUNAWAY_C = 60.0
"""Where a cooler that heats instead of cooling takes it."""
WINDOW_K = 0.5
LEAST_C, MOST_C = 5.0, 50.0
AMPERE_PER_K = 0.05


class Cooler:
    """First-order approach to a target, exact in time. Times are rig time, temperatures degC."""

    def __init__(self, now_s: float, *, settled: bool = False) -> None:
        self.on = settled
        self.set_c = 20.0
        self.window_k = WINDOW_K
        self.runaway = False
        self._from_c = self.set_c if settled else AMBIENT_C
        self._from_s = now_s

    def temperature_c(self, now_s: float) -> float:
        decay = math.exp(-max(0.0, now_s - self._from_s) / TIME_CONSTANT_S)
        return self._target_c + (self._from_c - self._target_c) * decay

    def current_a(self, now_s: float) -> float:
        """Current of the Peltier element (A), cooling positive."""
        return AMPERE_PER_K * (AMBIENT_C - self.temperature_c(now_s)) if self.on else 0.0

    def ready(self, now_s: float) -> bool:
        """On, and within the window around the set temperature."""
        return self.on and abs(self.temperature_c(now_s) - self.set_c) <= self.window_k

    def fails_from_s(self, now_s: float) -> float:
        """When, not before `now_s`, it is not `ready`; inf if it stays ready."""
        if not self.ready(now_s):
            return now_s
        beyond_k = abs(self._target_c - self.set_c)
        if beyond_k <= self.window_k:
            return math.inf
        edge_c = self.set_c + math.copysign(self.window_k, self._target_c - self.set_c)
        ratio = (edge_c - self._target_c) / (self._from_c - self._target_c)
        return max(now_s, self._from_s - TIME_CONSTANT_S * math.log(ratio))

    def change(
        self,
        now_s: float,
        *,
        on: bool | None = None,
        set_c: float | None = None,
        runaway: bool | None = None,
    ) -> None:
        """Change an input; the temperature goes on from where it is."""
        self._from_c, self._from_s = self.temperature_c(now_s), now_s
        if on is not None:
            self.on = on
        if set_c is not None:
            self.set_c = set_c
        if runaway is not None:
            self.runaway = runaway

    @property
    def _target_c(self) -> float:
        if self.runaway:
            return RUNAWAY_C
        return self.set_c if self.on else LOADED_C
