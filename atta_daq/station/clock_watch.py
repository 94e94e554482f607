"""Sees that this computer's clock was set while the station runs, and says so."""

import threading
import time
from collections.abc import Callable

from atta_daq.station.log import Say
from atta_daq.steady import steady_s

STEP_S = 0.5
"""NTP slews what is smaller, and the steady clock follows that."""


class ClockWatch:
    """`step` is called a few times a second."""

    def __init__(
        self,
        say: Say,
        note: Callable[[str, str], object],
        *,
        utc: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_s,
    ) -> None:
        """`note(text, author)` keeps a note with the run under way, if there is one."""
        self._say = say
        self._note = note
        self._utc = utc
        self._steady = steady
        self._ahead_s = utc() - steady()
        self._mutex = threading.Lock()

    def step(self) -> None:
        """Compare the two clocks."""
        with self._mutex:
            before_s, utc_s, after_s = self._steady(), self._utc(), self._steady()
            if after_s - before_s > STEP_S / 2.0:
                # This thread had to wait between the two: they cannot be compared.
                return
            ahead_s = utc_s - after_s
            moved_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        if abs(moved_s) < STEP_S:
            return
        text = (
            f"this computer's clock was set by {moved_s:+.1f} s; rig time, dwells and brackets go "
            "on as if it had not been. Time stamps in UTC are by the new setting"
        )
        self._say(text, "warning")
        self._note(text, "station")
