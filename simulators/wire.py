"""TCP servers on the loopback interface, with faults of the wire.

An instrument is a `Session` for each connection: bytes come in with `feed`, replies go out with
`link.send`. Line-based instruments subclass `LineSession`. Everything runs on one asyncio loop.
"""

import asyncio
import logging
from collections.abc import Callable

import numpy as np

from simulators.again import port_of
from simulators.faults import WireFault, in_another_unit

LOOPBACK = "127.0.0.1"
LONGEST_LINE = 65536
ACCEPTING_TURNS = 5
_log = logging.getLogger(__name__)


class Link:
    """The way out to one client."""

    def __init__(self, server: "WireServer", transport: asyncio.Transport) -> None:
        self._server = server
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._last_due = 0.0

    def send(self, data: bytes) -> None:
        """Send a reply, as the present fault of the wire lets it through."""
        data, delay_s = self._server.distorted(data)
        if not data or self._transport.is_closing():
            return
        now = self._loop.time()
        due = now + delay_s
        # A late reply holds up those behind it, as on any serial wire.
        if self._last_due > now:
            due = max(due, self._last_due + 1e-6)
        if due <= now:
            self._transport.write(data)
        else:
            self._last_due = due
            self._loop.call_at(due, self._write_late, data)

    def call_later(self, delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        """Run `act` on the server's loop after `delay_s` of wall time."""
        return self._loop.call_later(delay_s, act)

    def close(self) -> None:
        """Send what is left, then close."""
        self._transport.close()

    def cut(self) -> None:
        """Drop the connection, unsent bytes and all."""
        self._transport.abort()

    @property
    def backed_up(self) -> bool:
        """The client reads too slowly: do not stream any more for now."""
        return self._transport.get_write_buffer_size() > LONGEST_LINE

    def _write_late(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class Session:
    """One client of an instrument. `feed` must cope with any bytes in any pieces."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def opened(self) -> None:
        """The client has connected: send a banner, if there is one."""

    def feed(self, data: bytes) -> None:
        raise NotImplementedError

    def closed(self) -> None:
        """The client is gone: cancel timers."""


class LineSession(Session):
    """Splits what comes in at line feeds; a carriage return before one is dropped."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._pending = b""

    def feed(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            reply = self.line(line.removesuffix(b"\r"))
            if reply:
                self.link.send(reply)
        if len(self._pending) > LONGEST_LINE:
            self._pending = b""

    def line(self, line: bytes) -> bytes:
        """Act on one line without its end; the whole reply with its end, or nothing."""
        raise NotImplementedError


class WireServer:
    """Listens on 127.0.0.1 and gives every connection a session of its own.

    `garble` is the noise source of the garbled-reply fault. `power_up` puts the box behind it back
    to what it is when its power comes on; a server without one cannot be restarted.
    """

    def __init__(
        self,
        name: str,
        new_session: Callable[[Link], Session],
        garble: np.random.Generator,
        power_up: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._new_session = new_session
        self._garble = garble
        self._power_up = power_up
        self._booted: asyncio.TimerHandle | None = None
        self.lasting: dict[str, Callable[[bool], None]] = {}
        """Faults of the box itself that last: begun with True, mended with False."""
        self._fault: WireFault | None = None
        self.faults: dict[str, Callable[..., None]] = {}
        """Faults of the box itself, by name; called with the world's lock held."""
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes the one that it had before, else a free one."""
        loop = asyncio.get_running_loop()
        port = port or port_of(self.name)
        self._server = await loop.create_server(lambda: _Connection(self), LOOPBACK, port)

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError(f"{self.name}: the server was not started")
        return self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        """`127.0.0.1:<port>`."""
        return f"{LOOPBACK}:{self.port}"

    async def stop(self) -> None:
        """Stop listening and drop every client; returns when the last socket is closed."""
        if self._server is None:
            return
        # A client that was just accepted becomes a connection only some turns of the loop later;
        # asyncio would leave its socket open if the server were closed in between.
        for _ in range(ACCEPTING_TURNS):
            await asyncio.sleep(0)
        self._server.close()
        self.cut_all()
        if self._booted is not None:
            self._booted.cancel()
        while self._connections:
            await asyncio.sleep(0)
        await self._server.wait_closed()
        self._server = None

    def set_fault(self, fault: WireFault | None) -> None:
        """Put a fault on the wire, or None to clear it. Frozen bytes are acted upon now.

        Raises ValueError for a restart of what has no power-up state.
        """
        if fault is not None and fault.kind == "restarted":
            self._restart(fault)
            return
        self._fault = fault
        if fault is not None and fault.kind in ("dropped", "refused"):
            self.cut_all()
            if fault.kind == "dropped":
                self._fault = None
        for connection in list(self._connections):
            connection.thaw()

    def _restart(self, fault: WireFault) -> None:
        if not self.restartable:
            raise ValueError(f"{self.name} cannot be restarted")
        # What clients had sent and the box had not read is gone with its power.
        for connection in list(self._connections):
            connection.forget()
        self.cut_all()
        self.power_up()
        self._fault = fault
        self._booted = asyncio.get_running_loop().call_later(fault.delay_s, self._boot, fault)

    def _boot(self, fault: WireFault) -> None:
        if self._fault is fault:
            self._fault = None

    def power_up(self) -> None:
        """The box behind the wire as when its power comes on."""
        if self._power_up is not None:
            self._power_up()

    @property
    def restartable(self) -> bool:
        return self._power_up is not None

    @property
    def fault(self) -> WireFault | None:
        return self._fault

    def cut_all(self) -> None:
        for connection in list(self._connections):
            connection.link.cut()

    def distorted(self, data: bytes) -> tuple[bytes, float]:
        """(what is left of a reply, delay of it in s) under the present fault."""
        fault = self._fault
        if fault is None or fault.kind in ("dropped", "refused", "frozen", "restarted"):
            return data, 0.0
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                self._fault = None
        if fault.kind == "no_reply":
            return b"", 0.0
        if fault.kind == "half":
            return data[: len(data) // 2], 0.0
        if fault.kind == "garbled":
            return self._garbled(data), 0.0
        if fault.kind == "wrong_unit":
            return in_another_unit(data, fault.factor), 0.0
        return data, fault.delay_s

    def _garbled(self, data: bytes) -> bytes:
        """Wrong characters in at least one place; white space stays."""
        out = np.frombuffer(data, np.uint8).copy()
        places = np.flatnonzero(out > 32)
        if places.size:
            hit = places[self._garble.random(places.size) < 0.3]
            hit = hit if hit.size else places[:1]
            out[hit] = 33 + (out[hit] - 33 + self._garble.integers(1, 93, hit.size)) % 93
        return out.tobytes()

    @property
    def frozen(self) -> bool:
        return self._fault is not None and self._fault.kind == "frozen"

    @property
    def refusing(self) -> bool:
        return self._fault is not None and self._fault.kind in ("refused", "restarted")

    def open_session(self, link: Link) -> Session:
        return self._new_session(link)

    def remember(self, connection: "_Connection") -> None:
        self._connections.add(connection)

    def forget(self, connection: "_Connection") -> None:
        self._connections.discard(connection)


class _Connection(asyncio.Protocol):
    """One client's socket, joined to its session."""

    link: Link
    _session: Session

    def __init__(self, server: WireServer) -> None:
        self._server = server
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.link = Link(self._server, transport)
        self._session = self._server.open_session(self.link)
        self._server.remember(self)
        if self._server.refusing:
            self.link.cut()
        else:
            self._guarded(self._session.opened)

    def data_received(self, data: bytes) -> None:
        if self._server.frozen:
            self._held = (self._held + data)[-LONGEST_LINE:]
        else:
            self._guarded(lambda: self._session.feed(data))

    def thaw(self) -> None:
        if self._held and not self._server.frozen:
            held, self._held = self._held, b""
            self._guarded(lambda: self._session.feed(held))

    def forget(self) -> None:
        """What was held back will not be acted upon."""
        self._held = b""

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)
        self._session.closed()

    def _guarded(self, act: Callable[[], None]) -> None:
        """A fault of the simulator ends this connection, not the process, and is logged."""
        try:
            act()
        except Exception:
            _log.exception("%s: the simulated instrument failed", self._server.name)
            self.link.cut()


class SerialServer(WireServer):
    """A serial port in the form that pyserial opens over TCP."""

    @property
    def address(self) -> str:
        """`socket://127.0.0.1:<port>`."""
        return f"socket://{super().address}"


class VisaServer(WireServer):
    """A raw socket as VISA names it."""

    @property
    def address(self) -> str:
        """`TCPIP0::127.0.0.1::<port>::SOCKET`."""
        return f"TCPIP0::{LOOPBACK}::{self.port}::SOCKET"
