"""The box's own protection of the amplifier: a timer that runs while a condition is bad."""

import math
from dataclasses import dataclass


@dataclass
class ShutdownTimer:
    """Trips when its condition has been bad for `delay_s` of rig time.

    A delay of zero or less disarms it. `bad_since_s` is inf while the condition is good.
    """

    delay_s: float
    bad_since_s: float = math.inf
    tripped: bool = False

    @property
    def armed(self) -> bool:
        return self.delay_s > 0.0

    @property
    def trips_at_s(self) -> float:
        return self.bad_since_s + self.delay_s if self.armed else math.inf

    def watch(self, bad_from_s: float) -> None:
        """The condition is bad from `bad_from_s` on (inf: good); an older bad start stays."""
        if math.isinf(bad_from_s):
            self.bad_since_s = math.inf
        else:
            self.bad_since_s = min(self.bad_since_s, bad_from_s)

    def status(self, now_s: float, warning_delay_s: float) -> tuple[int, str]:
        """(code, text): 0 fine, 1 bad but waiting, 2 warning, 3 shut down."""
        if self.tripped:
            return 3, "shutdown"
        if self.bad_since_s <= now_s:
            late = now_s - self.bad_since_s >= warning_delay_s
            return (2, "warning") if late else (1, "out of limits")
        return 0, "ok"
