"""The link against a real PVA server: finding, values, commands, loss and return."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from atta_daq import __version__
from atta_daq.client.client import CommandRefused, Endpoint
from atta_daq.client.names import COMMANDS
from atta_daq.station.server import StationServer
from gui.link.station import Link, LinkState
from gui.link.values import INVALID, MAJOR, OK, Value

WAIT_MS = 20_000


class Served:
    """A PVA server with the station's names, and where it is."""

    def __init__(
        self, version: str = __version__, tcp_port: int = 0, udp_port: int = 0
    ) -> None:  # fmt: skip
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.slow = threading.Event()
        self.server = StationServer(
            "link-test", {command.name: self._handler(command.name) for command in COMMANDS},
            time.time, tcp_port=tcp_port, udp_port=udp_port,
        )  # fmt: skip
        self.server.post("station:version", version)
        self.endpoint = Endpoint(
            "link-test", "127.0.0.1", self.server.tcp_port, self.server.udp_port, 1, __version__
        )

    def _handler(self, name: str):
        def handle(client: str, arguments):
            if name == "relock":
                raise CommandRefused("the seed is off; switch it on")
            if name == "align":
                self.slow.wait(30.0)
            self.heard.append((client, {name: "", **arguments}))
            return {"done": [name]}

        return handle


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.slow.set()
    served.server.close()


class Found:
    """Where the link looks for the station."""

    def __init__(self, endpoint: Endpoint | None) -> None:
        self.endpoint = endpoint

    def __call__(self) -> Endpoint | None:
        return self.endpoint


@pytest.fixture
def found(served: Served) -> Found:
    return Found(served.endpoint)


@pytest.fixture
def link(qapp: object, found: Found) -> Iterator[Link]:
    link = Link(found, name="a window")
    link.start()
    yield link
    link.close()


def connected(qtbot: QtBot, link: Link, served: Served) -> dict[str, Value]:
    """Wait for the connection; returns the dictionary that collects all values."""
    seen: dict[str, Value] = defaultdict(Value)
    link.values.connect(seen.update)
    served.server.post("station:rig_time", time.time())
    qtbot.waitUntil(lambda: link.state is LinkState.CONNECTED, timeout=WAIT_MS)
    return seen


def test_values_arrive_with_unit_limits_alarm_and_time(
    qtbot: QtBot, link: Link, served: Served
) -> None:
    seen = connected(qtbot, link, served)
    served.server.limits("amplifier:current", 0.0, 2500.0)
    before = time.time()
    served.server.post("amplifier:current", 2600.0)
    served.server.post("lock:locked", True)
    served.server.post("lock:reason", "no seed")
    qtbot.waitUntil(
        lambda: seen["amplifier:current"].value == 2600.0 and seen["lock:locked"].value is True,
        timeout=WAIT_MS,
    )
    current = seen["amplifier:current"]
    assert (current.unit, current.low, current.high) == ("mA", 0.0, 2500.0)
    assert (current.severity, current.message) == (MAJOR, "outside its limits")
    assert before - 1.0 < current.utc_s < time.time() + 1.0
    qtbot.waitUntil(lambda: seen["lock:reason"].value == "no seed", timeout=WAIT_MS)
    assert seen["lock:locked"].severity == OK


def test_image_and_table_arrive_as_arrays(qtbot: QtBot, link: Link, served: Served) -> None:
    seen = connected(qtbot, link, served)
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    served.server.post_image(image, 1.75e9)
    served.server.post_table([{"index": 3, "kind": "rare", "detuning_mhz": -5.0}])

    def one_row() -> bool:
        # An empty table comes without its columns' arrays.
        index = (seen["run:table"].value or {}).get("index")
        return index is not None and len(index) == 1

    qtbot.waitUntil(one_row, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: np.shape(seen["camera:image"].value) == (3, 4), timeout=WAIT_MS)
    assert np.array_equal(seen["camera:image"].value, image)
    assert seen["camera:image"].taken_s == 1.75e9
    assert list(seen["run:table"].value["detuning_mhz"]) == [-5.0]


def test_values_reach_the_window_at_most_25_times_a_second(
    qtbot: QtBot, link: Link, served: Served
) -> None:
    connected(qtbot, link, served)
    at_s: list[float] = []
    last: list[float] = []

    def hear(changes: dict[str, Value]) -> None:
        at_s.append(time.perf_counter())
        if "amplifier:current" in changes:
            last.append(changes["amplifier:current"].value)

    link.values.connect(hear)
    for number in range(60):
        served.server.post("amplifier:current", float(number))
        qtbot.wait(5)
    qtbot.waitUntil(lambda: last[-1:] == [59.0], timeout=WAIT_MS)
    assert len(at_s) > 3
    # Timers of Qt count whole milliseconds.
    assert min(np.diff(at_s)) > 0.035


def test_a_stale_reading_says_so(qtbot: QtBot, link: Link, served: Served) -> None:
    seen = connected(qtbot, link, served)
    served.server.post("lock:ratio", 0.4)
    served.server.stale(("lock:",), "lock: no answer")
    qtbot.waitUntil(lambda: seen["lock:ratio"].message == "lock: no answer", timeout=WAIT_MS)
    assert seen["lock:ratio"].severity == INVALID
    assert seen["lock:ratio"].value == 0.4


def test_commands_answer_or_say_why_not(qtbot: QtBot, link: Link, served: Served) -> None:
    connected(qtbot, link, served)
    answers: list[object] = []
    link.command("pumping", done=answers.append, on=True)
    link.command("relock", refused=answers.append)
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=WAIT_MS)
    assert {"done": ["pumping"]} in answers
    assert "the seed is off; switch it on" in answers
    assert served.heard == [("a window", {"pumping": "", "on": "True"})]


def test_stop_does_not_wait_behind_a_slow_command(qtbot: QtBot, link: Link, served: Served) -> None:
    connected(qtbot, link, served)
    answers: list[object] = []
    for _ in range(12):
        link.command("align", done=answers.append, on=True)
    link.command("stop", done=answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
    assert answers == [{"done": ["stop"]}]
    served.slow.set()
    qtbot.waitUntil(lambda: len(answers) == 13, timeout=WAIT_MS)


def test_a_lost_station_is_told_and_found_again(qtbot: QtBot, qapp: object) -> None:
    first, second = Served(), Served()
    found = Found(first.endpoint)
    link = Link(found, name="a window")
    link.start()
    try:
        connected(qtbot, link, first)
        found.endpoint = None
        first.server.close()
        qtbot.waitUntil(lambda: link.state is LinkState.LOST, timeout=WAIT_MS)
        assert "does not answer" in link.reason
        found.endpoint = second.endpoint
        seen = connected(qtbot, link, second)
        second.server.post("lock:ratio", 0.7)
        qtbot.waitUntil(lambda: seen["lock:ratio"].value == 0.7, timeout=WAIT_MS)
    finally:
        link.close()
        second.server.close()


def test_a_last_value_that_comes_after_the_loss_is_stale_in_the_end(
    qtbot: QtBot, link: Link, served: Served
) -> None:
    """Every reading hears of the loss by itself, in the order of its own values."""
    seen = connected(qtbot, link, served)
    served.server.post("amplifier:current", 1500.0)
    qtbot.waitUntil(lambda: seen["amplifier:current"].value == 1500.0, timeout=WAIT_MS)
    assert not seen["amplifier:current"].stale
    served.server.close()
    qtbot.waitUntil(lambda: seen["amplifier:current"].stale, timeout=WAIT_MS)
    last = seen["amplifier:current"]
    assert last.value == 1500.0
    assert last.message == "the station does not answer"


def test_another_version_is_refused_with_both(qtbot: QtBot, served: Served) -> None:
    link = Link(Found(replace(served.endpoint, version="0.0.9")), name="a window")
    link.start()
    try:
        qtbot.waitUntil(lambda: link.state is LinkState.REFUSED, timeout=WAIT_MS)
        assert "0.0.9" in link.reason
        assert __version__ in link.reason
        refused: list[str] = []
        link.command("pumping", refused=refused.append, on=True)
        qtbot.waitUntil(lambda: bool(refused), timeout=WAIT_MS)
    finally:
        link.close()
    assert not served.heard


def test_a_station_that_comes_back_as_another_version_on_its_port_is_refused(
    qtbot: QtBot, qapp: object
) -> None:
    first = Served()
    # Where it is stays the same: only its own word tells that it is another one.
    link = Link(Found(first.endpoint), name="a window")
    states: list[LinkState] = []
    heard: list[object] = []
    second = None
    link.start()
    try:
        connected(qtbot, link, first)
        link.state_changed.connect(lambda: states.append(link.state))
        ports = (first.server.tcp_port, first.server.udp_port)
        first.server.close()
        qtbot.waitUntil(lambda: link.state is LinkState.LOST, timeout=WAIT_MS)
        # That a reading of the first one is lost may still come; a value of the second may not.
        link.values.connect(lambda new: heard.extend(v for v in new.values() if not v.stale))
        second = Served("0.0.9", *ports)
        second.server.post("lock:ratio", 0.7)
        qtbot.waitUntil(lambda: link.state is LinkState.REFUSED, timeout=WAIT_MS)
        assert "0.0.9" in link.reason
        for _ in range(10):
            second.server.post("station:rig_time", time.time())
            qtbot.wait(100)
        assert LinkState.CONNECTED not in states
        assert link.state is LinkState.REFUSED
        assert not heard
    finally:
        link.close()
        if second is not None:
            second.server.close()


def test_a_refused_station_is_let_go(qtbot: QtBot, served: Served, found: Found) -> None:
    link = Link(found, name="a window")
    link.start()
    try:
        connected(qtbot, link, served)
        client = link._client
        assert client is not None
        # The rest of a station that was upgraded goes, its successor is found elsewhere.
        served.server.close()
        found.endpoint = replace(served.endpoint, version="0.0.9", tcp_port=1)
        qtbot.waitUntil(lambda: link.state is LinkState.REFUSED, timeout=WAIT_MS)
        assert link._client is None
        assert link.endpoint is None
        refused: list[str] = []
        link.command("pumping", refused=refused.append, on=True)
        qtbot.waitUntil(lambda: bool(refused), timeout=WAIT_MS)
        assert "not sent" in refused[0]
    finally:
        link.close()


def test_no_station_keeps_looking(qtbot: QtBot, served: Served) -> None:
    found = Found(None)
    link = Link(found, name="a window")
    link.start()
    try:
        qtbot.waitUntil(lambda: "still looking" in link.reason, timeout=WAIT_MS)
        found.endpoint = served.endpoint
        connected(qtbot, link, served)
    finally:
        link.close()


def test_no_thread_is_left(qtbot: QtBot, served: Served) -> None:
    before = set(threading.enumerate())
    link = Link(Found(served.endpoint), name="a window")
    link.start()
    connected(qtbot, link, served)
    link.close()

    def ours() -> list[threading.Thread]:
        return [t for t in set(threading.enumerate()) - before if not t.name.startswith("p4p")]

    qtbot.waitUntil(lambda: not [t for t in ours() if t.name == "link"], timeout=WAIT_MS)
