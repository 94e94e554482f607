"""What cannot be undone asks first; STOP never does."""

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from window_states import RUN_ID, idle, running

from gui.confirm import ConfirmDialog
from gui.context import Context


@pytest.fixture
def window(context: Context, qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    context.services["window"] = window
    window.addActions([context.actions[name] for name in context.actions.specs])
    window.show()
    qtbot.waitExposed(window)
    return window


def asked(window: QWidget, qtbot: QtBot) -> ConfirmDialog:
    (dialog,) = window.findChildren(ConfirmDialog)
    qtbot.waitUntil(dialog.no.hasFocus)
    return dialog


def gone(window: QWidget) -> bool:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return not window.findChildren(ConfirmDialog)


def commands(link: FakeLink) -> list[str]:
    return [sent.name for sent in link.sent]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Space])
def test_the_keyboard_says_no_at_first(
    window: QWidget, context: Context, link: FakeLink, qtbot: QtBot, key: Qt.Key
) -> None:
    running(link)
    context.actions["run.abort"].trigger()
    dialog = asked(window, qtbot)
    assert dialog.question.title == f"Abort run {RUN_ID}?"
    assert "29 of 97 segments are taken" in dialog.lost.text()
    QTest.keyClick(dialog.no, key)
    assert gone(window)
    assert commands(link) == []


def test_tab_and_space_say_yes(
    window: QWidget, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    running(link)
    context.actions["run.abort"].trigger()
    dialog = asked(window, qtbot)
    QTest.keyClick(dialog.no, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    if not dialog.yes.hasFocus():
        QTest.keyClick(dialog, Qt.Key.Key_Tab)
    qtbot.waitUntil(dialog.yes.hasFocus)
    QTest.keyClick(dialog.yes, Qt.Key.Key_Space)
    assert commands(link) == ["abort"]
    assert gone(window)


def test_control_by_force_names_who_loses_it(
    window: QWidget, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    link.feed(station__control="bench-2")
    context.actions["control.force"].trigger()
    dialog = asked(window, qtbot)
    assert dialog.question.title == "Take control from bench-2?"
    assert commands(link) == []
    dialog.yes.click()
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("take_control", {"force": True})


def test_a_yes_that_comes_too_late_aborts_no_other_run(
    window: QWidget, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    running(link)
    context.actions["run.abort"].trigger()
    dialog = asked(window, qtbot)
    link.feed(run__id="the next")
    dialog.yes.click()
    assert commands(link) == []
    assert "not done" in context.notices.history[-1].text
    assert gone(window)
    context.actions["run.abort"].trigger()
    dialog = asked(window, qtbot)
    idle(link)
    dialog.yes.click()
    assert commands(link) == []


def test_one_question_at_a_time(window: QWidget, context: Context, link: FakeLink) -> None:
    running(link)
    context.actions["run.abort"].trigger()
    context.actions["run.abort"].trigger()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert len(window.findChildren(ConfirmDialog)) == 1


def test_stop_asks_nothing_and_works_while_a_question_stands(
    window: QWidget, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    running(link)
    context.actions["run.abort"].trigger()
    dialog = asked(window, qtbot)
    QTest.keyClick(dialog.no, Qt.Key.Key_F12)
    assert commands(link) == ["stop"]
    assert not dialog.isModal()
