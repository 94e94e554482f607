"""The crosshair and the point nearest to it."""

import numpy as np
import pyqtgraph as pg

from gui.sweep.items import MARK_Z
from gui.sweep.picture import Picture
from gui.sweep.words import point_text
from gui.theme.palettes import Palette
from gui.words import true_minus


class Crosshair:
    """Two lines through the pointer, a ring around the nearest point."""

    def __init__(self, plot: pg.PlotItem, palette: Palette) -> None:
        self._box: pg.ViewBox = plot.getViewBox()
        self._across = pg.InfiniteLine(angle=0)
        self._up = pg.InfiniteLine(angle=90)
        self._ring = pg.ScatterPlotItem(size=17, pxMode=True, brush=pg.mkBrush(None))
        self._items = (self._across, self._up, self._ring)
        self._at: int | None = None
        for item in self._items:
            item.setZValue(MARK_Z)
            plot.addItem(item, ignoreBounds=True)
        self.restyle(palette)
        self.hide()

    def restyle(self, palette: Palette) -> None:
        for line in (self._across, self._up):
            line.setPen(pg.mkPen(palette.muted, width=1))
        self._ring.setPen(pg.mkPen(palette.accent, width=2))

    def hide(self) -> None:
        self._at = None
        for item in self._items:
            item.setVisible(False)

    @property
    def visible(self) -> bool:
        return self._up.isVisible()

    @property
    def x(self) -> float:
        return float(self._up.getXPos())

    def move(self, picture: Picture, x: float, y: float) -> str:
        """To a position; returns what can be read there."""
        (left, right), (low, high) = self._box.viewRange()
        self._at = picture.nearest(x, y, right - left, high - low)
        return self._draw(picture, x, y)

    def step(self, picture: Picture, by: int) -> str:
        """To the next point on the right (`by` = 1) or left (-1), for the keyboard."""
        points = picture.points
        if not points.source:
            return ""
        order = np.argsort(points.x, kind="stable")
        rank = -1 if by > 0 else 0
        if self._at is not None and self._at < len(order):
            rank = int(np.flatnonzero(order == self._at)[0])
        self._at = int(order[(rank + by) % len(order)])
        return self._draw(picture, float(points.x[self._at]), float(points.y[self._at]))

    def _draw(self, picture: Picture, x: float, y: float) -> str:
        points, at = picture.points, self._at
        self._up.setValue(x)
        self._across.setValue(y)
        for item in (self._across, self._up):
            item.setVisible(True)
        self._ring.setVisible(at is not None)
        place = [] if picture.is_on_off else [picture.axis.text(x)]
        text = ", ".join([*place, f"{y:.4g} {picture.unit}"])
        if at is not None:
            self._ring.setData(x=points.x[at : at + 1], y=points.y[at : at + 1])
            where = "" if picture.is_on_off else f" at {picture.axis.text(float(points.x[at]))}"
            what = point_text(
                points.source[at], float(points.y[at]), float(points.error[at]), picture.unit
            )
            text += f"  |  point{where}: {what}"
        return true_minus(text)
