"""The range of a scan, chosen on the axis."""

from collections.abc import Callable
from enum import Enum

import pyqtgraph as pg

from gui.sweep.items import soft
from gui.theme.palettes import Palette

STEP = 0.02
"""Of the axis that is shown: so far a key moves an end, finer the further one has zoomed in."""


class End(Enum):
    """Of the range."""

    LOWER = "lower"
    UPPER = "upper"


class RangeRegion:
    """A region with two handles; `chosen(start, stop)` is told when one was moved."""

    def __init__(self, plot: pg.PlotItem, palette: Palette) -> None:
        self._plot = plot
        self._item = pg.LinearRegionItem()
        self._item.setZValue(5)
        self._item.setVisible(False)
        self._item.sigRegionChangeFinished.connect(self._finished)
        plot.addItem(self._item, ignoreBounds=True)
        self.enabled = False
        """Only a spectrum has a range to choose."""
        self.chosen: Callable[[float, float], None] = lambda _start, _stop: None
        self.shown: Callable[[bool], None] = lambda _on: None
        self.restyle(palette)

    def restyle(self, palette: Palette) -> None:
        self._item.setBrush(soft(palette.accent, 40))
        self._item.setHoverBrush(soft(palette.accent, 70))
        for line in self._item.lines:
            line.setPen(pg.mkPen(palette.accent, width=2))
            line.setHoverPen(pg.mkPen(palette.text, width=3))

    @property
    def visible(self) -> bool:
        return self._item.isVisible()

    @property
    def ends(self) -> tuple[float, float]:
        """Lower and upper end on the drawn axis."""
        low, high = sorted(float(line.getXPos()) for line in self._item.lines)
        return low, high

    def show(self) -> None:
        """Show it over the middle half of the axis."""
        if not self.enabled or self.visible:
            return
        left, right = self._plot.getViewBox().viewRange()[0]
        quarter = 0.25 * (right - left)
        self._set(left + quarter, right - quarter)
        self.shown(True)

    def hide(self) -> None:
        if self.visible:
            self._item.setVisible(False)
            self.shown(False)

    def drag(self, start: float, stop: float, finished: bool) -> None:
        """Follow a drag in the plot; its end chooses."""
        if not self.enabled or start == stop:
            return
        self._set(start, stop)
        self.shown(True)
        if finished:
            self._finished()

    def step(self, end: End, *, outwards: bool) -> None:
        """Move an end by `STEP` of the axis, and choose, as the end of a drag does.

        It stops a step before the other end, and at the edge of what is shown.
        """
        left, right = self._plot.getViewBox().viewRange()[0]
        step = STEP * (right - left)
        low, high = before = self.ends
        if end is End.LOWER and outwards:
            low = min(low, max(low - step, left))
        elif end is End.LOWER:
            low = max(low, min(low + step, high - step))
        elif outwards:
            high = max(high, min(high + step, right))
        else:
            high = min(high, max(high - step, low + step))
        if (low, high) != before:
            self._set(low, high)
            self._finished()

    def _set(self, start: float, stop: float) -> None:
        self._item.blockSignals(True)
        self._item.setRegion((start, stop))
        self._item.blockSignals(False)
        self._item.setVisible(True)

    def _finished(self) -> None:
        if self.visible:
            self.chosen(*self.ends)
