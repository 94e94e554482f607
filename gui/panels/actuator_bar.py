"""Where the lock's actuator stands in its range, and how near it is to a rail."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme.palettes import Tone
from gui.theme.theme import Theme

RAILS = (0.05, 0.95)
"""When the station does not tell."""


class ActuatorBar(QWidget):
    """A scale from 0 to 1 with its ends marked, and where the actuator stands.

    The ends are red only while it stands in one of them: what is well does not shout.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._position = math.nan
        self._rails = RAILS
        self._stale = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._resized)
        self.show_position(math.nan, RAILS, stale=True)

    @property
    def near_rail(self) -> bool:
        """The lock will run out of range soon."""
        low, high = self._rails
        return math.isfinite(self._position) and not low <= self._position <= high

    def show_position(self, position: float, rails: tuple[float, float], *, stale: bool) -> None:
        """`position` 0 to 1, nan when it is not known; outside `rails` it is near an end."""
        self._position, self._rails, self._stale = position, rails, stale
        self.setAccessibleName(f"actuator of the lock: {self._text()}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, 2 * self.fontMetrics().height() + 6)

    def minimumSizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance("Actuator 0.00, near its rail") + 6
        return QSize(width, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, line = self._theme.palette, self.fontMetrics().height()
        near = self.near_rail and not self._stale
        danger = QColor(palette.tones[Tone.DANGER])
        painter.setPen(danger if near else QColor(palette.muted if self._stale else palette.text))
        font = QFont(self.font())
        font.setItalic(self._stale)
        painter.setFont(font)
        painter.drawText(
            QRectF(0.0, 0.0, self.width(), line), Qt.AlignmentFlag.AlignLeft,
            f"Actuator {self._text()}",
        )  # fmt: skip
        bar = QRectF(1.0, line + 3.0, self.width() - 2.0, line - 2.0)
        painter.fillRect(bar, QColor(palette.surface))
        low, high = (bar.left() + bar.width() * rail for rail in self._rails)
        ends = danger if near else QColor(palette.border)
        painter.fillRect(QRectF(bar.left(), bar.top(), low - bar.left(), bar.height()), ends)
        painter.fillRect(QRectF(high, bar.top(), bar.right() - high, bar.height()), ends)
        painter.setPen(QPen(QColor(palette.border), 1.0))
        painter.drawRect(bar)
        if math.isfinite(self._position):
            x = bar.left() + bar.width() * min(max(self._position, 0.0), 1.0)
            ink = QColor(palette.muted if self._stale else palette.text)
            painter.setPen(QPen(ink, 3.0))
            painter.drawLine(QPointF(x, bar.top()), QPointF(x, bar.bottom()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            top = bar.top()
            painter.drawPolygon(
                QPolygonF([QPointF(x - 5.0, top - 3.0), QPointF(x + 5.0, top - 3.0),
                           QPointF(x, top + 4.0)])
            )  # fmt: skip
        painter.end()

    def _text(self) -> str:
        if not math.isfinite(self._position):
            return "not known"
        return f"{self._position:.2f}" + (", near its rail" if self.near_rail else "")

    def _resized(self) -> None:
        self.updateGeometry()
        self.update()
