"""One SCPI session over VISA: one lock, and no late answer can ever reach a later query.

SCPI has no message numbers. After a timeout the answer is still on its way, and pyvisa-py hands
it to the next query; two threads on one session swap their answers. So every exchange holds the
line's lock, and after a timeout, a lost wire or an answer that is not of the protocol the session
is closed; the next exchange opens a new one. A line that waits before anything is sent is an answer
too many, which would be taken for the next one, and each answer for that of the query behind it:
it closes the session as well.

A raw socket that is closed takes what is on its way with it. A box on USB, or behind VXI-11, keeps
a late answer and gives it to whoever reads next, in a new session too: one that has told who it is
is asked that before the first query, and what it says before is thrown away. A command without an
answer does not wait for that: "off" goes out to a box that obeys and is mute.
"""

import contextlib
import math
import select
import socket
import struct
import threading
from typing import Any

import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError
from pyvisa.resources import MessageBasedResource

from drivers import usb_bus
from drivers.errors import ConnectionLost, DeviceFault, DriverError, ProtocolError, Timeout
from drivers.fair_lock import FairLock
from drivers.interfaces import Identity

LONGEST_LINE = 4096
"""Bytes of a text answer; no box of the rig answers longer lines."""
LONGEST_BLOCK = 1 << 24
"""Bytes of a binary block; a longer one is a garbled length, not data."""
LONGEST_ERROR_QUEUE = 32
MOST_STALE_LINES = 5
"""Read from a box that is opened anew until it must have told who it is."""
_LIBRARY = threading.Lock()
"""Around the making of pyvisa's one resource manager: a second thread is given it half made."""
_WIRE_FAILED = (pyvisa.Error, OSError, ValueError, struct.error)
"""What a lost wire raises: over USB pyvisa-py turns the failure of a write into a ValueError, and
an answer too short for its header is a struct.error."""


def _wire(session: MessageBasedResource) -> Any:
    """What pyvisa-py keeps of a session; None for another library."""
    return getattr(session.visalib, "sessions", {}).get(session.session)


def _socket(session: MessageBasedResource) -> socket.socket | None:
    """The socket of a raw TCP session; None for others: of those nobody can see what waits. USBTMC
    and VXI-11 number the requests to read, not the queries."""
    interface = getattr(_wire(session), "interface", None)
    return interface if isinstance(interface, socket.socket) else None


def _send_at_once(session: MessageBasedResource) -> None:
    """Switch off Nagle's algorithm, which holds a command that follows a setter back for 40 ms.

    VISA knows the attribute, but pyvisa-py refuses to set it on sockets and leaves it off.
    """
    wire = _socket(session)
    if wire is not None:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _waiting(session: MessageBasedResource) -> bytes:
    """Beginning of what has come and was not asked for; nothing is taken off the wire.

    Raises OSError when the other end has closed the connection.
    """
    kept = bytes(getattr(_wire(session), "_pending_buffer", b""))
    wire = _socket(session)
    if kept or wire is None or not select.select([wire], [], [], 0.0)[0]:
        return kept
    come = wire.recv(LONGEST_LINE, socket.MSG_PEEK)
    if not come:
        raise ConnectionError("closed by the other end")
    return come


class VisaLine:
    """A SCPI session that any number of threads may share.

    `lock` is re-entrant; hold it over exchanges that belong together. Answers end with a line
    feed, a carriage return before it is stripped. All time limits are wall time.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        *,
        timeout_s: float = 1.2,
        terminator: str = "\n",
    ) -> None:
        self.name = name
        self.resource = resource
        self.lock = FairLock()
        self._timeout_ms = max(1, round(timeout_s * 1000))
        self._terminator = terminator
        self._session: MessageBasedResource | None = None
        self._wanted = False
        self._who = ""
        """What the box answered to `*IDN?`."""
        self._in_step = True
        """No answer to an earlier query can come."""
        self.sessions = 0
        """How often it was opened: a box behind a line that is opened anew may have restarted."""

    def open(self) -> None:
        """Open the session unless it is open. Raises ConnectionLost."""
        with self.lock:
            self._wanted = True
            self.reach()

    def reach(self) -> None:
        """Open the session anew if it was lost. Raises ConnectionLost, also after `close`."""
        with self.lock:
            self._opened()

    def close(self) -> None:
        """Close the session for good, until `open`. Never raises."""
        with self.lock:
            self._wanted = False
            self._drop()

    def write(self, command: str) -> None:
        """Send one command that gives no answer.

        Raises ConnectionLost, Timeout, ProtocolError (an answer too many; nothing was sent).
        """
        line = (command + self._terminator).encode("ascii")
        with self.lock:
            try:
                session = self._opened()
                surplus = _waiting(session)
                if not surplus:
                    session.write_raw(line)
            except _WIRE_FAILED as error:
                raise self._lost(command, error) from error
            if surplus:
                self._drop()
                raise ProtocolError(
                    self.name,
                    f"{surplus[:60]!r} had come before {command} was asked: an answer too many",
                    f"the line is opened anew; check that nothing else talks to {self.resource}",
                )

    def query(self, command: str) -> str:
        """The one-line answer to `command`, stripped.

        Raises ConnectionLost, Timeout, ProtocolError (not ASCII, or longer than a line; a box that
        kept a late answer does not come back into step).
        """
        with self.lock:
            self._come_into_step()
            self.write(command)
            return self._read_line(command)

    def query_number(self, command: str) -> float:
        """The finite number that answers `command`."""
        text = self.query(command)
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.not_of_protocol(command, text)
        return number

    def query_flag(self, command: str) -> bool:
        """The `0` or `1` that answers `command`."""
        text = self.query(command)
        if text not in ("0", "1"):
            raise self.not_of_protocol(command, text)
        return text == "1"

    def query_binary(self, command: str) -> bytes:
        """The payload of the definite-length block `#<n><length><bytes>` (IEEE 488.2, 8.7.9).

        Raises ConnectionLost, Timeout (also for half a block), ProtocolError.
        """
        with self.lock:
            self._come_into_step()
            self.write(command)
            head = self._read_exactly(command, 2)
            if head[:1] != b"#" or head[1:] not in b"123456789":
                raise self.not_of_protocol(command, head)
            digits = self._read_exactly(command, int(head[1:]))
            if not digits.isdigit() or int(digits) > LONGEST_BLOCK:
                raise self.not_of_protocol(command, head + digits)
            payload = self._read_exactly(command, int(digits))
            rest = self._read_line(command)
            if rest:
                raise self.not_of_protocol(command, rest)
        return payload

    def identify(self) -> Identity:
        """Who answers to `*IDN?`: maker, model, serial, firmware."""
        text = self.query("*IDN?")
        fields = [field.strip() for field in text.split(",")]
        if len(fields) != 4:
            raise self.not_of_protocol("*IDN?", text)
        self._who = text
        return Identity(*fields)

    def check_errors(self) -> None:
        """Empty the box's error queue; raise DeviceFault with all that stood in it."""
        faults: list[str] = []
        with self.lock:
            while len(faults) < LONGEST_ERROR_QUEUE:
                text = self.query("SYST:ERR?")
                code, _, _ = text.partition(",")
                try:
                    number = int(code)
                except ValueError:
                    raise self.not_of_protocol("SYST:ERR?", text) from None
                if number == 0:
                    break
                faults.append(text)
        if faults:
            raise DeviceFault(
                self.name, f"the box reports {'; '.join(faults)}", "check the last setting"
            )

    def forget_errors(self) -> None:
        """Empty the box's error queue of what somebody else has left in it."""
        with contextlib.suppress(DeviceFault):
            self.check_errors()

    def not_of_protocol(self, command: str, answer: str | bytes) -> ProtocolError:
        """The error for an answer that cannot be right. The session is closed: whatever else is
        on the wire is not trusted either."""
        with self.lock:
            self._drop()
        return ProtocolError(
            self.name,
            f"{command} was answered by {answer[:60]!r}",
            f"check that {self.resource} is the right box",
        )

    def _opened(self) -> Any:
        if not self._wanted:
            raise ConnectionLost(self.name, "not connected", "connect it first")
        if self._session is None:
            try:
                with _LIBRARY:
                    usb_bus.load_libusb()
                    manager = pyvisa.ResourceManager(usb_bus.library(self.resource))
                session = manager.open_resource(
                    self.resource, open_timeout=self._timeout_ms, timeout=self._timeout_ms
                )
                if not isinstance(session, MessageBasedResource):
                    session.close()
                    raise ValueError("not a message-based resource")
                session.read_termination = "\n"
                _send_at_once(session)
            # pyvisa-py raises a bare Exception when a socket does not connect.
            except Exception as error:
                reason, remedy = str(error), "check power and cable"
                if usb_bus.is_usb(self.resource):
                    reason, remedy = usb_bus.why_not(self.resource, error)
                raise ConnectionLost(
                    self.name, f"cannot open {self.resource} ({reason})", remedy
                ) from error
            self._session = session
            self.sessions += 1
            self._in_step = not self._who or _socket(session) is not None
        return self._session

    def _come_into_step(self) -> None:
        """Read until the box tells who it is, as it did before; whatever comes before that answers
        an earlier query. Raises Timeout, ConnectionLost, ProtocolError; the session is closed then.
        """
        session = self._opened()
        if self._in_step:
            return
        who, line = self._who, ""
        # Not every library can; none need.
        with contextlib.suppress(*_WIRE_FAILED, NotImplementedError):
            session.clear()
        try:
            session.write_raw(("*IDN?" + self._terminator).encode("ascii"))
        except _WIRE_FAILED as error:
            raise self._lost("*IDN?", error) from error
        for _ in range(MOST_STALE_LINES):
            line = self._read_line("*IDN?")
            if line == who:
                self._in_step = True
                return
            if line.count(",") == who.count(","):
                # Somebody else, who need not be asked again.
                self._who = ""
                break
        self._drop()
        raise ProtocolError(
            self.name,
            f"{self.resource} had answered as {who[:60]!r}, now it says {line[:60]!r}",
            "check that it is the right box, then connect it anew",
        )

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            # A session that cannot be closed is as gone as a closed one.
            with contextlib.suppress(*_WIRE_FAILED):
                session.close()

    def _lost(self, command: str, error: Exception) -> DriverError:
        self._drop()
        code = error.error_code if isinstance(error, VisaIOError) else None
        if code == StatusCode.error_timeout:
            return Timeout(
                self.name,
                f"no answer to {command} within {self._timeout_ms / 1000:g} s",
                f"check that the box at {self.resource} is on; the line is opened anew",
            )
        return ConnectionLost(
            self.name, f"lost at {command} ({error})", f"check {self.resource}, then retry"
        )

    def _read_line(self, command: str) -> str:
        session = self._opened()
        try:
            # One library call, not read_raw(): that one never ends on an endless answer.
            with session.ignore_warning(
                StatusCode.success_max_count_read,
                StatusCode.success_termination_character_read,
            ):
                raw, _ = session.visalib.read(session.session, LONGEST_LINE)
        except _WIRE_FAILED as error:
            raise self._lost(command, error) from error
        if not raw.endswith(b"\n") or not raw.isascii():
            raise self.not_of_protocol(command, raw)
        return raw.decode("ascii").strip()

    def _read_exactly(self, command: str, count: int) -> bytes:
        try:
            return self._opened().read_bytes(count)
        except _WIRE_FAILED as error:
            raise self._lost(command, error) from error
