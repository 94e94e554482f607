"""Rig time as the station reckons it."""

import time
from collections.abc import Callable


class RigClock:
    """Rig time = origin_s + rate x (UTC - origin_s), seconds since 1970.

    Instruments stamp with rig time; a real rig has rate = 1 and rig time is UTC. A rig that runs
    faster (a rehearsal) says so in its rig file, `[clock]`. `wall` is injected in tests.
    """

    def __init__(
        self, rate: float = 1.0, origin_s: float = 0.0, wall: Callable[[], float] = time.time
    ) -> None:
        self.rate = rate
        self.origin_s = origin_s
        self._wall = wall

    def now_s(self) -> float:
        """Rig time now (s)."""
        return self.origin_s + self.rate * (self._wall() - self.origin_s)

    def wall_s(self, rig_duration_s: float) -> float:
        """Wall seconds that a rig duration takes, for I/O time-outs and polling."""
        return rig_duration_s / self.rate
