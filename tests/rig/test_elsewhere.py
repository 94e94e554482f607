"""Instruments on another computer: an address in the rig file is all that changes."""

import copy
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from rigs import Rig

from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import rig_config
from drivers.epics_slow import EpicsSlowControl
from drivers.pva_link import PvaLink

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


class Wire:
    """Another computer's port: hands every connection on to the box itself."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server((ELSEWHERE, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                far = socket.create_connection((HERE, self.port))
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def moved(config: dict[str, Any]) -> tuple[dict[str, Any], set[int]]:
    """The rig file with every TCP address elsewhere, and the ports that it names."""
    ports: set[int] = set()

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in value.items()}
        if isinstance(value, str) and HERE in value and not value.startswith("pva://"):
            ports.add(int(re.search(r":(\d{2,5})(?:::SOCKET)?$", value)[1]))  # pyright: ignore
            return value.replace(HERE, ELSEWHERE)
        return value

    # Slow control names its servers; pvAccess searches for them.
    slow = {"slow_control"}
    return {k: v if k in slow else walk(v) for k, v in copy.deepcopy(config).items()}, ports


@pytest.fixture
def wires(shared_rig: Rig) -> Iterator[tuple[dict[str, Any], list[Wire]]]:
    config, ports = moved(shared_rig.config)
    made = [Wire(port) for port in sorted(ports)]
    yield config, made
    for wire in made:
        wire.close()


def test_every_box_answers_from_another_address(
    wires: tuple[dict[str, Any], list[Wire]],
) -> None:
    config, made = wires
    assert len(made) >= 8
    instruments = RigAssembly(rig_config(config, "rig.toml")).instruments
    try:
        answers = instruments.connect()
        assert [answer.error for answer in answers if answer.error is not None] == []
        assert [wire.port for wire in made if not wire.connections] == []
        assert instruments.amplifier.status().message
        instruments.lock.status()
    finally:
        instruments.close()


def test_pv_access_binds_loopback_only_for_boxes_on_this_computer() -> None:
    """A client that is bound to loopback never finds a camera in the lab."""
    made: list[dict[str, str]] = []

    def context(_provider: str, conf: dict[str, str], **_: object) -> Any:
        made.append(conf)
        raise RuntimeError("seen")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drivers.pva_link.Context", context)
        patch.setattr("drivers.epics_slow.Context", context)
        for host in (HERE, "192.168.1.31"):
            with pytest.raises(RuntimeError, match="seen"):
                PvaLink("camera", f"pva://{host}:5076/ATTA:").open()
            with pytest.raises(RuntimeError, match="seen"):
                EpicsSlowControl("slow_control", (f"{host}:5076",), ()).connect()
    assert [conf["EPICS_PVA_ADDR_LIST"] for conf in made] == [
        HERE, f"{HERE}:5076", "192.168.1.31", "192.168.1.31:5076",
    ]  # fmt: skip
    assert ["EPICS_PVA_INTF_ADDR_LIST" in conf for conf in made] == [True, True, False, False]
    assert made[2]["EPICS_PVA_BROADCAST_PORT"] == "5076"
