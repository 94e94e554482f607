"""A panel that scrolls down when its dock is low, and never sideways."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui.context import Context
from gui.panel import Panel
from gui.widgets.downward_scroll import DownwardScroll


class ScrolledPanel(Panel):
    """`head` stays in sight, `body` scrolls below it, under a rule."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.head = QVBoxLayout()
        self.head.setSpacing(4)
        self.head.setContentsMargins(0, 0, 4, 0)
        inside = QWidget()
        self.body = QVBoxLayout(inside)
        self.body.setContentsMargins(0, 0, 4, 0)
        self.body.setSpacing(6)
        self.area = DownwardScroll()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Arrow keys belong to the fields; what gets the focus is scrolled into sight by itself.
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(inside)
        self.rule = _rule()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(6, 6, 2, 4)
        whole.setSpacing(6)
        whole.addLayout(self.head)
        whole.addWidget(self.rule)
        whole.addWidget(self.area, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_whole()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._keep_whole()
        return done

    def _movable_px(self) -> int:
        """Height of what the head has only where there is room for it, and the body else."""
        return 0

    def _keep_whole(self) -> None:
        """The head breaks into more rows where it is narrow, which docks know nothing of: a lower
        one would lay its rows over each other."""
        layout = self.layout()
        if layout is None or not layout.hasHeightForWidth():
            return
        least_px = layout.totalMinimumHeightForWidth(self.width()) - self._movable_px()
        if least_px != self.minimumHeight():
            self.setMinimumHeight(least_px)


def _rule() -> QFrame:
    """Without it the last line of the head and the first of the body read as one sentence."""
    rule = QFrame()
    rule.setObjectName("rule")
    rule.setFrameShape(QFrame.Shape.HLine)
    rule.setFrameShadow(QFrame.Shadow.Plain)
    rule.setForegroundRole(QPalette.ColorRole.Mid)
    return rule
