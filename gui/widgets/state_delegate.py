"""Draws a state in a table: shape, colour and word, as a badge does."""

import math

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.theme.palettes import Tone
from gui.theme.theme import Theme
from gui.widgets.badge import draw_shape

LINE_ROLE = Qt.ItemDataRole.UserRole
"""What a row stands for; it has a `tone`."""
_GAP = 6


class StateDelegate(QStyledItemDelegate):
    """For the column of states."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        self.initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus  # type: ignore[attr-defined]
        word, option.text = option.text, ""  # type: ignore[attr-defined]
        rect, metrics = option.rect, option.fontMetrics  # type: ignore[attr-defined]
        selected = bool(option.state & QStyle.StateFlag.State_Selected)  # type: ignore[attr-defined]
        widget = option.widget  # type: ignore[attr-defined]
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        palette = self._theme.palette
        known = bool(option.state & QStyle.StateFlag.State_Enabled)  # type: ignore[attr-defined]
        # In a table that is disabled nobody knows whether it is still true.
        tone = index.data(LINE_ROLE).tone if known else Tone.STALE
        colour = QColor(palette.on_accent if selected and known else palette.tones[tone])
        side = 0.75 * metrics.height()
        box = QRectF(rect.left() + _GAP, rect.center().y() - side / 2.0 + 0.5, side, side)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_shape(painter, tone, box, colour)
        painter.setPen(colour)
        # As the cells beside it round: on the line of their words, whatever the row's height.
        line_px = math.ceil(QFontMetricsF(option.font).height())  # type: ignore[attr-defined]
        baseline = rect.top() + rect.height() // 2 - line_px // 2 + metrics.ascent()
        painter.drawText(QPointF(box.right() + _GAP, baseline), word)
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        size = super().sizeHint(option, index)
        metrics = option.fontMetrics  # type: ignore[attr-defined]
        return QSize(size.width() + metrics.height() + 3 * _GAP, size.height())
