"""The reference cell reads IN1 over at least the duration asked for."""

import numpy as np
import pytest

from drivers.errors import OutOfRange
from drivers.interfaces import ReferenceCell
from drivers.redpitaya_cell import RedPitayaReferenceCell


@pytest.fixture
def cell(box):
    payload = np.full(16384, 0.125, dtype=">f4").tobytes()
    box.answers |= {
        b"*IDN?": b"REDPITAYA,INSTR2024,0,01-02\r\n",
        b"SYST:ERR?": b"0\r\n",
        b"ACQ:DEC?": b"128\r\n",
        b"ACQ:TRIG:DLY?": b"1574\r\n",
        b"ACQ:TRIG:STAT?": b"TD\r\n",
        b"ACQ:TRIG:FILL?": b"1\r\n",
        b"ACQ:SOUR1:DATA?": b"#565536" + payload + b"\r\n",
    }
    cell = RedPitayaReferenceCell("reference_cell", box.resource, timeout_s=0.5)
    cell.connect()
    box.received.clear()
    yield cell
    cell.close()


def test_signal_of_ten_milliseconds(box, cell):
    protocol: ReferenceCell = cell
    trace = protocol.read_signal(0.010)
    assert b"ACQ:DEC 128\r\n" in box.received
    assert b"ACQ:TRIG NOW\r\n" in box.received
    assert not any(line.startswith((b"SOUR", b"GEN", b"OUTPUT")) for line in box.received)
    assert 0.010 <= trace.volts.size * trace.dt_s < 0.010002
    assert (trace.volts == 0.125).all()


def test_beyond_the_buffer_is_refused(box, cell):
    with pytest.raises(OutOfRange, match="reference_cell"):
        cell.read_signal(10.0)
    assert box.received == []


def test_make_safe_sends_nothing(box, cell):
    cell.make_safe()
    assert box.received == []
