"""The peaks that the lock finds on its ramp, as named sticks: one row for up, one for down."""

import math
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme.theme import Theme
from gui.words import sentence

NAMES = ("master", "slave", "master")


def tick_times(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round times between two, about `wanted` of them."""
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1.0, 2.0, 5.0, 10.0) if rough <= f * power)
    first = math.ceil(low / step)
    return [i * step for i in range(first, math.floor(high / step) + 1)]


class RampPicture(QWidget):
    """Sticks at six times (µs): master, slave, master on the ramp up, the same on the way down.

    The master's sticks are full and named above, the slave's is dashed and named on its axis.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.times_us: tuple[float, ...] = ()
        self._nothing = ""
        self._stale = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._resized)
        self.show_peaks(None, stale=True)

    def show_peaks(self, times_us: Sequence[float] | None, *, stale: bool) -> None:
        """Draw six times in ascending order; anything else is no set of peaks. None: the lock has
        not been asked yet."""
        times = tuple(float(t) for t in times_us or ())
        self._nothing = "no peaks read yet" if times_us is None else "no complete set of peaks"
        whole = len(times) == 6 and all(a < b for a, b in pairwise(times))
        self.times_us = times if whole else ()
        self._stale = stale
        text = ", ".join(f"{t:.1f}" for t in self.times_us)
        self.setAccessibleName(f"peaks on the ramp in µs: {text or self._nothing}")
        self.setToolTip(f"Peaks at {text} µs" if text else sentence(self._nothing))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, 2 * self._row_height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * self.fontMetrics().horizontalAdvance("master "), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self._theme.palette
        painter.fillRect(self.rect(), QColor(palette.surface))
        if not self.times_us:
            painter.setPen(QColor(palette.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._nothing)
            painter.end()
            return
        for row, (caption, unit) in enumerate((("up", " µs"), ("down", " µs"))):
            top = float(row * (self._row_height() + 4))
            self._draw_row(painter, top, caption, unit, self.times_us[3 * row : 3 * row + 3])
        painter.end()

    def _draw_row(
        self, painter: QPainter, top: float, caption: str, unit: str, times: tuple[float, ...]
    ) -> None:
        palette, metrics = self._theme.palette, self.fontMetrics()
        small = self._small_font()
        line, tick = metrics.height(), QFontMetrics(small).height()
        ground = top + self._row_height() - tick - 2.0
        # Room for the row's caption on the left, and half of a master's name on either side.
        half = metrics.horizontalAdvance(NAMES[0]) / 2.0 + 4.0
        first = metrics.horizontalAdvance("down ") + half
        scale = max(self.width() - first - half, 1.0) / (times[2] - times[0])
        low = times[0] - first / scale
        high = low + self.width() / scale
        painter.setPen(QPen(QColor(palette.border), 1.0))
        painter.drawLine(0, round(ground), self.width(), round(ground))
        painter.setPen(QColor(palette.muted))
        painter.drawText(QRectF(3.0, top, self.width(), line), caption)
        painter.setFont(small)
        for time in tick_times(low, high):
            x = (time - low) * scale
            painter.drawLine(round(x), round(ground), round(x), round(ground) + 3)
            text = f"{time:g}{unit}"
            width = QFontMetrics(small).horizontalAdvance(text)
            if x >= width / 2.0 and x + width / 2.0 <= self.width():
                painter.drawText(QRectF(x - width / 2.0, ground + 3.0, width + 2.0, tick), text)
        painter.setFont(self.font())
        for time, name in zip(times, NAMES, strict=True):
            master = name == "master"
            colour = QColor(palette.muted if self._stale else palette.series[1 if master else 2])
            x = (time - low) * scale
            painter.setPen(
                QPen(colour, 2.0, Qt.PenStyle.SolidLine if master else Qt.PenStyle.DashLine)
            )
            painter.drawLine(round(x), round(top + line + 1.0), round(x), round(ground))
            width = metrics.horizontalAdvance(name) + 4.0
            # The slave's name stands beside its stick: above it might meet a master's.
            left_half = time < 0.5 * (times[0] + times[2])
            beside = x + 4.0 if left_half else x - width - 2.0
            left = x - width / 2.0 if master else beside
            left = min(max(left, 0.0), self.width() - width)
            place = QRectF(left, top if master else ground - line - 1.0, width, line)
            painter.setPen(colour)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, name)

    def _row_height(self) -> int:
        metrics = self.fontMetrics()
        return 3 * metrics.height() + QFontMetrics(self._small_font()).height()

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSize(max(self._theme.size_pt - 2, 7))
        return font

    def _resized(self) -> None:
        self.updateGeometry()
        self.update()
