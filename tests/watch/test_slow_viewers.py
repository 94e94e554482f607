"""Twenty viewers that take nothing: the others see everything, and little is kept for them."""

import asyncio
import socket
import threading
import time
import tracemalloc
from contextlib import ExitStack

import numpy as np
import pytest
from fakes_sweep import live, spectrum, spectrum_fit
from fed_page import FedPage, served, until

from atta_daq.watch.patient import PatientProtocol

SLOW = 20
FEEDS = 30


class Patient(PatientProtocol):
    """Cuts nobody as long as the test lasts."""

    stuck_s = 600.0


class Roomy(Patient):
    """Keeps more for a viewer than the tests send, and so never learns that it takes nothing."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=100_000_000)


class Hasty(PatientProtocol):
    """Cuts sooner than in earnest, so that a test can wait for it."""

    stuck_s = 0.5


def slow_viewer(page: FedPage) -> socket.socket:
    """Asks for the events, and never reads. Its window is as small as the system allows."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", page.port))
    line.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return line


class Reader(threading.Thread):
    """A viewer that reads all, and notes which segments it heard of."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(daemon=True)
        self.line = line
        self.line.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.heard: set[int] = set()

    def run(self) -> None:
        rest = b""
        while more := self.line.recv(65536):
            *lines, rest = (rest + more).split(b"\n")
            for line in lines:
                _, found, text = line.partition(b'"segment":')
                if found:
                    self.heard.add(int(float(text.split(b",")[0])))


def feed(page: FedPage, number: int) -> None:
    """New points and a new picture: 20 kB for every viewer."""
    image = np.random.default_rng(number).integers(300, 9000, (48, 48)).astype(np.uint16)
    page.source.feed(
        **live(spectrum(120, seed=number), spectrum_fit()), run__id="r", run__segment=number,
        run__segments=FEEDS, camera__image=image,
    )  # fmt: skip


def test_slow_viewers_hold_up_nobody_and_nothing_is_kept_for_them() -> None:
    with served(protocol=Patient) as page, ExitStack() as lines:
        for _ in range(SLOW):
            lines.enter_context(slow_viewer(page))
        until(lambda: len(page.viewers) == SLOW)
        reader = Reader(lines.enter_context(page.connect()))
        reader.start()
        middle = 0
        tracemalloc.start()
        for number in range(1, FEEDS + 1):
            if number == FEEDS // 2:
                middle = tracemalloc.get_traced_memory()[0]
            feed(page, number)
            until(lambda number=number: number in reader.heard)
        grown = tracemalloc.get_traced_memory()[0] - middle
        tracemalloc.stop()
        assert len(page.viewers) == SLOW + 1, "the slow ones are there, and take nothing"
        # 15 updates of 20 kB for 20 viewers are 6 MB, if they were kept.
        assert grown < 3e6, grown
        reader.line.shutdown(socket.SHUT_RDWR)
        reader.join(10.0)


def test_a_viewer_that_takes_nothing_is_cut() -> None:
    with served(protocol=Hasty) as page, slow_viewer(page):
        until(lambda: len(page.viewers) == 1)
        fed = iter(range(1, 10_000))

        def gone() -> bool:
            feed(page, next(fed))
            return len(page.viewers) == 0

        until(gone)


@pytest.mark.parametrize("protocol", [Patient, Roomy])
def test_a_page_ends_at_once_though_viewers_take_nothing(
    protocol: type[PatientProtocol], caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as lines:
        with served(protocol=protocol) as page:
            for _ in range(3):
                lines.enter_context(slow_viewer(page))
            until(lambda: len(page.viewers) == 3)
            # More than the buffers of both sides hold.
            for number in range(20):
                feed(page, number)
                time.sleep(0.06)
        assert len(page.viewers) == 0
    assert caplog.text == ""
