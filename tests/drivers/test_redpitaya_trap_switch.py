"""The trap switch: digital lines and generator together."""

import contextlib
from collections.abc import Iterator

import pytest

from drivers.errors import ConnectionLost, DeviceFault, DriverError, OutOfRange, Timeout
from drivers.interfaces import Range, SidebandLimits, TrapStatus, TrapSwitch
from drivers.redpitaya_trap_switch import RedPitayaTrapSwitch
from drivers.scpi_generator import ScpiGenerator

LIMITS = SidebandLimits(frequency_mhz=Range(500.0, 1500.0), power_dbm=Range(-30.0, 0.0))


class BothBoxes:
    """One scripted box that plays board and generator, so that the order across both is seen."""

    def __init__(self, box) -> None:
        self.box = box
        self.pins = {b"DIO0_P": b"1", b"DIO1_P": b"1", b"DIO2_P": b"0", b"DIO3_P": b"1"}
        self.stuck: set[bytes] = set()
        self.frequency = b"1000000000.00"
        self.output = b"1"
        self.lock_answers: list[bytes] = []
        box.answer = self.answer

    def answer(self, line: bytes) -> bytes | None:
        words = line.strip()
        if words == b"*IDN?":
            return b"REDPITAYA,INSTR2024,0,01-02\r\n"
        if words == b"SYST:ERR?":
            return b'0,"No error"\r\n'
        if words.startswith(b"DIG:PIN? "):
            pin = words.split()[1]
            if pin == b"DIO3_P" and self.lock_answers:
                return self.lock_answers.pop(0) + b"\r\n"
            return self.pins[pin] + b"\r\n"
        if words.startswith(b"DIG:PIN DIO"):
            pin, _, level = words[8:].partition(b",")
            if pin not in self.stuck:
                self.pins[pin] = level
        if words.startswith(b":FREQ "):
            self.frequency = words.split()[1]
        if words == b":OUTP ON":
            self.output = b"1"
        answers = {
            b":FREQ?": self.frequency, b":LEV?": b"-10.00", b":OUTP?": self.output,
            b":UNIT:POW?": b"DBM", b":MOD:STAT?": b"0", b":SWE:STAT?": b"OFF",
        }  # fmt: skip
        return answers[words] + b"\n" if words in answers else None


@pytest.fixture
def rig(box) -> BothBoxes:
    return BothBoxes(box)


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def switch(rig, slept) -> Iterator[RedPitayaTrapSwitch]:
    now = iter(x * 0.01 for x in range(100_000))
    switch = RedPitayaTrapSwitch(
        "trap_switch",
        rig.box.resource,
        ScpiGenerator("isotope_offset", rig.box.resource, LIMITS, timeout_s=0.5),
        timeout_s=0.5,
        lock_timeout_s=1.0,
        sleep=slept.append,
        monotonic=lambda: next(now),
    )
    switch.connect()
    rig.box.received.clear()
    yield switch
    switch.close()


def test_connect_sets_the_directions_and_no_level(rig, switch):
    protocol: TrapSwitch = switch
    assert protocol.connect().maker == "REDPITAYA"
    assert rig.box.received == [
        b"*IDN?\r\n",
        b"DIG:PIN:DIR OUT,DIO0_P\r\n",
        b"DIG:PIN:DIR OUT,DIO1_P\r\n",
        b"DIG:PIN:DIR OUT,DIO2_P\r\n",
        b"DIG:PIN:DIR IN,DIO3_P\r\n",
        b"SYST:ERR?\r\n",
        b"*IDN?\n",
        b"*CLS\n",
        b":MOD:STAT?\n",
        b":SWE:STAT?\n",
        b":UNIT:POW DBM\n",
        b":UNIT:POW?\n",
    ]


def test_offset_then_repumpers_then_lock(rig, switch, slept):
    rig.lock_answers = [b"1", b"0", b"0", b"1", b"1", b"1"]
    switch.set_offset(-96.0, odd=True)
    assert rig.box.received == [
        b":FREQ 904000000.00\n",
        b"SYST:ERR?\n",
        b":FREQ?\n",
        b"SYST:ERR?\n",
        b":OUTP?\n",
        b"DIG:PIN DIO2_P,1\r\n",
        b"DIG:PIN? DIO2_P\r\n",
        *[b"DIG:PIN? DIO3_P\r\n"] * 6,
    ]
    assert set(slept) == {0.003}


def test_a_lock_that_still_reports_is_not_believed_at_once(rig, switch):
    rig.lock_answers = [b"1", b"1", b"0", b"1", b"1", b"1"]
    switch.set_offset(-96.0, odd=True)
    assert rig.lock_answers == []


def test_silent_generator_is_switched_on(rig, switch):
    rig.output = b"0"
    switch.set_offset(0.0, odd=False)
    assert b":OUTP ON\n" in rig.box.received


def test_lasers_that_do_not_lock(rig, switch):
    rig.pins[b"DIO3_P"] = b"0"
    with pytest.raises(Timeout, match=r"did not lock at -96 MHz within 1 s"):
        switch.set_offset(-96.0, odd=True)


def test_offset_beyond_the_limits_moves_nothing(rig, switch):
    with pytest.raises(OutOfRange, match="isotope_offset"):
        switch.set_offset(600.0, odd=True)
    assert rig.box.received == []


def test_light_lines(rig, switch):
    switch.set_pumping_light(False)
    switch.set_trap_light(False)
    assert rig.box.received == [
        b"DIG:PIN DIO0_P,0\r\n",
        b"DIG:PIN? DIO0_P\r\n",
        b"DIG:PIN DIO1_P,0\r\n",
        b"DIG:PIN? DIO1_P\r\n",
    ]


def test_status(rig, switch):
    rig.frequency = b"735000000"
    rig.pins[b"DIO0_P"] = b"0"
    assert switch.status() == TrapStatus(-265.0, True, False, True)


def test_make_safe_darkens_both_and_keeps_the_offset(rig, switch):
    switch.make_safe()
    assert rig.pins[b"DIO0_P"] == rig.pins[b"DIO1_P"] == b"0"
    assert not any(line.startswith((b":FREQ ", b":OUTP ")) for line in rig.box.received)


def test_make_safe_tries_the_second_line_when_the_first_is_stuck(rig, switch):
    rig.stuck.add(b"DIO0_P")
    with pytest.raises(DeviceFault, match="DIO0_P"):
        switch.make_safe()
    assert rig.pins[b"DIO1_P"] == b"0"


def test_make_safe_darkens_both_over_a_line_that_has_died(rig, switch):
    rig.box.hang_up()
    switch.make_safe()
    assert rig.pins[b"DIO0_P"] == rig.pins[b"DIO1_P"] == b"0"


def test_make_safe_darkens_both_over_a_line_that_dies_at_its_first_order(rig, switch, hang_up):
    lines = []

    def dies_once(line: bytes):
        lines.append(line)
        return hang_up if len(lines) == 1 else rig.answer(line)

    rig.box.answer = dies_once
    switch.make_safe()
    assert rig.pins[b"DIO0_P"] == rig.pins[b"DIO1_P"] == b"0"


def test_a_board_that_may_have_restarted_gets_its_directions_again(rig, switch):
    """After a power cut its lines are inputs, and a look may be what finds the line anew."""
    rig.box.hang_up()
    for _ in range(2):  # the generator's line, then the board's
        with contextlib.suppress(DriverError):
            switch.status()
    switch.status()
    rig.box.received.clear()
    switch.set_trap_light(True)
    assert rig.box.received == [
        b"DIG:PIN:DIR OUT,DIO0_P\r\n",
        b"DIG:PIN:DIR OUT,DIO1_P\r\n",
        b"DIG:PIN:DIR OUT,DIO2_P\r\n",
        b"DIG:PIN:DIR IN,DIO3_P\r\n",
        b"DIG:PIN DIO1_P,1\r\n",
        b"DIG:PIN? DIO1_P\r\n",
    ]
    rig.box.received.clear()
    switch.set_trap_light(False)
    assert rig.box.received[0] == b"DIG:PIN DIO1_P,0\r\n"


def test_what_was_closed_stays_closed(rig, switch):
    switch.close()
    with pytest.raises(ConnectionLost, match="not connected"):
        switch.set_trap_light(True)


def test_an_answer_too_many_shifts_no_line(rig, switch):
    """One line too many, and shutter, light and lock would each be read as the line before it."""
    rig.pins |= {b"DIO3_P": b"0", b"DIO0_P": b"1", b"DIO1_P": b"1"}
    assert switch.status() == TrapStatus(0.0, False, True, True)
    answer = rig.answer
    rig.box.answer = lambda line: b"1\r\n" + answer(line) if b"DIO3" in line else answer(line)
    seen = []
    for _ in range(3):
        with contextlib.suppress(DriverError):
            seen.append(switch.status())
        rig.box.answer = answer
    assert seen == [TrapStatus(0.0, False, True, True)] * len(seen) != []


def test_dead_board_is_named(rig, switch, hang_up):
    rig.box.answer = lambda _: hang_up
    with pytest.raises(DriverError) as caught:
        switch.set_pumping_light(True)
    assert caught.value.instrument == "trap_switch"
