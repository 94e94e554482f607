"""A serial port whose other end is a simulated box on TCP: what that sends while nobody has the
port open stays in it, as in a USB-serial converter. POSIX only."""

import contextlib
import os
import socket
import threading
import tty


class PtyWire:
    """`device` may be opened and closed as often as one likes; the box stays connected."""

    def __init__(self, port: int) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        self._wire = socket.create_connection(("127.0.0.1", port))
        self.device = os.ttyname(self._slave)
        self._threads = [
            threading.Thread(target=copy, daemon=True) for copy in (self._out, self._back)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)
        os.close(self._slave)
        for thread in self._threads:
            thread.join()
        self._wire.close()
        os.close(self._master)

    def _out(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._master, 1024):
                self._wire.sendall(data)

    def _back(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._wire.recv(1024):
                os.write(self._master, data)
