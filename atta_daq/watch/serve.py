"""Run the page until it is told to end."""

import asyncio
import math
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from atta_daq.watch.access import AccessError, Address
from atta_daq.watch.patient import PatientProtocol
from atta_daq.watch.stream import Viewers

LARGEST_HEAD = 16 * 1024
"""Bytes of request line and headers."""
SEND_BUFFER = 64 * 1024
"""Bytes that the system keeps for a viewer that is slow."""
FLUSH_S = 1.0
"""What waits for a viewer when the page ends has so long to reach it."""
GRACE_S = 10


def open_socket(address: Address) -> socket.socket:
    """Listen at the address. Raises AccessError when it is taken or not of this computer."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Its connections inherit this. The system would keep megabytes for a viewer that takes
        # nothing, and it would look as if it took them.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        try:
            listener.bind(where)
            # Connections that nobody accepts are refused by the system, not piled up.
            listener.listen(64)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise AccessError(
            f"--listen: {address.host}:{address.port}: {error.strerror or error}; choose another "
            "address or port"
        ) from error
    return listener


class Server:
    """The web server on a socket that listens already."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        viewers: Viewers,
        protocol: type[PatientProtocol] = PatientProtocol,
    ) -> None:
        self._listener = listener
        self._viewers = viewers
        self._cut_at_s = math.inf
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="on",
                # Paths may hold the token.
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                date_header=True,
                proxy_headers=False,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `end`, or SIGINT or SIGTERM on the main thread. `ready` is called once."""

        async def serve() -> None:
            task = asyncio.ensure_future(self._server.serve([self._listener]))
            while not (self._server.started or task.done()):
                await asyncio.sleep(0.01)
            if not task.done():
                ready()
            while not task.done():
                await asyncio.wait([task], timeout=0.1)
                # They never go by themselves, and uvicorn waits for every response.
                if self._server.should_exit:
                    self._send_away()
            await task

        asyncio.run(serve())

    def _send_away(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if not self._viewers.ended:
            self._viewers.end()
            self._cut_at_s = now_s + FLUSH_S
        for connection in list(self._server.server_state.connections):
            assert isinstance(connection, PatientProtocol)
            if connection.stuck or now_s > self._cut_at_s:
                connection.transport.abort()

    def end(self) -> None:
        """From any thread."""
        self._server.should_exit = True
