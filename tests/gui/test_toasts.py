"""Notices as toasts."""

from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.log.toasts import MARGIN, MOST, TOUR, Toasts
from gui.theme.palettes import Tone


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    window = QMainWindow()
    window.resize(900, 600)
    window.setCentralWidget(QLineEdit())
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


@pytest.fixture
def toasts(window: QMainWindow, context: Context) -> Toasts:
    return Toasts(window, context.notices, context.theme)


def texts(toasts: Toasts) -> list[str]:
    return [toast.text for toast in toasts.shown]


def test_they_stand_in_the_lower_right_and_follow_the_window(
    toasts: Toasts, window: QMainWindow, context: Context, qtbot: QtBot
) -> None:
    window.setCentralWidget(QWidget())
    for text in ("one", "two", "a long one " * 20):
        context.notices.info(text)

    def in_the_corner() -> bool:
        boxes = [toast.geometry() for toast in toasts.shown]
        apart = all(upper.bottom() < lower.top() for upper, lower in pairwise(boxes))
        right = all(box.right() == window.width() - MARGIN - 1 for box in boxes)
        return apart and right and boxes[-1].bottom() == window.height() - MARGIN - 1

    assert in_the_corner()
    window.resize(500, 400)
    qtbot.waitUntil(lambda: window.width() == 500 and in_the_corner())


def test_they_leave_the_field_that_is_edited(
    toasts: Toasts, window: QMainWindow, context: Context, qtbot: QtBot
) -> None:
    middle = QWidget()
    window.setCentralWidget(middle)
    field, elsewhere = QLineEdit(middle), QLineEdit(middle)
    field.setGeometry(700, 540, 150, 30)
    elsewhere.setGeometry(10, 10, 150, 30)
    field.show()
    elsewhere.show()
    qtbot.waitUntil(lambda: elsewhere.isVisible() and field.isVisible())
    window.activateWindow()
    elsewhere.setFocus()
    qtbot.waitUntil(elsewhere.hasFocus)
    context.notices.error("camera: no frames")
    (toast,) = toasts.shown
    assert toast.geometry().intersects(field.geometry())
    field.setFocus()
    qtbot.waitUntil(lambda: toast.geometry().left() == MARGIN)
    assert not toast.geometry().intersects(field.geometry())


def test_they_leave_the_tour(
    toasts: Toasts, window: QMainWindow, context: Context, qtbot: QtBot
) -> None:
    middle = QWidget()
    window.setCentralWidget(middle)
    tour = QWidget(middle)
    tour.setObjectName(TOUR)
    tour.setGeometry(700, 540, 150, 30)
    tour.show()
    qtbot.waitUntil(tour.isVisible)
    context.notices.error("camera: no frames")
    (toast,) = toasts.shown
    assert toast.geometry().left() == MARGIN
    tour.hide()
    context.notices.error("camera: none again")
    assert not any(toast.geometry().left() == MARGIN for toast in toasts.shown)


def test_a_repeated_notice_is_counted(toasts: Toasts, context: Context) -> None:
    for _ in range(3):
        context.notices.error("camera: no frames")
    context.notices.warn("camera: no frames")
    assert texts(toasts) == ["camera: no frames  ×3", "camera: no frames"]
    assert toasts.shown[0].accessibleName() == "Error: camera: no frames  ×3"


def test_at_most_four_and_errors_stay_longest(toasts: Toasts, context: Context) -> None:
    context.notices.error("first error")
    for number in range(MOST + 2):
        context.notices.info(f"info {number}")
    assert texts(toasts) == ["first error", "info 3", "info 4", "info 5"]


def test_how_long_each_stays(toasts: Toasts, context: Context) -> None:
    context.notices.info("a")
    context.notices.warn("b")
    context.notices.error("c")
    stays = {toast.notice.tone: toast.timer.interval() for toast in toasts.shown}
    assert stays == {Tone.OK: 5_000, Tone.WARNING: 12_000, Tone.DANGER: 60_000}
    assert all(toast.timer.isActive() for toast in toasts.shown)


def test_they_leave_by_themselves(window: QMainWindow, context: Context, qtbot: QtBot) -> None:
    toasts = Toasts(window, context.notices, context.theme, {Tone.OK: 30, Tone.DANGER: 60_000})
    context.notices.error("stays")
    context.notices.info("goes")
    assert texts(toasts) == ["stays", "goes"]
    qtbot.waitUntil(lambda: texts(toasts) == ["stays"])


def test_click_and_escape_take_them_away_without_the_focus(
    toasts: Toasts, window: QMainWindow, context: Context, qtbot: QtBot
) -> None:
    field = window.centralWidget()
    window.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    for text in ("one", "two", "three"):
        context.notices.error(text)
    qtbot.mouseClick(toasts.shown[0], Qt.MouseButton.LeftButton)
    assert texts(toasts) == ["two", "three"]
    assert field.hasFocus()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert texts(toasts) == ["two"]
    assert field.hasFocus()


def test_an_escape_that_a_field_uses_leaves_them(
    toasts: Toasts, window: QMainWindow, context: Context, qtbot: QtBot
) -> None:
    from gui.widgets.setpoint import SetpointField

    field = SetpointField("Current", "mA", 1, lambda _value: None)
    window.setCentralWidget(field)
    field.show_value(5.0)
    field.setFocus()
    QTest.keyClicks(field, "1")
    context.notices.error("refused")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert texts(toasts) == ["refused"]
    assert not field.is_edited
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert texts(toasts) == []


def test_clicks_beside_a_toast_reach_what_lies_there(
    toasts: Toasts, window: QMainWindow, context: Context
) -> None:
    context.notices.error("here")
    context.notices.error("there")
    upper, lower = (toast.geometry() for toast in toasts.shown)
    assert window.childAt(lower.center()) in toasts.shown[1].children()
    between = upper.bottomLeft()
    between.setY((upper.bottom() + lower.top()) // 2)
    assert window.childAt(between) is window.centralWidget()
    assert window.childAt(upper.left() - 5, upper.center().y()) is window.centralWidget()


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_they_take_the_palette(toasts: Toasts, context: Context, palette: str) -> None:
    context.notices.warn("look")
    context.theme.choose(palette)
    assert context.theme.palette.tones[Tone.WARNING] in toasts.shown[0].styleSheet()
