"""A scroll area that scrolls down and never sideways, and cuts no row at its fold."""

import math

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget

LEAST_LINES = 4
"""Height, at least: one setpoint."""
SPARE_LINES = 4
"""A plot is cut rather than that more of the room is left empty."""


class DownwardScroll(QScrollArea):
    """As wide at least as what it holds: it does not scroll sideways.

    While it stands at its top, the fold lies between two rows: half a line of text cannot be read.
    """

    def __init__(self) -> None:
        super().__init__()
        # Not at once: in the middle of a change of size the inside would be laid out as it was.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._fold)
        self.verticalScrollBar().valueChanged.connect(lambda: self._soon.start(0))

    def minimumSizeHint(self) -> QSize:
        widget = self.widget()
        inside = widget.minimumSizeHint() if widget is not None else QSize(0, 0)
        bar = self.verticalScrollBar().sizeHint().width()
        least = LEAST_LINES * self.fontMetrics().height()
        return QSize(inside.width() + bar, min(inside.height(), least))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        done = super().eventFilter(watched, event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._soon.start(0)
        return done

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._soon.start(0)

    def _fold(self) -> None:
        """Leave out at the bottom what would be the upper part of a row."""
        inside = self.widget()
        if inside is None:
            return
        room = self.contentsRect().height()
        folds = inside.height() > room and self.verticalScrollBar().value() == 0
        spare = room - fold(inside, room) if folds else 0
        if spare != self.viewportMargins().bottom():
            self.setViewportMargins(0, 0, 0, spare)


def fold(inside: QWidget, room: int) -> int:
    """The largest height up to `room` that cuts none of the rows in a widget."""
    line = inside.fontMetrics().height()
    whole = _uncut(inside, room, math.inf)
    return whole if room - whole <= SPARE_LINES * line else _uncut(inside, room, SPARE_LINES * line)


def _uncut(inside: QWidget, room: int, highest: float) -> int:
    """As `fold`, for rows up to a height; long texts are cut between two of their lines."""
    line = inside.fontMetrics().height()
    height = room
    moved = True
    while moved:
        moved = False
        for part in inside.findChildren(QWidget):
            top = part.mapTo(inside, QPoint(0, 0)).y()
            whole = part.layout() is None and part.isVisibleTo(inside)
            if not whole or not top < height < top + part.height():
                continue
            if isinstance(part, QLabel) and part.height() > SPARE_LINES * line:
                height -= (height - top) % line
            elif part.height() <= highest:
                height, moved = top, True
    return height if height > 0 else room
