"""The run engine on a thread of its own: one plan, pause, resume, abort."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from bluesky import RunEngine
from bluesky.preprocessors import msg_mutator
from bluesky.utils import (
    Msg,
    RequestAbort,
    RunEngineInterrupted,
    TransitionError,  # type: ignore[reportPrivateImportUsage]
)

log = logging.getLogger(__name__)

CLOSE_S = 10.0
Document = dict[str, Any]


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Not the traceback of a run that was asked to end: that is no error."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, RequestAbort)


logging.getLogger("bluesky").addFilter(_worth_a_line)


class Engine:
    """Runs the plan of one run. All methods may be called from any thread."""

    def __init__(self, on_document: Callable[[str, Document], None]) -> None:
        # Signal handlers belong to the main thread: outside it the engine must install none.
        self._engine = RunEngine(context_managers=[])
        self._engine.subscribe(on_document)
        # A document that cannot be journaled must end the run, not be dropped.
        self._engine.ignore_callback_exceptions = False
        self._go = threading.Event()
        self._ending = ""
        self._closed = False
        self._closing = threading.Lock()
        """Held while the loop is asked to abort, and to stop."""

    @property
    def state(self) -> str:
        """'idle', 'running', 'pausing', 'paused', 'aborting', ..."""
        return str(self._engine.state)

    def run(self, plan: Generator[Msg, Any, Any], on_paused: Callable[[], None]) -> str:
        """Run `plan` to its end on the calling thread.

        Returns '' when it ended by itself, else the reason that `end` was given. Raises what the
        plan raised. A pause holds the call until `resume` or `end`; an `end` that came before this
        call holds, too.
        """
        guarded = msg_mutator(plan, self._unless_ended)
        go: Callable[[], object] = lambda: self._engine(guarded)  # noqa: E731
        while True:
            self._go.clear()
            try:
                go()
            except RunEngineInterrupted:
                if self._engine.state != "paused":
                    return self._ending or "interrupted"
                on_paused()
                if not self._ending:
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
        """End the run, also one that is just about to begin, to pause or to go on; what was taken
        is kept."""
        self._ending = reason
        self._go.set()
        # A loop that stops meanwhile would never answer the abort.
        with self._closing:
            if not self._closed and self._engine.state == "running":
                # It may end by itself at this moment.
                with suppress(TransitionError):
                    self._engine.abort(reason)

    def _unless_ended(self, message: Msg) -> Msg:
        """`abort` reaches only an engine that runs: whatever it misses ends here, one message
        later."""
        if self._ending:
            raise RequestAbort(self._ending)
        return message

    def close(self) -> None:
        """Stop the engine's event loop, and give back its handles: a station takes many runs."""
        loop = self._engine.loop
        with self._closing:
            if self._closed:
                return
            self._closed = True
            loop.call_soon_threadsafe(loop.stop)
        deadline_s = time.monotonic() + CLOSE_S
        while loop.is_running():
            if time.monotonic() > deadline_s:
                log.error("the loop of the run engine did not end")
                return
            time.sleep(0.001)
        loop.close()
