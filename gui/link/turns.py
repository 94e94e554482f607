"""Commands on their way: moves of the rig in the order in which the operator gave them."""

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

Heard = Callable[[], None]
Job = Callable[[Heard], None]
"""Calls what it is given as soon as the station has heard of it, and returns when it is over."""
CLOSE_S = 3.0
"""A station that lives has heard by then, also what goes over a channel that must be looked for."""
ANSWER_S = 0.5
"""What was heard is mostly answered by then; of what is not, nobody will know how it ended."""


class _Way:
    """How far a job has come."""

    def __init__(self, job: Job, *, holds: bool) -> None:
        self.job = job
        self.holds = holds
        """What is given after it waits for its end."""
        self.heard = False
        self.over = False


class Turns:
    """Carries out jobs, which must not raise; any thread may give them.

    Each command of the station has a channel of its own, which the first use must look for: of two
    that are sent side by side the later may arrive first, and a 'light off' be undone by the 'light
    on' before it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Way] = deque()
        self._last: _Way | None = None
        """Of those that have a turn, the last that was begun."""
        self._begun: set[_Way] = set()
        """Those that are not over yet."""
        self._closing = False

    def at_once(self, job: Job) -> None:
        """Carry out `job` beside all others."""
        with self._changed:
            self._begin(_Way(job, holds=False))

    def in_turn(self, job: Job) -> None:
        """Carry out `job` after those that were given a turn before."""
        self._queue(_Way(job, holds=True))

    def after(self, job: Job) -> None:
        """The same, but what comes later waits only until `job` was heard."""
        self._queue(_Way(job, holds=False))

    def close(self) -> None:
        """Wait until all were heard; those that wait for their turn go now, each once the one
        before was heard. Takes no longer than `CLOSE_S` and `ANSWER_S`; the log tells of those that
        wait even then, which are not sent."""
        with self._changed:
            self._closing = True
            self._go_on()
            self._changed.wait_for(self._all_heard, CLOSE_S)
            waited = len(self._waiting)
            self._waiting.clear()
            if waited:
                log.warning("the window was closed before %d commands were sent", waited)
            self._changed.wait_for(lambda: not self._begun, ANSWER_S)

    def _all_heard(self) -> bool:
        return not self._waiting and all(way.heard for way in self._begun)

    def _queue(self, way: _Way) -> None:
        with self._changed:
            self._waiting.append(way)
            self._go_on()

    def _go_on(self) -> None:
        """Begin the next one, if the one before allows it."""
        last = self._last
        free = last is None or last.over or (last.heard and (self._closing or not last.holds))
        if self._waiting and free:
            self._last = self._waiting.popleft()
            self._begin(self._last)

    def _begin(self, way: _Way) -> None:
        self._begun.add(way)
        threading.Thread(target=self._carry_out, args=(way,), name="command", daemon=True).start()

    def _carry_out(self, way: _Way) -> None:
        way.job(lambda: self._hear(way))
        with self._changed:
            way.over = True
            self._begun.discard(way)
            self._go_on()
            self._changed.notify_all()

    def _hear(self, way: _Way) -> None:
        with self._changed:
            way.heard = True
            self._go_on()
            self._changed.notify_all()
