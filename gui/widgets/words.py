"""Texts that wrap, in the roles that the style sheet knows."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit


def words(text: str = "", role: str = "muted") -> QLabel:
    """A text that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    return label


def set_role(label: QLabel, role: str) -> None:
    """Change what a label is: 'muted', 'wrong' or '' for plain text."""
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)


def show_stale(label: QLabel | QLineEdit, stale: bool) -> None:
    """Grey and slanted while what the label says is no longer known to be true."""
    if bool(label.property("stale")) != stale:
        label.setProperty("stale", stale)
        label.style().unpolish(label)
        label.style().polish(label)
