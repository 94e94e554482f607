"""The station's watchdog over the amplifier, and how fast it is. All times are wall time."""

import time
from collections.abc import Callable

from atta_daq.rig.config import RigConfig
from drivers.interfaces import AmplifierStatus, Guard, TaperedAmplifier

FAULT = "stale reading, read-back mismatch, slow seed decay"
LATE_S = 2.0
"""A watchdog that has not looked for so long does not guard."""


class Watchdog:
    """A seed that fades while the amplifier is up: take the amplifier down now.

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
        self._looked_s: float | None = None
        self.longest_look_s = 0.0
        self.slowest_s = 0.0
        """Slowest reaction so far, from the poll that saw the fault; 0 when it has not fired."""
        self.fired = 0

    def look(self, status: AmplifierStatus, polled_s: float) -> str:
        """Act on a poll that began at `polled_s`; what was done, empty for nothing.

        Raises what the driver raises when the amplifier does not come down.
        """
        limits = self._limits
        unseeded = not status.seed_on or not status.seed_power_mw >= limits.seed_power_min_mw
        pumped = status.amplifier_on and status.amplifier_current_ma > limits.unseeded_ceiling_ma
        said = self._take_down(status, polled_s) if unseeded and pumped else ""
        now_s = self._clock()
        if self._looked_s is not None:
            self.longest_look_s = max(self.longest_look_s, now_s - self._looked_s)
        self._looked_s = now_s
        return said

    def rest(self) -> None:
        """The amplifier does not answer: what comes next is no look that was late."""
        self._looked_s = None

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

    def _take_down(self, status: AmplifierStatus, polled_s: float) -> str:
        self._amplifier.make_safe()
        reaction_s = self._clock() - polled_s
        self.fired += 1
        self.slowest_s = max(self.slowest_s, reaction_s)
        return (
            f"seed at {status.seed_power_mw:.1f} mW while at "
            f"{status.amplifier_current_ma:.0f} mA; taken down in {1e3 * reaction_s:.0f} ms. "
            "Check the seed, then run again"
        )
