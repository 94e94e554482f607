"""The SCPI generator against the exact bytes of the Rigol DSG800 and Keysight dialects."""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceFault, DriverError, OutOfRange, ProtocolError, Timeout
from drivers.interfaces import Range, SidebandGenerator, SidebandLimits, SidebandStatus
from drivers.scpi_generator import DIALECTS, KEYSIGHT, ScpiGenerator

CONDITION = b":STAT:QUES:FREQ:COND?"
STILL = {b":MOD:STAT?": b"0\n", b":SWE:STAT?": b"OFF\n"}
KEYSIGHT_STILL = {b":OUTP:MOD?": b"0\n", b":FREQ:MODE?": b"CW\n", b":POW:MODE?": b"FIX\n"}
"""What a box answers whose level and frequency stay where they are set."""
LIMITS = SidebandLimits(frequency_mhz=Range(500.0, 1500.0), power_dbm=Range(-30.0, 0.0))


@pytest.fixture
def generator(box) -> Iterator[ScpiGenerator]:
    box.answers |= STILL
    box.answers[b"*IDN?"] = b"Rigol Technologies,DSG830,DSG8A1,00.01.03\n"
    box.answers[b"SYST:ERR?"] = b'0,"No error"\n'
    box.answers[b":UNIT:POW?"] = b"DBM\n"
    generator = ScpiGenerator("isotope_offset", box.resource, LIMITS, timeout_s=0.5)
    generator.connect()
    box.received.clear()
    yield generator
    generator.close()


def test_connect_asks_who_answers_and_sets_the_unit_of_the_level(box):
    box.answers |= STILL
    box.answers[b"*IDN?"] = b"Rigol Technologies,DSG830,DSG8A1,00.01.03\n"
    box.answers[b":UNIT:POW?"] = [b"DBM\n", b"V\n"]
    generator: SidebandGenerator = ScpiGenerator("isotope_offset", box.resource, LIMITS)
    assert generator.connect().model == "DSG830"
    assert box.received == [
        b"*IDN?\n", b"*CLS\n", b":MOD:STAT?\n", b":SWE:STAT?\n", b":UNIT:POW DBM\n",
        b":UNIT:POW?\n",
    ]  # fmt: skip
    with pytest.raises(DeviceFault, match="unit DBM was set but the box kept 'V'"):
        generator.connect()
    generator.close()


def test_frequency_is_sent_in_hz_and_read_back(box, generator):
    box.answers[b":FREQ?"] = b"904000000.00\n"
    assert generator.set_frequency(904.0) == pytest.approx(904.0, abs=1e-9)
    assert box.received == [b":FREQ 904000000.00\n", b"SYST:ERR?\n", b":FREQ?\n"]


def test_power_is_sent_in_dbm_and_read_back(box, generator):
    box.answers[b":LEV?"] = b"-10.00\n"
    assert generator.set_power(-10.0) == -10.0
    assert box.received == [
        b":LEV -10.00dBm\n", b"SYST:ERR?\n", b":UNIT:POW?\n", b":LEV?\n",
    ]  # fmt: skip


def test_keysight_spells_the_level_differently(box):
    box.answers |= KEYSIGHT_STILL
    box.answers[b":POW?"] = b"-1.000000000000E+01\n"
    box.answers[b"SYST:ERR?"] = b'+0,"No error"\n'
    box.answers[b":UNIT:POW?"] = b"DBM\n"
    generator = ScpiGenerator("sideband", box.resource, LIMITS, dialect=KEYSIGHT)
    box.answers[b"*IDN?"] = b"Agilent Technologies, E8257D, US1, C.06.10\n"
    assert generator.connect().firmware == "C.06.10"
    assert generator.set_power(-10.0) == -10.0
    assert box.received[2:5] == [b":OUTP:MOD?\n", b":FREQ:MODE?\n", b":POW:MODE?\n"]
    assert box.received[7:] == [
        b":POW -10.00 dBm\n", b"SYST:ERR?\n", b":UNIT:POW?\n", b":POW?\n",
    ]  # fmt: skip
    generator.close()


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("set_frequency", 1500.1),
        ("set_frequency", float("nan")),
        ("set_power", 0.1),
        ("set_power", -31.0),
    ],
)
def test_beyond_a_limit_nothing_is_sent(box, generator, method, value):
    with pytest.raises(OutOfRange, match="is outside"):
        getattr(generator, method)(value)
    assert box.received == []


def test_a_value_that_was_not_kept_is_a_fault(box, generator):
    box.answers[b":FREQ?"] = b"1000000000\n"
    box.answers[b":LEV?"] = b"-20.00\n"
    with pytest.raises(DeviceFault, match=r"904\.000000 MHz was set but the box kept 1000\.000000"):
        generator.set_frequency(904.0)
    with pytest.raises(DeviceFault, match=r"kept -20\.00 dBm"):
        generator.set_power(-10.0)


def test_what_the_box_reports_reaches_the_operator(box, generator):
    box.answers[b"SYST:ERR?"] = [b'-222,"Data out of range"\n', b'0,"No error"\n']
    with pytest.raises(DeviceFault, match=r"isotope_offset.*Data out of range"):
        generator.set_frequency(904.0)


def test_rf_on_needs_an_allowed_power(box, generator):
    box.answers[b":LEV?"] = [b"13.00\n", b"-10.00\n"]
    box.answers[b":OUTP?"] = b"1\n"
    with pytest.raises(OutOfRange, match="power set on the box 13 dBm"):
        generator.rf_on()
    generator.rf_on()
    read = [b":MOD:STAT?\n", b":SWE:STAT?\n", b":UNIT:POW?\n", b":LEV?\n"]
    assert box.received == [*read, *read, b":OUTP ON\n", b":OUTP?\n", b"SYST:ERR?\n"]


@pytest.mark.parametrize("use", ["status", "rf_on", "set_power"])
def test_a_level_in_another_unit_is_no_level(box, generator, use):
    """Somebody chose volts at the front panel: 1.5 V are 16.5 dBm."""
    box.answers |= {b":FREQ?": b"820000000\n", b":LEV?": b"-1.50\n", b":OUTP?": b"1\n"}
    box.answers[CONDITION] = b"0\n"
    box.answers[b":UNIT:POW?"] = [b"V\n", b"DBM\n"]
    arguments = (-1.5,) if use == "set_power" else ()
    with pytest.raises(DeviceFault, match=r"the unit of its level was 'V'.*dBm is set again"):
        getattr(generator, use)(*arguments)
    assert b":OUTP ON\n" not in box.received
    assert box.received[-3:] == [b":UNIT:POW DBM\n", b":UNIT:POW?\n", b":LEV?\n"]
    getattr(generator, use)(*arguments)


@pytest.mark.parametrize("use", ["status", "rf_on", "set_power"])
def test_a_level_in_another_unit_above_the_limit_takes_rf_away(box, generator, use):
    box.answers |= {b":FREQ?": b"820000000\n", b":LEV?": b"16.53\n", b":OUTP?": b"0\n"}
    box.answers[b":UNIT:POW?"] = [b"V\n", b"DBM\n"]
    arguments = (-1.5,) if use == "set_power" else ()
    with pytest.raises(DeviceFault, match=r"16\.53 dBm, above the 0 dBm .*: RF was switched off"):
        getattr(generator, use)(*arguments)
    assert box.received[-3:] == [b":LEV?\n", b":OUTP OFF\n", b":OUTP?\n"]
    box.answers[b":OUTP?"] = b"1\n"
    box.answers[b":UNIT:POW?"] = [b"V\n", b"DBM\n"]
    with pytest.raises(DeviceFault, match=r"the level is 16\.53 dBm.*RF IS NOT OFF: output OFF"):
        getattr(generator, use)(*arguments)


def test_what_moves_the_level_by_itself_is_switched_off(box, generator):
    """`:LEV?` tells the level that is set, whatever a sweep makes of it."""
    box.answers |= {b":LEV?": b"-10.00\n", b":OUTP?": b"1\n"}
    for use in (generator.connect, generator.rf_on):
        box.answers[b":MOD:STAT?"] = [b"1\n", b"0\n"]
        box.answers[b":SWE:STAT?"] = [b"LEV,FREQ\n", b"OFF\n"]
        box.received.clear()
        use()
        found = box.received.index(b":MOD:STAT?\n")
        assert box.received[found : found + 8] == [
            b":MOD:STAT?\n", b":MOD:STAT OFF\n", b"SYST:ERR?\n", b":MOD:STAT?\n",
            b":SWE:STAT?\n", b":SWE:STAT OFF\n", b"SYST:ERR?\n", b":SWE:STAT?\n",
        ]  # fmt: skip
    box.answers[b":SWE:STAT?"] = b"LEV\n"
    box.received.clear()
    with pytest.raises(DeviceFault, match=r"its sweep stays on \(:SWE:STAT\? answers 'LEV'\)"):
        generator.rf_on()
    assert b":OUTP ON\n" not in box.received


def test_keysight_sweeps_by_the_mode_of_each_quantity(box):
    box.answers |= KEYSIGHT_STILL | {
        b"*IDN?": b"Agilent Technologies, N5181A, MY1, A.01.60\n",
        b"SYST:ERR?": b'+0,"No error"\n',
        b":UNIT:POW?": b"DBM\n",
        b":FREQ:MODE?": [b"LIST\n", b"CW\n"],
        b":POW:MODE?": [b"LIST\n", b"FIX\n"],
    }
    generator = ScpiGenerator("sideband", box.resource, LIMITS, dialect=KEYSIGHT)
    generator.connect()
    assert [line for line in box.received if b"MODE " in line] == [
        b":FREQ:MODE CW\n", b":POW:MODE FIX\n",
    ]  # fmt: skip
    generator.close()


@pytest.mark.parametrize("complaint", [b'-113,"Undefined header"\n', b'-241,"Hardware missing"\n'])
def test_a_box_that_knows_no_modulation_has_none_and_is_asked_once(box, generator, complaint):
    box.answers[b":MOD:STAT?"] = None
    box.answers[b"SYST:ERR?"] = [complaint, b"0\n"]
    box.answers |= {b":LEV?": b"-3.50\n", b":OUTP?": b"1\n"}
    generator.connect()
    generator.rf_on()
    assert box.received.count(b":MOD:STAT?\n") == 1
    assert b":MOD:STAT OFF\n" not in box.received


def test_what_a_box_does_not_know_is_asked_anew_when_it_is_connected(box, generator):
    """It may have been a query that was garbled on its way."""
    box.answers[b":MOD:STAT?"] = [None, b"OFF\n"]
    box.answers[b"SYST:ERR?"] = [b'-113,"Undefined header"\n', b"0\n"]
    generator.connect()
    generator.connect()
    assert box.received.count(b":MOD:STAT?\n") == 2


def test_make_safe_switches_the_rf_off_and_checks(box, generator):
    box.answers[b":OUTP?"] = [b"0\n", b"1\n"]
    generator.make_safe()
    assert box.received == [b":OUTP OFF\n", b":OUTP?\n"]
    with pytest.raises(DeviceFault, match="output OFF"):
        generator.make_safe()


@pytest.mark.parametrize(
    ("order", "behind"),
    [
        ("status", [b"SYST:ERR?"]),
        ("rf_is_on", [b"SYST:ERR?"]),
        # What the box complains of belongs to what it was told.
        ("set_power", [b":LEV -10.00dBm", b"SYST:ERR?"]),
        ("set_frequency", [b":FREQ 904000000.00", b"SYST:ERR?"]),
    ],
)
def test_switching_off_waits_for_one_answer_of_a_slow_box(box, held, generator, order, behind):
    box.answers |= {b":FREQ?": b"904000000\n", b":LEV?": b"-10.00\n", b":OUTP?": b"0\n"}
    box.answers[CONDITION] = b"0\n"
    slow = held(b'0,"No error"\n')
    box.answers[b"SYST:ERR?"] = [slow, b'0,"No error"\n']
    arguments = {"set_power": (-10.0,), "set_frequency": (904.0,)}.get(order, ())
    lock = generator._line.lock
    deadline_s = time.monotonic() + 30.0
    with ThreadPoolExecutor() as pool:
        generator._line._timeout_ms = 30_000
        generator._line.close()
        generator._line.open()
        asking = pool.submit(getattr(generator, order), *arguments)
        while b"SYST:ERR?\n" not in box.received:
            assert time.monotonic() < deadline_s
            time.sleep(0.002)
        stop = pool.submit(generator.make_safe)
        while not lock._waiting:
            assert time.monotonic() < deadline_s
            time.sleep(0.002)
        slow.release.set()
        stop.result(30.0)
        asking.result(30.0)
    lines = [line.strip() for line in box.received]
    assert lines[: len(behind) + 2] == [*behind, b":OUTP OFF", b":OUTP?"]


def test_make_safe_on_a_line_that_has_died_opens_a_new_one(box, generator, hang_up):
    box.answers[b":OUTP?"] = [hang_up, b"0\n"]
    generator.make_safe()
    assert box.received.count(b":OUTP OFF\n") == 2
    assert box.connections == 2


def test_an_old_complaint_does_not_make_rf_that_is_off_unsafe(box, generator):
    box.answers[b":OUTP?"] = b"0\n"
    box.answers[b"SYST:ERR?"] = [b'-222,"Data out of range"\n', b"0\n"]
    generator.make_safe()
    with pytest.raises(DeviceFault, match="Data out of range"):
        generator.status()


def test_rf_that_does_not_come_on_tells_why(box, generator):
    box.answers |= {b":LEV?": b"-10.00\n", b":OUTP?": b"0\n"}
    box.answers[b"SYST:ERR?"] = [b'-221,"Settings conflict"\n', b"0\n"]
    with pytest.raises(DeviceFault, match="Settings conflict"):
        generator.rf_on()


def test_status(box, generator):
    box.answers |= {b":FREQ?": b"820000000\n", b":LEV?": b"-3.50\n", b":OUTP?": b"1\n"}
    box.answers[CONDITION] = [b"0\n", b"1\n"]
    assert generator.status() == SidebandStatus(820.0, -3.5, True, True, None)
    assert box.received == [
        b"SYST:ERR?\n", b":FREQ?\n", b":UNIT:POW?\n", b":LEV?\n", b":OUTP?\n", CONDITION + b"\n",
    ]  # fmt: skip
    assert generator.status().pll_locked is False
    box.answers[b"SYST:ERR?"] = [b'508,"Synthesizer unlocked"\n', b"0\n"]
    with pytest.raises(DeviceFault, match="unlocked"):
        generator.status()


@pytest.mark.parametrize(
    ("answer", "locked"),
    [(b"+0", True), (b"+1", False), (b"+2", False), (b"+4", False), (b"+8", True), (b"+96", False)],
)
def test_keysight_tells_which_loop_is_open(box, answer, locked):
    """Bit 3 is the baseband generator, which the carrier does not need."""
    box.answers |= KEYSIGHT_STILL | {
        b"*IDN?": b"Agilent Technologies, E8257D, US1, C.06.10\n",
        b"SYST:ERR?": b'+0,"No error"\n',
        b":FREQ?": b"+8.2000000000000E+08\n",
        b":UNIT:POW?": b"DBM\n",
        b":POW?": b"-3.50\n",
        b":OUTP?": b"0\n",
        CONDITION: answer + b"\n",
    }
    generator = ScpiGenerator("sideband", box.resource, LIMITS, dialect=KEYSIGHT, timeout_s=0.5)
    generator.connect()
    assert generator.status() == SidebandStatus(820.0, -3.5, False, locked, None)
    generator.close()


def test_a_box_without_the_register_cannot_tell_and_is_asked_once(box, generator):
    box.answers |= {b":FREQ?": b"820000000\n", b":LEV?": b"-3.50\n", b":OUTP?": b"1\n"}
    undefined = [b'-113,"Undefined header"\n', b"0\n"]
    box.answers[b"SYST:ERR?"] = [b"0\n", *undefined]
    assert generator.status().pll_locked is None
    assert generator.status().pll_locked is None
    assert box.received.count(CONDITION + b"\n") == 1


def test_a_box_that_is_silent_is_no_box_without_the_register(box, generator):
    box.answers |= {b":FREQ?": b"820000000\n", b":LEV?": b"-3.50\n", b":OUTP?": b"1\n"}
    with pytest.raises(Timeout, match="COND"):
        generator.status()
    box.answers[CONDITION] = b"0\n"
    assert generator.status().pll_locked is True


@pytest.mark.parametrize("answer", [b"", b"-1", b"32768", b"1.0", b"ON", b"9" * 5000])
def test_a_register_that_cannot_be_is_a_protocol_error(box, generator, answer):
    box.answers |= {b":FREQ?": b"820000000\n", b":LEV?": b"-3.50\n", b":OUTP?": b"1\n"}
    box.answers[CONDITION] = answer + b"\n"
    with pytest.raises(ProtocolError):
        generator.status()


def test_garbage_is_a_protocol_error(box, generator):
    box.answers[b":FREQ?"] = b"\x80\x81\n"
    with pytest.raises(ProtocolError):
        generator.set_frequency(904.0)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(min_size=1, max_size=60), st.sampled_from(list(DIALECTS.values())))
def test_whatever_answers_only_typed_errors_come(box, data: bytes, dialect):
    """One garbage line to every query; nothing may hang or escape as another error."""
    box.answer = lambda _line: data.replace(b"\n", b"") + b"\n"
    generator = ScpiGenerator("sideband", box.resource, LIMITS, dialect=dialect, timeout_s=0.5)
    for act in (
        generator.connect, generator.status, lambda: generator.set_frequency(904.0),
        lambda: generator.set_power(-10.0), generator.rf_on, generator.make_safe,
    ):  # fmt: skip
        with contextlib.suppress(DriverError):
            act()
    generator.close()
