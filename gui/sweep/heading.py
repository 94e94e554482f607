"""The lines above the plot: what is shown, of which run, and the key to the symbols."""

from dataclasses import dataclass

import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsSceneResizeEvent

from gui.sweep.items import soft
from gui.theme.palettes import Palette

GAP_PX = 12.0
"""Between title and run."""
LONG_ENDING = "-propagating light"
"""Of a title, which also says 'co' or 'counter'."""


@dataclass(frozen=True)
class Entry:
    """A sample and its words. Samples: a symbol of pyqtgraph, 'hollow', 'line', 'dash', 'band'."""

    sample: str
    colour: str
    text: str


class Heading(pg.GraphicsWidget):
    """Title on the left, run id on the right, the key below in as many lines as it needs."""

    def __init__(self, palette: Palette, size_pt: int) -> None:
        super().__init__()
        self._title = ""
        self._run = ""
        self._entries: tuple[Entry, ...] = ()
        self._places: list[QPointF] = []
        self.brief = False
        """Title and run only: a low plot needs its room for the points."""
        self.restyle(palette, size_pt)

    def restyle(self, palette: Palette, size_pt: int) -> None:
        self._palette = palette
        self._font = QFont(self.font())
        self._font.setPointSize(size_pt)
        self._bold = QFont(self._font)
        self._bold.setBold(True)
        self._arrange()

    def be_brief(self, brief: bool) -> None:
        """Leave the key to the symbols out, or show it again."""
        if brief != self.brief:
            self.brief = brief
            self._arrange()

    def show_text(self, title: str, run: str, entries: list[Entry]) -> None:
        if (title, run, tuple(entries)) != (self._title, self._run, self._entries):
            self._title, self._run, self._entries = title, run, tuple(entries)
            self._arrange()

    @property
    def texts(self) -> list[str]:
        """All that can be read, for tests and screen readers."""
        return [self._title, self._run, *(entry.text for entry in self._entries)]

    def resizeEvent(self, event: QGraphicsSceneResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def paint(self, painter: QPainter, *_: object) -> None:
        metrics = QFontMetricsF(self._font)
        line, width = metrics.height(), self.rect().width()
        side = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(self._font)
        painter.setPen(QColor(self._palette.muted))
        one_line = self._head_lines == 1
        painter.drawText(
            QRectF(0.0, 0.0 if one_line else line, width, line),
            side | (Qt.AlignmentFlag.AlignRight if one_line else Qt.AlignmentFlag.AlignLeft),
            self._run,
        )
        painter.setFont(self._bold)
        painter.setPen(QColor(self._palette.text))
        title = QFontMetricsF(self._bold).elidedText(self.head, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRectF(0.0, 0.0, width, line), side, title)
        painter.setFont(self._font)
        for entry, place in zip(self._entries, self._places, strict=not self.brief):
            self._sample(painter, entry, QPointF(place.x() + 0.7 * line, place.y() + 0.5 * line))
            painter.setPen(QColor(self._palette.text))
            painter.drawText(
                QRectF(place.x() + 1.6 * line, place.y(), width, line), side, entry.text
            )

    def _sample(self, painter: QPainter, entry: Entry, middle: QPointF) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(entry.colour)
        half = 10.0
        painter.setPen(pg.mkPen(colour, width=1))
        if entry.sample in ("line", "dash"):
            pen = QPen(colour, 1.5)
            if entry.sample == "dash":
                pen.setDashPattern([3.0, 2.0])
            else:
                box = QRectF(middle.x() - half, middle.y() - 4.0, 2.0 * half, 8.0)
                painter.fillRect(box, soft(entry.colour, 56))
            painter.setPen(pen)
            painter.drawLine(middle - QPointF(half, 0.0), middle + QPointF(half, 0.0))
        elif entry.sample == "band":
            box = QRectF(middle.x() - half, middle.y() - 4.0, 2.0 * half, 8.0)
            painter.fillRect(box, soft(entry.colour, 60))
            painter.drawLine(middle - QPointF(half, 0.0), middle + QPointF(half, 0.0))
        else:
            hollow = entry.sample == "hollow"
            painter.setBrush(Qt.BrushStyle.NoBrush if hollow else colour)
            painter.translate(middle)
            painter.scale(9.0, 9.0)
            painter.drawPath(Symbols["o" if hollow else entry.sample])
        painter.restore()

    def _fits(self, title: str) -> bool:
        """Title and run share a line."""
        title_px = QFontMetricsF(self._bold).horizontalAdvance(title)
        run_px = QFontMetricsF(self._font).horizontalAdvance(self._run)
        return title_px + run_px + GAP_PX <= self.rect().width()

    @property
    def head(self) -> str:
        """The title, in its short form where the long one and the run share no line."""
        return self._title if self._fits(self._title) else self._title.removesuffix(LONG_ENDING)

    @property
    def _head_lines(self) -> int:
        return 1 if not self._run or self._fits(self.head) else 2

    def height_if(self, brief: bool) -> float:
        """Height with the key to the symbols, or without."""
        return self._places_and_height(brief)[1]

    def _places_and_height(self, brief: bool) -> tuple[list[QPointF], float]:
        metrics = QFontMetricsF(self._font)
        line, width = metrics.height(), self.rect().width()
        x, y = 0.0, self._head_lines * line + 3.0
        places: list[QPointF] = []
        for entry in () if brief else self._entries:
            need = 1.6 * line + metrics.horizontalAdvance(entry.text) + line
            if x > 0.0 and x + need - line > width:
                x, y = 0.0, y + line
            places.append(QPointF(x, y))
            x += need
        return places, y + 2.0 + (line if places else 0.0)

    def _arrange(self) -> None:
        """Places of the entries, and the height that they need."""
        self._places, height = self._places_and_height(self.brief)
        self.setFixedHeight(height)
        self.update()
