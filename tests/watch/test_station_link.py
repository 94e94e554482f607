"""The page's link to a station: found, lost, found again; and it cannot command."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from fed_page import until

import atta_daq.watch
from atta_daq.client.client import StationClient
from atta_daq.client.endpoint import Endpoint
from atta_daq.client.names import COMMANDS, READINGS
from atta_daq.client.reader import StationReader
from atta_daq.station.server import StationServer
from atta_daq.watch.sections.table import SECTIONS, readings
from atta_daq.watch.station_link import StationLink

commanded: list[str] = []


@contextmanager
def serving(tcp_port: int = 0, udp_port: int = 0) -> Iterator[StationServer]:
    def handler(client: str, arguments: Mapping[str, str]) -> object:
        commanded.append(client)
        return {}

    handlers = {command.name: handler for command in COMMANDS}
    server = StationServer("rig", handlers, time.time, "127.0.0.1", tcp_port, udp_port)
    try:
        yield server
    finally:
        server.close()


def endpoint_of(server: StationServer, version: str = "1") -> Endpoint:
    return Endpoint("rig", "127.0.0.1", server.tcp_port, server.udp_port, 1, version)


@contextmanager
def linked(find, silent_s: float = 60.0) -> Iterator[StationLink]:
    link = StationLink(find, readings(), version="1", silent_s=silent_s)
    link.start()
    try:
        yield link
    finally:
        link.close()


def connected(link: StationLink, server: StationServer) -> None:
    """Let the station's heart beat until the link has felt it."""

    def look() -> bool:
        server.post("station:rig_time", time.time())
        return link.state.state == "connected"

    until(look)


def test_every_reading_of_the_page_is_served() -> None:
    served = {reading.name for reading in READINGS}
    for section in SECTIONS:
        assert set(section.readings) <= served, section.name


def test_a_station_comes_goes_and_comes_again() -> None:
    where: list[Endpoint | None] = [None]
    with linked(lambda _rig: where[0]) as link:
        until(lambda: "no station runs" in link.state.reason)
        assert link.values() == {}
        with serving() as server:
            where[0] = endpoint_of(server)
            server.post("run:state", "running")
            connected(link, server)
            until(lambda: link.values()["run:state"].value == "running")
            server.stale(("run:",), "no answer")
            until(lambda: link.values()["run:state"].stale)
        until(lambda: link.state.state == "lost")
        assert link.state.reason == "station 'rig' does not answer; still trying"
        assert link.values()["run:state"].value == "running", "the last values stay, greyed"
        with serving() as server:
            where[0] = endpoint_of(server)
            connected(link, server)
            until(lambda: link.values().get("run:state", None) is not None)
            assert link.values()["run:state"].value == "", "nothing of the former station stays"


def test_a_station_that_hangs_is_lost_though_its_connection_stands() -> None:
    asked: list[str] = []

    def find(rig: str) -> Endpoint | None:
        asked.append(rig)
        return endpoint_of(server)

    with serving() as server, linked(find, silent_s=0.5) as link:
        server.post("run:state", "running")
        connected(link, server)
        until(lambda: link.state.state == "lost")
        assert link.state.reason == "station 'rig' does not answer; still trying"
        # It is found anew, and what it has posted last comes at once: no sign of life.
        until(lambda: link._reader is not None and "station:rig_time" in link.values())
        ends_s = time.monotonic() + 1.5
        while time.monotonic() < ends_s:
            assert link.state.state == "lost"
            time.sleep(0.02)
        connected(link, server)
        until(lambda: "run:state" in link.values())
    assert asked[0] == ""
    assert asked[-1] == "rig", "the page stays with its rig"


def test_another_version_is_refused_and_said() -> None:
    with serving() as server, linked(lambda _rig: endpoint_of(server, "2")) as link:
        until(lambda: link.state.state == "refused")
        assert "runs atta-daq 2, this page is of 1" in link.state.reason
        assert link.values() == {}


def test_a_search_that_fails_is_said() -> None:
    def find(_rig: str) -> Endpoint | None:
        raise LookupError("several stations run here: a, b; choose one with --rig")

    with linked(find) as link:
        until(lambda: "choose one with --rig" in link.state.reason)
        assert link.state.state == "searching"


def test_what_the_page_holds_cannot_command() -> None:
    """No method of the reader sends anything, and the page holds nothing else."""
    assert not issubclass(StationReader, StationClient)
    public = {name for name in dir(StationReader) if not name.startswith("_")}
    assert public == {"close", "full_name", "get", "watch"}
    commanded.clear()
    with serving() as server, linked(lambda _rig: endpoint_of(server)) as link:
        connected(link, server)
        assert type(link._reader) is StationReader
    assert commanded == []
    # The server would have noticed.
    with serving() as server, StationClient(endpoint_of(server)) as client:
        client.command("stop")
    assert len(commanded) == 1


@pytest.mark.parametrize(
    "word", [".rpc(", ".put(", "NTURI", "Context", "StationClient", ".command("]
)
def test_no_word_of_the_page_sends_anything(word: str) -> None:
    sources = list(Path(atta_daq.watch.__file__).parent.rglob("*.py"))
    assert len(sources) > 12
    assert [path.name for path in sources if word in path.read_text()] == []
