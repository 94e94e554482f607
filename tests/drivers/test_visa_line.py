"""The SCPI line against bytes: what it sends, and what no fault on the wire may do to it."""

import contextlib
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import PATIENT_S, impatient

from drivers.errors import ConnectionLost, DeviceFault, DriverError, ProtocolError, Timeout
from drivers.interfaces import Identity
from drivers.visa_line import LONGEST_LINE, VisaLine, _socket


@pytest.fixture
def line(box) -> Iterator[VisaLine]:
    line = VisaLine("generator", box.resource, timeout_s=PATIENT_S)
    line.open()
    yield line
    line.close()


def arrived(line: VisaLine) -> None:
    """Wait until something that nobody has asked for is there to be read."""
    assert line._session is not None
    wire = _socket(line._session)
    assert wire is not None
    assert select.select([wire], [], [], 10.0)[0]


def test_query_sends_exactly_the_command_and_its_terminator(box, line):
    box.answers[b":FREQ?"] = b"650000000\n"
    assert line.query(":FREQ?") == "650000000"
    assert box.received == [b":FREQ?\n"]


def test_carriage_return_dialect(box):
    line = VisaLine("board", box.resource, timeout_s=0.5, terminator="\r\n")
    line.open()
    box.answers[b"ACQ:TRIG:STAT?"] = b"TD\r\n"
    assert line.query("ACQ:TRIG:STAT?") == "TD"
    assert box.received == [b"ACQ:TRIG:STAT?\r\n"]
    line.close()


def test_write_sends_one_line_and_reads_nothing(box, line):
    line.write(":OUTP ON")
    box.answers[b":OUTP?"] = b"1\n"
    assert line.query_flag(":OUTP?")
    assert box.received == [b":OUTP ON\n", b":OUTP?\n"]


def test_identity_has_four_fields(box, line):
    box.answers[b"*IDN?"] = b"Rigol Technologies,DSG830,DSG8A1,00.01.03\n"
    assert line.identify() == Identity("Rigol Technologies", "DSG830", "DSG8A1", "00.01.03")


def test_late_answer_never_reaches_the_next_query(box, line, held):
    late = held(b"LATE,LATE,LATE,LATE\n")
    box.answers[b"*IDN?"] = late
    box.answers[b":LEV?"] = b"-10.00\n"
    with pytest.raises(Timeout, match=r"no answer to \*IDN\? within 0.15 s"), impatient(line):
        line.query("*IDN?")
    late.release.set()
    assert late.sent.wait(5.0)
    assert line.query_number(":LEV?") == -10.0
    assert box.connections == 2


def test_half_a_line_does_not_join_the_next_answer(box, line):
    box.answers[b":FREQ?"] = [b"65000", b"1000000\n"]
    with pytest.raises(Timeout), impatient(line):
        line.query(":FREQ?")
    assert line.query(":FREQ?") == "1000000"


def test_closed_connection_is_reported_and_healed(box, line, hang_up):
    box.answers[b":FREQ?"] = [hang_up, b"1000000\n"]
    with pytest.raises((ConnectionLost, Timeout)), impatient(line):
        line.query(":FREQ?")
    assert line.query(":FREQ?") == "1000000"


@pytest.mark.parametrize("act", ["query", "write"])
def test_an_answer_too_many_reaches_no_query(box, line, act):
    box.answers |= {b":FREQ?": b"1\n2\n", b":LEV?": b"-10\n"}
    assert line.query(":FREQ?") == "1"
    with pytest.raises(ProtocolError, match=r"'2\\n' had come before :LEV\? was asked"):
        getattr(line, act)(":LEV?")
    assert box.received == [b":FREQ?\n"], "nothing is sent into a line that is out of step"
    assert line.query(":LEV?") == "-10"
    assert box.connections == 2


def test_a_line_that_comes_by_itself_reaches_no_query(box, line):
    box.answers |= {b":FREQ?": b"1\n", b"LATER": b"unasked\n"}
    assert line.query(":FREQ?") == "1"
    line.write("LATER")
    arrived(line)
    with pytest.raises(ProtocolError, match="unasked"):
        line.query(":FREQ?")
    assert line.query(":FREQ?") == "1"


def test_a_connection_that_is_known_to_be_closed_is_told_at_once(box, line):
    box.answers[b":FREQ?"] = b"1\n"
    line.query(":FREQ?")
    box.hang_up()
    arrived(line)
    with pytest.raises(ConnectionLost, match="closed by the other end"):
        line.query(":FREQ?")
    assert line.query(":FREQ?") == "1"


def test_refused_connection(box):
    box.close()
    line = VisaLine("generator", box.resource, timeout_s=0.15)

    def connect() -> None:
        line.open()  # pyvisa-py calls a refused socket open; the first exchange finds out
        line.identify()

    with pytest.raises((ConnectionLost, Timeout), match="generator"):
        connect()
    line.close()


OPENED_AT_ONCE = """
import sys, threading, time
import pyvisa.highlevel
from drivers.visa_line import VisaLine

class Slow(pyvisa.highlevel.WeakSet):
    def __init__(self):
        super().__init__()
        time.sleep(0.3)

pyvisa.highlevel.WeakSet = Slow

def opened(name):
    try:
        VisaLine(name, sys.argv[1]).open()
    except Exception as error:
        print(error)

threads = [threading.Thread(target=opened, args=(name,)) for name in ("seed", "generator", "lock")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
"""A fresh process: pyvisa makes its resource manager once. Where it is made slowly every thread
meets it half made."""


def test_the_first_lines_of_a_process_open_side_by_side(box):
    done = subprocess.run([sys.executable, "-c", OPENED_AT_ONCE, box.resource],
                          capture_output=True, text=True, timeout=30.0)  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert box.connections == 3


def test_bad_resource_is_a_driver_error():
    with pytest.raises(ConnectionLost, match="cannot open"):
        VisaLine("generator", "nonsense", timeout_s=0.15).open()


def test_closed_line_sends_nothing(box, line):
    line.close()
    with pytest.raises(ConnectionLost, match="not connected"):
        line.query("*IDN?")
    assert box.received == []


@pytest.mark.parametrize("text", [b"garbage\n", b"nan\n", b"inf\n", b"\n", b"\xff\xfe1\n"])
def test_number_that_is_none_drops_the_line(box, line, text):
    box.answers[b":FREQ?"] = [text, b"5\n"]
    with pytest.raises(ProtocolError, match=r":FREQ\? was answered by"):
        line.query_number(":FREQ?")
    assert line.query_number(":FREQ?") == 5.0
    assert box.connections == 2


def test_flag_is_zero_or_one(box, line):
    box.answers[b":OUTP?"] = [b"0\n", b"2\n"]
    assert line.query_flag(":OUTP?") is False
    with pytest.raises(ProtocolError):
        line.query_flag(":OUTP?")


def test_endless_answer_ends(box, line):
    box.answers[b":FREQ?"] = b"7" * (2 * LONGEST_LINE)
    with pytest.raises(ProtocolError):
        line.query(":FREQ?")


def test_error_queue_is_emptied_and_reported(box, line):
    box.answers[b"SYST:ERR?"] = [
        b'-222,"Data out of range"\n',
        b'-113,"Undefined header"\n',
        b"0\n",
    ]
    with pytest.raises(DeviceFault, match=r"Data out of range.*Undefined header"):
        line.check_errors()
    assert box.received == [b"SYST:ERR?\n"] * 3


@pytest.mark.parametrize("text", [b'0,"No error"\n', b'+0,"No error"\n', b"0\n"])
def test_empty_error_queue(box, line, text):
    box.answers[b"SYST:ERR?"] = text
    line.check_errors()


def test_error_queue_that_never_empties_ends(box, line):
    box.answers[b"SYST:ERR?"] = b'-350,"Error queue overflow"\n'
    with pytest.raises(DeviceFault, match="overflow"):
        line.check_errors()


def test_error_queue_of_garbage(box, line):
    box.answers[b"SYST:ERR?"] = b"what\n"
    with pytest.raises(ProtocolError):
        line.check_errors()


def test_binary_block_may_hold_line_feeds(box, line):
    payload = b"\n\r\n#\x00\n" * 5000
    box.answers[b"DATA?"] = b"#6%06d" % len(payload) + payload + b"\r\n"
    box.answers[b":FREQ?"] = b"1\n"
    assert line.query_binary("DATA?") == payload
    assert line.query(":FREQ?") == "1"
    assert box.connections == 1


@pytest.mark.parametrize(
    ("block", "error"),
    [
        (b"#210abcde", Timeout),
        (b"#2", Timeout),
        (b"", Timeout),
        (b"{1.0,2.0}\r\n", ProtocolError),
        (b"#0abc\r\n", ProtocolError),
        (b"#2xxab\r\n", ProtocolError),
        (b"#999999999\r\n", ProtocolError),
        (b"#13abcde\r\n", ProtocolError),
    ],
    ids=["half", "head", "nothing", "ascii", "indefinite", "length", "huge", "too much"],
)
def test_broken_block_is_an_error_and_the_line_heals(box, line, block, error):
    box.answers[b"DATA?"] = [block, b"#15hello\r\n"]
    patience = impatient(line) if error is Timeout else contextlib.nullcontext()
    with pytest.raises(error), patience:
        line.query_binary("DATA?")
    assert line.query_binary("DATA?") == b"hello"
    assert box.connections == 2


def test_threads_never_swap_answers(box, line):
    box.answer = lambda received: received

    def ask(worker: int) -> bool:
        return all(line.query(f"{worker}:{n}") == f"{worker}:{n}" for n in range(100))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(4)))


def test_exchanges_that_belong_together_stay_together(box, line):
    box.answers[b":LEV?"] = b"1\n"
    inside = threading.Event()

    def other() -> None:
        inside.wait(5.0)
        line.write(":OTHER")

    thread = threading.Thread(target=other)
    thread.start()
    with line.lock:
        line.write(":LEV 1")
        inside.set()
        line.query(":LEV?")
    thread.join()
    line.query(":LEV?")
    assert box.received == [b":LEV 1\n", b":LEV?\n", b":OTHER\n", b":LEV?\n"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answer=st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda b: b"#2" + b)))
def test_random_answers_raise_only_driver_errors(box, answer):
    line = VisaLine("board", box.resource, timeout_s=0.02)
    line.open()
    box.answers[b"X?"] = answer
    for ask in (line.query_number, line.query_flag, line.query_binary):
        with contextlib.suppress(DriverError):
            ask("X?")
    line.close()
