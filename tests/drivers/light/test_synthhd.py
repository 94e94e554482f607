"""SynthHD: bytes on the wire and failures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import ConnectionLost, DeviceFault, DriverError, OutOfRange, ProtocolError
from drivers.errors import Timeout as DriverTimeout
from drivers.interfaces import Identity, Range, SidebandLimits, SidebandStatus
from drivers.windfreak_synthhd import SynthHD

LIMITS = SidebandLimits(frequency_mhz=Range(10.0, 3000.0), power_dbm=Range(-60.0, 15.0))


def ask(commands: str, answer: str) -> list:
    return [("expect", commands.encode()), ("send", f"{answer}\n".encode())]


OPEN = [*ask("+", "WFT SynthHD 1230"), *ask("v0", "Firmware Version 3.25")]
CHANNEL_A = ask("C0C?", "0")
MOTIONS = "gcA/jw"
"""Sweeps, modulations, pulses, trigger function."""
STILL = [step for letter in MOTIONS for step in ask(f"{letter}0{letter}?", "0")]


@pytest.fixture
def synth_at():
    made = []

    def make(url, channel=0, timeout_s=5.0, lock_timeout_s=5.0):
        synth = SynthHD(
            "sideband",
            url,
            LIMITS,
            channel=channel,
            timeout_s=timeout_s,
            lock_timeout_s=lock_timeout_s,
            sleep=lambda _: None,
        )
        made.append(synth)
        return synth

    yield make
    for synth in made:
        synth.close()


def test_connect_identifies(scripted, synth_at):
    server = scripted([*OPEN, *CHANNEL_A, *STILL, *CHANNEL_A, *STILL])
    synth = synth_at(server.url)
    identity = Identity("Windfreak", "SynthHD", "1230", "3.25")
    assert synth.connect() == identity
    assert synth.connect() == identity


def test_frequency_is_read_back_and_the_pll_awaited(scripted, synth_at):
    server = scripted(
        [
            *OPEN,
            *CHANNEL_A,
            *ask("f650.00000000f?", "650.00000000"),
            *ask("E?", "1"),
            *ask("p", "0"),
            *ask("p", "0"),
            *ask("p", "1"),
        ]
    )
    assert synth_at(server.url).set_frequency(650.0) == 650.0


def test_frequency_with_rf_off_does_not_wait_for_the_pll(scripted, synth_at):
    server = scripted([*OPEN, *CHANNEL_A, *ask("f650.12345678f?", "650.12340000"), *ask("E?", "0")])
    assert synth_at(server.url).set_frequency(650.12345678) == 650.1234


def test_pll_that_does_not_lock_is_a_fault(scripted, synth_at):
    server = scripted(
        [
            *OPEN,
            *CHANNEL_A,
            *ask("f650.00000000f?", "650.00000000"),
            *ask("E?", "1"),
            ("expect", b"p"),
            ("wait", 0.03),
            ("send", b"0\n"),
        ]
    )
    with pytest.raises(DeviceFault, match=r"did not lock within 0\.02 s"):
        synth_at(server.url, lock_timeout_s=0.02).set_frequency(650.0)


def test_power_on_channel_b(scripted, synth_at):
    server = scripted([*OPEN, *ask("C1C?", "1"), *ask("W-10.500W?", "-10.500")])
    assert synth_at(server.url, channel=1).set_power(-10.5) == -10.5


@pytest.mark.parametrize(
    ("move", "value", "answer", "words"),
    [
        ("set_power", 7.0, "5.000", "power set to 7 dBm, but the box kept 5 dBm"),
        ("set_frequency", 650.0, "600.0", "frequency set to 650 MHz, but the box kept 600 MHz"),
    ],
)
def test_another_value_kept_is_a_fault(scripted, synth_at, move, value, answer, words):
    request = f"W{value:.3f}W?" if move == "set_power" else f"f{value:.8f}f?"
    server = scripted([*OPEN, *CHANNEL_A, *ask(request, answer)])
    with pytest.raises(DeviceFault, match=words):
        getattr(synth_at(server.url), move)(value)


def test_rf_on_checks_what_stands_in_the_box_and_all_three_switches(scripted, synth_at):
    server = scripted(
        [
            *OPEN,
            *CHANNEL_A,
            *STILL,
            *ask("f?", "650.00000000"),
            *ask("W?", "10.000"),
            *ask("E1C?", "0"),
            *ask("E?", "1"),
            *ask("p", "1"),
            *ask("r1C?", "0"),
            *ask("r?", "1"),
            *ask("h1C?", "0"),
            *ask("h?", "1"),
        ]
    )
    synth_at(server.url).rf_on()


def test_rf_on_with_too_much_power_in_the_box_is_refused(scripted, synth_at):
    server = scripted([*OPEN, *CHANNEL_A, *STILL, *ask("f?", "650.0"), *ask("W?", "18.000")])
    with pytest.raises(OutOfRange, match="power 18 is outside -60 to 15 dBm"):
        synth_at(server.url).rf_on()


@pytest.mark.parametrize("use", ["connect", "rf_on"])
def test_a_sweep_that_stays_on_is_no_level(scripted, synth_at, use):
    """`W?` tells the base level, the sweep goes up to `]`."""
    server = scripted([*OPEN, *CHANNEL_A, *ask("g0g?", "0"), *ask("c0c?", "1")])
    with pytest.raises(DeviceFault, match=r"its endless sweep \('c'\) stays on"):
        getattr(synth_at(server.url), use)()


OFF = [
    *ask("h0C?", "0"),
    *ask("h?", "0"),
    *ask("r0C?", "0"),
    *ask("r?", "0"),
    *ask("E0C?", "0"),
    *ask("E?", "0"),
]


def test_rf_off(scripted, synth_at):
    server = scripted([*OPEN, *CHANNEL_A, *OFF])
    synth_at(server.url).rf_off()


def test_a_switch_that_sticks_is_a_fault(scripted, synth_at):
    server = scripted([*OPEN, *CHANNEL_A, *ask("h0C?", "0"), *ask("h?", "1")])
    with pytest.raises(DeviceFault, match="switch 'h' did not become 0"):
        synth_at(server.url).rf_off()


def test_make_safe_tries_again_on_a_new_connection(scripted, synth_at):
    server = scripted(
        [*OPEN, *CHANNEL_A, ("expect", b"h0C?"), ("close", b"")], [*OPEN, *CHANNEL_A, *OFF]
    )
    synth_at(server.url).make_safe()


@pytest.mark.parametrize(
    ("r", "e", "h", "on"), [(1, 1, 1, True), (0, 1, 1, False), (1, 0, 1, False), (1, 1, 0, False)]
)
def test_rf_is_on_only_if_all_three_switches_are(scripted, synth_at, r, e, h, on):
    server = scripted(
        [
            *OPEN,
            *CHANNEL_A,
            *ask("f?", "10000.00000000"),
            *ask("W?", "-30.000"),
            *ask("r?", str(r)),
            *ask("E?", str(e)),
            *ask("h?", str(h)),
            *ask("p", "1"),
            *ask("U?", "5"),
            *ask("z", "28.625"),
        ]
    )
    assert synth_at(server.url).status() == SidebandStatus(10000.0, -30.0, on, True, 28.625)


@pytest.mark.parametrize("told", [[*ask("p", "0")], [*ask("p", "1"), *ask("U?", "0")]])
def test_a_synthesiser_without_its_charge_pump_is_not_locked(scripted, synth_at, told):
    levels = [*ask("f?", "650.0"), *ask("W?", "-30.000")]
    switches = [*ask("r?", "1"), *ask("E?", "1"), *ask("h?", "1")]
    server = scripted([*OPEN, *CHANNEL_A, *levels, *switches, *told, *ask("z", "28.625")])
    assert synth_at(server.url).status().pll_locked is False


@pytest.mark.parametrize("value", [9.99, 3000.1, float("nan"), float("inf"), -650.0])
def test_limits_are_checked_before_a_byte_is_sent(synth_at, dead_port, value):
    synth = synth_at(f"socket://127.0.0.1:{dead_port}")
    with pytest.raises(OutOfRange, match="is outside 10 to 3000 MHz"):
        synth.set_frequency(value)
    with pytest.raises(OutOfRange, match="is outside -60 to 15 dBm"):
        synth.set_power(value if value != 9.99 else 15.1)


def test_late_answer_does_not_reach_the_next_query(scripted, synth_at):
    # On a USB line the late answer survives the reopening: it comes before the identity.
    server = scripted(
        [*OPEN, *CHANNEL_A, ("expect", b"f?")],
        [
            ("expect", b"+"),
            ("send", b"650.00000000\n"),
            ("send", b"WFT SynthHD 1230\n"),
            *ask("v0", "Firmware Version 3.25"),
            *CHANNEL_A,
            *ask("W-10.000W?", "-10.000"),
        ],
    )
    synth = synth_at(server.url, timeout_s=0.5)
    with pytest.raises(DriverTimeout):
        synth.status()
    assert synth.set_power(-10.0) == -10.0


def test_an_answer_too_many_closes_the_connection(scripted, synth_at):
    server = scripted(
        [*OPEN, ("expect", b"C0C?"), ("send", b"0\n650.00000000\n")],
        [*OPEN, *CHANNEL_A, *ask("W0.000W?", "0.000")],
    )
    synth = synth_at(server.url)
    with pytest.raises(ProtocolError, match="unintelligible answer '650"):
        synth.set_power(0.0)
    assert synth.set_power(0.0) == 0.0


def test_wrong_channel_and_half_an_answer(scripted, synth_at):
    server = scripted(
        [*OPEN, *ask("C0C?", "1")], [*OPEN, *CHANNEL_A, ("expect", b"W0.000W?"), ("send", b"0.0")]
    )
    synth = synth_at(server.url, timeout_s=0.5)
    with pytest.raises(ProtocolError, match="channel 0 was selected"):
        synth.set_power(0.0)
    with pytest.raises(DriverTimeout, match=r"only b'0\.0'"):
        synth.set_power(0.0)


def test_another_instrument_at_the_address(scripted, synth_at):
    server = scripted([("expect", b"+"), ("send", b"RIGOL TECHNOLOGIES,DSG830\n" * 6)])
    with pytest.raises(ProtocolError, match="RIGOL"):
        synth_at(server.url).connect()


def test_refused(synth_at, dead_port):
    with pytest.raises(ConnectionLost, match="sideband: cannot open"):
        synth_at(f"socket://127.0.0.1:{dead_port}").connect()


def test_channel_must_be_a_or_b():
    with pytest.raises(ValueError, match="channel is 0"):
        SynthHD("sideband", "socket://127.0.0.1:1", LIMITS, channel=2)


class CannedStream:
    """Hands out `lines`, then times out."""

    def __init__(self, lines):
        self.lines = list(lines)
        self.is_open = False

    def open(self):
        self.is_open = True

    def close(self):
        self.is_open = False

    def write(self, data):
        pass

    def discard(self, quiet_s):
        return b""

    def read_line(self):
        if self.lines:
            return self.lines.pop(0)
        self.close()
        raise DriverTimeout("sideband", "no answer")


@settings(max_examples=150, deadline=None)
@given(
    identified=st.booleans(),
    lines=st.lists(st.sampled_from([b"0", b"1", b"650.0"]) | st.binary(max_size=20), max_size=20),
    command=st.sampled_from(["connect", "status", "rf_on", "rf_off", "make_safe", "set_power"]),
)
def test_whatever_the_box_says_only_driver_errors_come_out(identified, lines, command):
    hello = [b"WFT SynthHD 1", b"Firmware Version 3", b"0"] if identified else []
    synth = SynthHD(
        "sideband", "", LIMITS, lock_timeout_s=0.0, stream=CannedStream(hello + lines),
        sleep=lambda _: None,
    )  # fmt: skip
    try:
        getattr(synth, command)(*([0.0] if command == "set_power" else []))
        outcome = ""
    except DriverError as error:
        outcome = error.instrument
    assert outcome in ("", "sideband")
