"""Something that the rig does outside a run, on a thread of its own: a live view, an alignment."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from atta_daq.client.client import CommandRefused
from drivers.errors import DriverError

log = logging.getLogger(__name__)


class Activity:
    """Begins when it is made; `ended` is set when it no longer touches the rig.

    `work` gets the activity, calls `ready` when its set-up is done, and returns as soon as
    `ending` is no longer empty; what it returns is the `answer`. `over` is called at its end, on
    its thread, with why it failed, or '' when it was ended or finished by itself.
    `exclusive`: nothing else may move the rig meanwhile, not even the light.
    """

    def __init__(
        self,
        name: str,
        work: Callable[["Activity"], Any],
        over: Callable[["Activity", str], None],
        *,
        exclusive: bool = False,
    ) -> None:
        self.name = name
        self.exclusive = exclusive
        self.ending = ""
        """Why it shall end; empty while it may go on."""
        self.answer: Any = None
        self.ended = threading.Event()
        self._work = work
        self._over = over
        self._failure = ""
        self._asked = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._carry_out, name=name, daemon=True)

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self, reason: str) -> None:
        """Ask it to end; returns at once."""
        self.ending = self.ending or reason
        self._asked.set()

    def pause(self, seconds: float) -> bool:
        """For `work`: wait; True when it shall end."""
        return self._asked.wait(seconds)

    def carries_out(self, *steps: Callable[[], object]) -> bool:
        """For `work`: one step after the other. False, and no more of them, once it shall end."""
        for step in steps:
            step()
            if self.ending:
                return False
        return True

    def ready(self) -> None:
        """For `work`: the set-up is done."""
        self._ready.set()

    def wait_ready(self) -> None:
        """Wait for the end of the set-up. Raises CommandRefused with why it failed."""
        self._ready.wait()
        self._check()

    def wait_answer(self) -> Any:
        """Wait for the end. Raises CommandRefused with why it failed or was ended."""
        self.ended.wait()
        self._check()
        return self.answer

    def _check(self) -> None:
        if self._failure:
            raise CommandRefused(self._failure)
        if self.ending:
            raise CommandRefused(f"{self.name} was ended: {self.ending}")

    def _carry_out(self) -> None:
        try:
            if not self.ending:
                self.answer = self._work(self)
        except DriverError as error:
            # What STOP breaks off complains, and has been told why.
            self._failure = "" if self.ending else str(error)
        except Exception as error:  # its thread has nobody to raise to
            log.exception("%s failed", self.name)
            self._failure = f"{self.name} failed: {type(error).__name__}: {error}"
        try:
            self._over(self, self._failure)
        finally:
            self.ended.set()
            self._ready.set()
