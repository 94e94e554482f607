"""DLC pro: bytes on the wire, and every way in which the wire can fail."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toptica.lasersdk.client import DecopError
from toptica.lasersdk.decop import decode_value_inferred

from drivers.dlcpro import DlcPro
from drivers.dlcpro.link import DecopLink
from drivers.errors import (
    ConnectionLost,
    DeviceFault,
    DriverError,
    InterlockOpen,
    OutOfRange,
    ProtocolError,
    Timeout,
)
from drivers.fair_lock import FairLock
from drivers.interfaces import AmplifierLimits, AmplifierStatus, Identity, Range

LIMITS = AmplifierLimits(
    seed_current_ma=Range(0.0, 110.0),
    amplifier_current_ma=Range(0.0, 2500.0),
    unseeded_ceiling_ma=300.0,
    seed_power_min_mw=10.0,
    ramp_step_ma=50.0,
)
HELLO = [
    ("send", b"DLC PRO_020295\r\nWelcome to DLC pro\r\nDeCoF Command Line\r\n> "),
    ("expect", b"(param-set! 'echo #f)\n"),
    ("send", b"0\n> "),
]


def ref(name: str, answer: str) -> list:
    return [
        ("expect", f"(param-ref '{name})\n".encode()),
        ("send", f"{answer}\r\n> ".encode()),
    ]


def put(name: str, value: str, answer: str = "0") -> list:
    return [
        ("expect", f"(param-set! '{name} {value})\n".encode()),
        ("send", f"{answer}\n> ".encode()),
    ]


def amplifier(on: str, set_ma: str, act_ma: str) -> list:
    return [
        *ref("laser1:amp:cc:enabled", on),
        *ref("laser1:amp:cc:current-set", set_ma),
        *ref("laser1:amp:cc:current-act", act_ma),
    ]


def seed(on: str, power_mw: str) -> list:
    return [
        *ref("laser1:dl:cc:emission", on),
        *ref("laser1:amp:seed-limits:power", power_mw),
    ]


GUARD = [
    *ref("laser1:amp:seed-limits:power-min", "8.0"),
    *ref("laser1:amp:seed-limits:power-min-shutdown-delay", "0.1"),
    *ref("laser1:amp:seedonly-check:shutdown-delay", "0.05"),
]
CLIPS = [
    *ref("laser1:dl:cc:current-clip", "106.0"),
    *ref("laser1:amp:cc:current-clip", "2500.0"),
]
SET_ALONE = [
    *ref("laser1:amp:cc:external-input:enabled", "#f"),
    *ref("laser1:amp:cc:feedforward-enabled", "#f"),
]
IDENTITY = [
    *ref("system-type", '"DLC pro"'),
    *ref("serial-number", '"DLC PRO_020295"'),
    *ref("fw-ver", '"3.3.3"'),
]


@pytest.fixture
def dlc_at():
    made = []

    def make(port, timeout_s=5.0):
        driver = DlcPro(
            "amplifier",
            "127.0.0.1",
            port,
            LIMITS,
            timeout_s=timeout_s,
            emission_timeout_s=5.0,
            sleep=lambda _: None,
        )
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def link_at():
    made = []

    def make(port, timeout_s=5.0, host="127.0.0.1"):
        made.append(DecopLink("amplifier", host, port, timeout_s))
        return made[-1]

    yield make
    for link in made:
        link.close()


# --- the link -------------------------------------------------------------------------------


def test_late_answer_never_reaches_the_next_query(scripted, link_at):
    # Measured with the bare SDK: the seed's current came back as the amplifier's 2500.12 mA.
    server = scripted(
        [
            *HELLO,
            ("expect", b"(param-ref 'laser1:amp:cc:current-set)\n"),
            ("wait", 0.6),
            ("send", b"2500.12\n> "),
        ],
        [
            *HELLO,
            ("expect", b"(param-ref 'laser1:dl:cc:current-set)\n"),
            ("wait", 0.25),
            ("send", b"94.5\n> "),
        ],
    )
    link = link_at(server.port, timeout_s=0.5)
    with pytest.raises(Timeout, match=r"no answer within 0.5 s to: read laser1:amp:cc:current-set"):
        link.read_real("laser1:amp:cc:current-set")
    assert link.read_real("laser1:dl:cc:current-set") == 94.5


def test_an_answer_too_many_closes_the_connection(scripted, link_at):
    server = scripted(
        [*HELLO, ("expect", b"(param-ref 'a)\n"), ("send", b"1.0\n> 2500.12\n> ")],
        [*HELLO, *ref("b", "94.5")],
    )
    link = link_at(server.port)
    assert link.read_real("a") == 1.0
    time.sleep(0.05)  # lets the second answer arrive
    with pytest.raises(ProtocolError, match="an answer too many"):
        link.read_real("b")
    assert link.read_real("b") == 94.5


@pytest.mark.parametrize(
    "answer",
    ["94", "#t", '"94.5"', "nan", "inf", "garbage", "", "1.0 2.0", "94.5\n0", "(1 2)", "&A"],
)
def test_an_answer_of_another_type_is_refused(scripted, link_at, answer):
    server = scripted([*HELLO, *ref("x", answer)], [*HELLO, *ref("x", "94.5")])
    link = link_at(server.port)
    with pytest.raises(ProtocolError):
        link.read_real("x")
    assert link.read_real("x") == 94.5


def test_half_an_answer_times_out(scripted, link_at):
    server = scripted(
        [*HELLO, ("expect", b"(param-ref 'x)\n"), ("send", b"94.")], [*HELLO, *ref("x", "94.5")]
    )
    link = link_at(server.port, timeout_s=0.5)
    with pytest.raises(Timeout):
        link.read_real("x")
    assert link.read_real("x") == 94.5


def test_refusals_of_the_box_keep_the_connection(scripted, link_at):
    server = scripted(
        [
            *HELLO,
            *ref("x", "Error: -3 no such parameter"),
            *put("y", "5.0", "-12"),
            *put("y", "5.0", "Warning: clipped\n3"),
            *ref("x", "1.5"),
        ]
    )
    link = link_at(server.port)
    with pytest.raises(DeviceFault, match="Error: -3 no such parameter"):
        link.read_real("x")
    with pytest.raises(DeviceFault, match=r"refused to set y to 5.0.*-12"):
        link.write("y", 5.0)
    link.write("y", 5.0)  # a positive status is a warning; the caller reads back
    assert link.read_real("x") == 1.5


@pytest.mark.parametrize("answer", ["", "ok", "1.5"])
def test_a_set_without_status_is_refused(scripted, link_at, answer):
    server = scripted([*HELLO, *put("y", "#t", answer)])
    with pytest.raises(ProtocolError):
        link_at(server.port).write("y", True)


def test_connection_closed_by_the_box(scripted, link_at):
    server = scripted(
        [*HELLO, ("expect", b"(param-ref 'x)\n"), ("close", b"")], [*HELLO, *ref("x", "1.5")]
    )
    link = link_at(server.port)
    with pytest.raises(ConnectionLost):
        link.read_real("x")
    assert link.read_real("x") == 1.5


def test_connection_closed_while_idle(scripted, link_at):
    server = scripted([*HELLO, *ref("x", "1.5"), ("close", b"")], [*HELLO, *ref("x", "2.5")])
    link = link_at(server.port)
    assert link.read_real("x") == 1.5
    time.sleep(0.05)
    with pytest.raises(ConnectionLost):
        link.read_real("x")
    assert link.read_real("x") == 2.5


def test_refused_and_unknown_host(link_at, dead_port):
    with pytest.raises(ConnectionLost, match=r"cannot open 127.0.0.1:\d+.*the rig file"):
        link_at(dead_port).read_real("x")
    with pytest.raises(ConnectionLost, match=r"cannot open no-such-host\.invalid"):
        link_at(1998, host="no-such-host.invalid").read_real("x")


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 71998), ("a..b", 1998), ("x" * 300, 1998), ("a\0b", 1998)]
)
def test_an_address_that_cannot_be_one_is_a_lost_connection(link_at, host, port):
    with pytest.raises(ConnectionLost, match=r"cannot open .*the address in the rig file"):
        link_at(port, host=host).read_real("x")
    link_at(port, host=host).shout("laser1:amp:cc:enabled", False)


def test_silent_at_the_door(scripted, link_at):
    server = scripted([("wait", 0.01)])
    with pytest.raises((Timeout, ConnectionLost)):
        link_at(server.port, timeout_s=0.5).read_real("x")


def test_two_threads_never_swap_answers(parameter_box, link_at):
    box = parameter_box({"echo": "#f", "a": "1.0", "b": "2.0"})
    link = link_at(box.port)
    wrong: list[float] = []

    def ask(name: str, value: float) -> None:
        for _ in range(150):
            got = link.read_real(name)
            if got != value:
                wrong.append(got)

    threads = [threading.Thread(target=ask, args=pair) for pair in (("a", 1.0), ("b", 2.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


class Turns(FairLock):
    """A link's lock that counts the questions of each turn on the wire."""

    def __init__(self, link):
        super().__init__()
        self.questions: list[int] = []
        self._exchange, link._exchange = link._exchange, self._counted
        link.lock = self

    def __enter__(self):
        super().__enter__()
        if self._depth == 1:
            self.questions.append(0)
        return self

    def _counted(self, *arguments):
        self.questions[-1] += 1
        return self._exchange(*arguments)


def test_a_poll_takes_few_turns_on_the_wire_and_none_is_long(parameter_box, link_at):
    """Beside a ramp it waits for one of its turns before each; STOP waits for one of the poll's."""
    numbers = {
        **dict.fromkeys(("laser1:amp:cc:current-set", "laser1:amp:cc:current-act"), "1000.0"),
        **dict.fromkeys(("laser1:dl:cc:current-set", "laser1:dl:cc:current-act"), "90.0"),
        "laser1:amp:seed-limits:power": "20.0",
        "laser1:amp:output-limits:power": "200.0",
    }
    switches = ("emission-button-enabled", "laser1:amp:cc:emission", "laser1:dl:cc:emission")
    off = ("echo", "frontkey-locked", "interlock-open")
    box = parameter_box(
        numbers | dict.fromkeys(switches, "#t") | dict.fromkeys(off, "#f")
        | {"laser1:health-txt": '"OK"'}
    )  # fmt: skip
    link = link_at(box.port)
    link.open()
    turns = Turns(link)
    dlc = DlcPro("amplifier", "", 0, LIMITS, link=link)
    assert dlc.status().message == "OK"
    assert sum(turns.questions) == 15
    assert len(turns.questions) <= 11
    assert max(turns.questions) <= 2
    turns.questions.clear()
    dlc._verify_seed()
    assert turns.questions == [2]


def test_a_seed_reading_that_waits_for_the_wire_does_not_grow_old(parameter_box, link_at):
    box = parameter_box(
        {"echo": "#f", "laser1:dl:cc:emission": "#t", "laser1:amp:seed-limits:power": "20.0"}
    )
    link = link_at(box.port, timeout_s=5.0)
    now_s = [0.0]
    dlc = DlcPro("amplifier", "", 0, LIMITS, link=link, clock=lambda: now_s[0])
    deadline_s = time.monotonic() + 30.0
    with ThreadPoolExecutor() as pool:
        with link.lock:
            verified = pool.submit(dlc._verify_seed)
            while not link.lock._waiting:
                assert time.monotonic() < deadline_s
                time.sleep(0.002)
            now_s[0] += 10.0 * LIMITS.seed_reading_max_age_s
        verified.result(30.0)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda b: b.decode("utf-8", "replace")))
def test_whatever_the_box_says_only_driver_errors_come_out(text):
    class Client:
        """Decodes like the SDK, without a wire."""

        command_line_available = True

        def get(self, _):
            return decode_value_inferred(text)

        def close(self):
            raise DecopError("already gone")

    link = DecopLink("amplifier", "127.0.0.1", 1, 0.1)
    for read, kind in ((link.read_real, float), (link.read_bool, bool), (link.read_text, str)):
        link._client = Client()  # type: ignore[assignment]  # stands for an open connection
        with contextlib.suppress(DriverError):
            assert type(read("x")) is kind


# --- the driver's bytes -----------------------------------------------------------------------


def connecting(parameter: str, answer: str) -> list:
    """What `connect` asks, with another answer to one of its questions."""
    steps = [*HELLO, *amplifier("#f", "0.0", "0.0"), *IDENTITY, *GUARD, *CLIPS, *SET_ALONE]
    for place, (action, value) in enumerate(steps):
        if action == "expect" and parameter.encode() + b")" in value:
            steps[place + 1] = ("send", f"{answer}\n> ".encode())
    return steps


def test_connect_identifies_and_checks_the_guard(scripted, dlc_at):
    server = scripted(
        [*HELLO, *amplifier("#f", "0.0", "0.0"), *IDENTITY, *GUARD, *CLIPS, *SET_ALONE]
    )
    assert dlc_at(server.port).connect() == Identity(
        "TOPTICA", "DLC pro", "DLC PRO_020295", "3.3.3"
    )


@pytest.mark.parametrize(
    ("parameter", "answer", "words"),
    [
        ("seed-limits:power-min", "0.0", "power-min is 0 mW"),
        ("seed-limits:power-min", "Error: -3", "power-min is absent"),
        ("seed-limits:power-min-shutdown-delay", "0.0", "power-min-shutdown-delay is 0 s"),
        ("seedonly-check:shutdown-delay", "0.0", "seedonly-check:shutdown-delay is 0 s"),
        ("seedonly-check:shutdown-delay", "3600.0", "is 3600 s"),
        (
            "seed-limits:power-min-shutdown-delay",
            "1.0",
            r"is 1 s \(needed: above 0, at most 0.2 s, guard_delay_max_s of the rig file",
        ),
        ("seedonly-check:shutdown-delay", "0.201", "is 0.201 s"),
        (
            "seed-limits:power-min",
            "0.1",
            r"power-min is 0.1 mW \(needed: at least 5 mW, half of seed_power_min_mw of the rig",
        ),
        ("seed-limits:power-min", "4.99", "power-min is 4.99 mW"),
        ("seedonly-check:shutdown-delay", "Error: -3", "seedonly-check:shutdown-delay is absent"),
        (
            "laser1:amp:cc:current-clip",
            "3920.0",
            "3920 mA, above the rig file's amplifier limit 2500 mA",
        ),
        ("laser1:dl:cc:current-clip", "200.0", "200 mA, above the rig file's seed limit 110 mA"),
        ("laser1:amp:cc:current-clip", "Error: -3", "current-clip is absent"),
        ("amp:cc:external-input:enabled", "#t", "external-input:enabled is #t: it adds to the set"),
        ("amp:cc:feedforward-enabled", "#t", "feedforward-enabled is #t: it adds to the set"),
    ],
)
def test_connect_refuses_an_unguarded_box(scripted, dlc_at, parameter, answer, words):
    looks_before_it_refuses = amplifier("#f", "0.0", "0.0")
    server = scripted([*connecting(parameter, answer), *looks_before_it_refuses])
    with pytest.raises(InterlockOpen, match=words) as caught:
        dlc_at(server.port).connect()
    assert "set these parameters at the box" in caught.value.remedy


@pytest.mark.parametrize(
    ("parameter", "answer"),
    [
        ("seed-limits:power-min", "5.0"),
        ("seed-limits:power-min-shutdown-delay", "0.2"),
        ("seedonly-check:shutdown-delay", "0.2"),
        # firmware before 3.3 has no feed-forward of the amplifier's current
        ("amp:cc:feedforward-enabled", "Error: -3"),
    ],
)
def test_connect_takes_a_guard_that_is_just_good_enough(scripted, dlc_at, parameter, answer):
    assert dlc_at(scripted(connecting(parameter, answer)).port).connect().model == "DLC pro"


def test_connect_brings_an_unseeded_amplifier_down(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *amplifier("#t", "2000.0", "2000.1"),
            *seed("#t", "0.2"),
            *amplifier("#t", "2000.0", "2000.1"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *amplifier("#t", "0.0", "0.0"),
        ]
    )
    with pytest.raises(InterlockOpen, match=r"0.20 mW is below 10 mW; .*brought down to 0 mA"):
        dlc_at(server.port).connect()


def test_connect_brings_an_amplifier_down_that_its_box_does_not_guard(scripted, dlc_at):
    high = amplifier("#t", "2000.0", "2000.1")
    unguarded = [*GUARD[:4], *ref("laser1:amp:seedonly-check:shutdown-delay", "0.0")]
    server = scripted(
        [
            *HELLO,
            *high,
            *seed("#t", "20.0"),
            *IDENTITY,
            *unguarded,
            *CLIPS,
            *SET_ALONE,
            *high,
            *high,
            *put("laser1:amp:cc:current-set", "0.0"),
            *amplifier("#t", "0.0", "0.0"),
        ]
    )
    with pytest.raises(InterlockOpen, match=r"shutdown-delay is 0 s.*brought down to 0 mA") as told:
        dlc_at(server.port).connect()
    assert "set these parameters at the box" in told.value.remedy


def test_a_current_that_flows_beside_the_set_one_is_switched_off(scripted, dlc_at):
    """A 'down' that was kept does not bring it down."""
    server = scripted(
        [
            *HELLO,
            *amplifier("#t", "2000.0", "2400.0"),
            *seed("#t", "0.2"),
            *amplifier("#t", "2000.0", "2400.0"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *amplifier("#t", "0.0", "400.0"),
            *amplifier("#t", "0.0", "400.0"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *put("laser1:amp:cc:enabled", "#f"),
            *ref("laser1:amp:cc:enabled", "#f"),
        ]
    )
    with pytest.raises(InterlockOpen, match=r"0.20 mW is below 10 mW; .*was switched off"):
        dlc_at(server.port).connect()


def test_limits_are_checked_before_a_byte_is_sent(dlc_at, dead_port):
    dlc = dlc_at(dead_port)
    for move, value in (
        (dlc.set_seed_current, 110.1),
        (dlc.set_seed_current, -0.1),
        (dlc.set_amplifier_current, 2500.1),
        (dlc.set_amplifier_current, float("nan")),
        (dlc.set_amplifier_current, float("inf")),
    ):
        with pytest.raises(OutOfRange, match="is outside 0 to"):
            move(value)


def test_seed_current_and_seed_on(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *amplifier("#f", "0.0", "0.0"),
            *put("laser1:dl:cc:current-set", "90.0"),
            *ref("laser1:dl:cc:current-set", "90.0"),
            *put("laser1:dl:cc:enabled", "#t"),
            *ref("laser1:dl:cc:enabled", "#t"),
            *seed("#f", "0.0"),
            *seed("#t", "20.0"),
        ]
    )
    dlc = dlc_at(server.port)
    dlc.set_seed_current(90.0)
    dlc.seed_on()


def test_seed_current_that_the_box_clips_is_a_fault(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *amplifier("#f", "0.0", "0.0"),
            *put("laser1:dl:cc:current-set", "109.0"),
            *ref("laser1:dl:cc:current-set", "106.0"),
        ]
    )
    with pytest.raises(DeviceFault, match="set to 109 mA, but the box kept 106 mA"):
        dlc_at(server.port).set_seed_current(109.0)


def test_amplifier_on_and_ramp_verify_the_seed_before_each_step(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            # on
            *amplifier("#f", "1200.0", "0.0"),
            *GUARD,
            *CLIPS,
            *SET_ALONE,
            *seed("#t", "20.0"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *amplifier("#f", "0.0", "0.0"),
            *put("laser1:amp:cc:enabled", "#t"),
            *ref("laser1:amp:cc:enabled", "#t"),
            *ref("laser1:amp:cc:emission", "#t"),
            # to 320 mA: above the ceiling of 300, from 260 for brevity
            *amplifier("#t", "260.0", "260.0"),
            *GUARD,
            *CLIPS,
            *SET_ALONE,
            *amplifier("#t", "260.0", "260.0"),
            *seed("#t", "20.0"),
            *put("laser1:amp:cc:current-set", "310.0"),
            *amplifier("#t", "310.0", "309.9"),
            *seed("#t", "19.9"),
            *put("laser1:amp:cc:current-set", "320.0"),
            *amplifier("#t", "320.0", "320.0"),
            *seed("#t", "20.1"),
        ]
    )
    dlc = dlc_at(server.port)
    dlc.amplifier_on()
    dlc.set_amplifier_current(320.0)


def test_seed_lost_in_a_ramp_brings_the_amplifier_down_in_one_write(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *amplifier("#t", "300.0", "300.0"),
            *GUARD,
            *CLIPS,
            *SET_ALONE,
            *amplifier("#t", "300.0", "300.0"),
            *seed("#t", "20.0"),
            *put("laser1:amp:cc:current-set", "350.0"),
            *amplifier("#t", "350.0", "350.0"),
            *seed("#t", "3.0"),
            *amplifier("#t", "350.0", "350.0"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *amplifier("#t", "0.0", "0.0"),
        ]
    )
    with pytest.raises(InterlockOpen, match=r"seed power 3.00 mW.*brought down to 0 mA"):
        dlc_at(server.port).set_amplifier_current(500.0)


def test_another_value_kept_in_a_ramp_brings_the_amplifier_down(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *amplifier("#t", "300.0", "300.0"),
            *GUARD,
            *CLIPS,
            *SET_ALONE,
            *amplifier("#t", "300.0", "300.0"),
            *seed("#t", "20.0"),
            *put("laser1:amp:cc:current-set", "320.0"),
            *amplifier("#t", "2500.0", "1900.0"),
            *amplifier("#t", "2500.0", "2500.0"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *amplifier("#t", "2500.0", "2500.0"),  # still not: off
            *put("laser1:amp:cc:current-set", "0.0"),
            *put("laser1:amp:cc:enabled", "#f"),
            *ref("laser1:amp:cc:enabled", "#f"),
        ]
    )
    with pytest.raises(DeviceFault, match=r"kept 2500 mA; the amplifier was switched off"):
        dlc_at(server.port).set_amplifier_current(320.0)


def test_silence_in_a_ramp_brings_the_amplifier_down_on_a_new_connection(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *amplifier("#t", "300.0", "300.0"),
            *GUARD,
            *CLIPS,
            *SET_ALONE,
            *amplifier("#t", "300.0", "300.0"),
            *seed("#t", "20.0"),
            *put("laser1:amp:cc:current-set", "350.0"),
            *amplifier("#t", "350.0", "350.0"),
            ("expect", b"(param-ref 'laser1:dl:cc:emission)\n"),
        ],
        [
            *HELLO,
            *amplifier("#t", "350.0", "350.0"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *amplifier("#t", "0.0", "0.0"),
        ],
    )
    with pytest.raises(Timeout, match="brought down to 0 mA"):
        dlc_at(server.port, timeout_s=0.5).set_amplifier_current(400.0)


def test_make_safe_goes_on_when_the_first_write_fails(scripted, dlc_at):
    server = scripted(
        [*HELLO, ("expect", b"(param-set! 'laser1:amp:cc:current-set 0.0)\n"), ("close", b"")],
        [("expect", b"(param-set! 'laser1:amp:cc:enabled #f)\n")],  # without waiting for a word
        [
            *HELLO,
            *put("laser1:amp:cc:enabled", "#f"),
            *ref("laser1:amp:cc:enabled", "#f"),
        ],
    )
    dlc_at(server.port).make_safe()


def test_make_safe_of_a_silent_box_still_sends_off(scripted, dlc_at):
    off = ("expect", b"(param-set! 'laser1:amp:cc:enabled #f)\n")
    silent = [("wait", 0.01)]
    server = scripted(silent, [off], silent, silent, [off])
    with pytest.raises(DeviceFault, match=r"IS NOT CONFIRMED.*turn the key"):
        dlc_at(server.port, timeout_s=0.1).make_safe()


def test_make_safe_of_a_dead_box_says_so(dlc_at, dead_port):
    with pytest.raises(DeviceFault, match=r"IS NOT CONFIRMED.*turn the key"):
        dlc_at(dead_port).make_safe()


def test_seed_off_is_refused_while_the_amplifier_is_high(scripted, dlc_at):
    server = scripted([*HELLO, *amplifier("#t", "2000.0", "2000.0")])
    with pytest.raises(InterlockOpen, match="seed stays on: the amplifier is at 2000 mA"):
        dlc_at(server.port).seed_off()


def test_amplifier_that_stays_dark_is_switched_off_again(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *amplifier("#f", "0.0", "0.0"),
            *GUARD,
            *CLIPS,
            *SET_ALONE,
            *seed("#t", "20.0"),
            *put("laser1:amp:cc:enabled", "#t"),
            *ref("laser1:amp:cc:enabled", "#t"),
            *ref("laser1:amp:cc:emission", "#f"),
            *put("laser1:amp:cc:current-set", "0.0"),
            *put("laser1:amp:cc:enabled", "#f"),
            *ref("laser1:amp:cc:enabled", "#f"),
        ]
    )
    times = iter([0.0, 0.0, 0.0, 99.0])  # seed asked, seed read, wait begins, wait is over
    dlc = DlcPro(
        "amplifier",
        "127.0.0.1",
        server.port,
        LIMITS,
        sleep=lambda _: None,
        clock=lambda: next(times),
    )
    with pytest.raises(DeviceFault, match="amplifier was switched on but does not emit"):
        dlc.amplifier_on()
    dlc.close()


def test_status(scripted, dlc_at):
    server = scripted(
        [
            *HELLO,
            *ref("emission-button-enabled", "#t"),
            *ref("frontkey-locked", "#f"),
            *ref("laser1:amp:cc:emission", "#t"),
            *ref("laser1:amp:cc:current-set", "1500.0"),
            *ref("laser1:amp:cc:current-act", "1499.7"),
            *ref("laser1:dl:cc:emission", "#t"),
            *ref("laser1:dl:cc:current-set", "90.0"),
            *ref("laser1:dl:cc:current-act", "90.02"),
            *ref("laser1:amp:seed-limits:power", "20.1"),
            *ref("laser1:amp:output-limits:power", "245.0"),
            *ref("interlock-open", "#f"),
            *GUARD,
            *ref("laser1:health-txt", '"OK"'),
        ]
    )
    assert dlc_at(server.port).status() == AmplifierStatus(
        seed_on=True,
        seed_current_set_ma=90.0,
        seed_current_ma=90.02,
        seed_power_mw=20.1,
        amplifier_on=True,
        amplifier_current_set_ma=1500.0,
        amplifier_current_ma=1499.7,
        output_power_mw=245.0,
        interlock_open=False,
        emission_enabled=True,
        seed_protection_armed=True,
        message="OK",
    )
