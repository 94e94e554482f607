"""After a fault the run waits until the rig can be brought back, however long that takes."""

import threading
from collections.abc import Callable

from atta_daq.rig.status import Worker, WorkStatus

AGAIN_S = 0.5
"""Wall time between two tries."""


class Recovery:
    """Something that the run engine can trigger: done when `bring_back` has nothing to complain of.

    `bring_back` returns what is still in the way, or ''; `waiting` is told, '' when it is over.
    """

    name = "recovery"
    parent = None

    def __init__(
        self,
        bring_back: Callable[[], str],
        waiting: Callable[[str], None],
        again_s: float = AGAIN_S,
    ) -> None:
        self._bring_back = bring_back
        self._waiting = waiting
        self._again_s = again_s
        self._over = threading.Event()
        self._worker = Worker("recovery")

    def trigger(self) -> WorkStatus:
        """Begin to try."""
        return self._worker.submit(self.wait)

    def give_up(self) -> None:
        """The run ends: whatever is in the way no longer matters. Returns at once."""
        self._over.set()

    def close(self) -> None:
        """Give up, and wait for a try under way."""
        self._over.set()
        self._worker.close()

    def wait(self) -> None:
        """The same on the calling thread."""
        told = ""
        while not self._over.is_set():
            reason = self._bring_back()
            if reason != told:
                told = reason
                self._waiting(reason)
            if not reason:
                return
            self._over.wait(self._again_s)
        if told:
            self._waiting("")
