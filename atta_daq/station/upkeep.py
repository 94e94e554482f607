"""What the station does a few times a second whatever else goes on."""

import logging
import threading
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

INTERVAL_S = 0.2


class Upkeep:
    """Calls each of `chores` in turn on a thread of its own. One that fails is logged once."""

    def __init__(self, chores: Sequence[Callable[[], None]]) -> None:
        self._chores = chores
        self._failed: set[Callable[[], None]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, after a last turn."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        ending = False
        while not ending:
            ending = self._stop.wait(INTERVAL_S)
            for chore in self._chores:
                try:
                    chore()
                except Exception:
                    # Alarms must go on even if the history cannot.
                    if chore not in self._failed:
                        self._failed.add(chore)
                        log.exception("upkeep")
