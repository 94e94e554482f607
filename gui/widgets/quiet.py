"""Fields that a wheel changes only when they have the keyboard.

A wheel over a panel scrolls the panel; it must not change what happens to lie under the pointer.
Spin boxes and combo boxes also take the focus from a wheel by default: these do not.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox, QWidget

# Qt allows one Qt class among the bases: the other half is a widget for the type checker only.
_Half = QWidget if TYPE_CHECKING else object


class _Quiet(_Half):
    """Ignores the wheel unless it has the keyboard."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class QuietComboBox(_Quiet, QComboBox):
    """A combo box that ignores the wheel unless it has the keyboard."""


class QuietSpinBox(_Quiet, QSpinBox):
    """A spin box that ignores the wheel unless it has the keyboard."""


class QuietDoubleSpinBox(_Quiet, QDoubleSpinBox):
    """A spin box for numbers with decimals that ignores the wheel unless it has the keyboard."""
