import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import RigClock
from simulators.faults import WireFault
from simulators.servers import stcl
from simulators.servers.stcl import Firmware, StclSession
from simulators.truth import Truth
from simulators.world.world import World

ZERO_RATIO = Truth().cavity.ratio_at_zero

LINE = re.compile(rb"(?:-?\d+ ){9}-?\d+\r\n\Z")


@pytest.fixture
def world() -> World:
    world = World(Truth(), RigClock(), 1)
    world.light.set_seed(enabled=True)
    return world


@pytest.fixture
def server(world, serving):
    return serving.start(stcl.start(world))


@pytest.fixture
def client(server, serving):
    return serving.client(server)


def echo(command: str) -> bytes:
    return command.encode() + b"\\0xA\r\n"


def settings_of(world: World):
    with world.lock:
        return world.cavity.firmware.settings


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("Ls?", b"1230\r\n"),
        ("Rs?", b"550\r\n"),
        ("Lkp?", b"1500\r\n"),
        ("Lki?", b"30\r\n"),
        ("Rkp?", b"500\r\n"),
        ("Rki?", b"20\r\n"),
        ("Ls1300", b"1300\r\n"),
        ("Ls-1000", b"4294966296\r\n"),
    ],
)
def test_commands_with_an_answer(client, command, reply) -> None:
    assert client.ask(command.encode() + b"\n", reply) == echo(command) + reply


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        ("Rs560", "ramp_set_us", 560),
        ("Lkp0", "laser_kp", 0),
        ("Lki-40", "laser_ki", -40),
        ("Rkp1", "ramp_kp", 1),
        ("Rki2", "ramp_ki", 2),
    ],
)
def test_commands_without_an_answer(client, world, command, field, value) -> None:
    client.ask(command.encode() + b"\n", echo(command))
    assert client.silent_for(0.05)
    assert getattr(settings_of(world), field) == value


def test_outputs_are_preset_and_clamped(client) -> None:
    client.ask(b"Lki0\n", echo("Lki0"))
    client.ask(b"Lkp0\n", echo("Lkp0"))
    for value, kept in ((b"1000", b"1000"), (b"9999", b"4095"), (b"-5", b"0")):
        client.ask(b"Lo" + value + b"\n", echo("Lo" + value.decode()))
        client.ask(b"Lo?\n", echo("Lo?") + kept + b"\r\n")
    client.ask(b"rst\n", echo("rst"))
    client.ask(b"Lo?\n", echo("Lo?") + b"1861\r\n")


@pytest.mark.parametrize("wrong", [b"foo\n", b"Lx\n", b"Ls\n", b"Lki5r\n", b"d1\n", b"Ls?r\n"])
def test_what_it_does_not_know(client, wrong) -> None:
    client.ask(wrong, b" cmd error!\r\n")


def test_peaks_of_one_ramp(client) -> None:
    client.ask(b"p6\n", echo("p6"))
    line = client.until(b"\r\n")
    assert LINE.match(line)
    t0, t1, t2, t3, t4, t5, _, laser_out, _, ramp_out = map(int, line.split())
    assert 0 < t0 < t1 < t2 < t3 < t4 < t5 < 84e6 / 162.0
    assert 0 <= laser_out <= 4095
    assert 0 <= ramp_out <= 4095
    assert client.silent_for(0.05)
    client.ask(b"p1\n", echo("p1"))
    assert len(client.until(b"\r\n").split()) == 5
    client.ask(b"p7\n", echo("p7"))
    assert client.silent_for(0.05)


def test_a_stream_runs_until_any_byte(client) -> None:
    client.ask(b"p6r\n", echo("p6r"))
    lines = [client.until(b"\r\n") for _ in range(20)]
    assert all(LINE.match(line) for line in lines)
    assert len(set(lines)) == 20, "every ramp is another"
    client.send(b"\n")
    while not client.until(b"\r\n").endswith(b"\\0xA\r\n"):
        pass
    assert client.silent_for(0.05)


def test_an_incomplete_line_stops_the_feedback(client, world, eventually) -> None:
    client.ask(b"Ls1300\n", b"1300\r\n")
    eventually(lambda: abs(detuning(world) - (1300 / 2400 - ZERO_RATIO) * 2971.8) < 5.0)
    client.ask(b"Ls1", b"Ls1")
    with world.lock:
        world.cavity.laser.hop(50.0, multimode=False)
    shifted = detuning(world)
    assert client.silent_for(0.5)
    assert detuning(world) == pytest.approx(shifted, abs=5.0)
    client.ask(b"300\n", b"1300\r\n")
    eventually(lambda: abs(detuning(world) - (1300 / 2400 - ZERO_RATIO) * 2971.8) < 5.0)


def detuning(world: World) -> float:
    with world.lock:
        return world.cavity.detuning_mhz()


def test_a_second_command_behind_the_first_is_an_error(client) -> None:
    client.send(b"Ls?\nLki?\n")
    reply = client.until(b"\\0xA\r\n")
    reply += client.until(b"\\0xA\r\n")
    assert b"1230" not in reply
    assert b" cmd error!" in reply


def test_any_byte_ends_the_hold_after_the_start(client, world) -> None:
    with world.lock:
        assert not world.cavity.firmware.running
    client.ask(b"Ls?\n", b"1230\r\n")
    with world.lock:
        assert world.cavity.firmware.running


def test_the_hold_ends_by_itself_with_a_word(serving) -> None:
    world = World(Truth(), RigClock(speed=50.0), 1)
    world.light.set_seed(enabled=True)
    client = serving.client(serving.start(stcl.start(world)))
    assert client.until(b"\r\n") == b"PI run!\r\n"


def test_lost_peaks_are_told_answered_late_and_resolved(client, world) -> None:
    client.ask(b"p6\n", echo("p6"))
    client.until(b"\r\n")
    with world.lock:
        world.light.set_seed(enabled=False)
    assert client.until(b"\r\n") == b"error -14\r\n"
    client.ask(b"p6\n", echo("p6"))
    assert client.until(b"\r\n") == b"error -14\r\n", "told again after a command"
    assert client.silent_for(0.1), "no answer while peaks are missing"
    with world.lock:
        world.light.set_seed(enabled=True)
    assert LINE.match(client.until(b"\r\n")), "the answer that was still owed"
    assert client.until(b".") == b"error resolved."


def test_a_step_response(serving) -> None:
    world = World(Truth(), RigClock(speed=20.0), 1)
    world.light.set_seed(enabled=True)
    client = serving.client(serving.start(stcl.start(world)))
    client.ask(b"Ls20r\n", echo("Ls20r"))
    assert client.until(b"\r\n") == b"laser step 20 ...\r\n"
    client.until(b"#laser step +20\r\n")
    assert settings_of(world).laser_set_us == 1250
    client.until(b"#laser step -20\r\n")
    assert settings_of(world).laser_set_us == 1230


def test_an_interrupted_step_leaves_the_setpoint_shifted(serving) -> None:
    world = World(Truth(), RigClock(speed=20.0), 1)
    world.light.set_seed(enabled=True)
    client = serving.client(serving.start(stcl.start(world)))
    client.ask(b"Ls20r\n", b"#laser step +20\r\n")
    client.send(b"\n")
    client.until(b"\\0xA\r\n")
    client.ask(b"Ls?\n", b"1250\r\n")


def test_wire_faults_reach_it(client, server, serving) -> None:
    serving.call(server.set_fault, WireFault("no_reply", left=1))
    client.send(b"Ls?\n")
    assert client.silent_for(0.05)
    client.ask(b"Ls?\n", echo("Ls?") + b"1230\r\n")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=6)
        | st.sampled_from(
            [b"Ls", b"p6", b"r", b"\n", b"Lkp-7500\n", b"99999999999999999999", b"?"]
        ),
        max_size=30,
    )
)
def test_any_bytes_are_survived(fake_link, fuzzed, pieces) -> None:
    link = fake_link()
    session = StclSession(link, fuzzed)
    session.opened()
    for piece in pieces:
        session.feed(piece)
        session._tick()
    session.feed(b"\n")
    link.sent = b""
    session.feed(b"Ls1230\n")
    assert link.sent == echo("Ls1230") + b"1230\r\n"
    session.closed()


@pytest.fixture(scope="module")
def fuzzed() -> Firmware:
    return Firmware(World(Truth(), RigClock(), 1))
