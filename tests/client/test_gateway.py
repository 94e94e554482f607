"""The gateway of `examples/gateway`, as p4p runs it: readings pass, puts and commands do not.

Only addresses and ports are other than in the example; the server behind it would take both.
"""

import queue
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port
from open_ports import unexpected
from p4p.client.thread import Context, RemoteError
from p4p.nt import NTURI, NTScalar
from p4p.server.thread import SharedPV
from pva_alone import served

EXAMPLE = Path(__file__).parents[2] / "examples" / "gateway"
LOOPBACK = "127.0.0.1"
READING, COMMAND = "atta-1:lock:rms", "atta-1:cmd:stop"


@dataclass
class Willing:
    """Takes every put and every call, and remembers them."""

    taken: list[str] = field(default_factory=list)

    def put(self, pv: SharedPV, operation: Any) -> None:
        self.taken.append("put")
        pv.post(operation.value())
        operation.done()

    def rpc(self, _pv: SharedPV, operation: Any) -> None:
        self.taken.append("rpc")
        operation.done(NTScalar("s").wrap("done"))


@dataclass
class Bench:
    """The server, a client of it, and a client that sees it through the gateway."""

    willing: Willing
    reading: SharedPV
    direct: Context
    through: Context


def configured(folder: Path, station_udp: int, tcp: int, udp: int) -> Path:
    """The example with this computer's addresses."""
    for name in ("read-only.acf", "read-only.pvlist"):
        (folder / name).write_text((EXAMPLE / name).read_text())
    text = (EXAMPLE / "read-only.conf").read_text()
    changes = {
        r'"bcastport": 5086': f'"bcastport": {station_udp}',
        r'"192\.168\.1\.10"': f'"{LOOPBACK}"',
        r'"192\.168\.1\.255"': f'"{LOOPBACK}"',
        r'"serverport": 5075': f'"serverport": {tcp}',
        r'"bcastport": 5076': f'"bcastport": {udp}',
    }
    for pattern, value in changes.items():
        text, count = re.subn(pattern, value, text)
        assert count == 1, pattern
    # The beacons of the example go to the network; here there is none but loopback.
    path = folder / "read-only.conf"
    path.write_text(text.replace('"autoaddrlist": true', '"autoaddrlist": false'))
    return path


def client(tcp: int) -> Context:
    conf = {
        "EPICS_PVA_ADDR_LIST": "",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_NAME_SERVERS": f"{LOOPBACK}:{tcp}",
    }
    return Context("pva", conf=conf, useenv=False, nt=False)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    willing = Willing()
    reading = SharedPV(nt=NTScalar("d"), initial=0.25, handler=willing)
    command = SharedPV(nt=NTScalar("s"), initial="", handler=willing)
    with served({READING: reading, COMMAND: command}) as server:
        found = server.conf()
        tcp, udp = free_port(), free_port()
        path = configured(tmp_path, int(found["EPICS_PVAS_BROADCAST_PORT"]), tcp, udp)
        log = tmp_path / "gateway.log"
        with log.open("w") as out:
            gateway = subprocess.Popen(
                [sys.executable, "-m", "p4p.gw", str(path)], stdout=out, stderr=out, cwd=tmp_path
            )
        direct, through = client(int(found["EPICS_PVAS_SERVER_PORT"])), client(tcp)
        try:
            deadline = time.monotonic() + 40.0
            while True:
                assert gateway.poll() is None, log.read_text()
                try:
                    through.get(READING, timeout=2.0)
                    break
                except TimeoutError:
                    assert time.monotonic() < deadline, log.read_text()
            assert unexpected(gateway.pid, host=LOOPBACK, tcp={tcp}, pva={gateway.pid}) == []
            yield Bench(willing, reading, direct, through)
        finally:
            through.close()
            direct.close()
            gateway.terminate()
            gateway.wait(20.0)


def call(context: Context, name: str, timeout_s: float = 5.0) -> Any:
    uri = NTURI([("client", "s")]).wrap(name, kws={"client": "somebody"}, scheme="pva")
    return context.rpc(name, uri, timeout=timeout_s)


@pytest.mark.timeout(120)
def test_readings_pass_and_nothing_else(bench: Bench) -> None:
    direct, through = bench.direct, bench.through
    assert through.get(READING)["value"] == 0.25
    got: queue.Queue[float] = queue.Queue()
    subscription = through.monitor(READING, lambda value: got.put(value["value"]))
    subscription._event()
    assert got.get(timeout=10.0) == 0.25
    bench.reading.post(0.5)
    while got.get(timeout=10.0) != 0.5:
        continue
    subscription.close()

    # The server itself would take all of it.
    direct.put(READING, 0.75)
    call(direct, COMMAND)
    assert bench.willing.taken == ["put", "rpc"]
    with pytest.raises(RemoteError):
        through.put(READING, 1.0, timeout=5.0)
    with pytest.raises(RemoteError):
        call(through, READING)
    # A command is not even found.
    with pytest.raises(TimeoutError):
        call(through, COMMAND, 1.5)
    with pytest.raises(TimeoutError):
        through.get(COMMAND, timeout=1.5)
    assert bench.willing.taken == ["put", "rpc"]
    assert through.get(READING)["value"] == 0.75
