"""A number that can be read from across the lab, over a bar that holds its peak."""

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.model.recent import four_digits
from gui.theme.theme import Theme

UNIT_SIZE = 0.4
"""Of the unit, in sizes of the number."""


class Meter(QWidget):
    """Draws the number as large as it fits."""

    def __init__(
        self, theme: Theme, name: str, short: str, unit: str, parent: QWidget | None = None
    ) -> None:
        """`name` is for screen readers, `short` stands below the bar."""
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._short = short
        self._unit = unit
        self.value = self.best = math.nan
        self.fresh = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)
        self._describe()

    @property
    def share(self) -> float:
        """The number over its best; nan when there is no best."""
        return self.value / self.best if self.best > 0.0 else math.nan

    def show_value(self, value: float, best: float, *, fresh: bool) -> None:
        """The newest number and the best of the session; one that is not fresh is greyed."""
        if (value, best, fresh) == (self.value, self.best, self.fresh):
            return
        self.value, self.best, self.fresh = value, best, fresh
        self._describe()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, 160)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, round(3.6 * self.fontMetrics().height()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        palette = self._theme.palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = float(self.fontMetrics().height())
        bar = QRectF(1.0, self.height() - 2.2 * line, self.width() - 2.0, 0.9 * line)
        self._draw_number(painter, QRectF(0.0, 0.0, self.width(), bar.top() - 2.0))
        painter.setFont(self.font())
        painter.setPen(QPen(QColor(palette.border)))
        painter.setBrush(QColor(palette.raised))
        painter.drawRect(bar)
        share = self.share
        if math.isfinite(share):
            filled = QRectF(bar)
            filled.setWidth(bar.width() * min(max(share, 0.0), 1.0))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(palette.series[1] if self.fresh else palette.border))
            painter.drawRect(filled)
        painter.setPen(QPen(QColor(palette.text if self.fresh else palette.muted)))
        below = QRectF(0.0, bar.bottom() + 1.0, self.width(), 1.2 * line)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._said())
        painter.end()

    def _draw_number(self, painter: QPainter, area: QRectF) -> None:
        # The width of a full number, so that the digits keep their size while they change.
        text, widest = four_digits(self.value), "0.00000"
        widest = text if len(text) > len(widest) else widest
        font = QFont(self.font())
        font.setBold(True)
        font.setPixelSize(100)
        metrics = QFontMetricsF(font)
        unit = f" {self._unit}"
        width = metrics.horizontalAdvance(widest) + UNIT_SIZE * metrics.horizontalAdvance(unit)
        size = max(8.0, min(area.height(), 100.0 * area.width() / width))
        font.setPixelSize(int(size))
        painter.setFont(font)
        palette = self._theme.palette
        painter.setPen(QPen(QColor(palette.text if self.fresh else palette.muted)))
        small = QFont(self.font())
        small.setPixelSize(max(8, int(UNIT_SIZE * size)))
        number = QFontMetricsF(font).horizontalAdvance(text)
        whole = number + QFontMetricsF(small).horizontalAdvance(unit)
        place = QRectF(area)
        place.setLeft(area.left() + max(0.0, (area.width() - whole) / 2.0))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(place, left, text)
        painter.setFont(small)
        # Both stand on one line of writing.
        drop = QFontMetricsF(font).ascent() - QFontMetricsF(font).height() / 2.0
        rise = QFontMetricsF(small).ascent() - QFontMetricsF(small).height() / 2.0
        painter.drawText(place.translated(number, drop - rise), left, unit)

    def _said(self) -> str:
        if not math.isfinite(self.share):
            return f"{self._short}: no best yet"
        return f"{self._short}: {100.0 * self.share:.0f} % of best {four_digits(self.best)}"

    def _describe(self) -> None:
        self.setAccessibleName(
            f"{self._name}: {four_digits(self.value)} {self._unit}, {self._said()}"
        )
