"""The PM100 against the exact bytes of its protocol, with either polarity of the zero state."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceFault, DriverError, OutOfRange, ProtocolError, Timeout
from drivers.interfaces import PowerMeter, PowerReading
from drivers.pm100 import PM100, ZERO_S

HEAD = b'"S121C","17031501","02-MAR-2026",1,18,289\n'
CONNECT = [
    b"*IDN?\n",
    b"*CLS\n",
    b"SYST:SENS:IDN?\n",
    b"SENS:POW:UNIT W\n",
    b"SYST:ERR?\n",
    b"SENS:POW:UNIT?\n",
    b"SENS:POW:RANG:AUTO 1\n",
    b"SYST:ERR?\n",
    b"SENS:POW:RANG:AUTO?\n",
    b"SENS:CORR:WAV? MIN\n",
    b"SENS:CORR:WAV? MAX\n",
    b"SENS:CORR:WAV 819.0\n",
    b"SYST:ERR?\n",
    b"SENS:CORR:WAV?\n",
]
READ = [
    b"SENS:POW:UNIT?\n",
    b"SENS:CORR:WAV?\n",
    b"MEAS:POW?\n",
    b"SENS:POW:RANG:UPP?\n",
    b"SENS:CORR:COLL:ZERO:MAGN?\n",
]
STATE = b"SENS:CORR:COLL:ZERO:STAT?"


@pytest.fixture
def wired(box) -> Any:
    box.answers |= {
        b"*IDN?": b"Thorlabs,PM100D,P0012345,2.6.0\n",
        b"SYST:SENS:IDN?": HEAD,
        b"SYST:ERR?": b'0,"No error"\n',
        b"SENS:POW:UNIT?": b"W\n",
        b"SENS:POW:RANG:AUTO?": b"1\n",
        b"SENS:CORR:WAV? MIN": b"4.000E+02\n",
        b"SENS:CORR:WAV? MAX": b"1.100E+03\n",
        b"SENS:CORR:WAV?": b"8.190E+02\n",
        b"MEAS:POW?": b"4.97E-03\n",
        b"SENS:POW:RANG:UPP?": b"5.0E-02\n",
        b"SENS:CORR:COLL:ZERO:MAGN?": b"2.0E-06\n",
        STATE: b"0\n",
    }
    return box


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def meter(wired, time) -> Iterator[PM100]:
    meter = PM100(
        "power_meter", wired.resource, timeout_s=0.5, sleep=time.sleep, monotonic=time.monotonic
    )
    meter.connect()
    yield meter
    meter.close()


def test_connect_forces_unit_range_and_wavelength(wired, meter):
    protocol: PowerMeter = meter
    assert wired.received == CONNECT
    assert protocol.connect().model == "PM100D"


@pytest.mark.parametrize(
    ("question", "answer", "error", "match"),
    [
        (b"SYST:SENS:IDN?", b"no sensor,0,0,0,0,0\n", DeviceFault, "no head is connected"),
        (b"SYST:SENS:IDN?", b"ES111C,1,2026,3,1,2\n", DeviceFault, "ES111C measures no power"),
        (b"SYST:SENS:IDN?", b"S121C,1\n", ProtocolError, "SENS:IDN"),
        (b"SENS:POW:UNIT?", b"DBM\n", DeviceFault, "unit W was set but the box kept 'DBM'"),
        (b"SENS:POW:RANG:AUTO?", b"0\n", DeviceFault, "automatic range"),
        (b"SENS:CORR:WAV?", b"635.0\n", DeviceFault, r"819\.0 nm was set but the box kept 635"),
        (b"SENS:CORR:WAV? MAX", b"700\n", OutOfRange, "covers 400 to 700 nm, not 819 nm"),
        (b"SYST:ERR?", b'-222,"Data out of range"\n', DeviceFault, "Data out of range"),
    ],
)
def test_what_connecting_refuses(wired, question, answer, error, match):
    wired.answers[question] = answer
    meter = PM100("power_meter", wired.resource, timeout_s=0.5)
    with pytest.raises(error, match=match):
        meter.connect()
    meter.close()


def test_a_reading(wired, meter):
    wired.received.clear()
    assert meter.read() == PowerReading(
        power_mw=pytest.approx(4.97),
        over_range=False,
        wavelength_nm=819.0,
        range_mw=50.0,
        dark_mw=pytest.approx(2e-3),
        zeroing=None,
    )
    assert wired.received == READ


@pytest.mark.parametrize("sign", [b"", b"-"])
def test_over_range_is_no_number(wired, meter, sign):
    wired.answers[b"MEAS:POW?"] = sign + b"9.90000000E+37\n"
    reading = meter.read()
    assert reading.over_range
    assert math.isnan(reading.power_mw)


def test_another_unit_is_named_set_back_and_not_used(wired, meter):
    wired.answers[b"SENS:POW:UNIT?"] = [b"DBM\n", b"W\n"]
    wired.answers[b"MEAS:POW?"] = [b"6.96\n", b"4.97E-03\n"]
    wired.received.clear()
    with pytest.raises(DeviceFault, match=r"its unit was 'DBM'.*watt is set again"):
        meter.read()
    assert wired.received == [
        b"SENS:POW:UNIT?\n", b"SENS:POW:UNIT W\n", b"SYST:ERR?\n", b"SENS:POW:UNIT?\n",
    ]  # fmt: skip
    wired.answers[b"MEAS:POW?"] = b"4.97E-03\n"
    assert meter.read().power_mw == pytest.approx(4.97)


def test_a_restart_with_defaults_is_named_and_mended(wired, meter):
    wired.answers[b"SENS:CORR:WAV?"] = [b"635.0\n", b"819.0\n"]
    with pytest.raises(DeviceFault, match="its wavelength was 635 nm"):
        meter.read()
    assert wired.received[-3:] == [b"SENS:CORR:WAV 819.0\n", b"SYST:ERR?\n", b"SENS:CORR:WAV?\n"]
    assert meter.read().wavelength_nm == 819.0


def test_a_power_beyond_its_own_range_cannot_be(wired, meter):
    wired.answers[b"MEAS:POW?"] = b"4.97\n"
    with pytest.raises(ProtocolError, match=r"0\.05-W range"):
        meter.read()


def test_silence_is_named_and_the_next_answer_is_not_the_last_one(wired, meter, held):
    late = held(b"1.0E-03\n")
    wired.answers[b"MEAS:POW?"] = [late, b"4.97E-03\n"]
    with pytest.raises(Timeout, match="no answer to MEAS:POW"):
        meter.read()
    late.release.set()
    assert late.sent.wait(5.0)
    assert meter.read().power_mw == pytest.approx(4.97)


# --- dark zero ------------------------------------------------------------------------------------


def darken(box) -> None:
    box.answers[b"MEAS:POW?"] = [b"2.1E-06\n", b"1.0E-08\n"]


@pytest.mark.parametrize("busy", [b"1", b"0"])
def test_a_zero_is_done_when_the_state_has_gone_and_come_back(wired, meter, time, busy):
    """Either polarity; and from then on a reading can tell whether one is under way."""
    idle = b"0" if busy == b"1" else b"1"
    darken(wired)
    wired.answers[STATE] = [state + b"\n" for state in (idle, idle, busy, busy, busy, idle)]
    wired.received.clear()
    meter.zero()
    assert wired.received == [
        *READ,
        STATE + b"\n",
        b"SENS:CORR:COLL:ZERO:INIT\n",
        b"SYST:ERR?\n",
        *[STATE + b"\n"] * 5,
        *READ,
        STATE + b"\n",
    ]
    assert time.now < 1.0
    assert meter.read().zeroing is False
    wired.answers[STATE] = busy + b"\n"
    assert meter.read().zeroing is True


@pytest.mark.parametrize("states", [[b"0\n", b"1\n"], [b"0\n"]])
def test_a_state_that_tells_nothing_is_waited_for(wired, meter, time, states):
    """Such as '1: a zero was taken once', never reset: no polarity is guessed."""
    darken(wired)
    wired.answers[STATE] = states
    meter.zero()
    assert time.now >= ZERO_S
    assert meter.read().zeroing is None


@pytest.mark.parametrize("answer", [b"4.97E-03", b"-4.97E-03", b"9.9E37"])
def test_light_on_the_head_is_no_darkness_and_nothing_is_sent(wired, meter, answer):
    wired.answers[b"MEAS:POW?"] = answer + b"\n"
    with pytest.raises(OutOfRange, match="dark limit"):
        meter.zero()
    assert b"SENS:CORR:COLL:ZERO:INIT\n" not in wired.received


def test_light_that_falls_on_it_meanwhile_is_seen(wired, meter):
    wired.answers[b"MEAS:POW?"] = [b"2.1E-06\n", b"-4.0E-03\n"]
    wired.answers[STATE] = [b"0\n", b"1\n", b"0\n"]
    with pytest.raises(DeviceFault, match="still shows -4 mW"):
        meter.zero()


def test_make_safe_sends_nothing(wired, meter):
    wired.received.clear()
    meter.make_safe()
    assert wired.received == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(min_size=1, max_size=60))
def test_whatever_answers_only_typed_errors_come(box, data: bytes):
    box.answer = lambda _line: data.replace(b"\n", b"") + b"\n"
    clock = Time()
    meter = PM100(
        "power_meter", box.resource, timeout_s=0.5, sleep=clock.sleep, monotonic=clock.monotonic
    )
    for act in (meter.connect, meter.read, meter.zero, lambda: meter.set_wavelength(819.0)):
        with contextlib.suppress(DriverError):
            act()
    meter.close()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([line.strip() for line in READ]), st.text("0123456789.eE+-W", max_size=12))
def test_one_garbled_answer_never_becomes_a_number_out_of_range(wired, question, text):
    """A reading is either an error or a power that its range can show."""
    meter = PM100("power_meter", wired.resource, timeout_s=0.5)
    meter.connect()
    before = wired.answers[question]
    wired.answers[question] = text.encode() + b"\n"
    try:
        reading = meter.read()
        assert reading.over_range or abs(reading.power_mw) <= 2.0 * (reading.range_mw or 0.0)
    except DriverError:
        pass
    finally:
        wired.answers[question] = before
        meter.close()
