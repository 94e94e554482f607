"""Fits in a process of their own: a busy thread in the station would cost frames.

The latest data win: a request that arrives while a fit runs replaces the one that waits, unless
that is the last of its run.

A process that dies (the system kills what takes too much memory) is replaced, and asked once more.
One that never comes to an end is ended, and its fit given up.
"""

import logging
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from atta_daq.station.spawned import spawned

log = logging.getLogger(__name__)

DYING_S = 5.0
"""A process whose pipe has broken is gone by then."""
LONGEST_S = 3600.0
"""A fit, or the report of a long night, is made by then if it ever is. All others wait for it."""

FitFunction = Callable[..., Any]
Request = tuple[FitFunction, tuple[Any, ...]]


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


class _NotStarted(Exception):
    """There is no process to ask."""


class FitWorker:
    """One spawned process at a time; answers come to `on_result(result, error)` on a thread.

    `on_death(text)` is told on that thread of every process that died or worked for `longest_s`
    on one fit, and what becomes of it.
    """

    def __init__(
        self,
        on_result: Callable[[Any, str], None],
        on_death: Callable[[str], None] = log.warning,
    ) -> None:
        self._process, self._pipe = spawned(_serve, "fit-worker")
        self._changing = threading.Lock()
        """Held while the process is replaced or ended."""
        self._on_result = on_result
        self._on_death = on_death
        self.longest_s = LONGEST_S
        self._condition = threading.Condition()
        self._waiting: Request | None = None
        self._last: list[Request] = []
        self._later: list[Request] = []
        self._busy = False
        self._closed = False
        self._thread = threading.Thread(target=self._feed, name="fit-feeder", daemon=True)
        self._thread.start()

    def submit(self, function: FitFunction, *arguments: object) -> None:
        """Ask for a fit; replaces one that has not begun."""
        with self._condition:
            self._waiting = (function, arguments)
            self._condition.notify_all()

    def submit_last(self, function: FitFunction, *arguments: object) -> None:
        """Ask for what ends a run: it replaces a fit that has not begun, and nothing replaces it.
        A fit that never ends may keep it until another run is under way."""
        with self._condition:
            self._waiting = None
            self._last.append((function, arguments))
            self._condition.notify_all()

    def submit_late(self, function: FitFunction, *arguments: object) -> None:
        """Ask for what has time until nothing else waits; nothing replaces it."""
        with self._condition:
            self._later.append((function, arguments))
            self._condition.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Wait until nothing waits or runs but what has time; False when that takes longer than
        `timeout_s`."""
        with self._condition:
            return self._condition.wait_for(
                lambda: self._waiting is None and not self._last and not self._busy, timeout_s
            )

    def close(self) -> None:
        """End the process; a fit under way is lost."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        with self._changing:
            self._process.terminate()
            self._process.join()
        self._thread.join()
        self._pipe.close()

    def _feed(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._last or self._waiting or self._later or self._closed
                )
                if self._closed:
                    return
                request = self._next()
                self._busy = True
            try:
                answer = self._answer(request)
                if answer is None:  # closed, and nobody waits for it
                    return
                self._on_result(*answer)
            except Exception:
                # Whoever takes the answer may fail; the next fit must still be fed.
                log.exception("a fit's result could not be taken")
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()

    def _next(self) -> Request:
        if self._last:
            return self._last.pop(0)
        if self._waiting is None:
            return self._later.pop(0)
        request, self._waiting = self._waiting, None
        return request

    def _answer(self, request: Request) -> tuple[Any, str] | None:
        """Result and error; None when the worker is closed. What ends two processes is given up."""
        try:
            return self._asked(request)
        except _NotStarted as error:
            return None, str(error)

    def _asked(self, request: Request) -> tuple[Any, str] | None:
        if not self._process.is_alive():
            self._replace("it is started anew")
        for again in (True, False):
            try:
                self._pipe.send(request)
                if self._pipe.poll(self.longest_s):
                    return self._pipe.recv()
            except (EOFError, OSError):
                then = "the fit is tried once more" if again else "the fit is given up"
                self._replace(then)
                if self._closed:
                    return None
            else:
                return self._overrun()
        return None, "it ended two fit workers"

    def _overrun(self) -> tuple[Any, str] | None:
        took = f"more than {self.longest_s / 60.0:.0f} min"
        self._replace("the fit is given up", f"the fit worker took {took} for a fit and was ended")
        return None if self._closed else (None, f"it took {took}")

    def _replace(self, then: str, ended: str = "") -> None:
        """`ended`: why a process that still works is ended. Raises _NotStarted; the next fit tries
        again."""
        refused = ""
        with self._changing:
            if self._closed:
                return
            if not ended:
                self._process.join(DYING_S)
            self._process.terminate()
            self._process.join()
            code = self._process.exitcode
            self._pipe.close()
            try:
                self._process, self._pipe = spawned(_serve, "fit-worker")
            except OSError as error:  # no memory, or too many processes
                refused = then = f"no fit worker can be started: {error}"
        died = f"the fit worker died (exit code {code}; -9: killed, perhaps for its memory)"
        self._on_death(f"{ended or died}; {then}")
        if refused:
            raise _NotStarted(refused)
