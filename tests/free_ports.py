"""Ports for a server that is started later, or a second time.

The system hands out ports for connections all the time: one that it found free for a moment may be
taken before it is used. These lie below those that it hands out, each worker's apart.
"""

import itertools
import os
import socket

FIRST = 20_000
A_WORKER = 1_000
WORKERS = 12
"""Up to 32,000; from 32,768 on Linux hands out."""
_tried = itertools.count()


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody takes TCP or UDP, given once."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    for _ in range(A_WORKER):
        # Suites side by side do not begin at the same one.
        port = FIRST + A_WORKER * worker + (7 * os.getpid() + next(_tried)) % A_WORKER
        if _is_free(port):
            return port
    raise AssertionError("no port is free")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
