"""Patterns and inputs of the loading detector."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from drivers.errors import DeviceFault, DriverError, OutOfRange
from drivers.interfaces import LoadingDetector
from drivers.redpitaya_loading import RedPitayaLoadingDetector

BURST_LIGHT = np.full(16384, 0.25)
TRAP_LIGHT = np.full(16384, -0.5)


def block(volts: np.ndarray) -> bytes:
    payload = volts.astype(">f4").tobytes()
    return b"#565536" + payload + b"\r\n"


class Board:
    """Keeps what is set; answers a query with what was set."""

    def __init__(self, box) -> None:
        self.box = box
        self.kept: dict[bytes, bytes] = {b"OUTPUT1:STATE": b"OFF"}
        self.trigger = b"TD"
        box.answer = self.answer

    def answer(self, line: bytes) -> bytes | None:
        words = line.strip()
        if words.endswith(b"?"):
            fixed = {
                b"*IDN?": b"REDPITAYA,INSTR2024,0,01-02\r\n",
                b"SYST:ERR?": b"0\r\n",
                b"ACQ:TRIG:STAT?": self.trigger + b"\r\n",
                b"ACQ:TRIG:FILL?": b"1\r\n",
                b"ACQ:SOUR1:DATA?": block(BURST_LIGHT),
                b"ACQ:SOUR2:DATA?": block(TRAP_LIGHT),
                b"OUTPUT1:STATE?": b"1\r\n" if self.kept[b"OUTPUT1:STATE"] == b"ON" else b"0\r\n",
            }
            return fixed.get(words) or self.kept[words[:-1]] + b"\r\n"
        command, _, value = words.partition(b" ")
        self.kept[command] = value
        return None


@pytest.fixture
def board(box) -> Board:
    return Board(box)


@pytest.fixture
def detector(board) -> Iterator[RedPitayaLoadingDetector]:
    detector = RedPitayaLoadingDetector(
        "loading", board.box.resource, timeout_s=0.5, sleep=lambda _: None
    )
    detector.connect()
    board.box.received.clear()
    yield detector
    detector.close()


def test_bursts_of_the_rig(board, detector):
    protocol: LoadingDetector = detector
    trace = protocol.quench_bursts(bursts=5, load_s=1.0, quench_s=0.05)
    assert float(board.kept[b"SOUR1:FREQ:FIX"]) == pytest.approx(1 / 1.05)
    assert float(board.kept[b"SOUR1:DCYC"]) == pytest.approx(0.05 / 1.05)
    assert board.kept[b"SOUR1:BURS:NCYC"] == b"6"
    assert board.kept[b"SOUR1:BURS:STAT"] == b"BURST"
    assert board.kept[b"ACQ:DEC"] == b"65536"
    assert board.kept[b"ACQ:TRIG"] == b"AWG_PE"
    assert board.kept[b"OUTPUT1:STATE"] == b"OFF"
    assert 5.3 <= trace.dt_s * trace.volts.size < 5.302
    np.testing.assert_array_equal(trace.volts, BURST_LIGHT[-trace.volts.size :])


def test_short_patterns_take_a_short_buffer(board, detector):
    trace = detector.quench_bursts(bursts=1, load_s=0.4, quench_s=0.05)
    assert board.kept[b"ACQ:DEC"] == b"4096"
    assert 0.5 <= trace.dt_s * trace.volts.size < 0.501


def test_slope_has_one_pulse_and_the_other_photodiode(board, detector):
    trace = detector.loading_slope(clear_s=0.05, record_s=0.45)
    assert board.kept[b"SOUR1:BURS:NCYC"] == b"1"
    assert float(board.kept[b"SOUR1:DCYC"]) == pytest.approx(0.1)
    assert b"ACQ:SOUR2:GAIN LV\r\n" in board.box.received
    assert trace.dt_s * trace.volts.size >= 0.5
    np.testing.assert_array_equal(trace.volts, TRAP_LIGHT[-trace.volts.size :])


@pytest.mark.parametrize(
    ("bursts", "load_s", "quench_s"),
    [(9, 1.0, 0.05), (1, 9.0, 0.05), (0, 1.0, 0.05), (5, 0.0, 0.05), (5, 1.0, -1.0), (5, 1.0, 1.0)],
)
def test_patterns_that_do_not_fit_are_refused(board, detector, bursts, load_s, quench_s):
    with pytest.raises(OutOfRange, match="loading"):
        detector.quench_bursts(bursts, load_s, quench_s)
    assert board.box.received == []


@pytest.mark.parametrize(("clear_s", "record_s"), [(0.0, 1.0), (0.05, 0.0), (0.05, 9.0)])
def test_slopes_that_do_not_fit_are_refused(board, detector, clear_s, record_s):
    with pytest.raises(OutOfRange):
        detector.loading_slope(clear_s, record_s)
    assert board.box.received == []


def test_make_safe_switches_the_quench_light_off(board, detector):
    board.kept[b"OUTPUT1:STATE"] = b"ON"
    detector.make_safe()
    assert board.box.received == [b"OUTPUT1:STATE OFF\r\n", b"OUTPUT1:STATE?\r\n"]


def test_make_safe_over_a_line_that_has_died(board, detector):
    board.kept[b"OUTPUT1:STATE"] = b"ON"
    board.box.hang_up()
    detector.make_safe()
    assert board.kept[b"OUTPUT1:STATE"] == b"OFF"


def test_make_safe_does_not_wait_for_a_running_record(board, detector):
    board.trigger = b"WAIT"
    failed: list[DriverError] = []

    def measure() -> None:
        try:
            detector.quench_bursts(5, 1.0, 0.05)
        except DriverError as error:
            failed.append(error)

    thread = threading.Thread(target=measure)
    thread.start()
    while b"ACQ:TRIG:STAT?\r\n" not in board.box.received:
        thread.join(0.001)
    detector.make_safe()
    assert board.kept[b"OUTPUT1:STATE"] == b"OFF"
    thread.join(5.0)
    assert [type(error) for error in failed] == [DeviceFault]
