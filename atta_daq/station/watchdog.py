"""The station's watchdog over the amplifier, and how fast it is. All times are wall time."""

import time
from collections.abc import Callable
from threading import RLock

from atta_daq.rig.config import RigConfig
from drivers.amplifier_box import AmplifierReading
from drivers.amplifier_protection import CURRENT_TOLERANCE_MA
from drivers.errors import Timeout
from drivers.interfaces import AmplifierStatus, Guard, TaperedAmplifier

FAULT = "stale reading, read-back mismatch, slow seed decay"
LATE_S = 2.0
"""A watchdog that has not looked for so long does not guard."""
FAILURES = 2
"""Readings in a row that must fail: one lost answer is asked for again, at once."""
STRAY_LOOKS = 2
"""Looks in a row that must find another current: the first may fall into the end of a move."""
UNGUARDED_LOOKS = 2
"""Looks in a row that must find the box's own guard disarmed: somebody may be setting it."""
MEASURED_TOLERANCE_MA = 50.0
"""Of the measured current against the commanded one: one step of the drivers' ramps."""


class Watchdog:
    """An amplifier that is up while its seed fades or its box does not guard it, that cannot be
    read in time, or that is at a current which nobody has commanded: take it down now.

    One thread reads: `begin`, then `look` or `lost`. Another one asks `overdue` all the time.
    Its reaction time is the longest time between two looks at seed and amplifier, and what taking
    the amplifier down takes; both are measured as long as it runs.
    """

    def __init__(
        self,
        amplifier: TaperedAmplifier,
        config: RigConfig,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._amplifier = amplifier
        self._limits = config.amplifier
        self._clock = clock
        self._lock = RLock()
        self._since_s: float | None = None
        """Beginning of the reading under way, else end of the last one; later once it was counted
        as lost. None before the first."""
        self._overdue = False
        """The reading under way has been counted as lost."""
        self._looked_s: float | None = None
        self._up_ma = 0.0
        """Where the last look found it above its unseeded ceiling; 0 when it was not."""
        self._failures = 0
        self._lost_s = 0.0
        """When the first reading began that failed."""
        self._tried = False
        """Taken down since it can no longer be read: once in each silence."""
        self._owed = False
        """The last 'off' was not confirmed."""
        self._strays = 0
        self._unguarded = 0
        self.longest_look_s = 0.0
        self.slowest_s = 0.0
        """Slowest reaction so far, from the poll that saw the fault; 0 when it has not fired."""
        self.fired = 0

    @property
    def asks_again(self) -> bool:
        """One reading of an amplifier that is up has failed: the next must not wait."""
        return self._up_ma > 0.0 and 0 < self._failures < FAILURES

    def begin(self, polled_s: float) -> None:
        """A reading begins."""
        with self._lock:
            self._since_s, self._overdue = polled_s, False

    def look(
        self, status: AmplifierStatus, polled_s: float, commanded_ma: float | None = None
    ) -> str:
        """Act on a poll that began at `polled_s`; what was done, empty for nothing.

        `commanded_ma`: what the box was told, if nothing moved during the poll.
        """
        with self._lock:
            now_s, since_s = self._clock(), self._since_s
            late = since_s is not None and now_s - since_s > self._limits.seed_reading_max_age_s
            overdue, self._overdue = self._overdue, False
            self._since_s = now_s
            if overdue and self._tried:
                # What it says is older than its being taken down.
                return ""
            return self._judged(status, polled_s, commanded_ma, overdue, late)

    def _judged(
        self,
        status: AmplifierStatus,
        polled_s: float,
        commanded_ma: float | None,
        overdue: bool,
        late: bool,
    ) -> str:
        level_ma = _level_ma(status)
        pumped = level_ma > self._limits.unseeded_ceiling_ma + CURRENT_TOLERANCE_MA
        unseeded = not status.seed_on or not status.seed_power_mw >= self._limits.seed_power_min_mw
        self._up_ma = level_ma if pumped else 0.0
        self._owed = self._owed and pumped
        self._unguarded = self._unguarded + 1 if pumped and not status.seed_protection_armed else 0
        if pumped and not (unseeded or self._owed):
            # Too old to show that the seed is there: another one is due.
            if overdue:
                return ""
            if late:
                return self._count(self._late(), polled_s)
        self._failures, self._tried = 0, False
        said = ""
        if pumped and unseeded:
            said = self._take_down(
                f"seed at {status.seed_power_mw:.1f} mW while at {level_ma:.0f} mA",
                "Check the seed, then run again",
                polled_s,
            )
        elif self._owed:
            said = self._take_down(
                f"it answers again, at {level_ma:.0f} mA, and its last 'off' was not confirmed",
                "See why it did not answer, then run again",
                polled_s,
            )
        elif self._unguarded >= UNGUARDED_LOOKS:
            said = self._take_down(
                f"the box's own guard against missing seed is disarmed while at {level_ma:.0f} mA",
                "Arm it at the box (`atta-daq protection` names what is missing), then run again",
                polled_s,
            )
        elif self._has_strayed(status, commanded_ma):
            said = self._take_down(
                f"set to {commanded_ma:.0f} mA; the box says {status.amplifier_current_set_ma:.2f} "
                f"mA set, {status.amplifier_current_ma:.0f} mA measured",
                "See who or what has moved it at the box, then run again",
                polled_s,
            )
        now_s = self._clock()
        if self._looked_s is not None:
            self.longest_look_s = max(self.longest_look_s, now_s - self._looked_s)
        self._looked_s = now_s
        return said

    def lost(self, error: Exception, polled_s: float, *, at_once: bool = False) -> str:
        """A reading that began at `polled_s` has failed: what was done, empty for nothing.

        An amplifier that was up is taken down at the second failure in a row, or `at_once`; and
        again when it answers and is still up after an 'off' that was not confirmed. One that was
        overdue before it failed has failed twice.
        """
        with self._lock:
            self._since_s, self._overdue = self._clock(), False
            return self._count(error, polled_s, at_once)

    def overdue(self, tell: Callable[[str, bool], None], stolen_s: float = 0.0) -> str:
        """Count the reading under way as lost when it takes too long, or when none comes, and
        again each time that as much has passed: what was done, empty for nothing.

        `tell(reason, acts)` comes before anything is done: that may take as long as the answers.
        `acts`: it is taken down now.
        `stolen_s`: time since the last call that the machine did not give this program; no box is
        slow because of it.
        """
        with self._lock:
            if self._since_s is None:
                return ""
            now_s, limit_s = self._clock(), self._limits.seed_reading_max_age_s
            since_s = self._since_s = min(now_s, self._since_s + stolen_s)
            if now_s - since_s <= limit_s or not self._up_ma or self._tried:
                return ""
            error = self._late()
            self._since_s, self._overdue = now_s, True
            tell(str(error), self._failures + 1 >= FAILURES)
            return self._count(error, since_s)

    def _late(self) -> Timeout:
        return Timeout(
            "amplifier",
            f"it is up and was not read within {self._limits.seed_reading_max_age_s:g} s",
            "see why its box answers slowly; seed_reading_max_age_s in the rig file is the limit",
        )

    def _count(self, error: Exception, polled_s: float, at_once: bool = False) -> str:
        # What comes next is no look that was late.
        self._looked_s = None
        self._strays = 0
        self._lost_s = self._lost_s if self._failures else polled_s
        self._failures += 1
        if not self._up_ma or self._tried or (self._failures < FAILURES and not at_once):
            return ""
        self._tried = True
        return self._take_down(
            f"it was at {self._up_ma:.0f} mA and can no longer be read ({error})",
            "See why it does not answer, then run again",
            self._lost_s,
        )

    def guard(self) -> Guard:
        """The watchdog as a row of the table of guards."""
        looked_s = self._looked_s
        looks = looked_s is not None and self._clock() - looked_s < LATE_S
        state = f"longest time between two looks {1e3 * self.longest_look_s:.0f} ms; "
        if self.fired:
            state += f"fired {self.fired} time(s), slowest reaction {1e3 * self.slowest_s:.0f} ms"
        else:
            state += "has not fired"
        return Guard(
            fault=FAULT,
            by="station's watchdog",
            state=state if looks else f"does not look at present; {state}",
            armed=looks,
            remedy="see why the amplifier does not answer",
        )

    def _has_strayed(self, status: AmplifierStatus, commanded_ma: float | None) -> bool:
        """Above the ceiling, by what it says or by what it was told, at another current."""
        if commanded_ma is None or not status.amplifier_on:
            self._strays = 0
            return False
        set_ma, measured_ma = status.amplifier_current_set_ma, status.amplifier_current_ma
        high = max(commanded_ma, set_ma, measured_ma) > self._limits.unseeded_ceiling_ma
        off = (
            abs(set_ma - commanded_ma) > CURRENT_TOLERANCE_MA
            or abs(measured_ma - commanded_ma) > MEASURED_TOLERANCE_MA
        )
        self._strays = self._strays + 1 if high and off else 0
        return self._strays >= STRAY_LOOKS

    def _take_down(self, why: str, remedy: str, polled_s: float) -> str:
        self.fired += 1
        told = self._owed
        try:
            self._amplifier.make_safe()
        except Exception as error:  # whatever it was: the amplifier is not known to be down
            self._owed = True
            # Given again at every look: said once.
            return "" if told else f"{why}; NOT TAKEN DOWN: {error}"
        self._up_ma, self._owed, self._strays, self._unguarded = 0.0, False, 0, 0
        reaction_s = self._clock() - polled_s
        self.slowest_s = max(self.slowest_s, reaction_s)
        return f"{why}; taken down in {1e3 * reaction_s:.0f} ms. {remedy}"


def _level_ma(status: AmplifierStatus) -> float:
    """The current that may flow, by the same rule as the driver's."""
    return AmplifierReading(
        status.amplifier_on, status.amplifier_current_set_ma, status.amplifier_current_ma
    ).level_ma
