"""All that a window has around its panels, together."""

from collections.abc import Iterator

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gui.context import Context
from gui.log.panel import LogPanel
from gui.shell import Shell

BOUND = {
    "run.note", "rig.simulate", "preset.save", "preset.apply", "log.acknowledge", "log.clear",
    "view.dark", "view.light", "view.bigger", "view.smaller", "view.save", "view.restore",
    "help.keys", "help.palette", "help.tour", "help.about",
}  # fmt: skip


@pytest.fixture
def window(context: Context, qtbot: QtBot) -> Iterator[QMainWindow]:
    window = QMainWindow()
    window.resize(1200, 800)
    window.setCentralWidget(LogPanel(context))
    context.services["window"] = window
    with qtbot.waitExposed(window):
        window.show()
    yield window
    if isValid(window):
        window.close()
        window.deleteLater()


@pytest.fixture
def shell(context: Context, window: QMainWindow) -> Iterator[Shell]:
    shell = Shell(context, window)
    yield shell
    if isValid(window):
        shell.close()


def test_shell_and_log_bind_their_actions(shell: Shell, context: Context) -> None:
    assert BOUND.isdisjoint(context.actions.unbound())
    assert shell.simulated_rig.running is False


@pytest.mark.usefixtures("shell")
def test_no_dialog_outlives_the_window(
    context: Context, link: FakeLink, window: QMainWindow, qtbot: QtBot
) -> None:
    before = set(QApplication.topLevelWidgets()) - {window}
    for action_id in ("help.keys", "help.about", "preset.save", "preset.apply", "view.save"):
        context.actions[action_id].trigger()
    opened = [
        widget for widget in QApplication.topLevelWidgets()
        if widget.isVisible() and widget.parentWidget() is window
    ]  # fmt: skip
    assert len(opened) == 5
    assert not any(widget.isModal() for widget in opened)
    assert all(widget in before for widget in opened)
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    window.close()
    qtbot.waitUntil(lambda: not any(isValid(widget) for widget in opened))
    # Values that still arrive find nobody.
    link.feed(run__state="running", trap__isotope=81, station__log="[]")


@pytest.mark.parametrize("palette", ["dark", "light"])
@pytest.mark.usefixtures("shell")
def test_all_that_takes_the_keyboard_has_a_name(
    context: Context, window: QMainWindow, palette: str
) -> None:
    context.theme.choose(palette)
    for action_id in ("help.palette", "help.tour", "help.keys", "help.about", "preset.save",
                      "preset.apply", "view.save"):  # fmt: skip
        context.actions[action_id].trigger()
    taking = [
        widget for widget in window.findChildren(QWidget)
        if widget.isVisible() and widget.isEnabled()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]  # fmt: skip
    assert len(taking) > 15
    nameless = [
        (type(widget).__name__, widget.objectName()) for widget in taking
        if not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and not widget.objectName().startswith("qt_")
    ]  # fmt: skip
    assert nameless == []
