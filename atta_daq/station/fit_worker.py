"""Fits in a process of their own: a busy thread in the station would cost frames.

The latest data win: a request that arrives while a fit runs replaces the one that waits.
"""

import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

log = logging.getLogger(__name__)

FitFunction = Callable[..., Any]


def _serve(pipe: Connection) -> None:
    """Loop of the worker: (function, arguments) in, (result, error) out, until None."""
    # Ctrl-C at the station's terminal is for the station, which ends this process in its turn.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while (request := pipe.recv()) is not None:
        function, arguments = request
        try:
            pipe.send((function(*arguments), ""))
        except Exception as error:  # reported to whoever asked; the worker lives on
            pipe.send((None, f"{type(error).__name__}: {error}"))


class FitWorker:
    """One spawned process; answers come to `on_result(result, error)` on a thread."""

    def __init__(self, on_result: Callable[[Any, str], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far_end,), name="fit-worker", daemon=True
        )
        self._process.start()
        far_end.close()
        self._on_result = on_result
        self._condition = threading.Condition()
        self._waiting: tuple[FitFunction, tuple[Any, ...]] | None = None
        self._later: list[tuple[FitFunction, tuple[Any, ...]]] = []
        self._busy = False
        self._closed = False
        self._thread = threading.Thread(target=self._feed, name="fit-feeder", daemon=True)
        self._thread.start()

    def submit(self, function: FitFunction, *arguments: object) -> None:
        """Ask for a fit; replaces one that has not begun."""
        with self._condition:
            self._waiting = (function, arguments)
            self._condition.notify_all()

    def submit_late(self, function: FitFunction, *arguments: object) -> None:
        """Ask for what has time until nothing else waits; nothing replaces it."""
        with self._condition:
            self._later.append((function, arguments))
            self._condition.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Wait until nothing waits or runs; False when that takes longer than `timeout_s`."""
        with self._condition:
            return self._condition.wait_for(
                lambda: self._waiting is None and not self._busy, timeout_s
            )

    def close(self) -> None:
        """End the process; a fit under way is lost."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._process.terminate()
        self._process.join()
        self._thread.join()
        self._pipe.close()

    def _feed(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._waiting is not None or self._later or self._closed
                )
                if self._closed:
                    return
                request, self._waiting = self._waiting or self._later.pop(0), None
                self._busy = True
            try:
                self._pipe.send(request)
                result, error = self._pipe.recv()
            except (EOFError, OSError) as lost:
                if self._closed:  # and nobody waits for it
                    return
                result, error = None, f"the fit worker died: {lost or 'no reason given'}"
            try:
                self._on_result(result, error)
            except Exception:
                # Whoever takes the answer may fail; the next fit must still be fed.
                log.exception("a fit's result could not be taken")
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()
