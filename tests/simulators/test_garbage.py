"""Random bytes into every simulated server: no exception, no hang, and the next client is served.
And whatever happens to a box, it can be restarted."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from garbage import GARBAGE, within
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.boxes import BOXES
from simulators.clock import RigClock
from simulators.faults import in_another_unit
from simulators.truth import Truth
from simulators.wire import WireServer
from simulators.world.world import World

LONGEST_S = 5.0
NO_BYTES = {"areadetector": "typed puts, see test_camera_puts", "micromanager": "no wire",
            "epics-pva": "pvAccess is the library's"}  # fmt: skip
CHOICES = [(role, driver) for role, boxes in BOXES.items() for driver in boxes]
ON_BYTES = [choice for choice in CHOICES if choice[1] not in NO_BYTES]


class Link:
    """Keeps what was sent; timers never fire."""

    backed_up = False

    def __init__(self) -> None:
        self.sent = b""

    def send(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        """The client would be gone."""

    cut = close

    def call_later(self, _delay_s: float, _act: Callable[[], None]) -> "Link":
        return self

    def cancel(self) -> None:
        """Nothing was started."""


@pytest.fixture(scope="module")
def boxes() -> Iterator[dict[tuple[str, str], list[WireServer]]]:
    """The servers of every box, each on a world of its own."""

    async def start() -> dict[tuple[str, str], list[Any]]:
        return {
            (role, driver): list(
                (await BOXES[role][driver](World(Truth(), RigClock(), 1))).values()
            )
            for role, driver in ON_BYTES
        }

    async def stop(servers: list[WireServer]) -> None:
        for server in servers:
            await server.stop()

    loop = asyncio.new_event_loop()
    started = loop.run_until_complete(start())
    yield started
    loop.run_until_complete(stop([s for servers in started.values() for s in servers]))
    loop.close()


@pytest.mark.parametrize("choice", ON_BYTES, ids="-".join)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pieces=st.lists(GARBAGE, max_size=6))
def test_any_bytes_in_any_pieces(
    boxes: dict[tuple[str, str], list[WireServer]], choice: tuple[str, str], pieces: list[bytes]
) -> None:
    for server in boxes[choice]:
        link: Any = Link()
        session = server.open_session(link)

        def feed(session: Any = session) -> None:
            session.opened()
            for piece in pieces:
                session.feed(piece)
            session.feed(b"\n")
            session.closed()

        within(LONGEST_S, feed)


@pytest.mark.parametrize("choice", ON_BYTES, ids="-".join)
def test_every_box_can_be_restarted(
    boxes: dict[tuple[str, str], list[WireServer]], choice: tuple[str, str]
) -> None:
    assert any(server.restartable for server in boxes[choice])
    for server in boxes[choice]:
        if server.restartable:
            server.power_up()


def test_the_boxes_are_covered() -> None:
    assert {driver for _, driver in CHOICES} <= {d for _, d in ON_BYTES} | NO_BYTES.keys()


@given(value=st.floats(-1e9, 1e9), factor=st.sampled_from([1e-3, 1e3, 1e6]))
def test_another_unit_multiplies_reals_and_nothing_else(value: float, factor: float) -> None:
    reply = f'{value:.6f};1;-113,"Undefined header";{value:.9E}\n'.encode()
    first, flag, code, text, last = in_another_unit(reply, factor).replace(b",", b";").split(b";")
    assert float(first) == pytest.approx(float(f"{value:.6f}") * factor, rel=1e-6, abs=1e-6)
    assert float(last) == pytest.approx(float(f"{value:.9E}") * factor, rel=1e-8)
    assert (flag, code, text) == (b"1", b"-113", b'"Undefined header"')


def test_another_unit_of_a_binary_block() -> None:
    import numpy as np

    samples = np.array([0.1, -0.2, 0.3], ">f4")
    reply = b"#212" + samples.tobytes() + b"\r\n"
    changed = in_another_unit(reply, 1000.0)
    assert changed[:4] == b"#212"
    assert changed[-2:] == b"\r\n"
    np.testing.assert_allclose(np.frombuffer(changed[4:16], ">f4"), 1000.0 * samples, rtol=1e-6)


def test_numbers_in_names_and_addresses_have_no_unit() -> None:
    text = b"REDPITAYA,INSTR2023,0,01-02\n127.0.0.1:5000\nFirmware Version v3.25\n"
    assert in_another_unit(text, 1000.0) == text
