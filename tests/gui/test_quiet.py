"""The wheel over a field."""

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.queue.entry_dialog import EntryDialog
from gui.widgets.quiet import QuietComboBox, QuietDoubleSpinBox, QuietSpinBox
from gui.window import Window


def wheel(widget: QWidget) -> QWheelEvent:
    """Turn the wheel by one notch over a widget; the event says whether it was taken."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle, QPointF(widget.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, -120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event


def combo() -> QuietComboBox:
    box = QuietComboBox()
    box.addItems(["81", "83", "85"])
    return box


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (combo, QuietComboBox.currentIndex),
        (QuietSpinBox, QuietSpinBox.value),
        (QuietDoubleSpinBox, QuietDoubleSpinBox.value),
    ],
)
def test_the_wheel_changes_only_a_focused_field(qtbot: QtBot, make, read) -> None:
    window, other = QWidget(), QLineEdit()
    field = make()
    if not isinstance(field, QuietComboBox):
        field.setValue(50)
    box = QVBoxLayout(window)
    box.addWidget(other)
    box.addWidget(field)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    before = read(field)

    wheel(field)
    assert read(field) == before
    assert not field.hasFocus()

    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    wheel(field)
    assert read(field) != before


def test_every_field_of_the_window_and_its_dialogs_is_a_quiet_one(
    opened: tuple[Window, FakeLink],
) -> None:
    window, _ = opened
    fields = [*window.findChildren(QAbstractSpinBox), *window.findChildren(QComboBox)]
    assert window.findChildren(EntryDialog)
    assert len(fields) > 15
    quiet = (QuietComboBox, QuietDoubleSpinBox, QuietSpinBox)
    assert [field for field in fields if not isinstance(field, quiet)] == []
