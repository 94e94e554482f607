"""A row of widgets that goes on in the next line where the room ends."""

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QLayoutItem, QSizePolicy, QWidget

from gui.widgets.flow import FlowLayout


class WrappingRow(QWidget):
    """Widgets from left to right, then below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = _Flow(self, spacing_px=4)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add(self, *widgets: QWidget) -> None:
        """Put widgets at the end."""
        for widget in widgets:
            self._flow.addWidget(widget)


class _Flow(FlowLayout):
    """Asks for one line, and sets what differs in height in the middle of its line."""

    def sizeHint(self) -> QSize:
        """All in one line."""
        sizes = [item.sizeHint() for item in self._items if not item.isEmpty()]
        gaps = self.spacing() * max(0, len(sizes) - 1)
        return QSize(
            sum(s.width() for s in sizes) + gaps, max((s.height() for s in sizes), default=0)
        )

    def minimumSize(self) -> QSize:
        """The widest one alone."""
        size = QSize(0, 0)
        for item in self._items:
            if not item.isEmpty():
                size = size.expandedTo(item.minimumSize())
        return size

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Height that the widgets take in a width; each stands in the middle of its line."""
        x, y = rect.x(), rect.y()
        line: list[tuple[QLayoutItem, int]] = []

        def end_line() -> int:
            height = max((item.sizeHint().height() for item, _ in line), default=0)
            for item, left in line if move else ():
                size = item.sizeHint()
                top = y + (height - size.height()) // 2
                item.setGeometry(QRect(QPoint(left, top), size))
            line.clear()
            return height

        for item in self._items:
            if item.isEmpty():
                continue
            width = item.sizeHint().width()
            if line and x + width > rect.right() + 1:
                y += end_line() + self.spacing()
                x = rect.x()
            line.append((item, x))
            x += width + self.spacing()
        return y + end_line() - rect.y()
