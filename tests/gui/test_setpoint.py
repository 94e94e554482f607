"""The setpoint field: sent by Enter and never before."""

import math
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.widgets.setpoint import SetpointField, cursor_behind, digit_power, parse_number

LIMITS = (0.0, 106.0)


class Bench:
    """A field and what it sent."""

    def __init__(self, qtbot: QtBot, check: Callable[[float], str] = lambda _: "") -> None:
        self.sent: list[float] = []
        self.limits: tuple[float, float] | None = LIMITS
        self.field = SetpointField(
            "Seed current", "mA", 2, self.sent.append, lambda: self.limits, check
        )
        self._qtbot = qtbot
        qtbot.addWidget(self.field)
        self.field.show()
        qtbot.waitExposed(self.field)
        self.field.setFocus()
        self.field.show_value(90.0)

    def type(self, text: str) -> None:
        self.field.selectAll()
        self._qtbot.keyClicks(self.field, text)

    def press(self, key: Qt.Key) -> None:
        self._qtbot.keyClick(self.field, key)


@pytest.fixture
def bench(qtbot: QtBot, context: Context) -> Bench:
    return Bench(qtbot)


def test_nothing_is_sent_before_enter(bench: Bench) -> None:
    bench.type("85.5")
    bench.field.clearFocus()
    assert bench.sent == []
    assert bench.field.is_edited
    assert bench.field.edit == 85.5
    assert "Enter sends" in bench.field.note
    assert "90.00" in bench.field.note


def test_enter_sends_once_and_shows_what_was_sent(bench: Bench) -> None:
    bench.type("85.5")
    bench.press(Qt.Key.Key_Return)
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == [85.5]
    assert bench.field.text() == "85.50"
    assert not bench.field.is_edited
    assert bench.field.note == ""


def test_the_keypads_enter_sends_too(bench: Bench) -> None:
    bench.type("85.5")
    bench.press(Qt.Key.Key_Enter)
    assert bench.sent == [85.5]


def test_what_is_shown_is_what_is_sent(bench: Bench) -> None:
    bench.type("85.5678")
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == [85.57]
    assert bench.field.text() == "85.57"


def test_limits_have_a_true_minus(bench: Bench) -> None:
    bench.limits = (-40.0, 15.0)
    bench.type("99")
    assert bench.field.problem == "Allowed: −40 to 15 mA"
    bench.press(Qt.Key.Key_Escape)
    assert "−40 to 15 mA" in bench.field.toolTip()


def test_escape_reverts(bench: Bench) -> None:
    bench.type("85.5")
    bench.press(Qt.Key.Key_Escape)
    assert bench.field.text() == "90.00"
    assert not bench.field.is_edited
    assert bench.sent == []


@pytest.mark.parametrize(
    ("text", "says"),
    [("106.01", "0 to 106 mA"), ("-1", "0 to 106 mA"), ("", "number"), ("9o", "number"),
     ("1e1", "number"), ("nan", "number"), ("1_0", "number"), ("1,000.0", "number")],
)  # fmt: skip
def test_what_is_not_allowed_turns_red_and_stays(bench: Bench, text: str, says: str) -> None:
    bench.type(text)
    if not text:
        bench.press(Qt.Key.Key_Delete)
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == []
    assert bench.field.property("wrong") is True
    assert bench.field.is_edited
    assert says in bench.field.problem
    assert says in bench.field.toolTip()
    assert bench.field.edit is None
    bench.press(Qt.Key.Key_Escape)
    assert bench.field.property("wrong") is False


def test_the_limits_themselves_are_allowed(bench: Bench) -> None:
    for text in ("106", "0"):
        bench.type(text)
        bench.press(Qt.Key.Key_Return)
    assert bench.sent == [106.0, 0.0]


def test_limits_that_come_later_are_obeyed(bench: Bench) -> None:
    bench.limits = None
    bench.type("200")
    assert bench.field.problem == ""
    bench.limits = LIMITS
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == []
    assert "106" in bench.field.problem


def test_a_reason_of_the_rig_is_told_and_ends_when_it_ends(qtbot: QtBot, context: Context) -> None:
    reasons = ["the seed is off"]
    bench = Bench(qtbot, lambda _value: reasons[0])
    bench.type("50")
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == []
    assert bench.field.note == "the seed is off"
    reasons[0] = ""
    bench.field.recheck()
    assert bench.field.property("wrong") is False
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == [50.0]


def test_a_decimal_comma_is_a_decimal_point(bench: Bench) -> None:
    bench.type("85,5")
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == [85.5]


@pytest.mark.parametrize("focused", [True, False])
def test_the_wheel_changes_nothing(bench: Bench, focused: bool) -> None:
    bench.field.setFocus() if focused else bench.field.clearFocus()
    event = QWheelEvent(
        QPointF(5.0, 5.0), bench.field.mapToGlobal(QPointF(5.0, 5.0)), QPoint(), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(bench.field, event)
    assert not event.isAccepted()
    assert bench.field.text() == "90.00"
    assert not bench.field.is_edited


def test_the_digit_at_the_cursor_steps(bench: Bench) -> None:
    bench.field.setCursorPosition(4)  # behind the first decimal
    bench.press(Qt.Key.Key_Up)
    assert bench.field.text() == "90.10"
    bench.field.setCursorPosition(1)
    bench.press(Qt.Key.Key_Up)
    assert bench.field.text() == "100.10"
    assert bench.field.cursorPosition() == 2
    bench.press(Qt.Key.Key_Down)
    assert bench.field.text() == "90.10"
    assert bench.sent == []
    assert bench.field.is_edited


def test_stepping_keeps_its_digit_through_zero(bench: Bench) -> None:
    bench.limits = (-200.0, 200.0)
    bench.field.show_value(100.0)
    bench.field.setCursorPosition(1)
    seen = []
    for _ in range(3):
        bench.press(Qt.Key.Key_Down)
        seen.append(bench.field.text())
    for _ in range(3):
        bench.press(Qt.Key.Key_Up)
        seen.append(bench.field.text())
    assert seen == ["0.00", "-100.00", "-200.00", "-100.00", "0.00", "100.00"]


def test_stepping_beyond_a_limit_is_red(bench: Bench) -> None:
    bench.field.show_value(105.5)
    bench.field.setCursorPosition(3)
    bench.press(Qt.Key.Key_Up)
    assert bench.field.text() == "106.50"
    assert "106" in bench.field.problem


def test_stepping_something_that_is_no_number_does_nothing(bench: Bench) -> None:
    bench.type("9x")
    bench.press(Qt.Key.Key_Up)
    assert bench.field.text() == "9x"


@pytest.mark.parametrize(
    ("text", "cursor", "power"),
    [("90.00", 0, 1), ("90.00", 1, 1), ("90.00", 2, 0), ("90.00", 3, 0), ("90.00", 4, -1),
     ("90.00", 5, -2), ("-12.5", 0, 1), ("-12.5", 1, 1), ("-12.5", 2, 1), ("-12.5", 3, 0),
     ("12,5", 4, -1), ("250", 3, 0), ("250", 1, 2)],
)  # fmt: skip
def test_which_digit_the_cursor_means(text: str, cursor: int, power: int) -> None:
    assert digit_power(text, cursor) == power


@pytest.mark.parametrize(
    ("text", "power", "cursor"),
    [("90.00", 1, 1), ("90.00", 0, 2), ("90.00", -1, 4), ("90.00", -2, 5), ("-12.5", 1, 2),
     ("5.00", 2, 0), ("-5.00", 2, 1)],
)  # fmt: skip
def test_the_cursor_goes_behind_that_digit(text: str, power: int, cursor: int) -> None:
    assert cursor_behind(text, power) == cursor


@pytest.mark.parametrize(
    ("text", "value"), [(" 1.5 ", 1.5), ("−3", -3.0), ("+2.", 2.0), (".5", 0.5), ("", None)]
)
def test_numbers_as_they_are_typed(text: str, value: float | None) -> None:
    assert parse_number(text) == value


def test_an_edit_survives_new_readings(bench: Bench) -> None:
    bench.type("85.5")
    bench.field.show_value(91.0)
    assert bench.field.text() == "85.5"
    assert bench.field.is_edited
    assert "91.00" in bench.field.note
    bench.press(Qt.Key.Key_Escape)
    assert bench.field.text() == "91.00"


def test_readings_show_in_a_field_without_an_edit(bench: Bench) -> None:
    bench.field.show_value(88.25)
    assert bench.field.text() == "88.25"
    bench.field.show_value(math.nan)
    assert bench.field.text() == ""
    assert math.isnan(bench.field.value)
    bench.field.show_value(-0.001)
    assert bench.field.text() == "0.00"


def test_previous_is_restored_into_the_field_and_not_sent(bench: Bench) -> None:
    bench.field.restore_previous()
    assert bench.field.text() == "90.00"
    bench.type("85.5")
    bench.press(Qt.Key.Key_Return)
    assert bench.field.previous == 90.0
    bench.field.restore_previous()
    assert bench.field.text() == "90.00"
    assert bench.field.is_edited
    assert bench.sent == [85.5]
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == [85.5, 90.0]
    assert bench.field.previous == 85.5


def test_a_value_under_way_is_not_overwritten_by_a_ramp(bench: Bench) -> None:
    bench.type("50")
    bench.press(Qt.Key.Key_Return)
    number = bench.field.wait()
    bench.field.show_value(80.0)  # the setpoint moves in steps
    assert bench.field.text() == "50.00"
    assert "not there yet" in bench.field.note
    bench.field.accept(number)
    assert bench.field.note == ""
    bench.field.show_value(80.0)  # as read before the ramp ended
    assert bench.field.text() == "50.00"
    bench.field.show_value(50.01)
    assert bench.field.text() == "50.01"


def test_a_refused_value_is_an_edit_again_beside_the_reason(bench: Bench) -> None:
    bench.type("50")
    bench.press(Qt.Key.Key_Return)
    bench.field.refuse(bench.field.wait(), "the box does not answer")
    assert bench.field.text() == "50.00"
    assert bench.field.is_edited
    assert bench.field.property("wrong") is True
    assert "the box does not answer" in bench.field.note
    assert math.isnan(bench.field.previous)
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == [50.0, 50.0]
    bench.field.refuse(bench.field.wait(), "again")
    bench.press(Qt.Key.Key_Escape)
    assert bench.field.text() == "90.00"
    assert bench.field.note == ""


def test_a_refusal_leaves_a_newer_edit_alone(bench: Bench) -> None:
    bench.type("50")
    bench.press(Qt.Key.Key_Return)
    number = bench.field.wait()
    bench.type("60")
    bench.field.refuse(number, "no")
    assert bench.field.text() == "60"
    assert bench.field.value == 90.0


def test_what_the_rig_made_of_it_is_shown_even_if_it_was_read_before_the_answer(
    bench: Bench, qtbot: QtBot
) -> None:
    """A lock with steps of 1.25 MHz takes 52.5 for 52."""
    bench.type("52")
    bench.press(Qt.Key.Key_Return)
    number = bench.field.wait()
    bench.field.show_value(52.5)
    bench.field.accept(number)
    qtbot.waitUntil(lambda: bench.field.text() == "52.50", timeout=10_000)
    assert not bench.field.is_edited
    bench.type("52")
    bench.press(Qt.Key.Key_Return)
    assert bench.sent == [52.0, 52.0], "what the rig does not have can be sent"


def test_only_the_answer_to_the_last_value_counts(bench: Bench) -> None:
    numbers = []
    for text in ("80", "50"):
        bench.type(text)
        bench.press(Qt.Key.Key_Return)
        numbers.append(bench.field.wait())
    bench.field.accept(numbers[0])
    assert bench.field.waits
    bench.field.show_value(80.0)
    assert bench.field.text() == "50.00"
    bench.field.refuse(numbers[1], "no")
    assert (bench.field.text(), bench.field.value) == ("50.00", 80.0)
    assert bench.field.is_edited


def test_a_value_that_is_shown_again_replaces_one_that_only_stood_in_the_field(
    bench: Bench,
) -> None:
    """Levels of a picture that follow it again were never answered."""
    bench.type("50")
    bench.press(Qt.Key.Key_Return)
    bench.field.show_value(90.0)
    assert (bench.field.text(), bench.field.value) == ("90.00", 90.0)


def test_the_field_has_an_accessible_name_with_its_unit(bench: Bench) -> None:
    assert bench.field.accessibleName() == "Seed current in mA"
    bench.type("500")
    assert "106" in bench.field.accessibleDescription()
