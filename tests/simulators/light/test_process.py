import asyncio
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import RigClock, steady_s
from simulators.process import main, on_signals, write_atomically
from simulators.rig import SimulatedRig
from simulators.servers.control import ControlSession
from simulators.truth import Truth
from simulators.world.world import World

ROOT = Path(__file__).parents[3]
INSTRUMENTS = {
    "amplifier": "127.0.0.1:",
    "amplifier_monitor": "127.0.0.1:",
    "sideband": "socket://127.0.0.1:",
    "lock": "socket://127.0.0.1:",
    "camera": "pva://127.0.0.1:",
    "trap_switch": "TCPIP0::127.0.0.1::",
    "isotope_offset": "TCPIP0::127.0.0.1::",
    "loading": "TCPIP0::127.0.0.1::",
    "reference_cell": "TCPIP0::127.0.0.1::",
    "power_meter": "TCPIP0::127.0.0.1::",
    "slow_control": "pva://127.0.0.1:",
    "control": "127.0.0.1:",
}


def launch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "simulators", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Rig:
    def __init__(self, process: subprocess.Popen[str], ports_file: Path) -> None:
        self.process = process
        self.ports_file = ports_file
        assert process.stdout is not None
        self.ready = process.stdout.readline()
        assert self.ready, process.stderr.read() if process.stderr else ""
        self.ports = json.loads(ports_file.read_text())

    def control(self, request: object) -> dict:
        host, port = self.ports["control"].split(":")
        with socket.create_connection((host, int(port)), timeout=10.0) as wire:
            wire.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(wire.makefile().readline())


@pytest.fixture(scope="module")
def rig(tmp_path_factory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("simulator")
    truth = folder / "truth.toml"
    truth.write_text("[pumping]\nsupply_ratio = 8.5\n")
    ports = folder / "ports.json"
    process = launch(
        *("--ports-file", str(ports), "--seed", "11", "--speed", "5", "--truth", str(truth)),
        *("--parent-pid", str(os.getpid())),
    )
    try:
        yield Rig(process, ports)
    finally:
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=50.0)
    # Asked to end, it ends cleanly and says nothing.
    assert (process.returncode, out, errors) == (0, "", "")
    assert not ports.exists()


def test_the_ports_file_names_every_instrument(rig) -> None:
    assert rig.ready.startswith("simulated rig ready, seed 11")
    assert set(rig.ports) == {*INSTRUMENTS, "drivers", "clock", "pva_tcp_ports"}
    assert set(rig.ports["pva_tcp_ports"]) == {"camera", "slow_control"}
    for name, start in INSTRUMENTS.items():
        assert rig.ports[name].startswith(start)
    assert rig.ports["camera"].endswith("/ATTA:ANDOR:")
    assert rig.ports["clock"]["speed"] == 5.0
    assert abs(rig.ports["clock"]["origin_s"] - time.time()) < 300.0
    # The same moment on the clock that nobody sets.
    ahead_s = rig.ports["clock"]["origin_s"] - rig.ports["clock"]["steady_origin_s"]
    assert ahead_s == pytest.approx(time.time() - steady_s(), abs=0.5)


def test_truth_is_complete_and_carries_what_follows_from_it(rig) -> None:
    truth = rig.control({"cmd": "truth"})["truth"]
    assert truth["seed"] == 11
    assert truth["speed"] == 5.0
    assert truth["pumping"]["supply_ratio"] == truth["derived"]["supply_ratio"] == 8.5
    assert set(truth["derived"]["isotopes"]) == {"81", "83", "84", "85"}
    krypton_83 = truth["derived"]["isotopes"]["83"]
    assert krypton_83["strongest_rest_mhz"] == pytest.approx(-293.2, abs=0.1)
    assert krypton_83["strongest_as_set_mhz"] == pytest.approx(
        krypton_83["strongest_rest_mhz"] + krypton_83["doppler_mode_mhz"]
    )
    assert truth["derived"]["full_intensity_w_m2"] == pytest.approx(4034, rel=1e-3)
    Truth.model_validate({k: truth[k] for k in Truth.model_fields})


def test_status_and_faults_go_over_the_control_socket(rig) -> None:
    def state() -> dict:
        return rig.control({"cmd": "status"})["status"]

    assert state()["lock_error"] == -14
    assert rig.control(
        {"cmd": "fault", "instrument": "lock", "fault": "late", "delay_s": 1.0, "count": 2}
    ) == {"ok": True}
    assert rig.control({"cmd": "fault", "instrument": "amplifier", "fault": "interlock_open"})["ok"]
    assert state()["wire_faults"] == {"lock": "late"}
    assert state()["interlock_open"] is True
    assert rig.control({"cmd": "clear"}) == {"ok": True}
    assert state()["wire_faults"] == {}
    assert state()["interlock_open"] is False
    assert state()["emission"] is True


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"cmd": "fault", "instrument": "toaster", "fault": "late"}, "no instrument 'toaster'"),
        ({"cmd": "fault", "instrument": "lock", "fault": "trip"}, "mode_hop"),
        ({"cmd": "fault", "instrument": "lock", "fault": "late", "count": 0}, "count"),
        ({"cmd": "fault", "instrument": "lock", "fault": "late", "many": 1}, "many"),
        ({"cmd": "fault", "instrument": "lock", "fault": "mode_hop", "jump_mhz": "x"}, "jump_mhz"),
        ({"cmd": "fault", "instrument": "lock", "fault": "mode_hop", "gigahertz": 5}, "gigahertz"),
        ({"cmd": "fault", "instrument": "camera", "fault": "frozen"}, "frozen"),
        ({"cmd": "clear", "instrument": "toaster"}, "no instrument"),
        ({"cmd": "dance"}, "commands: "),
        ([1], "commands: "),
    ],
)
def test_what_cannot_be_done_is_said(rig, request_, said) -> None:
    answer = rig.control(request_)
    assert answer["ok"] is False
    assert said in answer["error"]


def test_the_camera_stalls_on_command(rig) -> None:
    assert rig.control({"cmd": "fault", "instrument": "camera", "fault": "stall"}) == {"ok": True}
    assert rig.control({"cmd": "clear", "instrument": "camera"}) == {"ok": True}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
def test_nothing_listens_on_tcp_beyond_loopback(rig) -> None:
    mine = set()
    for entry in Path(f"/proc/{rig.process.pid}/fd").iterdir():
        mine.add(os.readlink(entry))
    listening = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            address, state, inode = fields[1].split(":")[0], fields[3], fields[9]
            if state == "0A" and f"socket:[{inode}]" in mine:
                words = [address[i : i + 8] for i in range(0, len(address), 8)]
                packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
                listening.append(ipaddress.ip_address(packed))
    assert len(listening) >= len(INSTRUMENTS)
    assert all(address.is_loopback for address in listening)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_it_ends_with_the_process_that_started_it(tmp_path) -> None:
    ports = tmp_path / "ports.json"
    starter = (
        "import subprocess, sys, os, time\n"
        f"arguments = ['--ports-file', {str(ports)!r}, '--parent-pid', str(os.getpid())]\n"
        "child = subprocess.Popen([sys.executable, '-m', 'simulators', *arguments],"
        " stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starter], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert ports.exists()
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    while ports.exists() or running(child):
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_ask_it_to_stop(number) -> None:
    async def asked() -> bool:
        stop = asyncio.Event()
        on_signals(stop)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 10.0)
        return stop.is_set()

    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert asyncio.run(asked())
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)


def running(pid: int) -> bool:
    """A zombie that nobody reaps does not run."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


# --- arguments ---------------------------------------------------------------------------------


def test_the_printed_truth_is_toml_and_loads_again(capsys, tmp_path) -> None:
    assert main(["--print-truth"]) == 0
    printed = capsys.readouterr().out
    assert Truth.model_validate(tomllib.loads(printed)) == Truth()
    changed = tmp_path / "truth.toml"
    changed.write_text(printed.replace("supply_ratio = 10.2", "supply_ratio = 7.0"))
    assert main(["--truth", str(changed), "--print-truth"]) == 0
    assert "supply_ratio = 7.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[pumping]\nsuply_ratio = 1.0\n", ["pumping.suply_ratio", "supply_ratio, "]),
        ("[pumpnig]\nsupply_ratio = 1.0\n", ["'pumpnig'", "source, beam, pumping"]),
        ("[cavity]\nfsr_mhz = -3.0\n", ["cavity.fsr_mhz", "greater than 0"]),
        ("[cavity\n", ["Expected"]),
    ],
)
def test_a_wrong_truth_file_is_explained(capsys, tmp_path, text, said) -> None:
    path = tmp_path / "truth.toml"
    path.write_text(text)
    assert main(["--truth", str(path)]) == 2
    errors = capsys.readouterr().err
    assert str(path) in errors
    for words in said:
        assert words in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--truth", "/no/such/file"], "/no/such/file"),
        (["--speed", "0"], "--speed"),
        (["--speed", "nan"], "--speed"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_arguments_that_cannot_be(capsys, arguments, said) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_file_is_replaced_whole(tmp_path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["cmd", "fault", "instrument", "count", "mhz"])
                | st.text(max_size=5),
                inner
                | st.sampled_from(["fault", "clear", "lock", "trip", "cavity_jump", "amplifier"]),
                max_size=4,
            )
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_request_gets_one_line(fake_link, idle_rig, data) -> None:
    link = fake_link()
    session = ControlSession(link, idle_rig)
    session.feed(data.replace(b"\n", b" ") + b"\n")
    if data.strip():
        assert link.sent.count(b"\n") == 1
        assert isinstance(json.loads(link.sent)["ok"], bool)


@pytest.fixture(scope="module")
def idle_rig() -> SimulatedRig:
    return SimulatedRig(World(Truth(), RigClock(), 1))
