"""A pair of ITC4000: bytes on both wires, what is refused, and every way in which a wire fails."""

import contextlib
import math
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import PATIENT_S

from drivers.amplifier_protection import CONNECT_WAIT_S
from drivers.errors import (
    ConnectionLost,
    DeviceFault,
    DriverError,
    InterlockOpen,
    OutOfRange,
    ProtocolError,
    Timeout,
)
from drivers.interfaces import AmplifierLimits, AmplifierStatus, Identity, Range
from drivers.itc4000 import Itc4000Pair

LIMITS = AmplifierLimits(
    seed_current_ma=Range(0.0, 106.0),
    amplifier_current_ma=Range(0.0, 2500.0),
    unseeded_ceiling_ma=300.0,
    seed_power_min_mw=10.0,
)
SEED = {
    b"*IDN?": b"THORLABS,ITC4001,M00310001,1.4.0/2.0.3/1.6.0\n",
    b"SYST:ERR?": b'+0,"No error"\n',
    b"OUTP1:STAT?": b"1\n",
    b"OUTP2:STAT?": b"1\n",
    b"SOUR:CURR?": b"9.00000000E-02\n",
    b"MEAS:CURR1?": b"8.99900000E-02\n",
    b"MEAS:CURR2?": b"1.00000000E-03\n",
    b"MEAS:TEMP?": b"2.75000000E+01\n",
    b"SOUR2:TEMP:SPO?": b"2.00000000E+01\n",
    b"SOUR:CURR:LIM?": b"1.00000000E-01\n",
    b"SOUR:FUNC:MODE?": b"CURR\n",
    b"SOUR:FUNC:SHAP?": b"DC\n",
    b"STAT:MEAS:COND?": b"0\n",
}
CHIP = {
    **SEED,
    b"*IDN?": b"THORLABS,ITC4005,M00310002,1.4.0/2.0.3/1.6.0\n",
    b"SOUR:CURR?": b"0.00000000E+00\n",
    b"MEAS:CURR1?": b"0.00000000E+00\n",
    b"MEAS:CURR2?": b"1.00000000E-06\n",
    b"OUTP1:STAT?": b"0\n",
    b"SOUR:CURR:LIM?": b"2.50000000E+00\n",
    b"OUTP:PROT:EXT:MODE?": b"PROT\n",
    b"OUTP:PROT:EXT:TRIP?": b"0\n",
}


@pytest.fixture
def boxes(make_box):
    seed, chip = make_box(), make_box()
    seed.answers, chip.answers = dict(SEED), dict(CHIP)
    return seed, chip


@pytest.fixture
def pair_of():
    made = []

    def make(boxes, **options):
        options.setdefault("sleep", lambda _: None)
        options.setdefault("timeout_s", PATIENT_S)
        pair = Itc4000Pair(
            "amplifier", boxes[0].resource, boxes[1].resource, LIMITS,
            seed_mw_per_ma=20.0, output_mw_per_ma=500.0, emission_timeout_s=0.05, **options,
        )  # fmt: skip
        made.append(pair)
        return pair

    yield make
    for pair in made:
        pair.close()


@pytest.fixture
def connected(boxes, pair_of):
    pair = pair_of(boxes)
    pair.connect()
    for box in boxes:
        box.received.clear()
    return pair


def test_connect_identifies_both_and_reads_every_guard(boxes, pair_of):
    seed, chip = boxes
    assert pair_of(boxes).connect() == Identity(
        "THORLABS",
        "ITC4001 with ITC4005",
        "M00310001 with M00310002",
        "1.4.0/2.0.3/1.6.0",
    )
    assert seed.received == [
        b"*IDN?\n",
        b"SYST:ERR?\n",
        b"OUTP1:STAT?\n",
        b"SOUR:CURR:LIM?\n",
        b"SOUR:FUNC:MODE?\n",
        b"SOUR:FUNC:SHAP?\n",
    ]
    assert chip.received == [
        b"*IDN?\n",
        b"SYST:ERR?\n",
        b"OUTP1:STAT?\n",
        b"SOUR:CURR?\n",
        b"MEAS:CURR1?\n",
        b"OUTP:PROT:EXT:MODE?\n",
        b"SOUR:CURR:LIM?\n",
        b"SOUR:FUNC:MODE?\n",
        b"SOUR:FUNC:SHAP?\n",
    ]


def test_connect_brings_an_unseeded_amplifier_down_at_once(boxes, pair_of):
    seed, chip = boxes
    seed.answers[b"OUTP1:STAT?"] = b"0\n"
    chip.answers[b"OUTP1:STAT?"] = b"1\n"
    # Asked by connect, again before the drop, and by the read-back.
    chip.answers[b"SOUR:CURR?"] = [b"2.0E+00\n", b"2.0E+00\n", b"0.0E+00\n"]
    chip.answers[b"MEAS:CURR1?"] = [b"2.0E+00\n", b"2.0E+00\n", b"0.0E+00\n"]
    with pytest.raises(InterlockOpen, match="the seed is off; the amplifier was brought down to 0"):
        pair_of(boxes).connect()
    assert b"SOUR:CURR 0.000000\n" in chip.received


def up_at(chip, current_a):
    """The amplifier's box is on at `current_a` and keeps each current that it is told."""
    present = [current_a]

    def answer(line):
        if line.startswith(b"SOUR:CURR "):
            present[0] = line.split()[1]
        if line == b"OUTP1:STAT?\n":
            return b"1\n"
        if line in (b"SOUR:CURR?\n", b"MEAS:CURR1?\n"):
            return present[0] + b"\n"
        return chip.answers.get(line.strip())

    chip.answer = answer
    return present


def _silent(seed):
    seed.answers.clear()


def _another_box(seed):
    seed.answers[b"*IDN?"] = CHIP[b"*IDN?"]


def _no_box(seed):
    seed.close()


def _no_photocurrent(seed):
    seed.answers[b"MEAS:CURR2?"] = b"nonsense\n"


SEED_LOST = (_silent, _another_box, _no_box, _no_photocurrent)


@pytest.mark.parametrize("lose", SEED_LOST)
def test_connect_without_the_seeds_box_brings_the_amplifier_down(boxes, pair_of, lose):
    seed, chip = boxes
    present = up_at(chip, b"2.0")
    lose(seed)
    with pytest.raises(DriverError, match="the amplifier was brought down to 0 mA"):
        pair_of(boxes).connect()
    assert float(present[0]) == 0.0


@pytest.mark.parametrize("lose", SEED_LOST[:3])
def test_connect_without_the_seeds_box_leaves_a_low_amplifier_alone(boxes, pair_of, lose):
    seed, chip = boxes
    up_at(chip, b"0.3")
    lose(seed)
    with pytest.raises(DriverError) as refusal:
        pair_of(boxes).connect()
    assert "brought down" not in refusal.value.reason
    assert not [line for line in chip.received if line.startswith(b"SOUR:CURR ")]


def test_a_box_that_is_no_itc4000_is_told_nothing(boxes, pair_of):
    seed, chip = boxes
    up_at(chip, b"2.0")
    chip.answers[b"*IDN?"] = b"Rigol Technologies,DSG830,X,1\n"
    seed.answers.clear()
    with pytest.raises(DeviceFault, match="no ITC4000"):
        pair_of(boxes).connect()
    assert chip.received == [b"*IDN?\n"]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"OUTP1:STAT?", None),
        (b"MEAS:CURR2?", b"nonsense\n"),
        (b"SOUR:CURR:LIM?", b"100.0\n"),
    ],
)
def test_a_poll_that_cannot_read_the_seed_brings_the_amplifier_down(
    boxes, connected, query, answer
):
    seed, chip = boxes
    present = up_at(chip, b"2.0")
    seed.answers[query] = answer
    with pytest.raises(DriverError, match="the amplifier was brought down to 0 mA"):
        connected.status()
    assert float(present[0]) == 0.0


def test_a_poll_that_cannot_read_the_seed_says_when_off_is_not_confirmed(boxes, connected):
    seed, chip = boxes
    up_at(chip, b"2.0")
    kept = chip.answer
    # It keeps its current and stays on, whatever it is told.
    chip.answer = lambda line: None if line.startswith(b"SOUR:CURR ") else kept(line)
    seed.answers[b"OUTP1:STAT?"] = None
    with pytest.raises(DriverError, match="NOT CONFIRMED") as failure:
        connected.status()
    assert "turn the key" in failure.value.remedy


@pytest.mark.parametrize(
    ("which", "query", "answer", "said", "todo"),
    [
        (1, b"OUTP:PROT:EXT:MODE?", b"OFF\n", "OFF: ignored by the box", "wire LD-ENABLE"),
        (1, b"OUTP:PROT:EXT:MODE?", b"ENAB\n", "gives the current back by itself", "MODE PROT"),
        (0, b"SOUR:CURR:LIM?", b"0.2\n", "200 mA, rig file 106 mA: above", "seed's box at its"),
        (1, b"SOUR:CURR:LIM?", b"5.0\n", "5000 mA, rig file 2500 mA: above", "lower the current"),
        (0, b"SOUR:FUNC:MODE?", b"POW\n", "mode POW, shape DC", "constant current"),
        (1, b"SOUR:FUNC:MODE?", b"POW\n", "mode POW, shape DC", "constant current"),
        (1, b"SOUR:FUNC:SHAP?", b"PULS\n", "mode CURR, shape PULS", "no pulses"),
    ],
)
def test_a_box_that_does_not_guard_is_refused_with_what_to_do(
    boxes, pair_of, which, query, answer, said, todo
):
    boxes[which].answers[query] = answer
    pair = pair_of(boxes)
    with pytest.raises(InterlockOpen) as refusal:
        pair.connect()
    assert said in refusal.value.reason
    assert todo in refusal.value.remedy
    # The table can still be read, and shows the same gap.
    gaps = [guard for guard in pair.guards() if not guard.armed]
    assert [said in guard.state and todo in guard.remedy for guard in gaps] == [True]


def test_a_line_that_is_high_without_a_seed_is_not_wired(boxes, pair_of):
    """An open input rests high, and a box that latches on a low line then never does."""
    seed, chip = boxes
    seed.answers[b"OUTP1:STAT?"] = b"0\n"
    slept = []
    pair = pair_of(boxes, sleep=slept.append)
    with pytest.raises(InterlockOpen, match=r"LD-ENABLE.*high though the seed is off") as refusal:
        pair.connect()
    assert "wire LD-ENABLE" in refusal.value.remedy
    assert sum(slept) >= 0.05, "the comparator of a seed that has just gone off has its delay"
    assert [guard.by for guard in pair.guards() if not guard.armed] == [
        "LD-ENABLE of the amplifier's box"
    ]
    chip.answers[b"STAT:MEAS:COND?"] = [b"0\n", b"16\n"]
    pair.connect()
    assert all(guard.armed for guard in pair.guards())


def test_disarmed_between_two_moves_nothing_rises(boxes, connected):
    chip = boxes[1]
    chip.answers[b"OUTP1:STAT?"] = b"1\n"
    chip.answers[b"SOUR:CURR?"] = chip.answers[b"MEAS:CURR1?"] = b"0.3\n"
    chip.answers[b"OUTP:PROT:EXT:MODE?"] = b"OFF\n"
    with pytest.raises(InterlockOpen, match="LD-ENABLE of the amplifier's box: OFF"):
        connected.set_amplifier_current(301.0)
    assert not [line for line in chip.received if line.startswith(b"SOUR:CURR ")]


def test_a_move_up_that_finds_the_line_disarmed_brings_down_what_is_above(boxes, connected):
    chip = boxes[1]
    present = up_at(chip, b"1.0")
    chip.answers[b"OUTP:PROT:EXT:MODE?"] = b"OFF\n"
    with pytest.raises(InterlockOpen, match=r"OFF: ignored.*brought down to 0 mA"):
        connected.set_amplifier_current(1500.0)
    assert float(present[0]) == 0.0


def test_connect_brings_an_amplifier_down_whose_line_is_disarmed(boxes, pair_of):
    chip = boxes[1]
    present = up_at(chip, b"2.0")
    chip.answers[b"OUTP:PROT:EXT:MODE?"] = b"OFF\n"
    with pytest.raises(InterlockOpen, match=r"OFF: ignored.*brought down to 0 mA") as refusal:
        pair_of(boxes).connect()
    assert float(present[0]) == 0.0
    assert "MODE PROT" in refusal.value.remedy


def test_two_addresses_of_one_box(boxes, pair_of):
    boxes[1].answers[b"*IDN?"] = SEED[b"*IDN?"]
    with pytest.raises(InterlockOpen, match="both addresses lead to the same box"):
        pair_of(boxes).connect()


def test_another_instrument_at_the_address(boxes, pair_of):
    boxes[0].answers[b"*IDN?"] = b"Rigol Technologies,DSG830,X,1\n"
    with pytest.raises(DeviceFault, match=r"is a Rigol Technologies DSG830, no ITC4000 — correct"):
        pair_of(boxes).connect()


def test_a_query_that_the_firmware_does_not_know(boxes, pair_of):
    chip = boxes[1]
    del chip.answers[b"OUTP:PROT:EXT:MODE?"]
    chip.answers[b"SYST:ERR?"] = [SEED[b"SYST:ERR?"], b'-113,"Undefined header"\n',
                                  SEED[b"SYST:ERR?"]]  # fmt: skip
    with pytest.raises(DeviceFault, match=r"does not know.*EXT:MODE.*-113.*update the firmware"):
        pair_of(boxes).connect()


def test_status_is_one_poll_with_the_amplifier_first(boxes, connected):
    assert connected.status() == AmplifierStatus(
        seed_on=True,
        seed_current_set_ma=pytest.approx(90.0),
        seed_current_ma=pytest.approx(89.99),
        seed_power_mw=pytest.approx(20.0),
        amplifier_on=False,
        amplifier_current_set_ma=0.0,
        amplifier_current_ma=0.0,
        output_power_mw=pytest.approx(0.5),
        interlock_open=False,
        emission_enabled=True,
        seed_protection_armed=True,
        message="OK",
    )
    assert boxes[1].received == [
        b"OUTP1:STAT?\n",
        b"SOUR:CURR?\n",
        b"MEAS:CURR1?\n",
        b"MEAS:CURR2?\n",
        b"OUTP:PROT:EXT:MODE?\n",
        b"STAT:MEAS:COND?\n",
        b"OUTP:PROT:EXT:TRIP?\n",
        b"SOUR:CURR:LIM?\n",
    ]
    assert boxes[0].received == [
        b"OUTP1:STAT?\n",
        b"SOUR:CURR?\n",
        b"MEAS:CURR1?\n",
        b"MEAS:CURR2?\n",
        b"STAT:MEAS:COND?\n",
        b"SOUR:CURR:LIM?\n",
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_a_box_that_answers_in_another_unit_is_named_at_zero_current(boxes, connected, which):
    boxes[which].answers[b"SOUR:CURR:LIM?"] = (b"100.0\n", b"2500.0\n")[which]
    with pytest.raises(DeviceFault, match="another unit"):
        connected.status()


def test_a_line_that_stays_high_without_a_seed_is_disarmed_in_the_status(boxes, pair_of):
    """The table of guards and the status tell the same."""
    seed, chip = boxes
    now = [100.0]
    pair = pair_of(boxes, clock=lambda: now[0])
    pair.connect()

    def polled(after_s: float) -> AmplifierStatus:
        now[0] += after_s
        return pair.status()

    assert polled(0.2).seed_protection_armed
    seed.answers[b"OUTP1:STAT?"] = b"0\n"
    assert polled(0.2).seed_protection_armed, "the comparator has its delay"
    assert polled(0.01).seed_protection_armed, "so has it when two poll at once"
    status = polled(0.25)
    assert not status.seed_protection_armed
    assert "amplifier: LD-ENABLE is high though the seed is off: not wired" in status.message
    assert [guard.by for guard in pair.guards() if not guard.armed] == [
        "LD-ENABLE of the amplifier's box"
    ]
    chip.answers[b"STAT:MEAS:COND?"] = b"16\n"
    assert polled(0.2).seed_protection_armed, "it is wired"
    chip.answers[b"STAT:MEAS:COND?"] = b"0\n"
    assert polled(0.2).seed_protection_armed, "anew, the first of two"


def test_a_line_that_does_not_latch_is_named_by_the_status(boxes, connected):
    boxes[1].answers[b"OUTP:PROT:EXT:MODE?"] = b"OFF\n"
    status = connected.status()
    assert not status.seed_protection_armed
    assert status.message == "amplifier: LD-ENABLE does not latch"


def test_a_laser_that_goes_off_by_itself_is_named_without_a_bit(boxes, connected):
    connected.status()
    boxes[0].answers[b"OUTP1:STAT?"] = b"0\n"
    assert connected.status().message == "seed: off, and not switched off from here"


def test_status_says_what_the_registers_say(boxes, connected):
    boxes[0].answers[b"STAT:MEAS:COND?"] = b"+517\n"
    boxes[1].answers[b"OUTP:PROT:EXT:TRIP?"] = b"1\n"
    status = connected.status()
    assert status.interlock_open
    assert not status.emission_enabled
    assert status.message == (
        "seed: key is off, seed: interlock is open, seed: temperature outside its window, "
        "amplifier: switched off by LD-ENABLE"
    )


def test_seed_current_is_sent_in_amperes_and_read_back(boxes, connected):
    boxes[0].answers[b"SOUR:CURR?"] = b"8.55000000E-02\n"
    connected.set_seed_current(85.5)
    assert boxes[0].received == [b"SOUR:CURR 0.085500\n", b"SOUR:CURR?\n"]


def test_another_current_kept(boxes, connected):
    with pytest.raises(DeviceFault, match="seed current set to 85 mA, but the box kept 90 mA"):
        connected.set_seed_current(85.0)


@pytest.mark.parametrize("current_ma", [-1.0, 2500.1, math.nan, math.inf])
def test_outside_the_envelope_nothing_is_sent(boxes, connected, current_ma):
    with pytest.raises(OutOfRange, match="amplifier current"):
        connected.set_amplifier_current(current_ma)
    with pytest.raises(OutOfRange, match="seed current"):
        connected.set_seed_current(current_ma)
    assert boxes[0].received == boxes[1].received == []


def test_ramp_in_bytes(boxes, connected):
    seed, chip = boxes
    chip.answers[b"OUTP1:STAT?"] = b"1\n"
    present = [b"0.25"]

    def answer(line):
        if line.startswith(b"SOUR:CURR "):
            present[0] = line.split()[1]
        if line in (b"SOUR:CURR?\n", b"MEAS:CURR1?\n"):
            return present[0] + b"\n"
        return chip.answers.get(line.strip())

    chip.answer = answer
    connected.set_amplifier_current(362.5)
    sent = [line for line in chip.received if line.startswith(b"SOUR:CURR ")]
    assert sent == [b"SOUR:CURR 0.300000\n", b"SOUR:CURR 0.350000\n", b"SOUR:CURR 0.362500\n"]
    # Each step above the ceiling, and the end, saw the seed.
    assert seed.received.count(b"MEAS:CURR2?\n") == 3


def test_seed_on_and_off_in_bytes(boxes, connected):
    seed, chip = boxes
    seed.answers[b"OUTP1:STAT?"] = [b"0\n", b"0\n", b"1\n"]
    chip.answers[b"STAT:MEAS:COND?"] = b"16\n"
    connected.seed_on()
    assert seed.received[:5] == [
        b"OUTP1:STAT?\n",
        b"OUTP2:STAT?\n",
        b"STAT:MEAS:COND?\n",
        b"OUTP1:STAT?\n",
        b"OUTP1:STAT ON\n",
    ]
    assert chip.received == [b"OUTP:PROT:EXT:MODE?\n", b"STAT:MEAS:COND?\n"]
    seed.received.clear()
    seed.answers[b"OUTP1:STAT?"] = b"0\n"
    connected.seed_off()
    assert seed.received[:2] == [b"OUTP1:STAT OFF\n", b"OUTP1:STAT?\n"]


def test_a_wire_that_broke_after_connect_is_seen_before_the_seed_goes_on(boxes, pair_of):
    """With the seed on a line that is high is right: nothing would show it any more."""
    seed, chip = boxes
    seed.answers[b"OUTP1:STAT?"] = b"0\n"
    chip.answers[b"STAT:MEAS:COND?"] = b"16\n"
    slept = []
    pair = pair_of(boxes, sleep=slept.append)
    pair.connect()
    chip.answers[b"STAT:MEAS:COND?"] = b"0\n"
    seed.received.clear()
    with pytest.raises(InterlockOpen, match=r"LD-ENABLE.*high though the seed is off") as refusal:
        pair.seed_on()
    assert "wire LD-ENABLE" in refusal.value.remedy
    assert b"OUTP1:STAT ON\n" not in seed.received
    assert sum(slept) >= 0.05, "the comparator of a seed that has just gone off has its delay"


def test_a_line_that_was_only_late_keeps_no_seed_off(boxes, connected):
    seed, chip = boxes
    seed.answers[b"OUTP1:STAT?"] = [b"0\n", b"0\n", b"0\n", b"1\n"]
    chip.answers[b"STAT:MEAS:COND?"] = [b"0\n", b"16\n"]
    connected.seed_on()
    assert b"OUTP1:STAT ON\n" in seed.received


def test_a_cooler_that_is_off_is_switched_on_and_waited_for(boxes, pair_of):
    seed, _ = boxes
    now = [0.0]
    pair = pair_of(boxes, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    pair.connect()
    seed.answers[b"OUTP1:STAT?"] = [b"0\n", b"1\n"]
    seed.answers[b"OUTP2:STAT?"] = [b"0\n", b"1\n"]
    seed.answers[b"STAT:MEAS:COND?"] = [b"512\n"] * 10 + [b"0\n"]
    pair.seed_on()
    lines = seed.received
    assert lines.index(b"OUTP2:STAT ON\n") < lines.index(b"STAT:MEAS:COND?\n")
    assert lines.index(b"STAT:MEAS:COND?\n") < lines.index(b"OUTP1:STAT ON\n")
    # Ten looks outside, then three seconds inside.
    assert now[0] == pytest.approx(10 * 0.2 + 3.0, abs=0.21)


def test_a_laser_that_does_not_come_to_its_temperature_stays_off(boxes, pair_of):
    seed, chip = boxes
    chip.answers[b"STAT:MEAS:COND?"] = b"16\n"
    now = [0.0]
    pair = pair_of(boxes, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + 10 * s))
    seed.answers[b"OUTP1:STAT?"] = b"0\n"
    seed.answers[b"STAT:MEAS:COND?"] = b"512\n"
    pair.connect()
    with pytest.raises(InterlockOpen, match=r"27\.50 degC, is not in its window around 20\.00"):
        pair.seed_on()
    assert b"OUTP1:STAT ON\n" not in seed.received


def cooled_chip(boxes, pair_of):
    """A pair whose amplifier takes some seconds to cool down."""
    chip = boxes[1]
    now = [0.0]
    pair = pair_of(boxes, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    pair.connect()
    chip.answers[b"STAT:MEAS:COND?"] = [b"512\n"] * 10 + [b"0\n"]
    chip.received.clear()
    return pair


def test_a_seed_that_fades_while_the_amplifier_cools_leaves_it_off(boxes, pair_of):
    seed, chip = boxes
    pair = cooled_chip(boxes, pair_of)
    seed.answers[b"MEAS:CURR2?"] = [b"1.0E-03\n", b"1.0E-05\n"]
    with pytest.raises(InterlockOpen, match=r"seed power 0\.20 mW is below"):
        pair.amplifier_on()
    assert b"OUTP1:STAT ON\n" not in chip.received


def test_a_current_that_was_raised_while_the_amplifier_cooled_is_brought_down_first(boxes, pair_of):
    _, chip = boxes
    pair = cooled_chip(boxes, pair_of)
    chip.answers[b"SOUR:CURR?"] = [b"0.0\n", b"2.0\n", b"0.0\n"]
    # Asked before, again after the cooling, by the read-back of the current, and of the switch.
    chip.answers[b"OUTP1:STAT?"] = [b"0\n"] * 3 + [b"1\n"]
    pair.amplifier_on()
    lines = chip.received
    assert lines.index(b"SOUR:CURR 0.000000\n") < lines.index(b"OUTP1:STAT ON\n")


def test_connect_does_not_wait_for_a_cooler(boxes, pair_of):
    """The station connects anew after a poll that timed out, and must go on polling."""
    _, chip = boxes
    pair = pair_of(boxes, sleep=time.sleep, cooling_timeout_s=60.0)
    pair.connect()
    chip.answers[b"STAT:MEAS:COND?"] = b"512\n"
    chip.received.clear()
    ended = []

    def switch_on():
        try:
            pair.amplifier_on()
        except InterlockOpen as refusal:
            ended.append(refusal.reason)

    move = threading.Thread(target=switch_on)
    move.start()
    deadline_s = time.monotonic() + 30.0
    while b"STAT:MEAS:COND?\n" not in chip.received:
        assert time.monotonic() < deadline_s, "the cooler is not looked at"
        time.sleep(0.005)
    begun_s = time.monotonic()
    assert pair.connect().maker == "THORLABS"
    assert pair.status().message == "amplifier: temperature outside its window"
    assert time.monotonic() - begun_s < CONNECT_WAIT_S + 1.0
    assert move.is_alive()
    assert not [line for line in chip.received if b"?" not in line], "nothing was told"
    pair.make_safe()
    move.join(5.0)
    assert ended == ["STOP broke off the move"]


@pytest.mark.parametrize("command", ["set_seed_current", "seed_off"])
def test_a_lost_reading_of_a_high_amplifier_brings_it_down(boxes, connected, command):
    _, chip = boxes
    present = up_at(chip, b"2.0")
    kept, lost = chip.answer, []

    def loses_one(line):
        if line == b"OUTP1:STAT?\n" and not lost:
            lost.append(line)
            return None
        return kept(line)

    chip.answer = loses_one
    arguments = (90.0,) if command == "set_seed_current" else ()
    with pytest.raises(Timeout, match="the amplifier was brought down to 0 mA"):
        getattr(connected, command)(*arguments)
    assert float(present[0]) == 0.0


def test_an_output_that_does_not_switch_on_says_why(boxes, connected):
    seed, chip = boxes
    chip.answers[b"STAT:MEAS:COND?"] = b"16\n"
    seed.answers[b"OUTP1:STAT?"] = b"0\n"
    seed.answers[b"STAT:MEAS:COND?"] = b"4\n"
    seed.answers[b"SYST:ERR?"] = [b'-221,"Settings conflict"\n', SEED[b"SYST:ERR?"]]
    with pytest.raises(DeviceFault, match=r"did not switch on: interlock is open.*-221"):
        connected.seed_on()


def test_no_answer_is_a_timeout_and_the_late_one_is_never_read(boxes, connected):
    del boxes[0].answers[b"MEAS:CURR2?"]
    with pytest.raises(Timeout, match=r"no answer to MEAS:CURR2\? within 2 s"):
        connected.status()
    boxes[0].answers[b"MEAS:CURR2?"] = b"5.0E-04\n"
    assert connected.status().seed_power_mw == pytest.approx(10.0)
    assert boxes[0].connections == 2


def test_a_hung_up_line_is_lost_and_opened_anew(boxes, connected, hang_up):
    boxes[1].answers[b"OUTP1:STAT?"] = hang_up
    with pytest.raises((ConnectionLost, Timeout)):
        connected.status()
    boxes[1].answers[b"OUTP1:STAT?"] = b"0\n"
    assert not connected.status().amplifier_on


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"OUTP1:STAT?", b"ON\n"),
        (b"SOUR:CURR?", b"nan\n"),
        (b"MEAS:CURR1?", b"1.0E+00,2\n"),
        (b"STAT:MEAS:COND?", b"-4\n"),
        (b"STAT:MEAS:COND?", b"999999\n"),
        (b"OUTP:PROT:EXT:MODE?", b"PROTECT\n"),
    ],
)
def test_an_answer_that_cannot_be_right(boxes, connected, query, answer):
    boxes[1].answers[query] = answer
    with pytest.raises(ProtocolError, match="was answered by"):
        connected.status()


def test_stop_with_a_silent_box_says_that_off_is_not_confirmed(boxes, connected):
    boxes[1].answers.clear()
    with pytest.raises(DeviceFault, match=r"'OFF' WAS SENT .* NOT CONFIRMED"):
        connected.make_safe()
    assert boxes[1].received[0] == b"SOUR:CURR 0.000000\n"
    # The last one is sent blindly: it may still be on its way.
    while boxes[1].received.count(b"OUTP1:STAT OFF\n") < 3:
        time.sleep(0.005)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    query=st.sampled_from(sorted(CHIP)),
    answer=st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"") + b"\n"),
)
def test_any_answer_gives_a_reading_or_a_typed_error(boxes, pair_of, query, answer):
    boxes[1].answers = {**CHIP, query: answer}
    pair = pair_of(boxes)
    for command in (pair.connect, pair.status, pair.guards, pair.make_safe):
        with contextlib.suppress(DriverError):
            command()
    pair.close()
