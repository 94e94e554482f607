"""Rare keys behind a heading that opens them."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """A heading that shows and hides what is below it; closed at first."""

    def __init__(self, title: str, inside: QWidget) -> None:
        super().__init__()
        self.inside = inside
        self._open = False
        self.heading = QToolButton()
        self.heading.setText(title)
        self.heading.setAccessibleName(f"{title}: show or hide")
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.heading.clicked.connect(lambda: self._show(not self.is_open))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.heading)
        column.addWidget(inside)
        self._show(False)

    @property
    def is_open(self) -> bool:
        """What is inside is shown."""
        return self._open

    def open(self) -> None:
        """Show what is inside, because something in it is wrong."""
        if not self._open:
            self._show(True)

    def _show(self, on: bool) -> None:
        self._open = on
        self.heading.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.heading.setAccessibleDescription("open" if on else "closed")
        self.inside.setVisible(on)
