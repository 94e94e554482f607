import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import RigClock
from simulators.scpi import ScpiError, header_pattern, limited, number
from simulators.servers import scpi_generator
from simulators.servers.scpi_generator import OffsetGenerator
from simulators.truth import Truth
from simulators.wire import VisaServer
from simulators.world.world import World


@pytest.fixture
def world() -> World:
    return World(Truth(), RigClock(1.0), 1)


@pytest.fixture
def box(world: World) -> OffsetGenerator:
    return OffsetGenerator(world)


@pytest.fixture
def server(world: World) -> Iterator[VisaServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10.0)

    made = run(scpi_generator.start(world))
    yield made
    run(made.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_powers_up_on_84kr_with_rf_on(box: OffsetGenerator, world: World):
    assert box.execute(b":FREQ?;:OUTP?") == b"1000000000.00;1"
    assert world.atoms.lasers_locked()


@pytest.mark.parametrize("command", [b":FREQ 735MHz", b"freq 735000000", b":SOUR1:FREQ 0.735 GHz"])
def test_frequency_moves_the_trap_lasers(box: OffsetGenerator, world: World, command: bytes):
    assert box.execute(command) == b""
    assert float(box.execute(b":FREQ?")) == 735e6
    assert world.atoms._offset_mhz == pytest.approx(-265.0)
    assert not world.atoms.lasers_locked()


def test_without_rf_nothing_locks(box: OffsetGenerator, world: World):
    box.execute(b":OUTP OFF")
    assert box.execute(b":OUTP?") == b"0"
    assert not world.atoms.lasers_locked()


def test_level_and_modulation_read_back(box: OffsetGenerator):
    box.execute(b":LEV -10.257dBm;:MOD:STAT ON")
    assert box.execute(b":LEV?") == b"-10.26"
    assert box.execute(b":MOD:STAT?") == b"1"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b":FREQ 4GHz", b"-222"),
        (b":LEV 30", b"-222"),
        (b":FREQ abc", b"-104"),
        (b":FREQ 5 V", b"-131"),
        (b":FREQ", b"-109"),
        (b":FREQ 1,2", b"-115"),
        (b":OUTP MAYBE", b"-224"),
        (b":NOSUCH?", b"-113"),
    ],
)
def test_refusals_go_to_the_error_queue_and_change_nothing(
    box: OffsetGenerator, command: bytes, code: bytes
):
    assert box.execute(command) == b""
    assert box.execute(b"SYST:ERR?").startswith(code)
    assert box.execute(b":FREQ?") == b"1000000000.00"


def test_a_socket_gets_one_line_for_one_query(server: VisaServer):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5.0) as client:
        client.sendall(b":FREQ 904MHz\n:FREQ?\n")
        assert client.makefile("rb").readline() == b"904000000.00\n"


def test_pyvisa_talks_to_it(server: VisaServer):
    manager = pyvisa.ResourceManager("@py")
    session = manager.open_resource(
        server.address, read_termination="\n", write_termination="\n", timeout=5000
    )
    assert session.query("*IDN?").startswith("Rigol Technologies,DSG830")  # pyright: ignore
    session.write(":FREQ 820MHz")  # pyright: ignore
    assert float(session.query(":FREQ?")) == 820e6  # pyright: ignore
    session.close()
    manager.close()


def test_headers_take_short_and_long_forms_in_any_case():
    pattern = header_pattern("[:SOURce#]:FREQuency[:CW]?")
    for header in (":FREQ?", ":SOURce2:frequency:cw?", ":SOUR:FREQ?"):
        assert pattern.fullmatch(header), header
    for header in (":FREQU?", ":FREQ", ":SOUR:FREQ:CW:X?"):
        assert not pattern.fullmatch(header), header


def test_numbers_with_units():
    assert number("1.5e3 kHz", {"KHZ": 1e3}) == 1.5e6
    assert limited(" -.5 ", -1.0, 1.0) == -0.5
    for text in ("nan", "inf", "1e999", "", "--1", "1 2"):
        with pytest.raises(ScpiError):
            number(text)


BOX = OffsetGenerator(World(Truth(), RigClock(1.0), 1))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_leave_the_box_alive(data: bytes):
    BOX.execute(data)
    assert BOX.execute(b"*IDN?").startswith(b"Rigol")
