"""The web page on readings that a test feeds, served for real on a free port of this computer."""

import faulthandler
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from atta_daq.watch.access import Access, Address
from atta_daq.watch.board import Board
from atta_daq.watch.patient import PatientProtocol
from atta_daq.watch.serve import Server, open_socket
from atta_daq.watch.station_link import LinkState
from atta_daq.watch.stream import Viewers
from atta_daq.watch.values import Value
from atta_daq.watch.web import MOST_VIEWERS, web_app

REFRESH_S = 0.05
BEAT_S = 0.3
CONNECTED = LinkState("connected", "station 'test-rig'", "test-rig")


class FedSource:
    """Stands for `StationLink`; the states of `window_states` can be fed to it as to a window."""

    name = "this-window"

    def __init__(self) -> None:
        self.state = CONNECTED
        self._values: dict[str, Value] = {}
        self._mutex = threading.Lock()

    def forget(self) -> None:
        """As before anything was fed."""
        with self._mutex:
            self.state, self._values = CONNECTED, {}

    def go(self, state: Any, reason: str) -> None:
        """The state of the connection, as the window names it."""
        self.state = LinkState(state.name.lower(), reason, "test-rig")

    def values(self) -> dict[str, Value]:
        with self._mutex:
            return dict(self._values)

    def feed(self, **readings: Any) -> None:
        """New values; `lock__locked=True` is the reading `lock:locked`."""
        now_s = time.time()
        with self._mutex:
            for name, given in readings.items():
                self._values[name.replace("__", ":")] = _value(given, now_s)


def _value(given: Any, now_s: float) -> Value:
    if isinstance(given, Value):
        return given
    if hasattr(given, "severity"):  # the window's own
        return Value(given.value, given.severity, given.message, given.utc_s, given.taken_s)
    return Value(given, 0, "", now_s)


class FedPage:
    """A page that is served; `source` is fed by the test."""

    def __init__(self, source: FedSource, port: int, viewers: Viewers) -> None:
        self.source = source
        self.port = port
        self.viewers = viewers

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def connect(self) -> socket.socket:
        """A raw connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10.0)

    def ask(self, request: bytes) -> bytes:
        """Send something, read until the server closes."""
        with self.connect() as line:
            line.sendall(request)
            return read_all(line)


def read_all(line: socket.socket) -> bytes:
    """Everything until the other side closes, or cuts the line."""
    answer = b""
    try:
        while more := line.recv(65536):
            answer += more
    except ConnectionResetError:
        pass
    return answer


@contextmanager
def served(
    token: str = "",
    protocol: type[PatientProtocol] = PatientProtocol,
    most: int = MOST_VIEWERS,
) -> Iterator[FedPage]:
    """A page on a thread of this process."""
    source, viewers = FedSource(), Viewers(most)
    app = web_app(Board(source), Access(token), refresh_s=REFRESH_S, beat_s=BEAT_S, viewers=viewers)
    listener = open_socket(Address("127.0.0.1", 0))
    server = Server(app, listener, viewers, protocol)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,), name="page", daemon=True)
    thread.start()
    assert ready.wait(30.0), "the page did not start"
    try:
        yield FedPage(source, listener.getsockname()[1], viewers)
    finally:
        server.end()
        thread.join(20.0)
        listener.close()
        if thread.is_alive():
            faulthandler.dump_traceback()
        assert not thread.is_alive(), "the page did not end"


def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """What `condition` answers as soon as that is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found
