"""View box and axes: a drag in the plot moves it, with Shift or on the axis it chooses a range."""

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal

from gui.words import true_minus


class SweepBox(pg.ViewBox):
    """A view box that leaves Shift and drag to choose a range."""

    range_dragged = Signal(float, float, bool)
    """Lower and upper end on the drawn axis, and whether the drag is over."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.disableAutoRange()

    def mouseDragEvent(self, ev, axis=None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        shift = ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if not (shift and ev.button() == Qt.MouseButton.LeftButton):
            super().mouseDragEvent(ev, axis)
            return
        self.drag_range(ev)

    def drag_range(self, ev) -> None:
        """Take a drag, wherever it was made, as one over the drawn axis."""
        ev.accept()
        ends = sorted(
            float(self.mapSceneToView(position).x())
            for position in (ev.buttonDownScenePos(), ev.scenePos())
        )
        self.range_dragged.emit(*ends, ev.isFinish())


class MinusAxis(pg.AxisItem):
    """An axis with true minus signs."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [true_minus(text) for text in super().tickStrings(values, scale, spacing)]


class RangeAxis(MinusAxis):
    """A bottom axis on which a drag chooses a range, where there is one to choose."""

    def __init__(self, box: SweepBox) -> None:
        super().__init__("bottom")
        self._box = box
        self.chooses = False
        """Off, a drag moves the plot along its axis."""

    def mouseDragEvent(self, event) -> None:
        if self.chooses and event.button() == Qt.MouseButton.LeftButton:
            self._box.drag_range(event)
        else:
            super().mouseDragEvent(event)
