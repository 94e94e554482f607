"""A scroll area that scrolls down and never sideways."""

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtWidgets import QScrollArea


class DownwardScroll(QScrollArea):
    """As wide at least as what it holds: it does not scroll sideways."""

    def minimumSizeHint(self) -> QSize:
        widget = self.widget()
        inside = widget.minimumSizeHint() if widget is not None else QSize(0, 0)
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(inside.width() + bar, min(inside.height(), 80))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)
