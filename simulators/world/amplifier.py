"""The tapered amplifier: gain saturated by the seed, a warm chip, and damage without seed."""

import math

from simulators.truth import Light
from simulators.world.processes import relaxed


class Amplifier:
    """Output against current and seed; what it suffers.

    Seeded output is slope (I - threshold) s, with s = 1 - exp(-3 P_seed/P_minimum): 95 % of the
    full power at the minimum seed power. A cold chip gives `thermal_drop` more than a warm one.
    The rest of the inverted population leaves as broadband light.

    Damage: the dose grows by (I - ceiling) A per second times the missing share of the seed, and
    `damage_time_s` of it at maximum current without any seed destroys the chip for good.
    """

    def __init__(self, truth: Light) -> None:
        self._truth = truth
        self.enabled = False
        self.powered = True
        """Key, button and interlock let current flow."""
        self.current_ma = 0.0
        self.added_ma = 0.0
        """What its box adds to that by itself."""
        self.dose_a_s = 0.0
        self._heat = 0.0

    @property
    def current_a(self) -> float:
        """Current that flows (A)."""
        flowing_ma = self.current_ma + self.added_ma
        return flowing_ma / 1000.0 if self.enabled and self.powered else 0.0

    @property
    def dose_limit_a_s(self) -> float:
        """Dose that destroys the chip (A s)."""
        t = self._truth
        return t.damage_time_s * (t.amplifier_maximum_a - t.unseeded_ceiling_a)

    @property
    def destroyed(self) -> bool:
        return self.dose_a_s >= self.dose_limit_a_s

    def advance(self, step_s: float, deficit_s: float) -> None:
        """Let `step_s` pass at the present current; `deficit_s` of them without seed."""
        target = (self.current_a / self._truth.amplifier_maximum_a) ** 2
        self._heat = relaxed(self._heat, target, step_s, self._truth.thermal_time_s)
        self.dose_a_s += max(0.0, self.current_a - self._truth.unseeded_ceiling_a) * deficit_s

    def powers_mw(self, seed_mw: float) -> tuple[float, float]:
        """(amplified seed light, broadband light) at the chip's output (mW)."""
        t = self._truth
        available_mw = 1000.0 * max(
            0.0, t.amplifier_slope_w_per_a * (self.current_a - t.amplifier_threshold_a)
        )
        available_mw *= 1.0 + t.thermal_drop * (1.0 - self._heat)
        if self.destroyed:
            available_mw *= t.damaged_fraction
        nominal_mw = t.seed_slope_mw_per_ma * (t.seed_current_ma - t.seed_threshold_ma)
        saturation = self._saturation(seed_mw) / self._saturation(nominal_mw)
        unsaturated = max(0.0, 1.0 - saturation)
        return available_mw * saturation, available_mw * t.unseeded_fraction * unsaturated

    def _saturation(self, seed_mw: float) -> float:
        return -math.expm1(-3.0 * seed_mw / self._truth.seed_minimum_mw)
