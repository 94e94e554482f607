"""The seed diode, and how much of its light reaches the amplifier."""

import math

from simulators.truth import Light


class SeedDiode:
    """Linear above threshold; a coupling that may decay (the seed-loss fault).

    Between two changes of its inputs the seed power at the chip is
    P(t) = P_diode (c + (c0 - c) exp(-(t - t0)/tau)) with c <= c0: it never rises, so a threshold
    is crossed at most once.
    """

    def __init__(self, truth: Light) -> None:
        self._truth = truth
        self.enabled = False
        self.powered = True
        """Key, button and interlock let current flow."""
        self.current_ma = truth.seed_current_ma
        self._lost_at_s = 0.0
        self._kept = 1.0
        self._decay_s = 1.0

    @property
    def diode_power_mw(self) -> float:
        """Power of the diode itself, whatever reaches the amplifier (mW)."""
        if not (self.enabled and self.powered):
            return 0.0
        above_ma = self.current_ma - self._truth.seed_threshold_ma
        return max(0.0, self._truth.seed_slope_mw_per_ma * above_ma)

    def lose(self, now_s: float, kept: float, decay_s: float) -> None:
        """From now on the coupling decays from 1 to `kept` with time constant `decay_s` > 0."""
        self._lost_at_s, self._kept, self._decay_s = now_s, kept, decay_s

    def recover(self) -> None:
        self._kept = 1.0

    def power_mw(self, time_s: float) -> float:
        """Seed power at the amplifier's input (mW)."""
        return self.diode_power_mw * self._coupling(time_s)

    def _coupling(self, time_s: float) -> float:
        if self._kept >= 1.0:
            return 1.0
        lost_s = max(0.0, time_s - self._lost_at_s)
        return self._kept + (1.0 - self._kept) * math.exp(-lost_s / self._decay_s)

    def below_from_s(self, threshold_mw: float, start_s: float) -> float:
        """When, not before `start_s`, the power is below `threshold_mw`; inf if it stays above."""
        diode_mw = self.diode_power_mw
        if self.power_mw(start_s) < threshold_mw:
            return start_s
        if self._kept >= 1.0 or diode_mw * self._kept >= threshold_mw:
            return math.inf
        ratio = (threshold_mw / diode_mw - self._kept) / (1.0 - self._kept)
        return max(start_s, self._lost_at_s - self._decay_s * math.log(ratio))

    def deficit_s(self, minimum_mw: float, start_s: float, end_s: float) -> float:
        """Integral over time of the missing share max(0, 1 - P/`minimum_mw`) of the seed (s)."""
        first_s = self.below_from_s(minimum_mw, start_s)
        if first_s >= end_s:
            return 0.0
        span_s = end_s - first_s
        # Below the minimum the coupling is a constant plus one exponential: integrate it exactly.
        if self._kept >= 1.0:
            coupling_s = span_s
        else:
            excess = self._coupling(first_s) - self._kept
            fallen = -math.expm1(-span_s / self._decay_s)
            coupling_s = self._kept * span_s + excess * self._decay_s * fallen
        return span_s - self.diode_power_mw * coupling_s / minimum_mw
