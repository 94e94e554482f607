"""A lock of a wire that goes to who has waited longest."""

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """First come, first served, and re-entrant; a context manager.

    `threading.Lock` goes to whoever asks at the right moment, which is the thread that has just
    released it: a poll of fifteen questions kept an order to an amplifier waiting for five of them,
    seconds with a box that answers slowly.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._waiting: deque[object] = deque()
        self._owner: int | None = None
        self._depth = 0

    @property
    def held(self) -> bool:
        """Whether somebody has it."""
        return self._owner is not None

    def wait_free(self, timeout_s: float) -> None:
        """Return when nobody has it, or after `timeout_s` of wall time."""
        with self._turn:
            self._turn.wait_for(lambda: self._owner is None, timeout_s)

    def __enter__(self) -> "FairLock":
        me = threading.get_ident()
        with self._turn:
            if self._owner != me:
                self._wait()
                self._owner = me
            self._depth += 1
        return self

    def _wait(self) -> None:
        ticket = object()
        self._waiting.append(ticket)
        try:
            self._turn.wait_for(lambda: self._owner is None and self._waiting[0] is ticket)
        finally:
            # Ctrl-C, too, must let the next one go on.
            self._waiting.remove(ticket)
            self._turn.notify_all()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._turn:
            self._depth -= 1
            if self._depth == 0:
                self._owner = None
                self._turn.notify_all()
