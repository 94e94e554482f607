"""The box's own guards of the amplifier, provoked where it is harmless."""

import math

from drivers.amplifier_box import SeedTaken
from drivers.amplifier_protection import POLL_S, ProtectedAmplifier
from drivers.errors import InterlockOpen
from drivers.interfaces import GuardTrial

READING_MARGIN_S = 0.15
"""For the wire, and for the box that is asked."""
PATIENCE_S = 2.0
"""A guard that is late is waited for so long, to tell how late it is."""


class ExercisedAmplifier(ProtectedAmplifier):
    """A protected amplifier that can put the guards of its box to the test."""

    def exercise_guard(self, seed_current_ma: float) -> tuple[GuardTrial, ...]:
        """Seed on, amplifier on at or below its unseeded ceiling, seed away: the box must act.

        Before that, what STOP and the watchdog do (down and off) is timed. The box passes when the
        amplifier is off within the stated delay of the fastest guard that sees the seed go, and
        `READING_MARGIN_S` for the wire.
        """
        self._check_range("seed current", seed_current_ma, self._limits.seed_current_ma)
        with self._moves:
            if self._read_amplifier().on or self._read_seed().on:
                raise InterlockOpen(
                    self._name,
                    "the guard is not exercised while seed or amplifier is on",
                    "switch the light off, then exercise it",
                )
            self._check_guard()
            try:
                self.set_seed_current(seed_current_ma)
                self.seed_on()
                ways = self._ways_to_take_seed(seed_current_ma)
                self._light_harmlessly(seed_current_ma)
                asked_s = self._clock()
                self._force_off()
                take_down_s = self._clock() - asked_s
                trials = []
                for way in ways:
                    current_ma = self._light_harmlessly(seed_current_ma)
                    trials.append(self._take_seed_away(way, current_ma, take_down_s))
                return tuple(trials)
            finally:
                try:
                    self._force_off()
                finally:
                    self._switch_seed(False)

    def _light_harmlessly(self, seed_current_ma: float) -> float:
        """Both on, the amplifier at half its ceiling. Returns its current (mA)."""
        limits = self._limits
        low_ma = limits.amplifier_current_ma.low
        current_ma = low_ma + (limits.unseeded_ceiling_ma - low_ma) / 2.0
        self.set_seed_current(seed_current_ma)
        self.seed_on()
        # A seed that was dimmed or off comes back within a moment; one that does not is refused.
        self._wait_for(lambda: self._read_seed().power_mw >= limits.seed_power_min_mw)
        self.amplifier_on()
        self.set_amplifier_current(current_ma)
        return current_ma

    def _take_seed_away(self, way: SeedTaken, current_ma: float, take_down_s: float) -> GuardTrial:
        allowed_s = min(way.delays_s.values()) + READING_MARGIN_S
        asked_s = self._clock()
        way.act()
        trip_s = math.inf
        while math.isinf(trip_s) and self._clock() - asked_s <= allowed_s + PATIENCE_S:
            self._check_not_stopped()
            if not self._read_amplifier().on:
                trip_s = self._clock() - asked_s
            else:
                self._sleep(POLL_S)
        # Whose delay was not over has not acted.
        acted = tuple(name for name, delay_s in way.delays_s.items() if delay_s <= trip_s)
        return GuardTrial(
            passed=trip_s <= allowed_s,
            current_ma=current_ma,
            trip_s=trip_s,
            allowed_s=allowed_s,
            by="" if math.isinf(trip_s) else self._trip_cause(),
            take_down_s=take_down_s,
            how=way.how,
            guards=acted or tuple(way.delays_s),
        )
