"""No process listens where nobody has said that it may, and none beyond this computer.

The named exception: EPICS PVA binds its UDP search sockets on every interface, whatever its
interface lists say; they answer names and take no command.
"""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomli_w
from open_ports import connected, family, open_ports, unexpected
from rigs import Rig, RunningStation, start_station, stop_station

LOOPBACK = "127.0.0.1"
SECOND = "127.0.0.2"


def ports_of(addresses: Any) -> set[int]:
    """Every port that the simulators' ports file names."""
    if isinstance(addresses, dict):
        return set().union(*(ports_of(value) for value in addresses.values()), set())
    if isinstance(addresses, str):
        return {int(port) for port in re.findall(r":(\d{2,5})(?:/|::|$)", addresses)}
    return {addresses} if isinstance(addresses, int) else set()


def test_a_port_on_every_interface_would_be_found() -> None:
    with socket.socket() as wide, socket.socket() as named, socket.socket(type=2) as udp:
        for one, host in ((wide, "0.0.0.0"), (named, LOOPBACK), (udp, "0.0.0.0")):
            one.bind((host, 0))
        wide.listen()
        named.listen()
        port = named.getsockname()[1]
        found = unexpected(os.getpid(), host=LOOPBACK, tcp={port, wide.getsockname()[1]}, pva=())
        ours = {(p.protocol, p.port) for p in found}
        assert ("tcp", wide.getsockname()[1]) in ours
        assert ("udp", udp.getsockname()[1]) in ours
        assert ("tcp", port) not in ours
        ours = {p.port for p in unexpected(os.getpid(), host=LOOPBACK)}
        assert port in ours


def test_the_simulators_listen_on_the_ports_that_they_name(shared_rig: Rig) -> None:
    ports = {k: v for k, v in shared_rig.world.ports.items() if k not in ("clock", "drivers")}
    pid = shared_rig.world.process.pid
    assert unexpected(pid, host=LOOPBACK, tcp=ports_of(ports), pva={pid}) == []
    assert len([p for p in open_ports(pid) if p.protocol == "tcp"]) >= 8


def check_station(station: RunningStation, host: str) -> None:
    """The station and its workers: one TCP port, that of its endpoint."""
    endpoint = station.client.endpoint
    deadline = time.monotonic() + 30.0
    while len(family(station.process.pid)) < 3:
        assert time.monotonic() < deadline, "fit worker and calculator did not start"
        time.sleep(0.1)
    found = unexpected(
        station.process.pid, host=host, tcp={endpoint.tcp_port}, pva={station.process.pid}
    )
    assert found == []
    mine = [p for p in open_ports(station.process.pid) if p.protocol == "tcp"]
    assert [(p.pid, p.host, p.port) for p in mine] == [
        (station.process.pid, host, endpoint.tcp_port)
    ]


@pytest.mark.timeout(180)
def test_station_workers_and_window(station: RunningStation) -> None:
    check_station(station, LOOPBACK)
    port = station.client.endpoint.tcp_port
    command = [sys.executable, "-m", "atta_daq", "gui", "--connect", f"{LOOPBACK}:{port}"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    window = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + 90.0
        while not connected(window.pid, port):
            assert window.poll() is None
            assert time.monotonic() < deadline, "the window did not connect"
            time.sleep(0.2)
        assert [p for p in open_ports(window.pid) if p.protocol == "tcp"] == []
        check_station(station, LOOPBACK)
    finally:
        children = [p for p in family(window.pid) if p.pid != window.pid]
        window.terminate()
        window.wait(30.0)
        _, alive = psutil.wait_procs(children, timeout=20.0)
        assert alive == []


@pytest.mark.timeout(120)
def test_a_station_serves_on_the_interface_of_its_rig_file_alone(
    shared_rig: Rig, tmp_path: Path
) -> None:
    config = {**shared_rig.config, "name": f"{shared_rig.name}-second",
              "network": {"interface": SECOND}}  # fmt: skip
    path = tmp_path / "rig.toml"
    path.write_text(tomli_w.dumps(config))
    station = start_station(Rig(shared_rig.world, config, path), tmp_path / "data")
    try:
        assert station.client.endpoint.host == SECOND
        assert station.client.get("station:version")
        check_station(station, SECOND)
    finally:
        stop_station(station)
