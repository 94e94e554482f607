"""A world with a hand-driven clock, and servers on a loop of their own."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.world import World


class Wall:
    """Wall time that moves only when told."""

    def __init__(self) -> None:
        self.now_s = 1.8e9

    def __call__(self) -> float:
        return self.now_s

    def pass_(self, seconds: float) -> None:
        self.now_s += seconds


def truth_with(**groups: dict[str, Any]) -> Truth:
    """Default truth with some values replaced."""
    return Truth.model_validate(groups)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def make_world(wall: Wall) -> Callable[..., World]:
    def make(seed: int = 1, speed: float = 1.0, **groups: dict[str, Any]) -> World:
        return World(truth_with(**groups), RigClock(speed, wall), seed)

    return make


class Client:
    """A blocking socket with a short time limit."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5.0)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, end: bytes) -> bytes:
        """Everything up to and with `end`."""
        data = b""
        while not data.endswith(end):
            piece = self.socket.recv(1)
            if not piece:
                raise EOFError(data)
            data += piece
        return data

    def ask(self, data: bytes, end: bytes) -> bytes:
        self.send(data)
        return self.until(end)

    def silent_for(self, seconds: float) -> bool:
        """True if nothing comes within `seconds`."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b"nothing"
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(5.0)


class Serving:
    """An asyncio loop in a thread; what it started is stopped at the end of the test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="servers")
        self._thread.start()
        self._servers: list[Any] = []
        self._clients: list[Client] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20.0)

    def start(self, work: Coroutine[Any, Any, Any], *servers: str) -> Any:
        """Run `work`; stop its result, or the named attributes of it, at the end."""
        started = self.run(work)
        self._servers += [getattr(started, name) for name in servers] or [started]
        return started

    def call(self, act: Callable[..., Any], *arguments: Any) -> Any:
        async def on_loop() -> Any:
            return act(*arguments)

        return self.run(on_loop())

    def client(self, server: Any) -> Client:
        client = Client(server.port)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.socket.close()
        for server in self._servers:
            self.run(server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def serving() -> Iterator[Serving]:
    serving = Serving()
    yield serving
    serving.close()


class FakeLink:
    """Keeps what a session sends; timers never fire."""

    backed_up = False

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    def send(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def call_later(self, delay_s: float, act: Callable[[], None]) -> "FakeTimer":
        assert delay_s >= 0.0
        assert callable(act)
        return FakeTimer()


class FakeTimer:
    def cancel(self) -> None:
        """Nothing was started."""


@pytest.fixture(scope="session")
def fake_link() -> Callable[[], FakeLink]:
    return FakeLink


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is true; the test's own time limit ends a wait that is in vain."""

    def wait(holds: Callable[[], bool]) -> None:
        while not holds():
            time.sleep(0.005)

    return wait
