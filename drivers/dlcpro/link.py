"""Toptica's SDK, guarded: one lock, and no answer ever reaches another query.

DeCoP carries no message numbers, and after a time-out the SDK hands the late answer to the next
query without an error: the seed's current was read as the amplifier's 2500 mA. Here any
time-out and any answer that is not of the expected type closes the connection; the next exchange
opens a new one. Bytes that wait before a query is sent betray an answer too many, and close it
as well.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import Callable
from typing import NoReturn

from toptica.lasersdk.asyncio.connection import BufferOverflowError, ConnectionClosedError
from toptica.lasersdk.client import (
    Client,
    DecopError,
    DecopType,
    DecopValueError,
    DeviceNotFoundError,
    DeviceTimeoutError,
    NetworkConnection,
)
from toptica.lasersdk.decop import encode_value

from drivers.errors import ConnectionLost, DeviceFault, DriverError, ProtocolError, Timeout
from drivers.fair_lock import FairLock

_LINGER_S = 0.2
_LINGER_READS = 10
_NO_ADDRESS = (ValueError, OverflowError, TypeError)
"""What Python raises for a host or a port that cannot be one: 'a..b', 71998."""


class _StaleAnswer(DecopError):
    """An answer was there before the question."""


class _GuardedConnection(NetworkConnection):
    """The SDK's connection with a time limit on opening and a look for answers too many."""

    async def open(self) -> None:
        await asyncio.wait_for(super().open(), self.timeout)

    async def write_command_line(self, message: str) -> None:
        stale = asyncio.ensure_future(self.read_command_line())
        for _ in range(3):  # task starts; socket is polled; data reach the task
            await asyncio.sleep(0)
        if stale.done():
            raise _StaleAnswer(f"an answer too many: {await stale!r}")
        stale.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stale
        await super().write_command_line(message)


_UNINTELLIGIBLE = (DecopValueError, BufferOverflowError, _StaleAnswer, ValueError, IndexError)


class DecopLink:
    """Reads and writes parameters on the command line (TCP) of a DLC pro.

    Opens at the first exchange and again after a failure; each time `echo` is switched off
    first. `lock` is re-entrant; hold it over questions that belong together.

    Errors: `ConnectionLost`, `Timeout`, `ProtocolError` (all three closed the connection),
    `DeviceFault` (the box refused; the connection stays).
    """

    def __init__(self, instrument: str, host: str, port: int, timeout_s: float) -> None:
        self._instrument = instrument
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self.lock = FairLock()
        self._client: Client | None = None

    def open(self) -> None:
        """Open if closed."""
        with self.lock:
            self._opened()

    def close(self) -> None:
        """Close. Never raises."""
        with self.lock:
            self._drop()

    def read_bool(self, parameter: str) -> bool:
        value = self._read(parameter, bool)
        return bool(value)

    def read_int(self, parameter: str) -> int:
        value = self._read(parameter, int)
        assert isinstance(value, int)
        return value

    def read_real(self, parameter: str) -> float:
        value = self._read(parameter, float)
        assert isinstance(value, float)
        return value

    def read_text(self, parameter: str) -> str:
        return str(self._read(parameter, str))

    def write(self, parameter: str, value: bool | int | float) -> None:
        """Set a parameter. The caller reads it back: the box may keep another value."""
        with self.lock:
            self._exchange(f"set {parameter} to {value}", lambda c: c.set(parameter, value))

    def shout(self, parameter: str, value: bool) -> None:
        """Last resort: send a set on a connection of its own and listen for nothing.

        For a box that still obeys but does not answer. Never raises, confirms nothing.
        """
        with self.lock:
            self._drop()
            with (
                contextlib.suppress(OSError, *_NO_ADDRESS),
                socket.create_connection((self._host, self._port), self._timeout_s) as wire,
            ):
                wire.sendall(f"(param-set! '{parameter} {encode_value(value)})\n".encode())
                wire.shutdown(socket.SHUT_WR)
                # Closing with bytes unread would reset the connection, and the command with it.
                wire.settimeout(_LINGER_S)
                for _ in range(_LINGER_READS):
                    if not wire.recv(4096):
                        break

    def _read(self, parameter: str, kind: type) -> DecopType:
        with self.lock:
            value = self._exchange(f"read {parameter}", lambda c: c.get(parameter))
            # DeCoP writes a real always with a dot, so a type that differs is another's answer.
            if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
                self._fail(
                    ProtocolError(
                        self._instrument,
                        f"{parameter} answered {value!r}, not a {kind.__name__}",
                        "the connection was closed and will be opened anew",
                    )
                )
        return value

    def _exchange(self, what: str, action: Callable[[Client], DecopType]) -> DecopType:
        client = self._opened()
        try:
            return action(client)
        except DeviceTimeoutError as error:
            self._fail(
                Timeout(
                    self._instrument,
                    f"no answer within {self._timeout_s} s to: {what}",
                    "the connection was closed and will be opened anew; check the box",
                ),
                error,
            )
        except _UNINTELLIGIBLE as error:
            self._fail(
                ProtocolError(
                    self._instrument,
                    f"cannot {what}: unintelligible answer ({error})",
                    "the connection was closed and will be opened anew",
                ),
                error,
            )
        except (ConnectionClosedError, OSError) as error:
            self._fail(
                ConnectionLost(
                    self._instrument,
                    f"lost {self._host}:{self._port} ({str(error) or 'closed by the box'})",
                    "check power and network; the next command connects anew",
                ),
                error,
            )
        except DecopError as error:
            if not client.command_line_available:
                self._fail(
                    ConnectionLost(self._instrument, f"the box closed the connection: {error}"),
                    error,
                )
            raise DeviceFault(
                self._instrument,
                f"refused to {what}: {error}",
                "look at the messages on the box; check user level and firmware",
            ) from error

    def _opened(self) -> Client:
        if self._client is None:
            client = self._connected_client()
            self._client = client
            self._exchange("switch echo off", lambda c: c.set("echo", False))
        return self._client

    def _connected_client(self) -> Client:
        remedy = "check power, network and the address in the rig file"
        try:
            # Resolved here: the SDK would search an unknown name by UDP broadcast.
            address = socket.gethostbyname(self._host)
            client = Client(_GuardedConnection(address, self._port, 0, self._timeout_s))
            client.open()
        except TimeoutError as error:
            raise Timeout(
                self._instrument,
                f"{self._host}:{self._port} did not open within {self._timeout_s} s",
                remedy,
            ) from error
        except (DeviceNotFoundError, OSError, asyncio.LimitOverrunError, *_NO_ADDRESS) as error:
            raise ConnectionLost(
                self._instrument, f"cannot open {self._host}:{self._port}: {error}", remedy
            ) from error
        return client

    def _fail(self, error: DriverError, cause: Exception | None = None) -> NoReturn:
        self._drop()
        raise error from cause

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            # A dead peer makes the SDK's own close fail; its thread ends all the same.
            with contextlib.suppress(DecopError, OSError):
                client.close()
