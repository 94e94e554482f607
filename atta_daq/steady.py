"""Time that no setting of the computer's clock moves."""

import sys
import time
from collections.abc import Callable

Seconds = Callable[[], float]

if sys.platform == "linux":

    def steady_s() -> float:
        """Seconds since the computer started, its sleep included; the same for every process.

        Python's `monotonic` stands still while a Linux computer is suspended.
        """
        return time.clock_gettime(time.CLOCK_BOOTTIME)

elif sys.platform == "darwin":

    def steady_s() -> float:
        """Seconds on a clock that goes on in the computer's sleep; the same for every process."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:

    def steady_s() -> float:
        """Seconds on a clock that goes on in the computer's sleep; the same for every process."""
        return time.monotonic()


class SteadyUtc:
    """UTC (s since 1970) as the computer had it at one moment, gone on by the steady clock.

    Without `at` that moment is now; with `at = (utc_s, steady_s)` it is one that another process
    of this computer has told. A clock that is set, a leap second and a change of the time zone
    move it by nothing; a slow correction of the computer's clock (NTP's slewing) it follows.
    """

    def __init__(
        self,
        at: tuple[float, float] | None = None,
        *,
        utc: Seconds = time.time,
        steady: Seconds = steady_s,
    ) -> None:
        self._steady = steady
        self._utc_s, self._steady_s = (utc(), steady()) if at is None else at

    def __call__(self) -> float:
        return self._utc_s + (self._steady() - self._steady_s)
