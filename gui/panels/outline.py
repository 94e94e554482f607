"""Outlines over a picture that are seen on any value of its pixels: light dashes on a dark line."""

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QStyleOptionGraphicsItem, QWidget

DARK = pg.mkPen("#000000", width=3)
LIGHT = pg.mkPen("#ffffff", width=1, style=Qt.PenStyle.DashLine)
"""Both in pixels of the screen, whatever the zoom."""


class Outline(QGraphicsPathItem):
    """An ellipse or a rectangle, hidden until it is given its place."""

    def __init__(self) -> None:
        super().__init__()
        self.setPen(DARK)  # the wider one: the item must be redrawn as far as it reaches
        self.setVisible(False)

    def show_ellipse(self, within: QRectF) -> None:
        path = QPainterPath()
        path.addEllipse(within)
        self._show(path)

    def show_rectangle(self, around: QRectF) -> None:
        path = QPainterPath()
        path.addRect(around)
        self._show(path)

    def rect(self) -> QRectF:
        """Where it lies, in the coordinates of the picture."""
        return self.path().boundingRect()

    def _show(self, path: QPainterPath) -> None:
        self.setPath(path)
        self.setVisible(True)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,
        widget: QWidget | None = None,
    ) -> None:
        for pen in (DARK, LIGHT):
            painter.setPen(pen)
            painter.drawPath(self.path())
