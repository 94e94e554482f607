"""A scripted box on a loopback TCP port, for tests of text protocols byte by byte."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Held:
    """An answer that leaves only when the test sets `release`."""

    data: bytes
    release: threading.Event = field(default_factory=threading.Event)
    sent: threading.Event = field(default_factory=threading.Event)


HANG_UP = object()
"""The box closes the connection instead of answering."""

Answer = bytes | Held | object | None


class ScriptedBox:
    """Answers each received line from `answers`; a list is used up from its front, its last entry
    stays. Unknown lines get no answer. `received` holds every line with its terminator."""

    def __init__(self) -> None:
        self.answers: dict[bytes, Answer | list[Answer]] = {}
        self.answer: Callable[[bytes], Answer] = self._from_table
        self.received: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.resource = f"TCPIP0::127.0.0.1::{self.port}::SOCKET"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _from_table(self, line: bytes) -> Answer:
        answer = self.answers.get(line.strip())
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        pending = b""
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(4096):
                pending += data
                while b"\n" in pending:
                    line, _, pending = pending.partition(b"\n")
                    line += b"\n"
                    self.received.append(line)
                    answer = self.answer(line)
                    if answer is HANG_UP:
                        return
                    if isinstance(answer, Held):
                        answer.release.wait(30.0)
                        with contextlib.suppress(OSError):
                            connection.sendall(answer.data)
                        answer.sent.set()
                    elif isinstance(answer, bytes):
                        connection.sendall(answer)


@pytest.fixture
def box() -> Iterator[ScriptedBox]:
    scripted = ScriptedBox()
    yield scripted
    scripted.close()


@pytest.fixture
def held() -> type[Held]:
    return Held


@pytest.fixture
def hang_up() -> object:
    return HANG_UP
