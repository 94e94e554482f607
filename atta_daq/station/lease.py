"""How long something goes on that somebody must keep asking for."""

import time
from collections.abc import Callable


class Lease:
    """Lapses `lasts_s` of wall time after it was made or last renewed."""

    def __init__(self, lasts_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.lasts_s = lasts_s
        self._clock = clock
        self._until = clock() + lasts_s

    def renew(self) -> None:
        """Begin the time anew; a lease that has lapsed lives again."""
        self._until = self._clock() + self.lasts_s

    @property
    def lapsed(self) -> bool:
        """Nobody renewed it in time."""
        return self._clock() >= self._until
