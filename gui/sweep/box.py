"""The view box: drag moves, Shift and drag chooses a range."""

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal


class SweepBox(pg.ViewBox):
    """A view box that leaves Shift and drag, in the plot or on its axis, to choose a range."""

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
        ev.accept()
        ends = sorted(
            float(self.mapSceneToView(position).x())
            for position in (ev.buttonDownScenePos(), ev.scenePos())
        )
        self.range_dragged.emit(*ends, ev.isFinish())
