"""A panel that scrolls down when its dock is low, and never sideways."""

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui.context import Context
from gui.panel import Panel
from gui.widgets.downward_scroll import DownwardScroll

LARGEST_GAP_LINES = 4
"""A part that is higher than this may be cut by the fold: a gap in its place would be worse."""
LEAST_LINES = 4
"""Height of what scrolls, at least."""


class ScrolledPanel(Panel):
    """`head` stays in sight, `body` scrolls below it and below a rule."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.head = QVBoxLayout()
        self.head.setSpacing(4)
        self.head.setContentsMargins(0, 0, 4, 0)
        inside = QWidget()
        self.body = QVBoxLayout(inside)
        self.body.setContentsMargins(0, 0, 4, 0)
        self.body.setSpacing(6)
        self.area = _WholeRows()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Arrow keys belong to the fields; what gets the focus is scrolled into sight by itself.
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(inside)
        self.rule = QWidget()
        self.rule.setFixedHeight(1)
        self.rule.setAutoFillBackground(True)
        self.rule.setBackgroundRole(QPalette.ColorRole.Mid)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(6, 6, 2, 4)
        whole.setSpacing(5)
        whole.addLayout(self.head)
        whole.addWidget(self.rule)
        whole.addWidget(self.area, 1)


class _WholeRows(DownwardScroll):
    """While nothing is scrolled away it ends above a row that would be cut."""

    def __init__(self) -> None:
        super().__init__()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._end_at_a_row)
        self.verticalScrollBar().valueChanged.connect(self._end_at_a_row)

    def minimumSizeHint(self) -> QSize:
        """One setpoint at least."""
        hint = super().minimumSizeHint()
        return QSize(hint.width(), min(hint.height(), LEAST_LINES * self.fontMetrics().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._soon.start(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._soon.start(0)
        return super().eventFilter(watched, event)

    def _end_at_a_row(self) -> None:
        widget = self.widget()
        if widget is None:
            return
        room = self.contentsRect().height()
        gap = 0
        if self.verticalScrollBar().value() == 0 and widget.height() > room:
            highest = LARGEST_GAP_LINES * self.fontMetrics().height()
            gap = gap_below(room, list(_rows(widget, widget, highest)))
        if gap != self.viewportMargins().bottom():
            self.setViewportMargins(0, 0, 0, gap)


def gap_below(room: int, rows: list[tuple[int, int]]) -> int:
    """How much of the room to leave empty so that no row (top, bottom) is cut at its end."""
    fold = room
    while (cut := [top for top, bottom in rows if top < fold < bottom]) and min(cut) > 0:
        fold = min(cut)
    return room - fold


def _rows(whole: QWidget, part: QWidget, highest: int) -> Iterator[tuple[int, int]]:
    """Top and bottom of what belongs together, in pixels of `whole`; higher ones by their parts."""
    for child in part.children():
        if not isinstance(child, QWidget) or not child.isVisible():
            continue
        if child.height() <= highest:
            top = child.mapTo(whole, QPoint(0, 0)).y()
            yield top, top + child.height()
        elif child.layout() is not None:
            yield from _rows(whole, child, highest)
