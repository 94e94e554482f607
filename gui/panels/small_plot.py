"""Small plots of the panels: one look, restyled with the palette, never in the wheel's way."""

import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPen, QWheelEvent

from gui.theme.theme import Theme
from gui.widgets.axis import RoomyAxis

QWIDGETSIZE_MAX = (1 << 24) - 1
"""Qt's own; PySide does not export it."""


class SmallPlot(pg.PlotWidget):
    """Two axes, no menu, no zoom by mouse; the wheel scrolls the panel."""

    def __init__(
        self, theme: Theme, name: str, bottom: str, left: str, *, grows: bool = False,
        lines: float = 13.0,
    ) -> None:  # fmt: skip
        """`lines` is the height in text sizes; one that `grows` has it at least."""
        super().__init__(axisItems={side: RoomyAxis(side) for side in ("bottom", "left")})
        self._lines = lines
        self._theme = theme
        self._grows = grows
        self._labels = {"bottom": bottom, "left": left}
        self.setAccessibleName(name)
        self.setMenuEnabled(False)
        self.setMouseEnabled(False, False)
        self.hideButtons()
        # There is nothing to do in it: Tab passes by.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.disableAutoRange()
        for side in self._labels:
            # Once, while the range is 0 to 1: later it would scale the numbers of small ranges.
            self._item.getAxis(side).enableAutoSIPrefix(False)
        self._empty: bool | None = None
        theme.changed.connect(self.restyle)
        self.restyle()
        self.show_nothing()

    def restyle(self) -> None:
        """Colours and sizes of the theme in force."""
        palette, size = self._theme.palette, self._theme.size_pt
        self.setBackground(palette.surface)
        font = self.font()
        font.setPointSize(max(size - 2, 7))
        for side, label in self._labels.items():
            axis = self._item.getAxis(side)
            axis.setPen(palette.muted)
            axis.setTextPen(palette.muted)
            axis.setTickFont(font)
            axis.setLabel(label, **{"color": palette.muted, "font-size": f"{max(size - 2, 7)}pt"})
        # The numbers at both ends are drawn, with half a line of room for the upper one.
        self._item.getAxis("left").setStyle(hideOverlappingLabels=False)
        self._item.setContentsMargins(0, QFontMetrics(font).height() // 2, 0, 0)
        # pyqtgraph keeps room for ten-point numbers only.
        self._item.getAxis("bottom").setHeight(round(3.6 * size))
        self._item.getAxis("left").setWidth(round(5.6 * size))
        height = self.sizeHint().height()
        self.setMinimumHeight(height)
        self.setMaximumHeight(QWIDGETSIZE_MAX if self._grows else height)

    def label(self, side: str, text: str) -> None:
        """Another label at an axis."""
        if self._labels[side] != text:
            self._labels[side] = text
            self.restyle()

    def pen(self, series: int, *, stale: bool) -> QPen:
        """Pen of width 1 for a curve (wider ones draw 20 times slower), grey when it is stale."""
        palette = self._theme.palette
        return pg.mkPen(palette.muted if stale else palette.series[series], width=1)

    @property
    def _item(self) -> pg.PlotItem:
        item = self.getPlotItem()
        assert item is not None
        return item

    @property
    def is_empty(self) -> bool:
        """There is nothing in it: it has neither numbers nor a grid."""
        return bool(self._empty)

    def show_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """The stretch of both axes that is drawn."""
        self._number(empty=False)
        self._item.getViewBox().setRange(xRange=x, yRange=y, padding=0.02)

    def show_nothing(self) -> None:
        """No numbers at the axes: there is nothing that they would be about."""
        self._number(empty=True)

    def _number(self, *, empty: bool) -> None:
        if empty == self._empty:
            return
        self._empty = empty
        for side in self._labels:
            self._item.getAxis(side).setStyle(showValues=not empty)
        self._item.showGrid(x=not empty, y=not empty, alpha=0.15)

    def sizeHint(self) -> QSize:
        return QSize(200, round(self._lines * self._theme.size_pt))

    def wheelEvent(self, ev: QWheelEvent) -> None:
        ev.ignore()


def nice_limit(largest: float) -> float:
    """The next of 1, 2, 5 times a power of ten: a range that does not move with every point."""
    power = 1.0e-9
    while True:
        for factor in (1.0, 2.0, 5.0):
            if largest <= factor * power:
                return factor * power
        power *= 10.0
