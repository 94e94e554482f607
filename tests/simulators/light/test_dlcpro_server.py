import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toptica.lasersdk.client import Client, DecopError, UserLevel
from toptica.lasersdk.dlcpro.v3_3_3 import DLCpro, NetworkConnection

from simulators.clock import RigClock
from simulators.faults import WireFault
from simulators.servers import dlcpro
from simulators.servers.decop import DecopSyntaxError, Prefixed, Symbol, read, write
from simulators.servers.dlcpro import CommandLine, MonitoringLine
from simulators.servers.dlcpro_box import DlcProBox
from simulators.truth import Truth
from simulators.world.world import World


@pytest.fixture
def world() -> World:
    return World(Truth(), RigClock(), 1)


@pytest.fixture
def box(world, serving):
    return serving.start(dlcpro.start(world), "command", "monitor")


@pytest.fixture
def line(box, serving):
    """Ask one line on the command line; the reply without its prompt."""
    client = serving.client(box.command)
    client.until(b"\n> ")
    return lambda text: client.ask(text.encode() + b"\n", b"\n> ").decode()[:-3]


# --- Toptica's own SDK -------------------------------------------------------------------------


@pytest.fixture
def sdk(box):
    connection = NetworkConnection("127.0.0.1", box.command.port, box.monitor.port, timeout=5)
    with DLCpro(connection) as client:
        yield client


def test_the_makers_client_reads_every_type(sdk) -> None:
    assert sdk.serial_number.get() == "DLC PRO_020295"
    assert sdk.emission.get() is True
    assert sdk.system_health.get() == 0
    assert sdk.laser1.dl.cc.current_set.get() == 90.0
    assert sdk.laser1.amp.seedonly_check.shutdown_delay.get() == 0.05
    assert sdk.laser1.scope.data.get() == b""


def test_the_makers_client_sets_and_the_light_follows(sdk, world) -> None:
    laser = sdk.laser1
    assert laser.dl.cc.enabled.set(True) == 0
    assert laser.amp.pd.seed.power.get() == pytest.approx(20.0, rel=0.02)
    laser.amp.cc.enabled.set(True)
    laser.amp.cc.current_set.set(2500.0)
    assert laser.amp.cc.current_act.get() == 2500.0
    assert laser.amp.pd.amp.power.get() == pytest.approx(613.0, rel=0.02)
    with world.lock:
        assert world.light.field().power_mw == pytest.approx(515.0, rel=0.02)


def test_what_comes_to_the_amplifiers_set_current_up_to_its_clip(sdk) -> None:
    cc, piezo = sdk.laser1.amp.cc, sdk.laser1.dl.pc
    sdk.laser1.dl.cc.enabled.set(True)
    cc.enabled.set(True)
    cc.current_set.set(100.0)
    cc.external_input.factor.set(50.0)
    assert cc.current_act.get() == 100.0
    cc.external_input.enabled.set(True)
    assert cc.current_act.get() == pytest.approx(150.0)
    cc.feedforward_factor.set(10.0)
    cc.feedforward_enabled.set(True)
    piezo.voltage_set.set(20.0)
    assert cc.current_act.get() == pytest.approx(350.0)
    assert cc.current_set.get() == 100.0
    cc.current_clip.set(300.0)
    assert cc.current_act.get() == pytest.approx(300.0)
    cc.current_clip.set(2000.0)
    piezo.voltage_set.set(140.0)
    assert cc.current_act.get() == pytest.approx(1550.0)
    cc.feedforward_enabled.set(False)
    cc.external_input.enabled.set(False)
    assert cc.current_act.get() == pytest.approx(100.0)


def test_the_makers_client_sees_refusals(sdk) -> None:
    with pytest.raises(DecopError):
        sdk.laser1.amp.cc.current_set.set(2500.1)
    assert sdk.laser1.amp.cc.current_set.get() == 0.0


def test_the_makers_plain_client_sees_errors(box) -> None:
    with Client(NetworkConnection("127.0.0.1", box.command.port, 0, timeout=5)) as client:
        with pytest.raises(DecopError, match="-3"):
            client.get("laser1:no-such")
        with pytest.raises(DecopError):
            client.set("emission", False)
        with pytest.raises(DecopError, match="unknown command"):
            client.exec("no-such-command")
        assert client.get("echo") is False


def test_the_makers_client_changes_the_user_level_and_disarms_the_guard(sdk) -> None:
    limits = sdk.laser1.amp.seed_limits
    with pytest.raises(DecopError):
        limits.power_min_shutdown_delay.set(0.0)
    assert sdk.change_ul(UserLevel.MAINTENANCE, "wrong") == 3
    assert sdk.change_ul(UserLevel.MAINTENANCE, "CAUTION") == 2
    limits.power_min_shutdown_delay.set(0.0)
    assert limits.power_min_shutdown_delay.get() == 0.0


def test_the_makers_client_gets_text_output(sdk) -> None:
    assert "OK" in sdk.system_summary()
    sdk.laser1.save()


def test_the_makers_client_subscribes(sdk, eventually) -> None:
    seen = []
    with sdk.laser1.dl.cc.enabled.subscribe(lambda _s, _t, value: seen.append(value.get())):
        deadline = time.monotonic() + 20.0
        while not seen and time.monotonic() < deadline:
            sdk.poll()
        assert seen[0] is False
        sdk.laser1.dl.cc.enabled.set(True)
        while True not in seen and time.monotonic() < deadline:
            sdk.poll()
    assert True in seen


# --- bytes -------------------------------------------------------------------------------------


def test_banner_and_prompt(box, serving) -> None:
    client = serving.client(box.command)
    banner = client.until(b"\n> ")
    assert banner.endswith(b"DeCoF Command Line\r\n> ")


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("(param-ref 'laser1:dl:cc:current-set)", "90.0"),
        ("(param-gsv 'laser1:dl:cc:current-set)", "90.0"),
        ("(param-set! 'laser1:dl:cc:current-set 80)", "0"),
        ("(param-set! 'laser1:dl:cc:current-set 80.5)", "0"),
        ("(param-set! 'laser1:dl:cc:current-set 100.5)", "-11"),
        ("(param-set! 'laser1:dl:cc:current-set #t)", "-5"),
        ("(param-set! 'laser1:dl:cc:current-set 1e400)", "-5"),
        ("(param-set! 'laser1:dl:cc:enabled 1)", "-5"),
        ("(param-set! 'emission #f)", "-4"),
        ("(param-set! 'no-such 1)", "-3"),
        ("(param-ref 'ul)", "3"),
        ("(param-ref 'echo)", "#f"),
        ("`(,(param-ref 'emission),(param-ref 'fw-ver) 7)", '(#t "3.3.3" 7)'),
        (
            "(+ (param-set! 'laser1:dl:cc:enabled #t)(param-set! 'laser1:dl:cc:current-set 70))",
            "0",
        ),
        ("(+ (param-set! 'laser1:dl:cc:enabled #t)(param-set! 'emission #t))", "-4"),
        ('(exec \'change-ul 2 "CAUTION")', "2"),
        ("(exec 'laser1:save)", "()"),
        ("(exec 'system-connections)", "laser1: TA pro head\n1"),
        ("", ""),
    ],
)
def test_replies(line, asked, answered) -> None:
    assert line(asked) == answered


@pytest.mark.parametrize(
    "asked",
    [
        "(param-ref 'no-such)",
        "(exec 'no-such)",
        "(param-ref emission)",
        "(param-ref 'emission",
        "emission",
        ")",
        "(quit",
        '"abc',
        "(+ #t 1)",
        "(" * 200 + ")" * 200,
        "('emission)",
    ],
)
def test_errors_are_said_and_the_line_lives_on(line, asked) -> None:
    assert line(asked).startswith("Error: -")
    assert line("(param-ref 'emission)") == "#t"


def test_echo_repeats_the_command_until_it_is_off(line) -> None:
    assert line("(param-set! 'echo #t)") == "0"
    assert line("(param-ref 'emission)") == "(param-ref 'emission)\n#t"
    line("(param-set! 'echo #f)")
    assert line("(param-ref 'emission)") == "#t"


def test_a_lower_clip_takes_the_setpoint_along(line) -> None:
    assert line("(param-set! 'laser1:dl:cc:current-clip 60.0)") == "0"
    assert line("(param-ref 'laser1:dl:cc:current-set)") == "60.0"
    assert line("(param-set! 'laser1:dl:cc:current-clip 121.0)") == "-11"


def test_every_parameter_can_be_listed_and_read_back(line) -> None:
    *rows, last = line("(param-disp)").splitlines()
    assert last == "()"
    assert len(rows) > 150
    for row in rows[::10]:
        name, shown = row.split(" ", 1)
        assert type(read(line(f"(param-ref '{name})"))) is type(read(shown))
    node = line("(param-disp 'laser1:amp:seed-limits)").splitlines()[:-1]
    assert len(node) == 10
    assert all(row.startswith("laser1:amp:seed-limits:") for row in node)


def test_quit_closes_the_connection(box, serving) -> None:
    client = serving.client(box.command)
    client.until(b"\n> ")
    client.send(b"(quit)\n")
    with pytest.raises(EOFError):
        client.until(b"\n> ")


def test_the_box_shuts_an_unseeded_amplifier_down_and_says_so(line, world, eventually) -> None:
    for setting in ("dl:cc:enabled #t", "amp:cc:enabled #t", "amp:cc:current-set 1000.0"):
        assert line(f"(param-set! 'laser1:{setting})") == "0"
    with world.lock:
        world.light.lose_seed()
    eventually(lambda: line("(param-ref 'laser1:amp:cc:enabled)") == "#f")
    assert line("(param-ref 'laser1:amp:seed-limits:status-txt)") == '"shutdown"'
    assert "seed power too low" in line("(param-ref 'laser1:health-txt)")
    with world.lock:
        assert 0.0 < world.light.amplifier.dose_a_s < 0.7 * 0.06


def test_interlock_needs_the_button_again(line, world) -> None:
    with world.lock:
        world.light.set_interlock(True)
    assert line("(param-ref 'emission)") == "#f"
    assert line("(param-set! 'emission-button-enabled #t)") == "-11"
    with world.lock:
        world.light.set_interlock(False)
    assert line("(param-ref 'emission)") == "#f"
    assert line("(param-set! 'emission-button-enabled #t)") == "0"
    assert line("(param-ref 'emission)") == "#t"


def test_a_destroyed_amplifier_says_so(line, world) -> None:
    with world.lock:
        world.light.amplifier.dose_a_s = world.light.amplifier.dose_limit_a_s
    assert "damaged" in line("(param-ref 'laser1:health-txt)")
    assert line("(param-ref 'laser1:amp:cc:status-txt)") == '"damaged"'


def test_a_thermostat_settles(world, wall) -> None:
    still = World(Truth(), RigClock(1.0, wall), 1)
    box = DlcProBox(still)
    box.tree.put("laser1:amp:tc:temp-set", 25.0, 3)
    assert box.tree.get("laser1:amp:tc:ready") is False
    wall.pass_(60.0)
    assert box.tree.get("laser1:amp:tc:temp-act") == pytest.approx(25.0, abs=0.01)
    assert box.tree.get("laser1:amp:tc:ready") is True
    assert box.tree.get("laser1:amp:tc:resistance") == pytest.approx(10000.0, rel=1e-3)


# --- monitoring line ---------------------------------------------------------------------------


def test_monitoring_sends_the_first_value_at_once_and_more_until_removed(box, serving) -> None:
    client = serving.client(box.monitor)
    first = client.ask(b"(add 'uptime 20)\n", b"\n").decode()
    stamp, name, value = first.strip("()\n").split(" ")
    datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ")
    assert name == "'uptime"
    assert int(value) >= 0
    assert client.until(b"\n").startswith(b"(")
    client.send(b"(remove 'uptime)\n")
    while not client.silent_for(0.1):
        client.until(b"\n")


def test_monitoring_with_a_threshold_is_silent_while_nothing_changes(box, serving, world) -> None:
    client = serving.client(box.monitor)
    client.ask(b"(add 'laser1:dl:cc:current-set 10 1.0)\n", b"\n")
    assert client.silent_for(0.1)
    with world.lock:
        world.light.set_seed(current_ma=50.0)
    assert b" 50.0)" in client.until(b"\n")


def test_monitoring_errors(box, serving) -> None:
    client = serving.client(box.monitor)
    reply = client.ask(b"(add 'no-such 10)\n", b"\n").decode()
    assert reply.startswith("(Error: -3 (")
    assert "'no-such)" in reply
    assert client.ask(b"(add 5)\n", b"\n").startswith(b"(Error: ")
    assert client.ask(b"nonsense(\n", b"\n").startswith(b"(Error: ")


def test_wire_faults_reach_both_lines(box, serving) -> None:
    client = serving.client(box.command)
    client.until(b"\n> ")
    serving.call(box.command.set_fault, WireFault("no_reply", left=1))
    client.send(b"(param-ref 'emission)\n")
    assert client.silent_for(0.1)


# --- the language ------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.booleans()
        | st.integers(-(10**17), 10**17)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda inner: st.lists(inner, min_size=1, max_size=4).map(tuple),
        max_leaves=8,
    )
)
def test_what_is_written_reads_back(value) -> None:
    def listed(v):
        return [listed(x) for x in v] if isinstance(v, tuple) else v

    assert read(write(value)) == listed(value)


def test_a_real_always_has_a_dot() -> None:
    assert write(1e-7) == "1.0e-07"
    assert write(1e22) == "1.0e+22"
    assert write(5.0) == "5.0"
    assert write(b"\x00\x01") == "&AAE="


def test_quotes_and_symbols() -> None:
    assert read("'a:b-c") == Prefixed("'", Symbol("a:b-c"))
    with pytest.raises(DecopSyntaxError):
        read("1 2")


WORDS = st.sampled_from(
    [b"(", b")", b"'", b"`", b",", b'"', b"param-ref", b"param-set!", b"exec", b"emission", b" ",
     b"laser1:dl:cc:current-set", b"echo", b"add", b"remove", b"+", b"1e999", b"-5", b"#t", b"\n"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=8) | WORDS, max_size=40), st.booleans())
def test_any_bytes_are_survived(fake_link, fuzzed_box, pieces, monitoring) -> None:
    link = fake_link()
    session = (MonitoringLine if monitoring else CommandLine)(link, fuzzed_box)
    session.opened()
    for piece in pieces:
        session.feed(piece)
    link.sent = b""
    if monitoring:
        session.feed(b"\n(add 'fw-ver)\n")
        assert link.sent.endswith(b'\'fw-ver "3.3.3")\n')
    elif not link.closed:
        session.feed(b"\n(param-set! 'echo #f)\n(param-ref 'fw-ver)\n")
        assert link.sent.endswith(b'"3.3.3"\n> ')


@pytest.fixture(scope="module")
def fuzzed_box() -> DlcProBox:
    return DlcProBox(World(Truth(), RigClock(), 1))


def test_a_restart_ends_the_light_and_mends_no_chip(make_world, wall) -> None:
    world = make_world()
    box = DlcProBox(world)
    light = world.light
    light.set_seed(enabled=True)
    light.set_amplifier(enabled=True, current_ma=2500.0)
    light.set_guard(seed_limits_delay_s=0.0, seedonly_delay_s=0.0)
    light.lose_seed()
    wall.pass_(0.4)
    box.power_cycle()
    assert box.tree.get("laser1:amp:cc:enabled") is False
    assert box.tree.get("laser1:dl:cc:enabled") is False
    assert box.tree.get("uptime") == 0
    light.recover_seed()
    light.set_seed(enabled=True)
    light.set_amplifier(enabled=True)
    wall.pass_(60.0)
    assert box.tree.get("laser1:amp:output-limits:power") < 0.05 * 595.0
    assert light.amplifier.destroyed
