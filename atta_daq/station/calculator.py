"""Questions that need a processor for a while, answered in a process of their own.

Unlike the fit worker, whose latest request wins, every question gets its answer, in turn. The
process starts with the first question, or when the station rehearses one (`prepare`): to load
takes seconds, which nobody at the window shall wait for.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from atta_daq.archive.errors import ArchiveError
from atta_daq.client.client import CommandRefused
from atta_daq.rig.config import ConfigError
from atta_daq.station.spawned import spawned

log = logging.getLogger(__name__)

TIMEOUT_S = 25.0
"""Below the time-out of a client's command: the client shall hear why."""
START_S = 60.0
"""The first question also waits for the process to load."""


def _serve(pipe: Connection) -> None:
    """Loop of the process: (function, arguments) in, (answer, reason) out, until the pipe ends."""
    # Ctrl-C at the station's terminal is for the station, which ends this process in its turn.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((function(*arguments), ""))
        except (ArchiveError, ConfigError, ValueError) as error:
            pipe.send((None, str(error)))
        except Exception as error:  # told to whoever asked; the process lives on
            pipe.send((None, f"{type(error).__name__}: {error}"))


class Calculator:
    """At most one spawned process. `ask` may be called from any thread but the engine's."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._closed = False
        self._turn = threading.Lock()
        self._rehearsal: threading.Timer | None = None

    def prepare(self, after_s: float, function: Callable[..., Any], *arguments: object) -> None:
        """Ask this in `after_s` for nothing but that the process is there and has loaded.

        Once; whoever asks something meanwhile waits until it is over, as he would for the load.
        """

        def rehearse() -> None:
            try:
                self.ask(function, *arguments)
            except CommandRefused as refused:
                if not self._closed:
                    log.info("rehearsal of the calculator: %s", refused)

        self._rehearsal = threading.Timer(after_s, rehearse)
        self._rehearsal.daemon = True
        self._rehearsal.start()

    def ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What `function(*arguments)` returns, computed in the process.

        Raises CommandRefused with the reason why there is no answer; a calculation that takes
        too long is ended.
        """
        begun_s = time.monotonic()
        if not self._turn.acquire(timeout=self._timeout_s):
            raise CommandRefused("the station is busy with other questions; ask again later")
        try:
            pipe, allowed_s = self._ready()
            left_s = allowed_s - (time.monotonic() - begun_s)
            try:
                pipe.send((function, arguments))
                if not pipe.poll(max(0.0, left_s)):
                    self._end()
                    raise CommandRefused(
                        f"no answer within {allowed_s:g} s; ask for less at a time"
                    )
                answer, reason = pipe.recv()
            except (EOFError, OSError) as error:
                self._end()
                raise CommandRefused("the calculation died; the station's log may say why") from (
                    error
                )
        finally:
            self._turn.release()
        if reason:
            raise CommandRefused(reason)
        return answer

    def close(self) -> None:
        """End the process; a question under way gets no answer."""
        self._closed = True
        if self._rehearsal is not None:
            self._rehearsal.cancel()
        process = self._process
        if process is not None:
            process.terminate()
        with self._turn:
            self._end()

    def _ready(self) -> tuple[Connection, float]:
        """The pipe to the process, started if need be, and how long an answer may take."""
        if self._closed:
            raise CommandRefused("the station is closing")
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe, self._timeout_s
        self._end()
        self._process, self._pipe = spawned(_serve, "calculator")
        return self._pipe, self._timeout_s + START_S

    def _end(self) -> None:
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is not None:
            process.terminate()
            process.join()
        if pipe is not None:
            pipe.close()
