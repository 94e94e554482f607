"""Everything that the keyboard can reach has a name for who hears the window."""

from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.panels.table import PANELS
from gui.window import Window


def nameless(whole: QWidget) -> list[str]:
    """Visible widgets that take the keyboard and say nothing to a screen reader."""
    found = []
    for widget in (whole, *whole.findChildren(QWidget)):
        inside = isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox)
        reached = widget.isVisible() and bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        # A viewport hands the keyboard on to the area around it.
        if not reached or inside or widget.focusProxy() is not None:
            continue
        spoken = QAccessible.queryAccessibleInterface(widget)
        if not spoken.text(QAccessible.Text.Name):
            parent = widget.parentWidget()
            found.append(f"{widget.metaObject().className()} {widget.objectName()} in {parent}")
    return found


def test_every_widget_that_the_keyboard_reaches_has_a_name(
    qtbot: QtBot, opened: tuple[Window, FakeLink]
) -> None:
    window, _ = opened
    window.resize(1920, 1080)
    wrong = {}
    for spec in PANELS:
        window.show_panel(spec.id)
        qtbot.wait(20)
        assert window.docks[spec.id].widget().isVisible(), spec.id
        if found := nameless(window):
            wrong[spec.id] = found
    assert not wrong, "\n".join(sorted({what for found in wrong.values() for what in found}))


OPEN = (
    "preset.save", "preset.apply", "queue.add", "view.save", "view.restore", "help.palette",
    "help.keys", "help.tour", "help.about", "scan.save", "run.abort",
)  # fmt: skip


def test_so_has_everything_in_what_opens_over_the_window(
    qtbot: QtBot, opened: tuple[Window, FakeLink]
) -> None:
    window, link = opened
    window.shell.presets.keep("a preset")
    window.shell.view.save("a layout")
    for action_id in OPEN:
        if action_id == "run.abort":
            link.feed(run__state="running", run__id="r1")
        window.context.actions[action_id].trigger()
        qtbot.wait(20)
        assert window.context.actions[action_id].isEnabled(), action_id
        others = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not window]
        # Of Qt's own dialog the parts are Qt's own affair.
        whole = [w for w in (window, *others) if not isinstance(w, QFileDialog)]
        assert [found for w in whole for found in nameless(w)] == [], action_id
        for other in others:
            other.close()


def test_a_widget_without_a_name_is_found(qtbot: QtBot) -> None:
    field = QLineEdit()
    qtbot.addWidget(field)
    field.show()
    assert len(nameless(field)) == 1
    field.setAccessibleName("remark")
    assert nameless(field) == []
