"""Pins and acquisition of the Red Pitaya against exact bytes."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import PATIENT_S

from drivers.errors import DeviceFault, DriverError, OutOfRange, ProtocolError, Timeout
from drivers.redpitaya import (
    BUFFER_SAMPLES,
    LONGEST_RECORD_S,
    PulseTrain,
    RedPitaya,
    shortest_decimation,
)

DURATION_S = 15384 * 64 / 125e6
"""15384 samples at a decimation of 64: a trigger delay of 7192 samples, 1000 are cut off."""
VOLTS = np.linspace(-1.0, 1.0, BUFFER_SAMPLES)


def block(volts: np.ndarray) -> bytes:
    payload = volts.astype(">f4").tobytes()
    return b"#%d%d" % (len(str(len(payload))), len(payload)) + payload + b"\r\n"


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def board(box, slept) -> Iterator[RedPitaya]:
    box.answers |= {
        b"*IDN?": b"REDPITAYA,INSTR2024,0,01-02\r\n",
        b"SYST:ERR?": b'0,"No error"\r\n',
        b"ACQ:TRIG:STAT?": b"TD\r\n",
        b"ACQ:TRIG:FILL?": b"1\r\n",
        b"ACQ:DEC?": b"64\r\n",
        b"ACQ:TRIG:DLY?": b"7192\r\n",
        b"ACQ:SOUR1:DATA?": block(VOLTS),
        b"OUTPUT1:STATE?": b"0\r\n",
    }
    board = RedPitaya("board", box.resource, timeout_s=PATIENT_S, sleep=slept.append)
    board.connect()
    box.received.clear()
    yield board
    board.line.close()


def test_identity(box, board):
    assert board.connect().maker == "REDPITAYA"
    assert box.received == [b"*IDN?\r\n"]


def test_what_somebody_else_left_in_the_error_queue_is_thrown_away_once_a_session(box):
    board = RedPitaya("board", box.resource, timeout_s=PATIENT_S)
    box.answers[b"*IDN?"] = b"REDPITAYA,INSTR2024,0,01-02\r\n"
    box.answers[b"SYST:ERR?"] = [b'-113,"Undefined header"\r\n', b'0,"No error"\r\n']
    board.connect()
    assert box.received == [b"*IDN?\r\n", b"SYST:ERR?\r\n", b"SYST:ERR?\r\n"]
    board.connect()
    assert box.received[3:] == [b"*IDN?\r\n"], "a record under way looks for its own complaints"
    board.line.close()


def test_pin_is_set_and_read_back(box, board):
    box.answers[b"DIG:PIN? DIO0_P"] = [b"1\r\n", b"0\r\n"]
    board.set_pin("DIO0_P", True)
    assert box.received == [b"DIG:PIN DIO0_P,1\r\n", b"DIG:PIN? DIO0_P\r\n"]
    with pytest.raises(DeviceFault, match="DIO0_P was set to 1 but reads 0"):
        board.set_pin("DIO0_P", True)


def test_pin_directions(box, board):
    board.make_output("DIO1_P")
    board.make_input("DIO3_P")
    board.line.check_errors()
    assert box.received[:2] == [b"DIG:PIN:DIR OUT,DIO1_P\r\n", b"DIG:PIN:DIR IN,DIO3_P\r\n"]


def test_immediate_record_sends_trigger_after_start(box, board):
    trace = board.record(1, DURATION_S)
    assert box.received == [
        b"ACQ:RST\r\n",
        b"ACQ:DATA:FORMAT BIN\r\n",
        b"ACQ:DATA:UNITS VOLTS\r\n",
        b"ACQ:AVG ON\r\n",
        b"ACQ:SOUR1:GAIN LV\r\n",
        b"ACQ:TRIG:DLY 7192\r\n",
        b"ACQ:TRIG:DLY?\r\n",
        b"ACQ:DEC 64\r\n",
        b"ACQ:DEC?\r\n",
        b"SYST:ERR?\r\n",
        b"ACQ:START\r\n",
        b"ACQ:TRIG NOW\r\n",
        b"ACQ:TRIG:STAT?\r\n",
        b"ACQ:TRIG:FILL?\r\n",
        b"ACQ:SOUR1:DATA?\r\n",
    ]
    np.testing.assert_array_equal(trace.volts, VOLTS.astype(np.float32)[1000:])
    assert trace.dt_s == 64 / 125e6
    assert trace.rig_time_s is None


def test_pulsed_record_arms_before_it_fires(box, board):
    box.answers |= {
        b"ACQ:DEC?": b"65536\r\n",
        b"ACQ:TRIG:DLY?": b"1917\r\n",
        b"SOUR1:FREQ:FIX?": b"0.952381\r\n",
        b"SOUR1:DCYC?": b"0.047619\r\n",
        b"SOUR1:BURS:NCYC?": b"6\r\n",
    }
    board.record(1, 5.3, PulseTrain(count=6, period_s=1.05, width_s=0.05))
    assert box.received[8:] == [
        b"ACQ:DEC?\r\n",
        b"GEN:RST\r\n",
        b"SOUR1:FUNC PWM\r\n",
        b"SOUR1:VOLT 0.5\r\n",
        b"SOUR1:VOLT:OFFS 0.5\r\n",
        b"SOUR1:BURS:STAT BURST\r\n",
        b"SOUR1:BURS:NOR 1\r\n",
        b"SOUR1:FREQ:FIX 0.952380952\r\n",
        b"SOUR1:FREQ:FIX?\r\n",
        b"SOUR1:DCYC 0.0476190476\r\n",
        b"SOUR1:DCYC?\r\n",
        b"SOUR1:BURS:NCYC 6\r\n",
        b"SOUR1:BURS:NCYC?\r\n",
        b"OUTPUT1:STATE ON\r\n",
        b"SYST:ERR?\r\n",
        b"ACQ:START\r\n",
        b"ACQ:TRIG AWG_PE\r\n",
        b"SOUR1:TRIG:INT\r\n",
        b"ACQ:TRIG:STAT?\r\n",
        b"ACQ:TRIG:FILL?\r\n",
        b"ACQ:SOUR1:DATA?\r\n",
        b"OUTPUT1:STATE OFF\r\n",
        b"OUTPUT1:STATE?\r\n",
    ]


@given(duration_s=st.floats(1e-6, LONGEST_RECORD_S))
def test_buffer_covers_the_duration_and_is_the_shortest_that_does(duration_s):
    decimation = shortest_decimation(duration_s)
    length_s = BUFFER_SAMPLES * decimation / 125e6
    assert length_s >= duration_s
    assert decimation == 1 or length_s / 2 < duration_s


@pytest.mark.parametrize("duration_s", [0.0, -1.0, LONGEST_RECORD_S * 1.001, float("nan")])
def test_beyond_the_buffer_nothing_is_sent(box, board, duration_s):
    with pytest.raises(OutOfRange, match=r"8\.59 s"):
        board.record(1, duration_s)
    assert box.received == []


def test_waits_by_polling_the_box(box, board, slept):
    box.answers[b"ACQ:TRIG:STAT?"] = [b"WAIT\r\n", b"WAIT\r\n", b"TD\r\n"]
    box.answers[b"ACQ:TRIG:FILL?"] = [b"0\r\n", b"1\r\n"]
    board.record(1, DURATION_S)
    assert slept == [0.003] * 3


def test_a_trigger_that_never_comes_times_out(box):
    now = iter(range(1000))
    board = RedPitaya(
        "board", box.resource, margin_s=5.0, sleep=lambda _: None, monotonic=lambda: next(now)
    )
    box.answers |= {
        b"*IDN?": b"REDPITAYA,INSTR2024,0,01-02\r\n",
        b"SYST:ERR?": b"0\r\n",
        b"ACQ:DEC?": b"64\r\n",
        b"ACQ:TRIG:DLY?": b"7192\r\n",
        b"ACQ:TRIG:STAT?": b"WAIT\r\n",
    }
    board.connect()
    with pytest.raises(Timeout, match=r"ACQ:TRIG:STAT\? still answers WAIT"):
        board.record(1, DURATION_S)
    board.line.close()


def test_shortest_record_is_half_a_buffer(box, board):
    box.answers |= {b"ACQ:DEC?": b"1\r\n", b"ACQ:TRIG:DLY?": b"0\r\n"}
    trace = board.record(1, 1e-6)
    assert (trace.volts.size, trace.dt_s) == (8192, 8e-9)


def test_a_delay_that_was_not_taken_is_a_fault(box, board):
    box.answers[b"ACQ:TRIG:DLY?"] = b"7191\r\n"
    with pytest.raises(DeviceFault, match="ACQ:TRIG:DLY was set to 7192 but reads 7191"):
        board.record(1, DURATION_S)


def test_a_decimation_that_was_not_taken_is_a_fault(box, board):
    box.answers[b"ACQ:DEC?"] = b"1\r\n"
    with pytest.raises(DeviceFault, match="ACQ:DEC was set to 64 but reads 1"):
        board.record(1, DURATION_S)
    assert b"ACQ:START\r\n" not in box.received


@pytest.mark.parametrize(
    "answer",
    [block(VOLTS[:-1]), block(np.full(BUFFER_SAMPLES, np.nan)), b"{0.1,0.2}\r\n"],
    ids=["short", "nan", "ascii"],
)
def test_data_that_are_no_buffer(box, board, answer):
    box.answers[b"ACQ:SOUR1:DATA?"] = answer
    with pytest.raises(ProtocolError):
        board.record(1, DURATION_S)


def test_half_a_buffer_does_not_spoil_the_next_record(box, board):
    box.answers[b"ACQ:SOUR1:DATA?"] = [block(VOLTS)[:30000], block(-VOLTS)]
    with pytest.raises(Timeout):
        board.record(1, DURATION_S)
    np.testing.assert_allclose(board.record(1, DURATION_S).volts, -VOLTS[1000:], atol=1e-6)


def test_strange_trigger_state(box, board):
    box.answers[b"ACQ:TRIG:STAT?"] = b"MAYBE\r\n"
    with pytest.raises(ProtocolError):
        board.record(1, DURATION_S)


def test_failed_pulses_leave_the_output_off(box, board):
    box.answers |= {
        b"SOUR1:FREQ:FIX?": b"10\r\n",
        b"SOUR1:DCYC?": b"0.5\r\n",
        b"SOUR1:BURS:NCYC?": b"1\r\n",
        b"SYST:ERR?": [b'9501,"burst refused"\r\n', b"0\r\n"],
    }
    with pytest.raises(DeviceFault, match="burst refused"):
        board.record(1, DURATION_S, PulseTrain(1, 0.1, 0.05))
    assert box.received[-2:] == [b"OUTPUT1:STATE OFF\r\n", b"OUTPUT1:STATE?\r\n"]


def test_a_board_that_falls_silent_under_its_pulses_is_not_asked_again(box, board):
    """An order to switch them off would wait for as long again before anybody hears of it."""
    box.answers |= {
        b"SOUR1:FREQ:FIX?": b"10\r\n",
        b"SOUR1:DCYC?": b"0.5\r\n",
        b"SOUR1:BURS:NCYC?": b"1\r\n",
        b"ACQ:TRIG:FILL?": None,
    }
    impatient = RedPitaya("board", box.resource, timeout_s=0.2)
    impatient.connect()
    with pytest.raises(Timeout):
        impatient.record(1, DURATION_S, PulseTrain(1, 0.1, 0.05))
    assert box.received[-1] == b"ACQ:TRIG:FILL?\r\n"
    impatient.line.close()


def test_cancel_ends_a_running_record(box, board):
    box.answers[b"ACQ:TRIG:STAT?"] = b"WAIT\r\n"
    failed: list[DriverError] = []

    def record() -> None:
        try:
            board.record(1, DURATION_S)
        except DriverError as error:
            failed.append(error)

    thread = threading.Thread(target=record)
    thread.start()
    while b"ACQ:TRIG:STAT?\r\n" not in box.received:
        thread.join(0.001)
    board.cancel()
    thread.join(5.0)
    assert [type(error) for error in failed] == [DeviceFault]
    assert "cancelled" in str(failed[0])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answer=st.binary(max_size=80))
def test_random_data_raise_only_driver_errors(box, answer):
    board = RedPitaya("board", box.resource, timeout_s=0.02)
    board.line.open()
    box.answers |= {
        b"ACQ:DEC?": b"64\r\n",
        b"ACQ:TRIG:DLY?": b"7192\r\n",
        b"SYST:ERR?": b"0\r\n",
        b"ACQ:TRIG:STAT?": b"TD\r\n",
        b"ACQ:TRIG:FILL?": b"1\r\n",
        b"ACQ:SOUR1:DATA?": answer,
    }
    with pytest.raises(DriverError):
        board.record(1, DURATION_S)
    board.line.close()
