"""A panel that scrolls down when its dock is low, and never sideways."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui.context import Context
from gui.panel import Panel


class _Scroll(QScrollArea):
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


class ScrolledPanel(Panel):
    """`head` stays in sight, `body` scrolls below it."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.head = QVBoxLayout()
        self.head.setSpacing(4)
        self.head.setContentsMargins(0, 0, 4, 0)
        inside = QWidget()
        self.body = QVBoxLayout(inside)
        self.body.setContentsMargins(0, 0, 4, 0)
        self.body.setSpacing(6)
        self.area = _Scroll()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Arrow keys belong to the fields; what gets the focus is scrolled into sight by itself.
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(6, 6, 2, 4)
        whole.setSpacing(6)
        whole.addLayout(self.head)
        whole.addWidget(self.area, 1)
