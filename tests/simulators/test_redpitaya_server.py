import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import RigClock
from simulators.faults import WireFault
from simulators.servers import redpitaya
from simulators.servers.redpitaya import RedPitaya
from simulators.servers.redpitaya_wiring import Role
from simulators.truth import Truth
from simulators.wire import VisaServer
from simulators.world.world import World

SPEED = 200.0


class Client:
    """A bare socket that speaks as a maker's example does."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5.0)
        self._file = self._socket.makefile("rb")

    def write(self, *commands: str) -> None:
        self._socket.sendall("".join(f"{c}\r\n" for c in commands).encode())

    def query(self, command: str) -> str:
        self.write(command)
        line = self._file.readline()
        assert line.endswith(b"\r\n")
        return line[:-2].decode()

    def block(self, command: str) -> bytes:
        self.write(command)
        assert self._file.read(1) == b"#"
        payload = self._file.read(int(self._file.read(int(self._file.read(1)))))
        assert self._file.read(2) == b"\r\n"
        return payload

    def until(self, command: str, answer: str) -> None:
        end = time.monotonic() + 20.0
        while self.query(command) != answer:
            assert time.monotonic() < end, f"{command} never said {answer}"
            time.sleep(0.002)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def world() -> World:
    return World(Truth(), RigClock(SPEED), 1)


@pytest.fixture
def board(
    world: World, loop: asyncio.AbstractEventLoop
) -> Iterator[Callable[[Role], tuple[VisaServer, Client]]]:
    servers: list[VisaServer] = []
    clients: list[Client] = []

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10.0)

    def make(role: Role) -> tuple[VisaServer, Client]:
        servers.append(run(redpitaya.start(world, role)))
        clients.append(Client(servers[-1].port))
        return servers[-1], clients[-1]

    yield make
    for client in clients:
        client.close()
    for server in servers:
        run(server.stop())


def test_identity_errors_and_status_byte(board):
    _, client = board("trap_switch")
    assert client.query("*IDN?") == "REDPITAYA,INSTR2023,0,01-02"
    assert client.query("*STB?") == "0"
    client.write("NO:SUCH:THING 1", "ACQ:DEC 3")
    assert client.query("*STB?") == "4"
    assert client.query("SYST:ERR:COUN?") == "2"
    assert client.query("SYST:ERR?") == '-113,"Undefined header"'
    assert client.query("SYSTem:ERRor:NEXT?") == '-224,"Illegal parameter value"'
    assert client.query("SYST:ERR?") == '0,"No error"'


def test_a_query_that_fails_gets_no_answer(board):
    _, client = board("loading")
    client.write("ACQ:SOUR1:DATA?")
    assert client.query("*IDN?").startswith("REDPITAYA")
    assert client.query("SYST:ERR?").startswith("-230")


def test_pins_move_shutter_trap_light_and_repumpers(board, world: World):
    server, client = board("trap_switch")
    assert server.address == f"TCPIP0::127.0.0.1::{server.port}::SOCKET"
    client.write(*(f"DIG:PIN:DIR OUT,DIO{n}_P" for n in range(3)))
    client.write("DIG:PIN DIO0_P,1", "DIG:PIN DIO1_P,1", "DIG:PIN DIO2_P,1")
    assert [client.query(f"DIG:PIN? DIO{n}_P") for n in range(3)] == ["1", "1", "1"]
    world.atoms.set_offset(-265.0)
    client.until("DIG:PIN? DIO3_P", "1")
    time.sleep(2.0 / SPEED)
    assert world.atoms.status().isotope == 85
    client.write("DIG:PIN DIO1_P,0")
    assert client.query("DIG:PIN? DIO1_P") == "0"
    assert world.atoms.status().isotope is None


def test_an_input_pin_cannot_be_driven(board):
    _, client = board("trap_switch")
    client.write("DIG:PIN DIO1_P,1")
    assert client.query("DIG:PIN? DIO1_P") == "0"
    assert client.query("SYST:ERR?").startswith("-221")
    assert client.query("DIG:PIN:DIR? DIO1_P") == "IN"


def test_output_levels_stay_when_a_client_comes_back(board, world: World):
    server, client = board("trap_switch")
    client.write("DIG:PIN:DIR OUT,DIO1_P", "DIG:PIN DIO1_P,1")
    assert client.query("DIG:PIN? DIO1_P") == "1"
    again = Client(server.port)
    again.write("DIG:PIN:DIR OUT,DIO1_P")
    assert again.query("DIG:PIN? DIO1_P") == "1"
    again.close()


def test_generator_settings_read_back(board):
    _, client = board("loading")
    client.write("SOUR1:FUNC PWM", "SOUR1:FREQ:FIX 0.952380952", "SOUR1:DCYC 0.0476190476")
    client.write("SOUR1:BURS:STAT BURST", "SOUR1:BURS:NCYC 6", "SOUR1:BURS:NOR 1", "SOUR2:VOLT .3")
    asked = ["FUNC?", "FREQ:FIX?", "DCYC?", "BURS:STAT?", "BURS:NCYC?", "BURS:NOR?"]
    assert [client.query(f"SOUR1:{a}") for a in asked] == [
        *("PWM", "0.952380952", "0.0476190476", "BURST", "6", "1")
    ]
    assert client.query("SOURce2:VOLTage?") == "0.3"
    client.write("OUTPUT1:STATE ON")
    assert client.query("OUTPUT1:STATE?") == "1"
    client.write("GEN:RST")
    assert client.query("OUTPUT1:STATE?") == "0"
    assert client.query("SOUR1:FUNC?") == "SINE"


def arm(client: Client, decimation: int, delay: int = 8192) -> None:
    client.write("ACQ:RST", "ACQ:DATA:FORMAT BIN", "ACQ:DATA:UNITS VOLTS")
    client.write(f"ACQ:DEC {decimation}", f"ACQ:TRIG:DLY {delay}", "ACQ:START")


def test_bursts_of_83kr_through_the_wire(board, world: World):
    world.atoms.set_trap_light(True)
    world.atoms.set_odd(True)
    world.atoms.set_offset(-180.0)
    time.sleep(2.0 / SPEED)
    _, client = board("loading")
    client.write("SOUR1:FUNC PWM", "SOUR1:VOLT 0.5", "SOUR1:VOLT:OFFS 0.5")
    client.write("SOUR1:FREQ:FIX 0.952380952", "SOUR1:DCYC 0.0476190476")
    client.write("SOUR1:BURS:STAT BURST", "SOUR1:BURS:NCYC 6", "OUTPUT1:STATE ON")
    arm(client, 65536)
    client.write("ACQ:TRIG AWG_PE")
    assert client.query("ACQ:TRIG:STAT?") == "WAIT"
    begin_s = world.clock.now_s()
    client.write("SOUR1:TRIG:INT")
    client.until("ACQ:TRIG:STAT?", "TD")
    client.until("ACQ:TRIG:FILL?", "1")
    assert world.clock.now_s() - begin_s >= 16384 * 65536 / 125e6
    volts = np.frombuffer(client.block("ACQ:SOUR1:DATA?"), ">f4")
    assert volts.size == 16384
    dt_s = 65536 / 125e6
    starts = [int(k * 1.05 / dt_s) for k in range(1, 6)]
    areas = np.array([(volts[s : s + 80] - 0.05).sum() * dt_s for s in starts])
    # (N0 - floor)/loss + floor over 42 ms, at 1e-10 V an atom
    assert areas == pytest.approx(np.full(5, 1.61e-3), rel=0.06)
    assert np.median(volts) == pytest.approx(0.05, abs=1e-3)
    client.write("OUTPUT1:STATE OFF")
    assert client.query("OUTPUT1:STATE?") == "0"


def test_formats_units_and_parts_of_the_buffer_agree(board):
    _, client = board("loading")
    arm(client, 1024)
    client.write("ACQ:TRIG NOW")
    client.until("ACQ:TRIG:FILL?", "1")
    volts = np.frombuffer(client.block("ACQ:SOUR2:DATA?"), ">f4")
    client.write("ACQ:DATA:UNITS RAW")
    raw = np.frombuffer(client.block("ACQ:SOUR2:DATA?"), ">i2")
    assert volts == pytest.approx(raw / 8192.0)
    client.write("ACQ:DATA:FORMAT ASCII")

    def listed(command: str) -> list[int]:
        return [int(v) for v in client.query(command).strip("{}").split(",")]

    assert listed("ACQ:SOUR2:DATA:OLD:N? 4") == raw[:4].tolist()
    assert listed("ACQ:SOUR2:DATA:LAT:N? 5") == raw[-5:].tolist()
    assert listed("ACQ:SOUR2:DATA:STA:N? 100,3") == raw[100:103].tolist()
    assert listed("ACQ:SOUR2:DATA:STA:END? 16382,1") == [*raw[-2:], *raw[:2]]
    assert client.query("ACQ:BUF:SIZE?") == "16384"
    assert client.query("ACQ:SRAT?") == "122070 Hz"
    assert client.query("ACQ:TPOS?") == "0"


def test_a_trigger_set_before_the_start_is_ignored(board):
    _, client = board("reference_cell")
    client.write("ACQ:RST", "ACQ:TRIG NOW", "ACQ:START")
    assert client.query("ACQ:TRIG:STAT?") == "WAIT"
    assert client.query("ACQ:TRIG:FILL?") == "0"


def test_reference_cell_shows_the_signal_and_the_monitor(board, world: World):
    _, client = board("reference_cell")
    arm(client, 1024)
    client.write("ACQ:TRIG NOW")
    client.until("ACQ:TRIG:FILL?", "1")
    signal, monitor = (np.frombuffer(client.block(f"ACQ:SOUR{n}:DATA?"), ">f4") for n in (1, 2))
    # no light to the cell yet: noise on both
    assert signal.std() > 0.0
    assert abs(monitor.mean()) < 1e-3
    assert np.abs(signal).max() < 0.5


def test_converter_clips_at_its_range(board, world: World):
    """84Kr gives 1.7 V at 877.9 nm: too much for the low range, not for the high one."""
    world.atoms.set_trap_light(True)
    _, client = board("loading")
    client.write("SOUR1:FUNC PWM", "SOUR1:VOLT 0.5", "SOUR1:VOLT:OFFS 0.5", "SOUR1:FREQ:FIX 1")
    client.write("SOUR1:BURS:STAT BURST", "SOUR1:BURS:NCYC 1", "OUTPUT1:STATE ON")
    first = []
    for gain in ("LV", "HV"):
        time.sleep(5.0 / SPEED)
        arm(client, 64)
        client.write(f"ACQ:SOUR1:GAIN {gain}", "ACQ:TRIG AWG_PE", "SOUR1:TRIG:INT")
        client.until("ACQ:TRIG:FILL?", "1")
        first.append(np.frombuffer(client.block("ACQ:SOUR1:DATA?"), ">f4")[:200])
    assert first[0] == pytest.approx(np.full(200, 8191 / 8192))
    assert first[1][0] == pytest.approx(1.7 + 0.05, rel=0.06)


def test_pyvisa_reads_text_and_blocks(board):
    server, _ = board("loading")
    manager = pyvisa.ResourceManager("@py")
    session = manager.open_resource(
        server.address, read_termination="\r\n", write_termination="\r\n", timeout=5000
    )
    assert session.query("*IDN?") == "REDPITAYA,INSTR2023,0,01-02"  # pyright: ignore
    for command in ("ACQ:DATA:FORMAT BIN", "ACQ:DEC 64", "ACQ:START", "ACQ:TRIG NOW"):
        session.write(command)  # pyright: ignore
    while session.query("ACQ:TRIG:FILL?") != "1":  # pyright: ignore
        time.sleep(0.002)
    values = session.query_binary_values(  # pyright: ignore
        "ACQ:SOUR1:DATA?", datatype="f", is_big_endian=True
    )
    assert len(values) == 16384
    session.close()
    manager.close()


def test_late_reply_comes_late_and_alone(board):
    server, client = board("trap_switch")
    server.set_fault(WireFault("late", left=1, delay_s=0.2))
    begin = time.monotonic()
    assert client.query("*IDN?").startswith("REDPITAYA")
    assert time.monotonic() - begin > 0.19
    assert client.query("*STB?") == "0"


def test_half_a_block_leaves_the_client_waiting(board):
    server, client = board("loading")
    arm(client, 64)
    client.write("ACQ:TRIG NOW")
    client.until("ACQ:TRIG:FILL?", "1")
    server.set_fault(WireFault("half", left=1))
    client.write("ACQ:SOUR1:DATA?")
    head = client._file.read(2 + 5)
    assert head == b"#565536"
    assert struct.calcsize(">16384f") == 65536
    server.set_fault(None)


BOARD = RedPitaya(World(Truth(), RigClock(1.0), 1), "loading")
WORDS = st.sampled_from(
    [
        "ACQ",
        "SOUR1",
        "SOUR9",
        "DATA?",
        "TRIG",
        "DLY",
        "-9e99",
        "NaN",
        "DIO0_P",
        "OUT",
        ",",
        "DIG:PIN",
    ]
)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_leave_the_board_alive(data: bytes):
    BOARD.execute(data)
    assert BOARD.execute(b"*IDN?") == b"REDPITAYA,INSTR2023,0,01-02"


@settings(deadline=None)
@given(st.lists(WORDS, max_size=6), st.sampled_from([":", " ", ",", ";"]))
def test_words_in_any_order_leave_the_board_alive(words: list[str], between: str):
    BOARD.execute(between.join(words).encode())
    assert BOARD.execute(b"*OPC?") == b"1"
