"""A panel that scrolls down when its dock is low, and never sideways."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
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


def _rule() -> QFrame:
    """Without it the last line of the head and the first of the body read as one sentence."""
    rule = QFrame()
    rule.setObjectName("rule")
    rule.setFrameShape(QFrame.Shape.HLine)
    rule.setFrameShadow(QFrame.Shadow.Plain)
    rule.setForegroundRole(QPalette.ColorRole.Mid)
    return rule
