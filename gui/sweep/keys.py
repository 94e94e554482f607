"""What mouse and keys do in the sweep plot: move, zoom, step through points and components."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from gui.sweep.plot import SweepPlot

TIP = (
    "Drag to move, wheel to zoom (click first, or hold Ctrl), Home or double click for all.\n"
    "Click on a component to centre a scan there (Page Up and Page Down choose, Enter centres).\n"
    "Drag on the axis (or Shift and drag in the plot) to choose the range of a scan.\n"
    "Comma and full stop step through the points."
)
_PAN = {
    Qt.Key.Key_Left: (-0.1, 0.0),
    Qt.Key.Key_Right: (0.1, 0.0),
    Qt.Key.Key_Down: (0.0, -0.1),
    Qt.Key.Key_Up: (0.0, 0.1),
}
_ZOOM = {Qt.Key.Key_Plus: 0.8, Qt.Key.Key_Equal: 0.8, Qt.Key.Key_Minus: 1.25}
_POINT = {Qt.Key.Key_Period: 1, Qt.Key.Key_Comma: -1}
_COMPONENT = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}


def carry_out(plot: "SweepPlot", key: Qt.Key) -> bool:
    """Do what a key stands for; False when it stands for nothing here."""
    marks = plot.strip.marks
    if key == Qt.Key.Key_Home:
        plot.whole()
    elif key in _PAN:
        (left, right), (low, high) = plot.box.viewRange()
        across, up = _PAN[key]
        plot.box.translateBy(x=across * (right - left), y=up * (high - low))
        plot.zoomed = True
    elif key in _ZOOM:
        plot.box.scaleBy((_ZOOM[key], _ZOOM[key]))
        plot.zoomed = True
    elif key in _POINT and plot.picture is not None:
        plot.pointed.emit(plot.crosshair.step(plot.picture, _POINT[key]))
    elif key in _COMPONENT and marks:
        chosen = plot.strip.chosen
        at = marks.index(chosen) + _COMPONENT[key] if chosen in marks else 0
        plot.show_marks(marks, marks[at % len(marks)])
    elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plot.strip.chosen is not None:
        plot.component_picked.emit(plot.strip.chosen)
    else:
        return False
    return True
