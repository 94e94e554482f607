"""The run engine on a thread of its own: one plan at a time, pause, resume, abort."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from bluesky import RunEngine
from bluesky.utils import Msg, RequestAbort, RunEngineInterrupted

log = logging.getLogger(__name__)

CLOSE_S = 10.0
Document = dict[str, Any]


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Not the traceback of a run that was asked to end: that is no error."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, RequestAbort)


logging.getLogger("bluesky").addFilter(_worth_a_line)


class Engine:
    """Runs plans. All methods may be called from any thread."""

    def __init__(self, on_document: Callable[[str, Document], None]) -> None:
        # Signal handlers belong to the main thread: outside it the engine must install none.
        self._engine = RunEngine(context_managers=[])
        self._engine.subscribe(on_document)
        # A document that cannot be journaled must end the run, not be dropped.
        self._engine.ignore_callback_exceptions = False
        self._go = threading.Event()
        self._ending = ""

    @property
    def state(self) -> str:
        """'idle', 'running', 'pausing', 'paused', 'aborting', ..."""
        return str(self._engine.state)

    def run(self, plan: Generator[Msg, Any, Any], on_paused: Callable[[], None]) -> str:
        """Run `plan` to its end on the calling thread.

        Returns '' when it ended by itself, else the reason that `end` was given. Raises what the
        plan raised. A pause holds the call until `resume` or `end`.
        """
        self._ending = ""
        go: Callable[[], object] = lambda: self._engine(plan)  # noqa: E731
        while True:
            self._go.clear()
            try:
                go()
            except RunEngineInterrupted:
                if self._engine.state != "paused":
                    return self._ending or "interrupted"
                on_paused()
                self._go.wait()
                if self._ending:
                    self._engine.abort(self._ending)
                    return self._ending
                go = self._engine.resume
            else:
                return self._ending

    def pause(self, *, now: bool) -> None:
        """Pause after the segment under way, or now: then it is flagged and taken again."""
        self._engine.request_pause(defer=not now)

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    def end(self, reason: str) -> None:
        """End the run; what was taken is kept."""
        self._ending = reason
        if self._engine.state == "paused":
            self._go.set()
        elif self._engine.state == "running":
            self._engine.abort(reason)

    def close(self) -> None:
        """Stop the engine's event loop, and give back its handles: a station takes many runs."""
        loop = self._engine.loop
        if loop.is_closed():
            return
        loop.call_soon_threadsafe(loop.stop)
        deadline_s = time.monotonic() + CLOSE_S
        while loop.is_running():
            if time.monotonic() > deadline_s:
                log.error("the loop of the run engine did not end")
                return
            time.sleep(0.001)
        loop.close()
