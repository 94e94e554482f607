"""No process listens where nobody has said that it may, and none beyond this computer.

The named exception: EPICS PVA binds its UDP search sockets on every interface, whatever its
interface lists say; they answer names and take no command.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomli_w
from open_ports import connected, family, open_ports, unexpected
from rigs import Rig, RunningStation, start_station, stop_station

from atta_daq.client.discovery import RUNTIME_VARIABLE
from atta_daq.client.endpoint import Endpoint

LOOPBACK = "127.0.0.1"
SECOND = "127.0.0.2"
SCAN = """
name = "long enough to look"
calibrate_counting_s = 100.0
[[part]]
isotope = 85
dwell_s = 3600.0
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 700.0]
"""


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


def station_below(command: "subprocess.Popen[str]", runtime: Path) -> Endpoint:
    """The station that a command has started, once its workers have started, too."""
    deadline = time.monotonic() + 90.0
    while True:
        assert command.poll() is None
        assert time.monotonic() < deadline, "its station did not start"
        for path in runtime.glob("*.endpoint.json"):
            endpoint = Endpoint.from_json(path.read_text())
            if psutil.pid_exists(endpoint.pid) and len(family(endpoint.pid)) >= 3:
                return endpoint
        time.sleep(0.1)


def simulators_below(pid: int) -> tuple[int, set[int]]:
    """The simulators' process and the ports that they name."""
    for process in family(pid):
        arguments = process.cmdline()
        if "--ports-file" in arguments:
            file = Path(arguments[arguments.index("--ports-file") + 1])
            named = json.loads(file.read_text())
            named = {name: at for name, at in named.items() if name not in ("clock", "drivers")}
            return process.pid, ports_of(named)
    raise AssertionError("no simulators were started")


def window_below(command: "subprocess.Popen[str]", port: int) -> int:
    """The window that a command has opened, once it is connected to the station's port."""
    deadline = time.monotonic() + 90.0
    while True:
        assert command.poll() is None
        assert time.monotonic() < deadline, "the window did not connect"
        for process in family(command.pid):
            if process.cmdline()[1:3] == ["-m", "gui"] and connected(process.pid, port):
                return process.pid
        time.sleep(0.1)


AT_ANY_SPEED = ("amplifier=thorlabs-itc4000", "sideband=rigol-dsg800")
AT_SPEED_1 = ("lock=redpitaya-stcl", "sideband=keysight-mxg")
"""The makes of boxes that a simulated rig has only when they are asked for."""


def with_boxes(boxes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for box in boxes for word in ("--with", box))


COMMANDS = {
    "run": ("run", "scan.toml", "--simulate", "--speed", "60", *with_boxes(AT_ANY_SPEED)),
    "rehearse": ("rehearse", "scan.toml", "--speed", "60"),
    "gui": ("gui", "--simulate", *with_boxes(AT_SPEED_1)),
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_starts_a_rig_for_itself(name: str, tmp_path: Path) -> None:
    scan, runtime = tmp_path / "scan.toml", tmp_path / "runtime"
    scan.write_text(SCAN)
    runtime.mkdir()
    command = (str(scan) if word == scan.name else word for word in COMMANDS[name])
    process = subprocess.Popen(
        [sys.executable, "-m", "atta_daq", *command, "--data", str(tmp_path / "data")],
        env={**os.environ, RUNTIME_VARIABLE: str(runtime), "QT_QPA_PLATFORM": "offscreen"},
        text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        # A suite that runs in the background of a shell has Ctrl-C ignored, and hands that on.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        endpoint = station_below(process, runtime)
        simulators, named = simulators_below(process.pid)
        speaking_pva = {process.pid, endpoint.pid, simulators}
        if name == "gui":
            speaking_pva.add(window_below(process, endpoint.tcp_port))
        assert unexpected(
            process.pid, host=LOOPBACK, tcp={endpoint.tcp_port, *named}, pva=speaking_pva
        ) == []  # fmt: skip
        listening = {p.pid for p in open_ports(process.pid) if p.protocol == "tcp"}
        assert listening == {endpoint.pid, simulators}, "not the command, a worker or a window"
    finally:
        below = [p for p in family(process.pid) if p.pid != process.pid]
        process.send_signal(signal.SIGINT)
        process.wait(60.0)
        _, alive = psutil.wait_procs(below, timeout=20.0)
        assert alive == []
