import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import RigClock
from simulators.servers import synthhd
from simulators.servers.synthhd import IDLE_S, SynthHd, SynthHdSession
from simulators.truth import Truth
from simulators.world.world import World


@pytest.fixture
def world() -> World:
    return World(Truth(), RigClock(), 1)


@pytest.fixture
def server(world, serving):
    return serving.start(synthhd.start(world))


@pytest.fixture
def ask(server, serving) -> Callable[[bytes], str]:
    client = serving.client(server)
    return lambda data: client.ask(data, b"\n").decode().strip()


def test_identity(ask) -> None:
    assert ask(b"+") == "WFT SynthHD 1230"
    assert ask(b"-") == "1230"
    assert ask(b"v0") == "Firmware Version 3.25"
    assert ask(b"v1") == "Hardware Version 2.06"
    assert ask(b"v2") == "HD"


def test_commands_may_be_run_together(ask, world) -> None:
    assert ask(b"C0f230.00000000W4.139h1r1E1f?") == "230.00000000"
    with world.lock:
        field = world.light.field()
    assert field.sideband_frequency_mhz == 230.0
    assert field.sideband_depth == pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize("switch", [b"h0", b"r0", b"E0"])
def test_it_is_on_only_with_all_three_switches(ask, world, switch) -> None:
    assert ask(b"C0W4.1h1r1E1" + switch + b"C?") == "0"
    with world.lock:
        assert world.light.field().sideband_depth == 0.0


def test_channel_b_does_not_reach_the_modulator(ask, world) -> None:
    ask(b"C0f200.0W0.0C?")
    assert ask(b"C1f650.0W-10.0h1r1E1C?") == "1"
    assert ask(b"f?") == "650.00000000"
    assert ask(b"C0f?") == "200.00000000"
    with world.lock:
        assert world.light.field().sideband_depth == 0.0
        assert world.light.field().sideband_frequency_mhz == 200.0


def test_a_sweep_or_a_modulation_that_is_on_raises_the_level(ask, world) -> None:
    def power_dbm(commands: bytes) -> float:
        assert ask(commands + b"C?") == "0"
        with world.lock:
            return world.light.eom.power_dbm

    assert power_dbm(b"C0f200.0W0.0h1r1E1[-10.0]15.0") == 0.0
    assert power_dbm(b"c1") == 15.0
    assert power_dbm(b"c0g1") == 15.0
    assert power_dbm(b"g0@0a12.0") == 0.0
    assert power_dbm(b"A1") == 12.0
    assert power_dbm(b"@1a14.0") == 14.0
    assert power_dbm(b"A0") == 0.0


@pytest.mark.parametrize("silly", [b"f9.9", b"f15000.1", b"f-5", b"f", b"f.", b"f1.2.3"])
def test_what_it_does_not_take_is_ignored_in_silence(ask, silly) -> None:
    ask(b"C0f500.0C?")
    assert ask(silly + b"\nf?") == "500.00000000"


def test_it_rounds_to_its_resolution(ask) -> None:
    assert ask(b"f230.123456789f?") == "230.12345680"
    assert ask(b"W-3.14159W?") == "-3.140"


def test_a_number_ends_after_a_short_silence(server, serving, world, eventually) -> None:
    client = serving.client(server)
    client.send(b"f321.5")

    def arrived() -> bool:
        with world.lock:
            return world.light.field().sideband_frequency_mhz == 321.5

    eventually(arrived)
    assert client.silent_for(2 * IDLE_S)


def test_the_pll_needs_a_moment_and_its_charge_pump(world, wall) -> None:
    box = SynthHd(World(Truth(), RigClock(1.0, wall), 1))
    assert box.apply("p", "") == "0"
    box.apply("E", "1")
    assert box.apply("p", "") == "0"
    wall.pass_(0.01)
    assert box.apply("p", "") == "1"
    box.apply("f", "300")
    assert box.apply("p", "") == "0"
    wall.pass_(0.01)
    box.apply("U", "0")
    assert box.apply("p", "") == "0"


def test_tables(ask) -> None:
    ask(b"LdL0f650.0000000L0a-10.000L1f660.0C?")
    assert ask(b"L?") == "2"
    assert ask(b"L0f?") == "650.00000000"
    assert ask(b"L0a?") == "-10.000"
    assert ask(b"L1a?") == "0.000"
    assert ask(b"@3a-7.5@3a?") == "-7.500"


def test_help_ends_with_eom(server, serving) -> None:
    assert serving.client(server).ask(b"?", b"EOM\n").count(b"\n") > 2


def test_status_letters(ask) -> None:
    assert ask(b"V") == "1"
    assert ask(b"I") == "1"
    assert 30.0 < float(ask(b"z")) < 45.0
    assert ask(b"w4w?") == "4"
    assert ask(b"i100.0i?") == "100.0"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=6)
        | st.sampled_from(
            [b"f", b"230", b"?", b"L0", b"a", b"@", b"v", b"\n", b"C1", b"-", b"9" * 80]
        ),
        max_size=30,
    )
)
def test_any_bytes_are_survived(fake_link, fuzzed_box, pieces) -> None:
    link = fake_link()
    session = SynthHdSession(link, fuzzed_box)
    for piece in pieces:
        session.feed(piece)
    session._silence()
    link.sent = b""
    session.feed(b"+")
    assert link.sent == b"WFT SynthHD 1230\n"


@pytest.fixture(scope="module")
def fuzzed_box() -> SynthHd:
    return SynthHd(World(Truth(), RigClock(), 1))


# --- the windfreak package, which opens nothing but a serial device -------------------------------

if sys.platform != "win32":
    import windfreak
    from pty_wire import PtyWire

    @pytest.fixture
    def device(server) -> Iterator[str]:
        wire = PtyWire(server.port)
        yield wire.device
        wire.close()

    def test_the_windfreak_package_drives_it(device, world) -> None:
        synth = windfreak.SynthHD(device)
        try:
            assert synth.model == "SynthHD v2"
            assert synth.serial_number == 1230
            assert synth.firmware_version == "Firmware Version 3.25"
            synth.init()
            channel = synth[0]
            channel.frequency = 230.0e6
            channel.power = 4.139
            channel.enable = True
            assert channel.enable
            assert channel.frequency == 230.0e6
            assert channel.power == pytest.approx(4.14)
            assert synth[1].frequency == 10.0e6
            assert not synth[1].enable
            assert 30.0 < synth.temperature < 45.0
        finally:
            synth.close()
        with world.lock:
            assert world.light.field().sideband_depth == pytest.approx(0.4, abs=1e-3)
