"""All instruments at once: one that fails keeps none of the others from its answer or its STOP."""

import threading
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from atta_daq.rig.instruments import Instruments
from drivers.errors import DriverError, Timeout
from drivers.interfaces import Identity
from drivers.twice import tried_twice

NAMES = (
    "amplifier", "trap_switch", "camera", "sideband", "lock", "loading", "reference_cell",
    "power_meter", "slow_control",
)  # fmt: skip


class Box:
    """An instrument that can be made safe, fail at it, or never come back from it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.safe = False
        self.error: Exception | None = None
        self.frozen = False
        self.thaw = threading.Event()
        self.barrier: threading.Barrier | None = None
        self.fails_once: DriverError | None = None
        self.told = 0
        self.identity = Identity("maker", name, "1", "1.0")

    def connect(self) -> Identity:
        if self.error is not None:
            raise self.error
        return self.identity

    def make_safe(self) -> None:
        self.told += 1
        if (error := self.fails_once) is not None:
            self.fails_once = None
            raise error
        if self.barrier is not None:
            self.barrier.wait(5.0)
        if self.frozen:
            self.thaw.wait(30.0)
        if self.error is not None:
            raise self.error
        self.safe = True


@pytest.fixture
def boxes() -> dict[str, Box]:
    return {name: Box(name) for name in NAMES}


def instruments_of(boxes: dict[str, Box]) -> Instruments:
    return Instruments(**cast(Any, boxes), addresses=dict.fromkeys(boxes, "its address"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Timeout("lock", "no answer within 1.2 s", "check it"), "lock: no answer within 1.2 s"),
        (
            ZeroDivisionError("a bug"),
            "lock: connecting to it failed in this program (ZeroDivisionError: a bug)",
        ),
    ],
)
def test_one_that_cannot_be_connected_is_named_and_the_others_answer(
    boxes: dict[str, Box], error: Exception, said: str
) -> None:
    boxes["lock"].error = error
    answers = {answer.name: answer for answer in instruments_of(boxes).connect()}
    assert tuple(answers) == NAMES
    assert str(answers["lock"].error).startswith(said)
    assert [name for name, answer in answers.items() if answer.identity is None] == ["lock"]


def test_one_box_by_two_wires_is_refused_with_both_names(boxes: dict[str, Box]) -> None:
    generator = Identity("Rigol Technologies", "DSG830", "DSG8A1", "00.01.05")
    boxes["sideband"].identity = generator
    board = Identity("REDPITAYA", "INSTR2024", "0", "01-02")
    over_usb = replace(generator, maker="RIGOL TECHNOLOGIES")
    boxes["trap_switch"].identity = replace(board, beside=(over_usb,))
    # A serial number that says nothing proves nothing.
    boxes["loading"].identity = boxes["reference_cell"].identity = board
    answers = {answer.name: answer for answer in instruments_of(boxes).connect()}
    assert [name for name, answer in answers.items() if answer.error is not None] == ["sideband"]
    said = str(answers["sideband"].error)
    assert said.startswith("sideband: Rigol Technologies DSG830, serial DSG8A1, answers as trap_")
    assert "correct the address of sideband or trap_switch in the rig file" in said


@pytest.mark.parametrize("serial", ["", "0", "00000000", " ", "unknown", "N/A", "none"])
def test_a_placeholder_is_no_serial_number(boxes: dict[str, Box], serial: str) -> None:
    for name in ("loading", "reference_cell"):
        boxes[name].identity = Identity("REDPITAYA", "INSTR2024", serial, "01-02")
    assert not [answer.error for answer in instruments_of(boxes).connect() if answer.error]


def test_stop_is_told_again_to_a_box_whose_line_had_died(boxes: dict[str, Box]) -> None:
    boxes["sideband"].fails_once = Timeout("sideband", "no answer within 1.2 s")
    assert instruments_of(boxes).make_safe() == [f"{name}: safe" for name in NAMES]
    assert {name: box.told for name, box in boxes.items() if box.told != 1} == {"sideband": 2}


def test_stop_is_not_told_a_third_time_where_the_driver_has_told_it_twice(
    boxes: dict[str, Box],
) -> None:
    def fail() -> None:
        boxes["sideband"].told += 1
        raise Timeout("sideband", "no answer within 1.2 s")

    cast(Any, boxes["sideband"]).make_safe = lambda: tried_twice(fail)
    lines = instruments_of(boxes).make_safe()
    assert [line for line in lines if "NOT SAFE: sideband: no answer" in line]
    assert boxes["sideband"].told == 2


@pytest.mark.parametrize("frozen", NAMES)
def test_stop_does_not_wait_for_a_frozen_instrument(boxes: dict[str, Box], frozen: str) -> None:
    boxes[frozen].frozen = True
    began_s = time.monotonic()
    lines = instruments_of(boxes).make_safe(wait_s=0.2)
    assert time.monotonic() - began_s < 2.0
    for name, line in zip(NAMES, lines, strict=True):
        if name == frozen:
            assert line.startswith(f"{name}: NOT SAFE: it has not come back within 0.2 s")
        else:
            assert (line, boxes[name].safe) == (f"{name}: safe", True)
    boxes[frozen].thaw.set()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Timeout("lock", "no answer within 1.2 s", "check it"), "lock: no answer within 1.2 s"),
        (ZeroDivisionError("a bug"), "ZeroDivisionError: a bug"),
    ],
)
def test_stop_says_who_failed_and_why(boxes: dict[str, Box], error: Exception, said: str) -> None:
    boxes["lock"].error = error
    lines = instruments_of(boxes).make_safe()
    assert [line for line in lines if "NOT SAFE" in line] == [lines[NAMES.index("lock")]]
    assert lines[NAMES.index("lock")].startswith(f"lock: NOT SAFE: {said}")
    assert [name for name in NAMES if not boxes[name].safe] == ["lock"]


def test_stop_tells_all_of_them_side_by_side(boxes: dict[str, Box]) -> None:
    barrier = threading.Barrier(len(NAMES))
    for box in boxes.values():
        box.barrier = barrier
    assert instruments_of(boxes).make_safe() == [f"{name}: safe" for name in NAMES]


def test_stop_has_patience_with_a_slow_driver(boxes: dict[str, Box]) -> None:
    boxes["camera"].frozen = True
    threading.Timer(0.3, boxes["camera"].thaw.set).start()
    assert instruments_of(boxes).make_safe() == [f"{name}: safe" for name in NAMES]
