"""The lines above the plot: what is shown, of which run, and the key to the symbols."""

from dataclasses import dataclass

import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsSceneResizeEvent

from gui.sweep.items import soft
from gui.theme.palettes import Palette


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
        run_width = metrics.horizontalAdvance(self._run)
        painter.setFont(self._font)
        painter.setPen(QColor(self._palette.muted))
        painter.drawText(
            QRectF(0.0, 0.0, width, line), side | Qt.AlignmentFlag.AlignRight, self._run
        )
        painter.setFont(self._bold)
        painter.setPen(QColor(self._palette.text))
        room = max(width - run_width - 12.0, 0.0)
        title = QFontMetricsF(self._bold).elidedText(self._title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(0.0, 0.0, room, line), side, title)
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

    def _arrange(self) -> None:
        """Places of the entries, and the height that they need."""
        metrics = QFontMetricsF(self._font)
        line, width = metrics.height(), self.rect().width()
        x, y = 0.0, line + 3.0
        self._places = []
        for entry in () if self.brief else self._entries:
            need = 1.6 * line + metrics.horizontalAdvance(entry.text) + line
            if x > 0.0 and x + need - line > width:
                x, y = 0.0, y + line
            self._places.append(QPointF(x, y))
            x += need
        self.setFixedHeight(y + 2.0 + (line if self._places else 0.0))
        self.update()
