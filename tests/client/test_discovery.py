"""Stations are found by their lock files on this computer, and over the network."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from atta_daq.client import discovery
from atta_daq.client.client import Endpoint
from atta_daq.client.discovery import (
    Heart,
    find_local,
    find_remote,
    find_station,
    local_stations,
)
from atta_daq.client.names import COMMANDS
from atta_daq.station.ownership import RigLock
from atta_daq.station.server import CannotServe, StationServer

HANDLERS = {command.name: lambda _client, _arguments: {} for command in COMMANDS}
ANOTHERS = "192.0.2.1"
"""An address that no computer has (RFC 5737)."""


def endpoint(rig: str, tcp_port: int = 5075) -> Endpoint:
    return Endpoint(rig, "127.0.0.1", tcp_port, 5076, os.getpid(), "1.2.3")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(discovery.RUNTIME_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def two_locks(folder: Path) -> Iterator[list[RigLock]]:
    locks = [RigLock("east"), RigLock("west")]
    for lock, rig in zip(locks, ("east", "west"), strict=True):
        lock.acquire(time.time())
        lock.publish(endpoint(rig))
    yield locks
    for lock in locks:
        lock.release()


@pytest.fixture
def server() -> Iterator[StationServer]:
    server = StationServer("east", HANDLERS, time.time)
    server.announce(endpoint("east", server.tcp_port).to_json())
    yield server
    server.close()


def test_nothing_runs(folder: Path) -> None:
    assert find_local() is None
    assert local_stations() == []


def test_local_stations_are_told_apart_by_rig(two_locks: list[RigLock]) -> None:
    assert local_stations() == [endpoint("east"), endpoint("west")]
    assert find_local("west") == endpoint("west")
    with pytest.raises(LookupError, match=r"east, west; choose one with --rig"):
        find_local()
    two_locks[0].release()
    assert find_local() == endpoint("west")


def test_a_dead_station_leaves_no_trace(folder: Path, two_locks: list[RigLock]) -> None:
    address = discovery.endpoint_path("east").read_text()
    two_locks[0].release()
    discovery.endpoint_path("east").write_text(address)
    assert find_station("east") is None
    assert local_stations() == [endpoint("west")]


def test_a_station_of_another_version_may_tell_more_or_less(
    folder: Path, two_locks: list[RigLock]
) -> None:
    """It is refused by its version; that it is there must not be lost."""
    discovery.endpoint_path("east").write_text('{"rig": "east", "version": "9", "socket": "x"}')
    found = find_station("east")
    assert found is not None
    assert (found.rig, found.version) == ("east", "9")
    for broken in ("[]", "{}", '{"rig": "east"}', "{"):
        discovery.endpoint_path("east").write_text(broken)
        assert find_station("east") is None


def test_a_station_is_found_by_host_and_port_alone(server: StationServer) -> None:
    found = find_remote(f"127.0.0.1:{server.tcp_port}")
    assert found == endpoint("east", server.tcp_port)
    assert find_remote(f"localhost:{server.tcp_port}", "east") is not None
    with pytest.raises(LookupError, match="has rig 'east', not 'west'"):
        find_remote(f"127.0.0.1:{server.tcp_port}", "west")


def test_nobody_answers(server: StationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "REMOTE_TIMEOUT_S", 0.2)
    port = server.tcp_port
    server.close()
    assert find_remote(f"127.0.0.1:{port}") is None


@pytest.mark.parametrize("where", ["", ":5075", "lab-pc:", "lab-pc:port", "lab-pc:0", "a:1:2"])
def test_no_address(where: str) -> None:
    with pytest.raises(ValueError, match="no address; HOST or HOST:PORT"):
        find_remote(where)


def test_a_taken_port_is_said_not_replaced(server: StationServer) -> None:
    with pytest.raises(CannotServe, match=f"port {server.tcp_port} of 127.0.0.1 is taken"):
        StationServer("west", HANDLERS, time.time, tcp_port=server.tcp_port)


@pytest.mark.parametrize("udp_port", [0, 5076])
def test_an_interface_that_is_not_this_computers_is_named(udp_port: int) -> None:
    with pytest.raises(CannotServe, match=r"192\.0\.2\.1 .*set interface in \[network\]"):
        StationServer("west", HANDLERS, time.time, ANOTHERS, udp_port=udp_port)


def test_what_was_posted_last_is_no_beat_of_the_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr(discovery.time, "monotonic", lambda: now_s[0])
    heart = Heart(silent_s=3.0)
    assert not heart.silent
    assert not heart.beat(5.0), "whether it is of now nobody can tell yet"
    assert heart.beat(5.2)
    now_s[0] += 2.9
    assert not heart.silent
    now_s[0] += 0.2
    assert heart.silent
    assert not heart.beat(5.2), "another connection delivers it anew"
    assert heart.silent
    assert heart.beat(5.4)
    assert not heart.silent
