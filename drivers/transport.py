"""A byte stream to a box on a serial line or on a `socket://` bridge.

One instrument owns one stream and guards it with its own lock: nothing here is thread-safe. An
answer that does not come in time closes the stream, so that it can reach no later query; the
next exchange opens it anew.
"""

import errno
import sys
import time
from collections.abc import Callable
from typing import Protocol

import serial

from drivers.errors import ConnectionLost, ProtocolError, Timeout

_MAX_LINE_BYTES = 4096
_POLL_S = 0.002


class ByteStream(Protocol):
    """What the drivers need of a wire. Every method raises `ConnectionLost` if it is gone."""

    @property
    def is_open(self) -> bool: ...

    def open(self) -> None:
        """Open; does nothing if it is open."""
        ...

    def close(self) -> None:
        """Close. Never raises."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of `data` in one write."""
        ...

    def read_line(self) -> bytes:
        """Next line without its end (LF or CR LF). Raises `Timeout` and closes if none comes."""
        ...

    def discard(self, quiet_s: float) -> bytes:
        """Throw away, and return, what comes until the line has been quiet for `quiet_s`.

        With 0, what is already there. Raises `ProtocolError` and closes if it never ends.
        """
        ...


class SerialStream:
    """`ByteStream` on pyserial: a device name (`/dev/ttyACM0`, `COM3`) or `socket://host:port`.

    `assert_dtr=False` opens a real port without raising DTR, which resets an Arduino.
    `timeout_s` is wall time, for one line.
    """

    def __init__(
        self,
        instrument: str,
        url: str,
        *,
        baud_rate: int = 115200,
        timeout_s: float = 1.0,
        assert_dtr: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._instrument = instrument
        self._url = url
        self._baud_rate = baud_rate
        self._timeout_s = timeout_s
        self._assert_dtr = assert_dtr
        self._sleep = sleep
        self._port: serial.Serial | None = None
        self._buffer = bytearray()

    @property
    def is_open(self) -> bool:
        return self._port is not None

    def open(self) -> None:
        if self._port is not None:
            return
        self._buffer.clear()
        try:
            port = serial.serial_for_url(
                self._url,
                baudrate=self._baud_rate,
                timeout=self._timeout_s,
                write_timeout=self._timeout_s,
                # Linux lets two programs open one port, and each then takes answers of the other.
                exclusive=True,
                do_not_open=True,
            )
            if not self._assert_dtr:
                port.dtr = False
            port.open()
        except (OSError, ValueError) as error:  # SerialException is an OSError
            if "://" not in self._url and _is_held(error):
                raise ConnectionLost(
                    self._instrument,
                    f"{self._url} is held by another program",
                    "end it (LabVIEW, a terminal, another station): a serial port has one owner",
                ) from error
            raise ConnectionLost(
                self._instrument,
                f"cannot open {self._url}: {error}",
                "check power, cable and the address in the rig file",
            ) from error
        self._port = port

    def close(self) -> None:
        port, self._port = self._port, None
        self._buffer.clear()
        if port is None:
            return
        # pyserial's socket port forgets to close its socket when the other end is gone first.
        sock = getattr(port, "_socket", None)
        try:
            port.close()
        except OSError:
            pass  # an unplugged port cannot be closed properly, and need not be
        finally:
            if sock is not None:
                sock.close()

    def write(self, data: bytes) -> None:
        port = self._opened()
        try:
            sent = port.write(data)
        except serial.SerialTimeoutException as error:
            self.close()
            raise Timeout(
                self._instrument, f"did not take {data!r} within {self._timeout_s} s"
            ) from error
        except OSError as error:
            raise self._lost(error) from error
        if sent != len(data):
            raise self._lost(OSError(f"only {sent} of {len(data)} bytes were sent"))

    def read_line(self) -> bytes:
        deadline = time.monotonic() + self._timeout_s
        while True:
            line, end, rest = self._buffer.partition(b"\n")
            if end:
                self._buffer = rest
                return bytes(line.removesuffix(b"\r"))
            if len(self._buffer) > _MAX_LINE_BYTES:
                self.close()
                raise ProtocolError(
                    self._instrument,
                    f"sent more than {_MAX_LINE_BYTES} bytes without a line end",
                    "check that the address is that of this instrument",
                )
            chunk = self._read_available()
            self._buffer += chunk
            if not chunk or time.monotonic() > deadline:
                partial = bytes(self._buffer)
                self.close()
                raise Timeout(
                    self._instrument,
                    f"no answer within {self._timeout_s} s"
                    + (f" (only {partial!r})" if partial else ""),
                    "the connection was closed and will be opened anew; check that the box runs",
                )

    def discard(self, quiet_s: float) -> bytes:
        thrown = bytearray(self._buffer)
        self._buffer.clear()
        port = self._opened()
        start = last = time.monotonic()
        while True:
            try:
                waiting = port.in_waiting
            except OSError as error:
                raise self._lost(error) from error
            now = time.monotonic()
            if waiting:
                thrown += self._read_available()
                last = now
            elif now - last >= quiet_s:
                return bytes(thrown)
            else:
                self._sleep(_POLL_S)
            if now - start > quiet_s + self._timeout_s:
                self.close()
                raise ProtocolError(
                    self._instrument,
                    f"does not stop sending ({bytes(thrown[-40:])!r})",
                    "check that the address is that of this instrument",
                )

    def _read_available(self) -> bytes:
        """At least one byte, or none after the time limit."""
        port = self._opened()
        try:
            return port.read(max(1, port.in_waiting))
        except OSError as error:
            raise self._lost(error) from error

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise ConnectionLost(self._instrument, f"{self._url} is not open")
        return self._port

    def _lost(self, error: OSError) -> ConnectionLost:
        self.close()
        return ConnectionLost(
            self._instrument,
            f"lost {self._url}: {error}",
            "check power and cable; the next command opens it anew",
        )


def _is_held(error: Exception) -> bool:
    """Whether a port did not open because another program has it: Windows opens none twice, POSIX
    refuses the lock."""
    if sys.platform == "win32":
        return "PermissionError" in str(error)
    return getattr(error, "errno", None) in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY)
