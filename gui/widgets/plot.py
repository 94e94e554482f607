"""A plot that wears the theme and holds still unless the operator moves it on purpose."""

from collections.abc import Callable

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsSimpleTextItem, QStyleOptionGraphicsItem, QWidget

from gui.context import Context
from gui.widgets.axis import RoomyAxis

Range = tuple[float, float]
HELP = "Drag to move, wheel to zoom (click first, or hold Ctrl), Home or double click for all"
ROOMY_LINES = 11
"""A plot of fewer lines of text in height shows no labels at its axes."""
SIDES = ("bottom", "left", "right", "top")
_PAN = {
    Qt.Key.Key_Left: (-0.1, 0.0),
    Qt.Key.Key_Right: (0.1, 0.0),
    Qt.Key.Key_Down: (0.0, -0.1),
    Qt.Key.Key_Up: (0.0, 0.1),
}
_ZOOM = {
    Qt.Key.Key_Plus: 0.8,
    Qt.Key.Key_Equal: 0.8,
    Qt.Key.Key_Minus: 1.25,
}


class _Corner(QGraphicsSimpleTextItem):
    """A text in a plot, on a ground of its own: a curve that passes below does not strike it."""

    ground = QColor()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget) -> None:
        painter.fillRect(self.boundingRect(), self.ground)
        super().paint(painter, option, widget)


class ThemedPlot(pg.PlotWidget):
    """A plot whose ranges are given by its panel (`show_range`) until the operator zooms.

    Drag pans, the wheel zooms when the plot has the keyboard or Ctrl is held (else it does
    nothing here); arrows, plus and minus do the same. Home or a double click returns to the
    panel's ranges. There is no context menu and no autorange: both cost more than they give.
    """

    def __init__(
        self, context: Context, name: str, x_label: str, y_label: str,
        axes: dict[str, pg.AxisItem] | None = None, right_label: str = "",
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        own = {side: RoomyAxis(side) for side in ("bottom", "left")}
        super().__init__(parent, enableMenu=False, axisItems={**own, **(axes or {})})
        self.setAccessibleName(name)
        self.setToolTip("\n".join(filter(None, (y_label, x_label, HELP))))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(60, 40)
        self.theme = context.theme
        self.zoomed = False
        """The operator chose the ranges; they stay until Home."""
        self.units_inside = True
        """A plot too small for labels says its units in its corners."""
        self._labels = {"bottom": x_label, "left": y_label, "right": right_label}
        self._x: Range | None = None
        self._y: Range | None = None
        self._bare: set[str] = set()
        self._restyles: list[Callable[[], None]] = []
        item = self.item
        self._corners = {
            side: _Corner(_unit(self._labels[side]), item.getViewBox()) for side in own
        }
        item.hideButtons()
        self.box.disableAutoRange()
        for side in SIDES:
            item.getAxis(side).enableAutoSIPrefix(False)
        for side in own:
            # Until there is a range the numbers would be about nothing.
            item.getAxis(side).setStyle(showValues=False)
        self.box.sigResized.connect(self._place_corners)
        self.box.sigRangeChangedManually.connect(self._on_zoom)
        context.theme.changed.connect(self.restyle)
        self.restyle()

    @property
    def item(self) -> pg.PlotItem:
        """Axes and title. Not kept: a closed plot must not hold what its scene has deleted."""
        assert self.plotItem is not None, "the plot is closed"
        return self.plotItem

    @property
    def box(self) -> pg.ViewBox:
        """Where curves are added."""
        return self.item.getViewBox()

    def show_range(self, x: Range | None = None, y: Range | None = None) -> None:
        """Show these ranges, or keep them for later while the operator has zoomed."""
        wanted = (x or self._x, y or self._y)
        if wanted != (self._x, self._y):
            for side, old, new in zip(("bottom", "left"), (self._x, self._y), wanted, strict=True):
                if old is None and new is not None and side not in self._bare:
                    self.item.getAxis(side).setStyle(showValues=True)
            self._x, self._y = wanted
            if not self.zoomed:
                self._apply()

    def show_numbers(self, side: str, shown: bool) -> None:
        """Numbers at an axis, once it has a range; or none, as where a neighbour has them."""
        (self._bare.discard if shown else self._bare.add)(side)
        known = {"bottom": self._x, "left": self._y}[side] is not None
        self.item.getAxis(side).setStyle(showValues=shown and known)

    def home(self) -> None:
        """Back to the panel's ranges."""
        self.zoomed = False
        self._apply()

    def on_restyle(self, callback: Callable[[], None]) -> None:
        """Call `callback` now and whenever palette or text size change, to colour its curves."""
        self._restyles.append(callback)
        callback()

    def restyle(self) -> None:
        """Take colours and text size over from the theme."""
        palette, size_pt = self.theme.palette, self.theme.size_pt
        self.setBackground(palette.surface)
        font = QFont(self.font())
        font.setPointSize(size_pt)
        for side in SIDES:
            axis = self.item.getAxis(side)
            axis.setPen(palette.border)
            axis.setTextPen(palette.muted)
            axis.setStyle(tickFont=font)
            if text := self._labels.get(side):
                axis.setLabel(text, **{"color": palette.muted, "font-size": f"{size_pt}pt"})
        for corner in self._corners.values():
            corner.setFont(font)
            corner.setBrush(QColor(palette.muted))
            corner.ground = QColor(palette.surface)
        # A number at the upper end of its axis is half a line higher than the axis.
        self.item.setContentsMargins(0, QFontMetrics(font).height() // 2, 0, 0)
        self._fit_labels()
        self._draw_border()
        for callback in self._restyles:
            callback()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        # The base class sizes itself while it is made and while it is closed.
        if hasattr(self, "theme") and not self.closed:
            self._fit_labels()

    def wheelEvent(self, event: QWheelEvent) -> None:
        held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if self.hasFocus() or held:
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Home:
            self.home()
        elif key in _PAN:
            (left, right), (low, high) = self.box.viewRange()
            across, up = _PAN[key]
            self.box.translateBy(x=across * (right - left), y=up * (high - low))
            self._on_zoom()
        elif key in _ZOOM:
            self.box.scaleBy((_ZOOM[key], _ZOOM[key]))
            self._on_zoom()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.home()
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._draw_border()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._draw_border()

    def _on_zoom(self, *_: object) -> None:
        self.zoomed = True

    def _apply(self) -> None:
        if self._x or self._y:
            self.box.setRange(xRange=self._x, yRange=self._y, padding=0.0)

    def _fit_labels(self) -> None:
        """A small plot needs its room for the data: the tool tip names its axes."""
        roomy = self.height() > ROOMY_LINES * self.fontMetrics().height()
        for side, text in self._labels.items():
            self.item.getAxis(side).showLabel(bool(text) and roomy)
        for corner in self._corners.values():
            corner.setVisible(self.units_inside and not roomy)
        self._place_corners()

    def _place_corners(self) -> None:
        """The units alone, inside the plot: of the numbers on the left and of those below."""
        room = self.box.rect()
        self._corners["left"].setPos(4.0, 1.0)
        below = self._corners["bottom"]
        size = below.boundingRect()
        below.setPos(room.width() - size.width() - 4.0, room.height() - size.height() - 1.0)

    def _draw_border(self) -> None:
        if self.closed:
            return
        palette = self.theme.palette
        focus = self.hasFocus()
        pen = pg.mkPen(palette.accent if focus else palette.border, width=2 if focus else 1)
        self.box.setBorder(pen)


def themed_plot(
    context: Context, name: str, x_label: str = "", y_label: str = "", *,
    x_unit: str = "", y_unit: str = "", right_label: str = "",
    axes: dict[str, pg.AxisItem] | None = None, parent: QWidget | None = None,
) -> ThemedPlot:  # fmt: skip
    """A plot with labelled axes, its units in brackets; `name` is what a screen reader says."""
    return ThemedPlot(
        context,
        name,
        with_unit(x_label, x_unit),
        with_unit(y_label, y_unit),
        axes,
        right_label,
        parent,
    )


def _unit(label: str) -> str:
    """'MHz' of 'Detuning (MHz)'; empty without brackets."""
    return label.rpartition("(")[2].removesuffix(")") if label.endswith(")") else ""


def with_unit(label: str, unit: str) -> str:
    """'Detuning (MHz)'."""
    return f"{label} ({unit})" if unit else label


def steady_range(old: Range | None, low: float, high: float) -> Range:
    """A range that holds `low` to `high` with a margin and changes seldom.

    The old one stays while it holds both and is not more than twice too wide.
    """
    # A reading that does not move gets a range of its size, not of its last digit.
    margin = max(0.1 * (high - low), 1e-3 * max(abs(low), abs(high)), 1e-12)
    wanted = low - margin, high + margin
    if old and old[0] <= low <= high <= old[1] and old[1] - old[0] <= 2 * (wanted[1] - wanted[0]):
        return old
    return wanted
