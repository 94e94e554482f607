"""The picture on the screen: heading, components, points with fit, residuals."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QKeyEvent,
    QResizeEvent,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsItem, QWidget

from gui.sweep import keys
from gui.sweep.box import MinusAxis, RangeAxis, SweepBox
from gui.sweep.components import Mark, nearest_mark
from gui.sweep.crosshair import Crosshair
from gui.sweep.heading import Entry, Heading
from gui.sweep.items import VerticalLines
from gui.sweep.layers import Layers
from gui.sweep.picture import Level, Picture
from gui.sweep.range import RangeRegion
from gui.sweep.room import MARGINS_PX, RESIDUAL, Room, in_two_lines
from gui.sweep.strip import ROWS, ComponentStrip
from gui.sweep.words import with_error
from gui.theme.theme import Theme

ROOMY_LINES = 21
"""A plot of fewer lines of text in height does not show the key to its symbols."""
LEAST_LINES = 15
MOST_DEMANDED_PX = 216
"""What a plot needs to be read; with the largest text it must not push a window off its screen."""
DIM = 0.45
"""Opacity of data that are not current."""
NEAR_PX = 4.0
"""So near to a component's mark a click means the component."""


class SweepPlot(pg.GraphicsLayoutWidget):
    """Draws a `Picture`; holds still while the operator has zoomed."""

    pointed = Signal(str)
    """What can be read under the pointer."""
    component_picked = Signal(object)
    """A `Mark`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.picture: Picture | None = None
        self.zoomed = False
        """The operator chose the ranges; they stay until `whole`."""
        self.residuals_changed: Callable[[], None] = lambda: None
        """Told when the residuals found room, or lost it."""
        self._residuals = False
        self._stale = False
        self._labels: tuple[str, ...] = ()
        self.setAccessibleName("sweep: rate against what is swept")
        self.setToolTip(keys.TIP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        grid: Any = self.ci.layout
        grid.setVerticalSpacing(0)
        grid.setContentsMargins(*MARGINS_PX)
        self.box, self.below_box = SweepBox(), SweepBox()
        palette = theme.palette
        self.heading = Heading(palette, theme.size_pt)
        self.axes = (RangeAxis(self.box), RangeAxis(self.below_box))
        """The bottom axes: that of the residuals stands for both while they are shown."""
        self.main, self.below = (
            pg.PlotItem(viewBox=box, axisItems={"bottom": axis, "left": MinusAxis("left")})
            for box, axis in zip((self.box, self.below_box), self.axes, strict=True)
        )
        self.strip = ComponentStrip(self.box, palette, theme.size_pt)
        self.room = Room(self, self.heading, self.strip, theme)
        for row, item in enumerate((self.heading, self.strip, self.main, self.below)):
            self.ci.addItem(item, row, 0)
        grid.setRowStretchFactor(2, 3)
        grid.setRowStretchFactor(3, 1)
        for plot in (self.main, self.below):
            plot.hideButtons()
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.getAxis("bottom").enableAutoSIPrefix(False)
        self.below_box.setXLink(self.box)
        self.below_box.setMouseEnabled(y=False)
        self.layers = Layers(self.main, self.below, palette)
        self.layers.one_sigma.draw(Level(0.0, 1.0))
        self.lines = [VerticalLines(), VerticalLines()]
        for plot, lines in zip((self.main, self.below), self.lines, strict=True):
            plot.addItem(lines, ignoreBounds=True)
        self.answer = pg.TextItem(anchor=(0.5, 0.0))
        middle = QTextOption(Qt.AlignmentFlag.AlignHCenter)
        self.answer.textItem.document().setDefaultTextOption(middle)
        self.main.addItem(self.answer, ignoreBounds=True)
        self.answer.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresParentOpacity)
        self.crosshair = Crosshair(self.main, palette)
        self.region = RangeRegion(self.main, palette)
        self.box.sigRangeChangedManually.connect(self._on_zoom)
        self.below_box.sigRangeChangedManually.connect(self._on_zoom)
        for changed in (self.box.sigRangeChanged, self.box.sigResized):
            changed.connect(self._place_answer)
        for box in (self.box, self.below_box):
            box.range_dragged.connect(self.region.drag)
        scene: Any = self.scene()
        scene.sigMouseMoved.connect(self._on_move)
        scene.sigMouseClicked.connect(self._on_click)
        self.heading.widthChanged.connect(self._share_out)
        self._fitted = False
        self.restyle()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        # The base class sizes itself while it is made and while it is closed.
        if hasattr(self, "_fitted") and not self.closed:
            self._share_out()

    # --- drawing -------------------------------------------------------------------------

    def draw(
        self, picture: Picture, marks: tuple[Mark, ...], *, theory: bool, residuals: bool,
        earlier: Sequence[Picture] = (),
    ) -> None:  # fmt: skip
        """Draw a picture. Items are reused; ranges move only if they have to."""
        before, self.picture = self.picture, picture
        self.layers.draw(picture, theory=theory)
        self.layers.draw_earlier(earlier)
        self._number(picture)
        chosen = self.strip.chosen if self.strip.chosen in marks else None
        self.show_marks(marks, chosen)
        self.show_residuals(residuals and picture.fit is not None)
        # An error bar reaches one sigma further than its point.
        reach = max(3.2, np.nanmax(abs(picture.residual), initial=0.0) + 1.2)
        self.below_box.setYRange(-reach, reach, padding=0.0)
        same = before is not None and _kind(before) == _kind(picture)
        if not same:
            self.zoomed = False
            self.hide_crosshair()
            self.region.hide()
        self._extent = _union([picture.extent(), *(other.extent() for other in earlier)])
        if not self.zoomed:
            self._follow(exact=not same)

    def whole(self) -> None:
        """Zoom out to everything."""
        self.zoomed = False
        if self.picture is not None:
            self._follow(exact=True)

    def show_heading(self, title: str, run: str, entries: list[Entry]) -> None:
        self.heading.show_text(title, run, entries)
        self._share_out()

    def show_marks(self, marks: tuple[Mark, ...], chosen: Mark | None) -> None:
        """Mark and name these components."""
        if (marks, chosen) == (self.strip.marks, self.strip.chosen):
            return
        self.strip.show_marks(marks, chosen)
        self._share_out()
        for lines in self.lines:
            lines.draw(tuple(mark.x for mark in marks), chosen.x if chosen else None)

    def dim(self, dim: bool) -> None:
        """Draw the data faintly, their words in grey: they are not what the rig says now."""
        for item in (self.box.childGroup, self.below_box.childGroup):
            item.setOpacity(DIM if dim else 1.0)
        # A word in half its colour is not read any more.
        self.strip.show_stale(dim)
        if dim != self._stale:
            self._stale = dim
            self._colour_answer()

    def show_residuals(self, shown: bool) -> None:
        """Residuals below if there is room for them, or the main plot alone."""
        self._residuals = shown
        self._share_out()

    @property
    def residuals_fit(self) -> bool:
        """There is room for the residuals, whether they are shown or not."""
        return self.room.with_residuals >= self.room.least_main(self._title_px(two_lines=True))

    def choose_ranges(self, on: bool) -> None:
        """Whether a range of the axis can be chosen."""
        self.region.enabled = on
        for axis in self.axes:
            axis.chooses = on
            axis.setCursor(Qt.CursorShape.SplitHCursor if on else Qt.CursorShape.ArrowCursor)

    # --- who gets the height -------------------------------------------------------------

    def _share_out(self) -> None:
        """Each title of an axis gets its length; what has no room for that goes.

        First the residuals, then the key to the symbols, then rows of components' names; in a low
        plot the title of the main axis takes two lines.
        """
        fitted = self.residuals_fit
        shown = self._residuals and fitted
        if shown:
            self._arrange_heading(brief=False, rows=ROWS)
            room = self.room.with_residuals
        else:
            low = self.height() < ROOMY_LINES * self.room.metrics.height()
            least = self.room.least_main(self._title_px(two_lines=True))
            tries = [(False, ROWS)] * (not low) + [(True, rows) for rows in range(ROWS, 0, -1)]
            for brief, rows in tries:
                room = self.room.above_axis(brief=brief, rows=rows)
                if room >= least:
                    break
            self._arrange_heading(brief=brief, rows=rows)
        self._show_below(shown)
        self._label(two_lines=room < self.room.least_main(self._title_px(two_lines=False)))
        self._sizes()
        if fitted != self._fitted:
            self._fitted = fitted
            self.residuals_changed()

    def _arrange_heading(self, *, brief: bool, rows: int) -> None:
        self.heading.be_brief(brief)
        self.strip.show_rows(rows)

    def _show_below(self, shown: bool) -> None:
        if self.below.isVisible() == shown and self.below.maximumHeight() > 0:
            return
        self.below.setVisible(shown)
        self._number_bottom()
        self.main.getAxis("bottom").showLabel(not shown)

    def _title_px(self, *, two_lines: bool) -> float:
        title = self.picture.y_title if self.picture is not None else ""
        return self.room.title_px(title, two_lines=two_lines)

    def _number_bottom(self) -> None:
        """Numbers below the main plot, unless the residuals have them or there is nothing."""
        something = self.picture is not None and bool(self.picture.name)
        shown = self.main.getAxis("bottom").style["showValues"]
        if shown != (something and not self.below.isVisible()):
            self.main.getAxis("bottom").setStyle(showValues=not shown)

    def restyle(self) -> None:
        """Take colours and text size over from the theme."""
        palette, size = self._theme.palette, self._theme.size_pt
        self.setBackground(palette.surface)
        font = QFont(self.font())
        font.setPointSize(size)
        for plot in (self.main, self.below):
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(palette.border)
                axis.setTextPen(palette.muted)
                axis.setStyle(tickFont=font)
        self._draw_border()
        self.heading.restyle(palette, size)
        self.strip.restyle(palette, size)
        for lines in self.lines:
            lines.restyle(palette.series[2])
        self.crosshair.restyle(palette)
        self.region.restyle(palette)
        self.layers.restyle(palette)
        self._colour_answer()
        big = QFont(font)
        big.setPointSize(round(1.5 * size))
        big.setBold(True)
        self.answer.setFont(big)
        self._labels = ()
        least = LEAST_LINES * self.room.metrics.height()
        self.setMinimumHeight(round(min(least, MOST_DEMANDED_PX)))
        self._share_out()
        if self.picture is not None:
            self._number(self.picture)

    def _label(self, *, two_lines: bool) -> None:
        """Titles of the axes, that of the main plot in one line or in two."""
        picture = self.picture
        if picture is None:
            return
        y_title = "<br>".join(in_two_lines(picture.y_title)) if two_lines else picture.y_title
        x_title = picture.x_title
        if self.room.metrics.horizontalAdvance(x_title) > self.width() - self.room.left_px(
            two_lines=two_lines
        ):
            x_title = picture.short_x_title
        labels = (x_title, y_title)
        if self._labels == labels:
            return
        self._labels = labels
        style = {"color": self._theme.palette.muted, "font-size": f"{self._theme.size_pt}pt"}
        self.main.getAxis("left").setLabel(y_title, **style)
        self.below.getAxis("left").setLabel(RESIDUAL, **style)
        for plot in (self.main, self.below):
            plot.getAxis("bottom").setLabel(x_title, **style)
        self.main.getAxis("bottom").showLabel(not self.below.isVisible())

    def _number(self, picture: Picture) -> None:
        """Numbers at the axes, or the states of the light in words."""
        bottom, left = self.main.getAxis("bottom"), self.main.getAxis("left")
        if picture.is_on_off:
            words = ["light blocked", "light on"]
            for number, bar in enumerate(picture.bars):
                words[number] += f": {with_error(bar.value, bar.error)} {picture.unit}"
            bottom.setTicks([list(enumerate(words))])
        else:
            bottom.setTicks(None)
        left.setStyle(showValues=bool(picture.name))
        self._number_bottom()
        self.box.setMouseEnabled(x=not picture.is_on_off)

    def show_answer(self, text: str) -> None:
        """The result in large letters over an on/off comparison; empty for nothing.

        In two lines where one is too long for the plot.
        """
        self.answer.setText(text)
        self.answer.setVisible(bool(text))
        self._place_answer()

    def _colour_answer(self) -> None:
        palette = self._theme.palette
        self.answer.setColor(palette.muted if self._stale else palette.text)

    def _place_answer(self, *_: object) -> None:
        (left, right), (_low, high) = self.box.viewRange()
        self.answer.setTextWidth(max(1.0, self.box.width()))
        self.answer.setPos(0.5 * (left + right), high)

    def _follow(self, *, exact: bool) -> None:
        """Ranges that hold everything; kept while they do and are not far too wide."""
        shown = self.box.viewRange()
        for axis, (wanted, now) in enumerate(zip(self._extent, shown, strict=True)):
            inside = now[0] <= wanted[0] and wanted[1] <= now[1]
            wide = (now[1] - now[0]) > 1.5 * (wanted[1] - wanted[0])
            if exact or not inside or wide:
                low, high = wanted
                (self.box.setXRange if axis == 0 else self.box.setYRange)(low, high, padding=0.0)

    def _sizes(self) -> None:
        """The same width for both left axes: points stand above their residuals."""
        two_lines = "<br>" in "".join(self._labels)
        for plot in (self.main, self.below):
            plot.getAxis("left").setWidth(self.room.left_px(two_lines=two_lines))
        shown = self.below.isVisible()
        self.below.setMinimumHeight(self.room.below_px if shown else 0.0)
        self.below.setMaximumHeight(16777215 if shown else 0.0)
        least = self.room.least_main(self._title_px(two_lines=two_lines))
        self.main.setMinimumHeight(least if shown else 0.0)

    # --- mouse and keys ------------------------------------------------------------------

    def _on_zoom(self, *_: object) -> None:
        self.zoomed = True

    def _on_move(self, position: QPointF) -> None:
        if self.picture is None:
            return
        if self.box.sceneBoundingRect().contains(position):
            at = self.box.mapSceneToView(position)
            self.pointed.emit(self.crosshair.move(self.picture, at.x(), at.y()))
        elif self.crosshair.visible:
            self.hide_crosshair()

    def hide_crosshair(self) -> None:
        self.crosshair.hide()
        self.pointed.emit("")

    def _on_click(self, event) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if event.double():
            self.whole()
            return
        position = event.scenePos()
        on_strip = self.strip.sceneBoundingRect().contains(position)
        if not on_strip and not self.box.sceneBoundingRect().contains(position):
            return
        pixel = self.box.viewPixelSize()[0]
        reach = (5.0 if on_strip else 1.0) * NEAR_PX * pixel
        mark = nearest_mark(self.strip.marks, self.box.mapSceneToView(position).x(), reach)
        if mark is not None:
            event.accept()
            self._pick(mark)

    def _pick(self, mark: Mark) -> None:
        self.show_marks(self.strip.marks, mark)
        self.component_picked.emit(mark)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._draw_border()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._draw_border()

    def _draw_border(self) -> None:
        palette, focus = self._theme.palette, self.hasFocus()
        pen = pg.mkPen(palette.accent if focus else palette.border, width=2 if focus else 1)
        self.box.setBorder(pen)
        self.below_box.setBorder(pg.mkPen(palette.border, width=1))

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.hide_crosshair()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if not keys.carry_out(self, Qt.Key(event.key()), shift=shift):
            super().keyPressEvent(event)


def _kind(picture: Picture) -> tuple[object, ...]:
    return (picture.name, picture.axis, picture.quantity, picture.shift_mhz)


def _union(extents: list) -> tuple[tuple[float, float], tuple[float, float]]:
    return tuple(
        (min(extent[axis][0] for extent in extents), max(extent[axis][1] for extent in extents))
        for axis in (0, 1)
    )  # pyright: ignore[reportReturnType]
