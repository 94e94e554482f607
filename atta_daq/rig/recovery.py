"""After a fault the run waits until the rig can be brought back, however long that takes."""

import threading
from collections.abc import Callable

from atta_daq.rig.status import Worker, WorkStatus

AGAIN_S = 0.5
"""Wall time between two tries."""


class Recovery:
    """Something that the run engine can trigger: done when `bring_back` has nothing to complain of.

    `bring_back` returns what is still in the way, or ''; `waiting` is told, '' when it is over.
    After a pause the engine triggers it anew.
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
        self.begin: Callable[[], None] = lambda: None
        """Called at the beginning of each triggered wait, on its thread."""
        self._given_up = False
        self._over = threading.Event()
        """Of the wait that was triggered last."""
        self._under_way = 0
        self._counting = threading.Lock()
        self._worker = Worker("recovery")

    @property
    def busy(self) -> bool:
        """Whether a wait is under way; a try outlasts a pause until it has ended."""
        return self._under_way > 0

    def trigger(self) -> WorkStatus:
        """Begin to try. It is under way from here on, on the engine's thread: a pause may come
        before the first try does."""
        over = self._over = threading.Event()
        if self._given_up:
            over.set()

        self._count(1)

        def work() -> None:
            try:
                self.begin()
                self._wait(over)
            finally:
                self._count(-1)

        return self._worker.submit(work)

    def pause(self) -> None:
        """Begin no further try. Returns at once."""
        self._over.set()

    def resume(self) -> None:
        """The engine triggers the wait anew, if it was in one."""

    def give_up(self) -> None:
        """The run ends: whatever is in the way no longer matters. Returns at once."""
        self._given_up = True
        self._over.set()

    def close(self) -> None:
        """Give up, and wait for a try under way."""
        self.give_up()
        self._worker.close()

    def wait(self) -> None:
        """The same on the calling thread, for the preparation of a run."""
        self._count(1)
        try:
            self._wait(self._over)
        finally:
            self._count(-1)

    def _wait(self, over: threading.Event) -> None:
        told = ""
        while not over.is_set():
            reason = self._bring_back()
            if reason != told:
                told = reason
                self._waiting(reason)
            if not reason:
                return
            over.wait(self._again_s)
        if told:
            self._waiting("")

    def _count(self, more: int) -> None:
        with self._counting:
            self._under_way += more
