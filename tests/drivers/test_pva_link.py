"""Reads of many PVs of a server that answers, and answers slowly."""

import threading
import time
from collections.abc import Iterator

import pytest
from p4p.nt import NTScalar
from p4p.server import StaticProvider
from p4p.server.thread import SharedPV
from pva_alone import served

from drivers.errors import Timeout
from drivers.pva_link import PvaLink

PVS = ("A", "B", "C", "D", "E")
LIMIT_S = 1.0


class SlowServer:
    """A server that has all of `PVS` and answers for none before it is told to."""

    def __init__(self) -> None:
        # A closed SharedPV is found, and keeps who asks waiting until it is opened.
        self.pvs = {name: SharedPV(nt=NTScalar("d")) for name in PVS}
        provider = StaticProvider("slow")
        for name, pv in self.pvs.items():
            provider.add(f"T:{name}", pv)
        self._server = served(provider)
        self.address = f"pva://127.0.0.1:{self._server.conf()['EPICS_PVAS_BROADCAST_PORT']}/T:"
        self._timers: list[threading.Timer] = []

    def trickle(self, first_s: float, gap_s: float) -> None:
        """One answer after the other, from `first_s` on every `gap_s`."""
        for number, pv in enumerate(self.pvs.values()):
            timer = threading.Timer(first_s + number * gap_s, pv.open, [float(number)])
            self._timers.append(timer)
            timer.start()

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
            timer.join()
        self._server.stop()


@pytest.fixture
def server() -> Iterator[SlowServer]:
    made = SlowServer()
    yield made
    made.close()


@pytest.fixture
def link(server: SlowServer) -> Iterator[PvaLink]:
    made = PvaLink("camera", server.address, timeout_s=LIMIT_S)
    made.open()
    yield made
    made.close()


def test_a_server_that_answers_bit_by_bit_is_given_up_in_time(
    server: SlowServer, link: PvaLink
) -> None:
    # Each answer comes in time after the one before it, all of them after 3.1 s.
    server.trickle(first_s=0.3, gap_s=0.7)
    begun_s = time.monotonic()
    values = link.try_get(PVS)
    assert time.monotonic() - begun_s < 2.0 * LIMIT_S
    assert link.as_number("A", values[0]) == 0.0, "what came in time is kept"
    assert isinstance(values[-1], TimeoutError)


def test_the_first_look_waits_as_long_as_answers_come(server: SlowServer, link: PvaLink) -> None:
    """A search that is lost is sent again a second later; so many channels must be found."""
    server.trickle(first_s=0.3, gap_s=0.7)
    found = [link.as_number(pv, v) for pv, v in zip(PVS, link.find(PVS), strict=True)]
    assert found == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_the_first_look_gives_a_silent_server_up_in_time(server: SlowServer, link: PvaLink) -> None:
    begun_s = time.monotonic()
    values = link.find(PVS)
    assert time.monotonic() - begun_s < 2.0 * LIMIT_S
    assert all(isinstance(value, TimeoutError) for value in values)


def test_the_first_look_has_an_end_however_answers_come(server: SlowServer) -> None:
    link = PvaLink("camera", server.address, timeout_s=LIMIT_S, action_s=1.5)
    link.open()
    server.trickle(first_s=0.3, gap_s=0.7)
    values = link.find(PVS)
    link.close()
    assert link.as_number("A", values[0]) == 0.0
    assert isinstance(values[-1], TimeoutError)


def test_whose_answer_is_missing_is_said(server: SlowServer, link: PvaLink) -> None:
    server.trickle(first_s=0.3, gap_s=0.7)
    with pytest.raises(Timeout, match=r"camera: no answer from T:[B-E] within 1 s"):
        link.get(*PVS)


def test_a_server_that_was_slow_is_read_when_it_answers(server: SlowServer, link: PvaLink) -> None:
    server.trickle(first_s=0.0, gap_s=0.0)
    assert [link.as_number(pv, value) for pv, value in zip(PVS, link.get(*PVS), strict=True)] == [
        0.0, 1.0, 2.0, 3.0, 4.0,
    ]  # fmt: skip
