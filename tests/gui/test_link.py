"""The link against a real PVA server: finding, values, commands, loss and return."""

import gc
import socket
import struct
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from free_ports import free_port
from p4p.client import raw
from p4p.client.thread import Disconnected
from pytestqt.qtbot import QtBot

from atta_daq import __version__
from atta_daq.client.client import CommandRefused, Endpoint
from atta_daq.client.discovery import HEARTBEAT
from atta_daq.client.names import COMMANDS
from atta_daq.station.server import StationServer
from gui.link.station import AFTER_MOVES, BEGINS, Link, LinkState
from gui.link.values import INVALID, MAJOR, OK, Value

WAIT_MS = 20_000


class Served:
    """A PVA server with the station's names, and where it is."""

    def __init__(
        self, version: str = __version__, tcp_port: int = 0, udp_port: int = 0,
        interface: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.waits: list[str] = []
        """Commands that are not answered before `slow`."""
        self.slow = threading.Event()
        self.server = StationServer(
            "link-test", {command.name: self._handler(command.name) for command in COMMANDS},
            time.time, interface, tcp_port=tcp_port, udp_port=udp_port,
        )  # fmt: skip
        self.server.post("station:version", version)
        self.hangs = threading.Event()
        self.beat()
        self.endpoint = Endpoint(
            "link-test", "127.0.0.1", self.server.tcp_port, self.server.udp_port, 1, __version__
        )

    def beat(self) -> None:
        """Post the heartbeat, until it hangs."""
        self.hangs.clear()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self.hangs.wait(0.2):
            self.server.post("station:rig_time", time.time())

    def close(self) -> None:
        self.hangs.set()
        self.server.close()

    def _handler(self, name: str):
        def handle(client: str, arguments):
            if name == "relock":
                raise CommandRefused("the seed is off; switch it on")
            if name in ("align", "zero_power_meter"):
                self.waits.append(name)
                self.slow.wait(30.0)
            self.heard.append((client, {name: "", **arguments}))
            return {"done": [name]}

        return handle


class Tunnel:
    """Carries connections from one address of this computer to another, until it is cut."""

    def __init__(self, here: str, there: str, port: int) -> None:
        self._there = (there, port)
        self._open: set[socket.socket] = set()
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server((here, port))
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self) -> None:
        """Every connection ends with a reset, and none is carried any more."""
        self._whole.clear()
        for end in tuple(self._open):
            # The other end may have closed both already.
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # What still reads from it wakes up; the reset follows once it is closed.
                end.shutdown(socket.SHUT_RD)

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._whole.is_set():
                near.close()
                continue
            far = socket.create_connection(self._there)
            self._open |= {near, far}
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            self._open.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RD)
            end.close()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.slow.set()
    served.close()


class Found:
    """Where the link looks for the station."""

    def __init__(self, endpoint: Endpoint | None) -> None:
        self.endpoint = endpoint
        self.asked: list[str] = []

    def __call__(self, rig: str) -> Endpoint | None:
        self.asked.append(rig)
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


@pytest.fixture
def hasty_link(qapp: object, found: Found) -> Iterator[Link]:
    """It gives up a station that is silent for a second."""
    link = Link(found, name="a window", silent_s=1.0)
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
    assert served.heard == [("a window", {"pumping": "", "on": "True", "stops_seen": "0"})]


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


def test_a_freeze_does_not_wait_behind_a_move(qtbot: QtBot, link: Link, served: Served) -> None:
    connected(qtbot, link, served)
    link.command("zero_power_meter")
    qtbot.waitUntil(lambda: len(served.waits) == 1, timeout=WAIT_MS)
    link.command("light_on")
    link.command("freeze_lock")
    qtbot.waitUntil(lambda: bool(served.heard), timeout=WAIT_MS)
    assert [next(iter(arguments)) for _, arguments in served.heard] == ["freeze_lock"]
    # As of a freeze that was not: the station refuses the 'light on' that it has overtaken.
    served.server.post("station:stops", 1)
    qtbot.waitUntil(lambda: link._latest["station:stops"].value == 1, timeout=WAIT_MS)
    served.slow.set()
    qtbot.waitUntil(lambda: len(served.heard) == 3, timeout=WAIT_MS)
    assert served.heard[2][1] == {"light_on": "", "stops_seen": "0"}


def test_moves_arrive_in_the_order_in_which_they_were_given(
    qtbot: QtBot, link: Link, served: Served
) -> None:
    seen = connected(qtbot, link, served)
    served.server.post("station:stops", 4)
    qtbot.waitUntil(lambda: seen["station:stops"].value == 4, timeout=WAIT_MS)
    link.command("seed", on=True)
    qtbot.waitUntil(lambda: len(served.heard) == 1, timeout=WAIT_MS)
    # The channel of 'seed' stands; the others must be looked for first.
    given = ["light_on", "seed", "trap", "seed", "jump", "light_off", "seed"]
    link.command("align", on=True)
    for name in given:
        link.command(name)
    served.server.post("station:stops", 5)
    link.command("stop")
    qtbot.waitUntil(lambda: len(served.heard) == 2 + len(given), timeout=WAIT_MS)
    moves = [arguments for _, arguments in served.heard[1:] if "stop" not in arguments]
    # As of when they were given: the station refuses what a STOP has overtaken.
    assert moves == [{name: "", "stops_seen": "4"} for name in given]


def test_a_lost_station_is_told_and_found_again(qtbot: QtBot, qapp: object) -> None:
    first, second = Served(), Served()
    found = Found(first.endpoint)
    link = Link(found, name="a window")
    link.start()
    try:
        connected(qtbot, link, first)
        found.endpoint = None
        first.close()
        qtbot.waitUntil(lambda: link.state is LinkState.LOST, timeout=WAIT_MS)
        assert "does not answer" in link.reason
        qtbot.waitUntil(lambda: found.asked[-1] == "link-test", timeout=WAIT_MS)
        found.endpoint = second.endpoint
        seen = connected(qtbot, link, second)
        second.server.post("lock:ratio", 0.7)
        qtbot.waitUntil(lambda: seen["lock:ratio"].value == 0.7, timeout=WAIT_MS)
    finally:
        link.close()
        second.close()


def test_a_station_that_hangs_is_lost_though_its_connection_stands(
    qtbot: QtBot, hasty_link: Link, served: Served
) -> None:
    seen = connected(qtbot, hasty_link, served)
    served.server.post("lock:ratio", 0.7)
    qtbot.waitUntil(lambda: seen["lock:ratio"].value == 0.7, timeout=WAIT_MS)
    served.hangs.set()
    qtbot.waitUntil(lambda: hasty_link.state is LinkState.LOST, timeout=WAIT_MS)
    assert "does not answer" in hasty_link.reason
    qtbot.waitUntil(lambda: seen["lock:ratio"].stale, timeout=WAIT_MS)
    assert seen["lock:ratio"].value == 0.7, "the last one is still there, grey"
    # It is looked for and found anew, and what it has posted last comes at once.
    states: list[LinkState] = []
    fresh: list[Value] = []
    hasty_link.state_changed.connect(lambda: states.append(hasty_link.state))
    hasty_link.values.connect(lambda new: fresh.extend(v for v in new.values() if not v.stale))
    qtbot.waitUntil(lambda: hasty_link._client is not None, timeout=WAIT_MS)
    qtbot.wait(3000)
    assert LinkState.CONNECTED not in states
    assert not fresh
    served.beat()
    qtbot.waitUntil(lambda: hasty_link.state is LinkState.CONNECTED, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not seen["lock:ratio"].stale, timeout=WAIT_MS)


def test_stop_is_sent_though_the_link_has_let_go_of_a_silent_station(
    qtbot: QtBot, hasty_link: Link, served: Served, found: Found
) -> None:
    connected(qtbot, hasty_link, served)
    found.endpoint = None
    served.hangs.set()
    qtbot.waitUntil(lambda: hasty_link.state is LinkState.LOST, timeout=WAIT_MS)
    assert hasty_link._client is None
    answers: list[object] = []
    hasty_link.command("stop", done=answers.append, refused=answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
    assert answers == [{"done": ["stop"]}]
    assert served.heard == [("a window", {"stop": ""})]
    qtbot.waitUntil(lambda: not hasty_link._beside, timeout=WAIT_MS)


def test_stop_goes_on_at_the_station_that_comes_back(qtbot: QtBot, qapp: object) -> None:
    first, second = Served(), Served()
    found = Found(first.endpoint)
    link = Link(found, name="a window")
    link.start()
    try:
        connected(qtbot, link, first)
        found.endpoint = None
        first.close()
        qtbot.waitUntil(lambda: link.state is LinkState.LOST, timeout=WAIT_MS)
        answers: list[object] = []
        link.command("stop", done=answers.append, refused=answers.append)
        found.endpoint = second.endpoint
        qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
        assert answers == [{"done": ["stop"]}]
        assert second.heard == [("a window", {"stop": ""})]
    finally:
        link.close()
        second.close()


def test_stop_reaches_a_station_that_is_found_only_then(qtbot: QtBot, served: Served) -> None:
    found = Found(None)
    link = Link(found, name="a window")
    link.start()
    try:
        qtbot.waitUntil(lambda: "still looking" in link.reason, timeout=WAIT_MS)
        answers: list[object] = []
        link.command("stop", done=answers.append, refused=answers.append)
        looked = len(found.asked)
        qtbot.waitUntil(lambda: len(found.asked) > looked + 2, timeout=WAIT_MS)
        assert not answers
        found.endpoint = served.endpoint
        qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
        assert answers == [{"done": ["stop"]}]
    finally:
        link.close()


def test_a_stop_that_nobody_answers_tells_the_whole_time(
    qtbot: QtBot, link: Link, served: Served, found: Found
) -> None:
    answers: list[object] = []
    connected(qtbot, link, served)
    found.endpoint = None
    served.close()
    qtbot.waitUntil(lambda: link.state is LinkState.LOST, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: link._client is None, timeout=WAIT_MS)
    link.command("stop", timeout_s=2.0, refused=answers.append)
    qtbot.waitUntil(lambda: bool(link._beside), timeout=WAIT_MS)
    # Of the first attempt nothing is known; the second has less time.
    for beside in tuple(link._beside):
        beside.close()
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
    assert answers == ["station 'link-test' gave no answer within 2 s"]


def test_a_stop_without_any_station_is_refused_in_the_end(qtbot: QtBot, qapp: object) -> None:
    link = Link(Found(None), name="a window")
    link.start()
    try:
        qtbot.waitUntil(lambda: "still looking" in link.reason, timeout=WAIT_MS)
        answers: list[object] = []
        link.command("stop", timeout_s=0.3, refused=answers.append)
        qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
        assert answers == ["not sent, no station runs; still looking"]
    finally:
        link.close()


def light_on_was_refused(qtbot: QtBot, link: Link, served: Served, refused: dict[str, str]) -> None:
    """And is not heard when the station answers again either."""
    assert refused["light_on"] == "not sent, station 'link-test' does not answer"
    served.slow.set()
    served.beat()
    qtbot.waitUntil(lambda: link.state is LinkState.CONNECTED, timeout=WAIT_MS)
    assert "light_on" not in [name for _, arguments in served.heard for name in arguments]


def test_what_is_under_way_when_a_station_falls_silent_is_refused_at_once(
    qtbot: QtBot, hasty_link: Link, served: Served
) -> None:
    connected(qtbot, hasty_link, served)
    refused: dict[str, str] = {}
    for name in ("align", "zero_power_meter", "light_on"):
        hasty_link.command(name, refused=partial(refused.__setitem__, name))
    qtbot.waitUntil(lambda: len(served.waits) == 2, timeout=WAIT_MS)
    served.hangs.set()
    qtbot.waitUntil(lambda: len(refused) == 3, timeout=5_000)
    for name in ("align", "zero_power_meter"):
        assert "whether it was carried out is not known" in refused[name]
    light_on_was_refused(qtbot, hasty_link, served, refused)


def test_what_is_under_way_when_the_connection_is_cut_is_refused_at_once(
    qtbot: QtBot, link: Link, served: Served
) -> None:
    """p4p would carry it out when the connection comes back, be it after minutes."""
    connected(qtbot, link, served)
    refused: dict[str, str] = {}
    for name in ("zero_power_meter", "light_on"):
        link.command(name, refused=partial(refused.__setitem__, name))
    qtbot.waitUntil(lambda: len(served.waits) == 1, timeout=WAIT_MS)
    assert link.endpoint is not None
    link._receiver(HEARTBEAT, link.endpoint)(Disconnected())
    qtbot.waitUntil(lambda: len(refused) == 2, timeout=WAIT_MS)
    assert "whether it was carried out is not known" in refused["zero_power_meter"]
    light_on_was_refused(qtbot, link, served, refused)


def test_what_waits_when_the_tunnel_breaks_is_not_carried_out_when_it_is_back(
    qtbot: QtBot, qapp: object
) -> None:
    # The station tells its port to who finds it by TCP: the tunnel has the same one.
    port = free_port()
    served = Served(__version__, port, free_port(), interface="127.0.0.2")
    tunnel = Tunnel("127.0.0.1", "127.0.0.2", port)
    link = Link(Found(replace(served.endpoint, udp_port=free_port())), name="a window")
    link.start()
    try:
        connected(qtbot, link, served)
        refused: dict[str, str] = {}
        for name in ("zero_power_meter", "light_on", "light_off"):
            link.command(name, refused=partial(refused.__setitem__, name), timeout_s=120.0)
        qtbot.waitUntil(lambda: len(served.waits) == 1, timeout=WAIT_MS)
        tunnel.cut()
        qtbot.waitUntil(lambda: len(refused) == 3, timeout=WAIT_MS)
        for name in ("light_on", "light_off"):
            assert refused[name] == "not sent, station 'link-test' does not answer"
        assert link.state is LinkState.LOST
        served.slow.set()
        tunnel.mend()
        seen = connected(qtbot, link, served)
        served.server.post("lock:ratio", 0.7)
        qtbot.waitUntil(lambda: seen["lock:ratio"].value == 0.7, timeout=WAIT_MS)
        answers: list[object] = []
        link.command("seed", done=answers.append, on=True)
        qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
        heard = [next(iter(arguments)) for _, arguments in served.heard]
        assert heard == ["zero_power_meter", "seed"]
    finally:
        link.close()
        tunnel.close()
        served.slow.set()
        served.close()


@pytest.mark.parametrize("found_at_once", [False, True])
def test_that_a_reading_is_lost_is_told_though_the_connection_goes_meanwhile(
    qtbot: QtBot, link: Link, served: Served, found: Found, found_at_once: bool
) -> None:
    seen = connected(qtbot, link, served)
    served.server.post("lock:ratio", 0.7)
    served.server.post("amplifier:current", 1500.0)
    qtbot.waitUntil(lambda: not seen["amplifier:current"].stale, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not seen["lock:ratio"].stale, timeout=WAIT_MS)
    served.hangs.set()
    old, endpoint = link._client, link.endpoint
    assert endpoint is not None
    if not found_at_once:
        found.endpoint = None
    # The window does not come to take anything before the link has let go.
    link._receiver("lock:ratio", endpoint)(Disconnected())
    link._receiver(HEARTBEAT, endpoint)(Disconnected())
    link.state = LinkState.LOST
    deadline_s = time.monotonic() + 20.0
    while link._client is old or (found_at_once and link._client is None):
        assert time.monotonic() < deadline_s
        time.sleep(0.001)
    for name in ("lock:ratio", "amplifier:current"):
        qtbot.waitUntil(lambda name=name: seen[name].stale, timeout=WAIT_MS)
        assert seen[name].message == "the station does not answer"


def test_what_moves_the_rig_by_itself_follows_the_moves_before_it(
    qtbot: QtBot, link: Link, served: Served
) -> None:
    connected(qtbot, link, served)
    link.command("zero_power_meter")
    qtbot.waitUntil(lambda: len(served.waits) == 1, timeout=WAIT_MS)
    link.command("seed_current", current_ma=90.0)
    link.command("zero_axis")
    link.command("note", text="beside all this")
    qtbot.waitUntil(lambda: bool(served.heard), timeout=WAIT_MS)
    served.slow.set()
    qtbot.waitUntil(lambda: len(served.heard) == 4, timeout=WAIT_MS)
    heard = [next(iter(arguments)) for _, arguments in served.heard]
    assert heard == ["note", "zero_power_meter", "seed_current", "zero_axis"]


@pytest.mark.parametrize("name", sorted(AFTER_MOVES))
def test_what_waits_for_moves_is_as_of_when_it_was_given(
    qtbot: QtBot, link: Link, served: Served, name: str
) -> None:
    """The station refuses what a STOP has overtaken; else a run would begin behind it."""
    connected(qtbot, link, served)
    link.command("zero_power_meter")
    qtbot.waitUntil(lambda: len(served.waits) == 1, timeout=WAIT_MS)
    link.command(name)
    served.server.post("station:stops", 1)
    link.command("stop")
    qtbot.waitUntil(lambda: bool(served.heard), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: link._latest["station:stops"].value == 1, timeout=WAIT_MS)
    served.slow.set()
    qtbot.waitUntil(lambda: len(served.heard) == 3, timeout=WAIT_MS)
    assert served.heard[2][1] == {name: "", "stops_seen": "0"}


@pytest.mark.parametrize("name", sorted(BEGINS))
def test_what_may_set_the_rig_in_motion_is_as_of_when_it_was_given(
    qtbot: QtBot, link: Link, served: Served, name: str
) -> None:
    """Its channel must be looked for: STOP may overtake it."""
    served.slow.set()
    connected(qtbot, link, served)
    link.command(name)
    qtbot.waitUntil(lambda: bool(served.heard), timeout=WAIT_MS)
    assert served.heard[0][1] == {name: "", "stops_seen": "0"}


def test_what_still_waits_is_sent_as_the_window_closes(
    qtbot: QtBot, link: Link, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    connected(qtbot, link, served)
    link.command("zero_power_meter")
    qtbot.waitUntil(lambda: len(served.waits) == 1, timeout=WAIT_MS)
    link.command("light_off")
    link.command("note", text="good night")
    before_s = time.monotonic()
    link.close()
    assert time.monotonic() - before_s < 5.0, "it does not wait for the answer of the first"
    # They have left; the station may take its time to carry them out.
    qtbot.waitUntil(
        lambda: {"light_off", "note"} <= {name for _, call in served.heard for name in call},
        timeout=WAIT_MS,
    )
    # Of the first nobody knows; the log says so.
    qtbot.waitUntil(lambda: "zero_power_meter" in _logged(caplog), timeout=WAIT_MS)
    assert not [text for text in caplog.messages if "not sent" in text]


def _logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text.partition(":")[0] for text in caplog.messages]


def test_a_last_value_that_comes_after_the_loss_is_stale_in_the_end(
    qtbot: QtBot, link: Link, served: Served
) -> None:
    """Every reading hears of the loss by itself, in the order of its own values."""
    seen = connected(qtbot, link, served)
    served.server.post("amplifier:current", 1500.0)
    qtbot.waitUntil(lambda: seen["amplifier:current"].value == 1500.0, timeout=WAIT_MS)
    assert not seen["amplifier:current"].stale
    served.close()
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


def test_a_station_that_is_refused_is_not_lost_each_time_that_it_is_looked_at(
    qtbot: QtBot, qapp: object
) -> None:
    served = Served("0.0.9")
    found = Found(served.endpoint)  # it says that it is of this version; its own word counts
    link = Link(found, name="a window")
    states: list[LinkState] = []
    link.start()
    try:
        qtbot.waitUntil(lambda: link.state is LinkState.REFUSED, timeout=WAIT_MS)
        link.state_changed.connect(lambda: states.append(link.state))
        asked = len(found.asked)
        qtbot.waitUntil(lambda: len(found.asked) > asked + 4, timeout=WAIT_MS)
        assert states == []
        found.endpoint = None
        qtbot.waitUntil(lambda: link.state is LinkState.SEARCHING, timeout=WAIT_MS)
    finally:
        link.close()
        served.close()


def test_a_station_that_comes_back_as_another_version_on_its_port_is_refused(
    qtbot: QtBot, qapp: object
) -> None:
    first = Served(__version__, free_port(), free_port())
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
        first.close()
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
            second.close()


def test_a_refused_station_is_let_go(qtbot: QtBot, served: Served, found: Found) -> None:
    link = Link(found, name="a window")
    link.start()
    try:
        connected(qtbot, link, served)
        client = link._client
        assert client is not None
        # The rest of a station that was upgraded goes, its successor is found elsewhere.
        served.close()
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
    answers: list[object] = []
    link.command("pumping", done=answers.append, on=True)
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
    link.close()
    # The server's own thread of that command ends by itself.
    qtbot.waitUntil(lambda: not set(threading.enumerate()) - before, timeout=WAIT_MS)


def test_a_command_that_is_over_keeps_nothing_of_its_window(
    qtbot: QtBot, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """p4p keeps the handler of a read that was closed before its answer."""
    kept: list[object] = []

    class Unanswered:
        def close(self) -> None:
            """Nothing is under way."""

    def get(_context: object, _name: str, handler: object) -> Unanswered:
        kept.append(handler)
        return Unanswered()

    monkeypatch.setattr(raw.Context, "get", get)
    link = Link(Found(served.endpoint), name="a window")
    link.start()
    connected(qtbot, link, served)
    answers: list[object] = []
    link.command("pumping", done=answers.append, on=True)
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
    link.close()
    gone = weakref.ref(link)
    del link

    def let_go() -> bool:
        gc.collect()
        return gone() is None

    qtbot.waitUntil(let_go, timeout=WAIT_MS)
    assert kept
