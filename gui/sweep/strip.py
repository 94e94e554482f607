"""The strip above a spectrum that names the hyperfine components."""

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from gui.sweep.components import Mark, place_labels
from gui.theme.palettes import Palette

ROWS = 3
STICK_PX = 14.0


class ComponentStrip(pg.GraphicsWidget):
    """Sticks as high as the strengths, with names, over the view box below it."""

    def __init__(self, box: pg.ViewBox, palette: Palette, size_pt: int) -> None:
        super().__init__()
        self._box = box
        self.marks: tuple[Mark, ...] = ()
        self.chosen: Mark | None = None
        self._most_rows = ROWS
        self._stale = False
        self.named: list[str] = []
        """Names that found room when it was drawn last."""
        box.sigXRangeChanged.connect(lambda *_: self.update())
        box.sigResized.connect(lambda *_: self.update())
        self.restyle(palette, size_pt)

    def restyle(self, palette: Palette, size_pt: int) -> None:
        self._palette = palette
        self._font = QFont(self.font())
        self._font.setPointSize(max(size_pt - 1, 7))
        self.show_marks(self.marks, self.chosen)
        self.update()

    def show_marks(self, marks: tuple[Mark, ...], chosen: Mark | None) -> None:
        """Show these, one of them chosen; an even isotope's single line needs one row."""
        self.marks, self.chosen = marks, chosen
        self.setFixedHeight(self.height_if(self._most_rows))
        self.setVisible(bool(marks))
        self.update()

    def show_stale(self, stale: bool) -> None:
        """In grey while the data below are not what the rig says now."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def show_rows(self, most: int) -> None:
        """At most so many rows of names: in a low plot the room belongs to the points."""
        if most != self._most_rows:
            self._most_rows = most
            self.show_marks(self.marks, self.chosen)

    def height_if(self, most_rows: int) -> float:
        """Height with at most so many rows."""
        rows = min(most_rows, len(self.marks))
        line = QFontMetricsF(self._font).height()
        return rows * line + STICK_PX + 2.0 if rows else 0.0

    def paint(self, painter: QPainter, *_: object) -> None:
        if not self.marks:
            return
        metrics = QFontMetricsF(self._font)
        line = metrics.height()
        area = self._box.mapRectToItem(self, self._box.rect())
        low, high = self._box.viewRange()[0]
        scale = area.width() / (high - low)
        centres = [(mark.x - low) * scale for mark in self.marks]
        widths = [metrics.horizontalAdvance(mark.name) for mark in self.marks]
        strengths = [mark.strength for mark in self.marks]
        labels = place_labels(centres, widths, strengths, area.width(), self._most_rows, 0.6 * line)
        bottom = self.rect().height()
        colour = QColor(self._palette.muted if self._stale else self._palette.series[2])
        painter.setFont(self._font)
        painter.translate(area.left(), 0.0)
        for mark, x, label in zip(self.marks, centres, labels, strict=True):
            if 0.0 <= x <= area.width():
                stick = STICK_PX * mark.strength / max(strengths)
                painter.setPen(pg.mkPen(colour, width=3))
                painter.drawLine(QPointF(x, bottom), QPointF(x, bottom - stick))
                if label is not None:
                    top = bottom - STICK_PX - label.row * line
                    painter.setPen(pg.mkPen(colour, width=1))
                    painter.drawLine(QPointF(x, bottom - stick), QPointF(x, top))
        self.named = []
        for mark, label, width in zip(self.marks, labels, widths, strict=True):
            if label is None:
                continue
            self.named.append(mark.name)
            top = bottom - STICK_PX - (label.row + 1) * line
            place = QRectF(label.left, top, width, line)
            chosen = mark == self.chosen
            painter.fillRect(place, QColor(colour if chosen else self._palette.surface))
            painter.setPen(QColor(self._palette.surface) if chosen else colour)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, mark.name)
