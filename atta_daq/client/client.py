"""A client of the station: reads, watches and commands its process variables."""

import json
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

from p4p.client import raw
from p4p.nt import NTURI

from atta_daq.client.endpoint import Endpoint
from atta_daq.client.errors import CommandRefused, GivenUp, StationSilent
from atta_daq.client.names import CALL_NUMBER
from atta_daq.client.reader import StationReader, client_name, plain

__all__ = [
    "CommandRefused",
    "Endpoint",
    "GivenUp",
    "StationClient",
    "StationReader",
    "StationSilent",
    "client_name",
    "plain",
]


class StationClient(StationReader):
    """A reader that may command as well. Close it, or use it as a context manager."""

    def __init__(self, endpoint: Endpoint, name: str | None = None) -> None:
        super().__init__(endpoint, name)
        self._mutex = threading.Lock()
        self._closed = False
        self._waiting: set[SimpleQueue[Any]] = set()
        """Where the commands under way wait for their answers."""

    def __enter__(self) -> "StationClient":
        return self

    def close(self) -> None:
        """Release the connection; who still waits for an answer is told so at once."""
        # p4p forgets what is under way on a context that is closed, and wakes nobody.
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            waiting = tuple(self._waiting)
        for answers in waiting:
            answers.put(raw.Cancelled())
        super().close()

    def command(
        self,
        name: str,
        timeout_s: float = 30.0,
        *,
        heard: Callable[[], None] | None = None,
        **arguments: object,
    ) -> Any:
        """Carry out a command and return its answer.

        `heard` is called, on a thread of the client, as soon as the station has it; not when the
        answer comes before that is known.

        Raises CommandRefused with the station's reason, or StationSilent: GivenUp when the
        connection was closed meanwhile.
        """
        query = {"client": self.name, CALL_NUMBER: uuid4().hex}
        query |= {key: str(value) for key, value in arguments.items()}
        target = self.full_name(f"cmd:{name}")
        uri = NTURI([(key, "s") for key in query]).wrap(target, kws=query, scheme="pva")
        answers: SimpleQueue[Any] = SimpleQueue()
        # Begun before the closing, which tells of its end, or not at all.
        with self._mutex:
            if self._closed:
                raise GivenUp(f"{name}: not sent, the connection was given up")
            operations = [raw.Context.rpc(self._context, target, answers.put, uri)]
            arrival = _Arrival(heard)
            if heard is not None:
                # PVA tells of no arrival. What is read after the call, on the same channel and so
                # on the same connection, is answered after the call was heard.
                operations.append(raw.Context.get(self._context, target, arrival.read))
            self._waiting.add(answers)
        try:
            answer = answers.get(timeout=timeout_s)
        except Empty as error:
            raise StationSilent(self._silent(f"cmd:{name}", timeout_s)) from error
        finally:
            with self._mutex:
                self._waiting.discard(answers)
            for operation in operations:
                operation.close()
            arrival.forget()
        if isinstance(answer, raw.RemoteError):
            raise CommandRefused(str(answer))
        if isinstance(answer, Exception):
            raise GivenUp(
                f"{name}: the connection was given up; whether it was carried out is not known"
            )
        return json.loads(plain(answer))


class _Arrival:
    """Calls `heard` once the station has answered a read.

    p4p keeps what it was given for a read that is closed before its answer: all that `heard` knows,
    a window and its panels, would stay with it.
    """

    def __init__(self, heard: Callable[[], None] | None) -> None:
        self._heard = heard

    def read(self, answer: Any) -> None:
        """The answer of the read, or why there is none."""
        heard = self._heard
        if heard is not None and not isinstance(answer, Exception):
            heard()

    def forget(self) -> None:
        """The command is over: nobody waits for its arrival any more."""
        self._heard = None
