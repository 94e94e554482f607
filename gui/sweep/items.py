"""What the picture is drawn with. Items are made once and given new data."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from gui.sweep.picture import Curve, FloatArray, Level

OVERLAY_Z, BAND_Z, FIT_Z, POINT_Z, MARK_Z = -6, -10, -5, 10, 20
COMPONENT_Z, REFERENCE_Z, BAR_Z = -30, -25, -20


def soft(colour: str, alpha: int) -> QColor:
    """A colour that lets what is behind shine through (alpha 0 to 255)."""
    found = QColor(colour)
    found.setAlpha(alpha)
    return found


@cache
def _pen(colour: str) -> QPen:
    """One a colour: pyqtgraph knows its drawn symbols by their pens and brushes, draws those of
    new ones anew, and keeps up to a thousand of the old."""
    return pg.mkPen(colour, width=1)


@cache
def _brush(colour: str) -> QBrush:
    return pg.mkBrush(colour)


class PointItems:
    """Points with error bars: one scatter and one error-bar item."""

    def __init__(self, plot: pg.PlotItem, symbol: str, size: float, z: float = POINT_Z) -> None:
        self._drawn: tuple[object, ...] = ()
        self.bars = pg.ErrorBarItem()
        self.scatter = pg.ScatterPlotItem(symbol=symbol, size=size, pxMode=True)
        for item, above in ((self.bars, 0), (self.scatter, 1)):
            item.setZValue(z + above)
            plot.addItem(item, ignoreBounds=True)

    def draw(
        self,
        x: FloatArray,
        y: FloatArray,
        error: FloatArray,
        colours: Sequence[str],
        hollow: NDArray[np.bool_],
        ground: str,
    ) -> None:
        """Points at x, y, each in its colour; hollow ones are filled with the ground."""
        drawn = (*(a.tobytes() for a in (x, y, error, hollow)), tuple(colours), ground)
        if drawn == self._drawn:  # spots are the most expensive part of the picture
            return
        self._drawn = drawn
        self.bars.setVisible(x.size > 0)
        if x.size:
            self.bars.setData(x=x, y=y, height=2.0 * error)
        self.scatter.setData(
            x=x,
            y=y,
            pen=[_pen(colour) for colour in colours],
            brush=[_brush(ground if h else c) for c, h in zip(colours, hollow, strict=True)],
        )

    def restyle(self, bars: str) -> None:
        self.bars.setData(pen=pg.mkPen(bars, width=1))

    def clear(self) -> None:
        self._drawn = ()
        self.bars.setVisible(False)
        self.scatter.setData(x=[], y=[])


class CurveItems:
    """A line with its band."""

    def __init__(self, plot: pg.PlotItem, z: float = FIT_Z) -> None:
        self.band = pg.PlotCurveItem(fillLevel="enclosed")
        self.line = pg.PlotCurveItem()
        self.band.setZValue(z - 0.5)
        self.line.setZValue(z)
        for item in (self.band, self.line):
            item.setVisible(False)
            plot.addItem(item, ignoreBounds=True)

    def draw(self, curve: Curve | None) -> None:
        """Draw a curve; None draws nothing."""
        self.line.setVisible(curve is not None)
        self.band.setVisible(curve is not None and curve.sigma is not None)
        if curve is None:
            return
        self.line.setData(curve.x, curve.y)
        if curve.sigma is not None:
            there_and_back = np.concatenate([curve.x, curve.x[::-1]])
            low, high = curve.y - curve.sigma, curve.y + curve.sigma
            self.band.setData(there_and_back, np.concatenate([high, low[::-1]]))

    def restyle(self, colour: str, *, dashed: bool = False, band_alpha: int = 56) -> None:
        # Wider lines cost ten times as much to draw.
        self.line.setPen(pg.mkPen(colour, width=1, dash=[7, 5] if dashed else None))
        self.band.setPen(pg.mkPen(None))
        self.band.setBrush(pg.mkBrush(soft(colour, band_alpha)))


class LevelItem(pg.UIGraphicsItem):
    """A horizontal line with its one-sigma band, as wide as the view."""

    def __init__(self, z: float = REFERENCE_Z) -> None:
        super().__init__()
        self.setZValue(z)
        self._level: Level | None = None
        self._colour = "#808080"

    def draw(self, level: Level | None) -> None:
        self._level = level
        self.setVisible(level is not None)
        self.update()

    def restyle(self, colour: str) -> None:
        self._colour = colour
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        if self._level is None:
            return
        view, level = self.boundingRect(), self._level
        band = QRectF(view.left(), level.value - level.error, view.width(), 2.0 * level.error)
        painter.fillRect(band, soft(self._colour, 60))
        painter.setPen(pg.mkPen(self._colour, width=1))
        painter.drawLine(QPointF(view.left(), level.value), QPointF(view.right(), level.value))


class VerticalLines(pg.UIGraphicsItem):
    """Thin marks from bottom to top of the view."""

    def __init__(self, z: float = COMPONENT_Z) -> None:
        super().__init__()
        self.setZValue(z)
        self._x: tuple[float, ...] = ()
        self._chosen: float | None = None
        self._colour = "#808080"

    def draw(self, x: tuple[float, ...], chosen: float | None) -> None:
        """Lines at x; the chosen one is bold."""
        if (x, chosen) != (self._x, self._chosen):
            self._x, self._chosen = x, chosen
            self.update()

    def restyle(self, colour: str) -> None:
        self._colour = colour
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        view = self.boundingRect()
        for x in self._x:
            bold = x == self._chosen
            painter.setPen(pg.mkPen(soft(self._colour, 255 if bold else 110), width=1 + bold))
            painter.drawLine(QPointF(x, view.top()), QPointF(x, view.bottom()))
