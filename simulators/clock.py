"""Rig time of the simulated world: wall time since the start, times a speed factor."""

import sys
import time
from collections.abc import Callable


def steady_s() -> float:
    """Seconds on this computer's clock that nobody can set, the same for all its processes.

    Linux has a second one, `CLOCK_MONOTONIC`, that stands still in the computer's sleep.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


class RigClock:
    """Seconds since 1970 on the simulated rig.

    At its start rig time equals UTC; from then on it runs `speed` times faster, whatever becomes
    of the computer's clock. A station on this computer finds the same time from three numbers:
    `origin_s`, `speed` and `steady_origin_s`, what the steady clock showed at the start (rig
    file, `[clock]`). `wall` is injected in tests. `again`: `origin_s` and `steady_origin_s` of an
    earlier rig, whose time goes on.
    """

    def __init__(
        self,
        speed: float = 1.0,
        wall: Callable[[], float] | None = None,
        again: tuple[float, float] | None = None,
    ) -> None:
        if not speed > 0.0:
            raise ValueError(f"speed must be positive, got {speed}")
        self.speed = speed
        now_s = time.time() if wall is None else wall()
        self.origin_s, self.steady_origin_s = again or (now_s, steady_s())
        self._wall = wall or self._steady_wall

    def now_s(self) -> float:
        """Rig time now (s)."""
        return self.origin_s + (self._wall() - self.origin_s) * self.speed

    def wall_delay_s(self, rig_duration_s: float) -> float:
        """Wall seconds that a rig duration takes."""
        return rig_duration_s / self.speed

    def _steady_wall(self) -> float:
        return self.origin_s + (steady_s() - self.steady_origin_s)
