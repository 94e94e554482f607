"""A TCP server that follows a script to the byte, for the drivers of light and lock."""

import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import serial.urlhandler.protocol_socket

Step = tuple[str, bytes | float]
"""("expect", bytes), ("send", bytes), ("wait", seconds) or ("close", b"")."""


class ScriptedServer:
    """Serves one script a connection, in order; closes its listener after the last.

    After its script a connection must stay silent: any further byte is a mismatch. `finish`
    fails the test on mismatches and on steps not reached.
    """

    def __init__(self, *scripts: list[Step]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"socket://127.0.0.1:{self.port}"
        self._problems: list[str] = []
        self._threads = [threading.Thread(target=self._accept, args=(scripts,), daemon=True)]
        self._stop = threading.Event()
        self._threads[0].start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5.0)
        assert not any(thread.is_alive() for thread in self._threads)
        assert not self._problems

    def _accept(self, scripts: tuple[list[Step], ...]) -> None:
        self._listener.settimeout(0.02)
        for number, script in enumerate(scripts):
            while True:
                try:
                    connection, _ = self._listener.accept()
                    break
                except TimeoutError:
                    if self._stop.is_set():
                        self._problems.append(f"connection {number} was never opened")
                        self._listener.close()
                        return
            thread = threading.Thread(
                target=self._serve, args=(number, connection, script), daemon=True
            )
            self._threads.append(thread)
            thread.start()
        self._listener.close()

    def _serve(self, number: int, connection: socket.socket, script: list[Step]) -> None:
        connection.settimeout(0.02)
        with connection:
            for step, (action, value) in enumerate(script):
                where = f"connection {number}, step {step}"
                if action == "expect":
                    assert isinstance(value, bytes)
                    got = self._receive(connection, len(value))
                    if got != value:
                        self._problems.append(f"{where}: expected {value!r}, got {got!r}")
                        return
                elif action == "send":
                    assert isinstance(value, bytes)
                    try:
                        connection.sendall(value)
                    except OSError:
                        return  # the driver has given this connection up, as it should
                elif action == "wait":
                    assert isinstance(value, float)
                    time.sleep(value)
                else:
                    return
            extra = self._receive(connection, 1)
            if extra:
                self._problems.append(f"connection {number}: more than expected: {extra!r}")

    def _receive(self, connection: socket.socket, count: int) -> bytes:
        got = b""
        while len(got) < count:
            try:
                chunk = connection.recv(count - len(got))
            except TimeoutError:
                if self._stop.is_set():
                    break
                continue
            except OSError:
                break
            if not chunk:
                break
            got += chunk
        return got


class ParameterBox(socketserver.ThreadingTCPServer):
    """Keeps the parameters of a DLC pro and speaks its command line."""

    daemon_threads = True

    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters
        super().__init__(("127.0.0.1", 0), _ParameterHandler)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5.0)


class _ParameterHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, ParameterBox)
        parameters = self.server.parameters
        self.wfile.write(b"DeCoF Command Line\r\n> ")
        for line in self.rfile:
            text = line.decode().strip()
            if found := re.fullmatch(r"\(param-ref '(\S+)\)", text):
                answer = parameters.get(found[1], "Error: -3 unknown")
            elif found := re.fullmatch(r"\(param-set! '(\S+) (\S+)\)", text):
                parameters[found[1]] = found[2]
                answer = "0"
            else:
                answer = "Error: -1 syntax"
            self.wfile.write(f"{answer}\n> ".encode())


@pytest.fixture
def parameter_box() -> Iterator[Callable[[dict[str, str]], ParameterBox]]:
    boxes: list[ParameterBox] = []

    def start(parameters: dict[str, str]) -> ParameterBox:
        boxes.append(ParameterBox(parameters))
        return boxes[-1]

    yield start
    for box in boxes:
        box.stop()


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """`scripted(script, ...)` starts a server; every script must have been followed in the end."""
    servers: list[ScriptedServer] = []

    def start(*scripts: list[Step]) -> ScriptedServer:
        servers.append(ScriptedServer(*scripts))
        return servers[-1]

    yield start
    for server in servers:
        server.finish()


@pytest.fixture
def dead_port() -> int:
    """A port of the loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(autouse=True)
def _quick_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyserial sleeps 0.3 s after closing a socket, for servers that are slow to reconnect."""
    monkeypatch.setattr(
        serial.urlhandler.protocol_socket, "time", SimpleNamespace(sleep=lambda _: None)
    )
