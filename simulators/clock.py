"""Rig time of the simulated world: wall time since the start, times a speed factor."""

import time
from collections.abc import Callable


class RigClock:
    """Seconds since 1970 on the simulated rig.

    At its start rig time equals UTC; from then on it runs `speed` times faster. A station finds
    the same time from the two numbers `origin_s` and `speed` (rig file, `[clock]`). `wall` is
    injected in tests. With `origin_s` it goes on with the time of an earlier rig.
    """

    def __init__(
        self,
        speed: float = 1.0,
        wall: Callable[[], float] = time.time,
        origin_s: float | None = None,
    ) -> None:
        if not speed > 0.0:
            raise ValueError(f"speed must be positive, got {speed}")
        self.speed = speed
        self._wall = wall
        self.origin_s = wall() if origin_s is None else origin_s

    def now_s(self) -> float:
        """Rig time now (s)."""
        return self.origin_s + (self._wall() - self.origin_s) * self.speed

    def wall_delay_s(self, rig_duration_s: float) -> float:
        """Wall seconds that a rig duration takes."""
        return rig_duration_s / self.speed
