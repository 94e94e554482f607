"""Bytes that no instrument sends: pieces of every protocol of the rig, and noise between them."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable

from hypothesis import strategies as st

PIECES = (
    b"*IDN?", b"*RST", b":FREQ 1e9", b":FREQ?", b"SYST:ERR?", b'0,"No error"', b"#0", b"#15abcde",
    b"#9999999999", b"(param-ref 'laser1:dl:cc:current-set)", b"(param-set! 'echo #t)", b"(exec '",
    b"(+ 1 2)", b"`(,(", b"#t", b"5.0", b'"text', b"Error: -3", b"\n> ", b"> ", b"f650.0", b"C0C?",
    b"E1r1h1", b"WFT SynthHD 1230", b"Ls?", b"Ls1230", b"Lki?\\0xA", b"p6", b"p6r", b"rst",
    b"error -12", b"error resolved.", b"1 2 3 4 5 6 7 8 9 10", b"ACQ:SOUR1:DATA?", b"DIG:PIN OUT,",
    b"1e999", b"-1E-400", b"nan", b"inf", b"99999999999999999999", b"\x00", b"\xff\xfe", b";;;",
    b"(((((((((((((((((((((((((((((((((((((((((((((((((", b"\r\n", b"\n", b"1", b"0", b"-", b",",
)  # fmt: skip
GARBAGE = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=20)), max_size=12).map(
    b"".join
)


class GarbageServer:
    """Answers whatever comes with `REPEATED` lines and prompts, so that no protocol has to wait for
    an end. Each line of each answer is drawn anew from `pieces` (by `seed`, so that a failure
    repeats): a driver that reads several values in a row meets another nonsense at each of them."""

    REPEATED = 45

    def __init__(self) -> None:
        self.pieces: list[bytes] = [b""]
        self.seed = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        pieces, draw = list(self.pieces), random.Random(self.seed)
        with contextlib.suppress(OSError):
            connection.sendall(b"\r\n> ")
            while connection.recv(4096):
                lines = draw.choices(pieces, k=self.REPEATED)
                connection.sendall(b"".join(line + b"\n> " for line in lines))


def within(seconds: float, act: Callable[[], object]) -> None:
    """`act` must be over in time."""
    began = time.monotonic()
    act()
    took_s = time.monotonic() - began
    assert took_s < seconds, f"took {took_s:.1f} s"
