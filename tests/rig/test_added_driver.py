"""A driver from somebody else's package: the very example of the how-to page, from the rig file
to its wire."""

import contextlib
import re
import socket
import socketserver
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import tomli_w
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import load_rig
from atta_daq.rig.drivers import KINDS
from atta_daq.rig.errors import ConfigError
from atta_daq.rig.instruments import Instruments
from drivers.errors import DeviceFault, OutOfRange, Timeout
from drivers.interfaces import SidebandGenerator, SidebandStatus

PAGE = Path("docs/how-to/add-a-driver.md").read_text()
LONGEST = 40
"""Lines of the example without the empty ones."""


def blocks(language: str) -> list[str]:
    """The page's code in that language, in its order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


CODE = blocks("python")[0]
PACKAGE, TABLE = (tomllib.loads(text) for text in blocks("toml"))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's package as `pip install` would leave it, on a path of its own."""
    site = tmp_path / "site"
    name, version = PACKAGE["project"]["name"], PACKAGE["project"]["version"]
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (site / "acme_rf9.py").write_text(CODE)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = PACKAGE["project"]["entry-points"]
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points[group].items())
             for group in points]  # fmt: skip
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("acme_rf9", None)


class Box(socketserver.ThreadingTCPServer):
    """An Acme RF-9: three values and nothing else."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Wire)
        self.values = {"F": 100.0, "P": -10.0, "O": 0.0}
        self.received: list[str] = []
        self.highest_mhz = 300.0
        self.silent = False
        self.wires: list[socket.socket] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()

    @property
    def address(self) -> str:
        return f"TCPIP0::127.0.0.1::{self.server_address[1]}::SOCKET"

    def hang_up(self) -> None:
        for wire in self.wires:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        self.wires.clear()

    def answer(self, line: str) -> str:
        self.received.append(line)
        what, _, value = line.partition(" ")
        if value:
            limit = self.highest_mhz if what == "F" else 1e9
            self.values[what] = min(float(value), limit)
            return ""
        if line == "*IDN?":
            return "Acme,RF-9,7,1.0\n"
        return f"{self.values[line[0]]:g}\n"


class Wire(socketserver.StreamRequestHandler):
    server: Box

    def handle(self) -> None:
        self.server.wires.append(self.request)
        for line in self.rfile:
            answer = self.server.answer(line.decode().strip())
            if answer and not self.server.silent:
                self.wfile.write(answer.encode())


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    yield made
    made.shutdown()
    made.server_close()


def rig_path(folder: Path, address: str) -> Path:
    """A rig file with the page's table at that address."""
    data = rig_file(PORTS, "co")
    data["sideband"] = {**TABLE["sideband"], "address": address}
    path = folder / "rig.toml"
    path.write_text(tomli_w.dumps(data))
    return path


@pytest.fixture
def generator(installed: None, box: Box, tmp_path: Path) -> Iterator[Any]:
    instrument = RigAssembly(load_rig(rig_path(tmp_path, box.address))).instruments.sideband
    yield instrument
    instrument.close()


def test_the_example_is_short() -> None:
    assert len([line for line in CODE.splitlines() if line]) <= LONGEST
    assert max(len(line) for line in CODE.splitlines()) <= 100


def test_from_the_rig_file_to_the_wire(generator: SidebandGenerator, box: Box) -> None:
    assert generator.connect().model == "RF-9"
    assert generator.set_frequency(230.0) == 230.0
    assert generator.set_power(7.5) == 7.5
    generator.rf_on()
    assert generator.status() == SidebandStatus(230.0, 7.5, True, None, None)
    generator.make_safe()
    assert box.values == {"F": 230.0, "P": 7.5, "O": 0.0}
    assert box.received[:3] == ["*IDN?", "F 230.000000", "F?"]


def test_it_keeps_the_rules_that_the_page_states(generator: SidebandGenerator, box: Box) -> None:
    generator.connect()
    before = list(box.received)
    for refused in (lambda: generator.set_power(15.1), lambda: generator.set_frequency(5.0)):
        with pytest.raises(OutOfRange, match="limits of the rig file"):
            refused()
    assert box.received == before, "nothing was sent"
    with pytest.raises(DeviceFault, match="the box kept 300"):
        generator.set_frequency(350.0)
    box.values["P"] = 20.0
    with pytest.raises(OutOfRange, match="20 dBm on the box"):
        generator.rf_on()
    assert box.values["O"] == 0.0
    box.silent = True
    with pytest.raises(Timeout, match="sideband"):
        generator.status()
    box.silent = False
    assert generator.status().rf_on is False


def test_stop_reaches_it_over_a_line_that_had_died(generator: Any, box: Box) -> None:
    """Its own `make_safe` gives the order once."""

    class Quiet(SimpleNamespace):
        def make_safe(self) -> None: ...

    others = {name: Quiet(name=name) for name in KINDS if name != "sideband"}
    rig = Instruments(**cast(Any, others), sideband=generator, addresses={})
    generator.connect()
    generator.rf_on()
    box.hang_up()
    assert "sideband: safe" in rig.make_safe()
    assert box.values["O"] == 0.0


def test_without_the_package_the_drivers_there_are_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_rig(rig_path(tmp_path, "TCPIP0::127.0.0.1::1::SOCKET"))
    assert "acme-rf9" in str(refused.value)
    assert "windfreak-synthhd" in str(refused.value)


def test_its_table_is_checked_like_any_other(installed: None, tmp_path: Path) -> None:
    path = rig_path(tmp_path, "TCPIP0::127.0.0.1::1::SOCKET")
    path.write_text(path.read_text().replace("power_dbm", "power_watt"))
    with pytest.raises(ConfigError, match=r"sideband\.power_watt"):
        load_rig(path)
