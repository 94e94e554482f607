"""What mouse and keys do in the sweep plot: move, zoom, step through points and components."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt

from gui.sweep.range import End

if TYPE_CHECKING:
    from gui.sweep.plot import SweepPlot

TIP = (
    "Drag to move, wheel to zoom (click first, or hold Ctrl), Home or double click for all.\n"
    "Click on a component to centre a scan there (Page Up and Page Down choose, Enter centres).\n"
    "Drag on the axis (or Shift and drag in the plot) to choose the range of a scan.\n"
    "[ and ] move the ends of that range inwards, with Shift outwards.\n"
    "Comma and full stop step through the points."
)


@dataclass(frozen=True)
class Binding:
    """Keys that belong together, and what the sheet of all keys says of them."""

    keys: Mapping[Qt.Key, Any]
    """Each with what `do` is given for it."""
    shown: str
    said: str
    do: Callable[["SweepPlot", Any], bool]
    """False when there is nothing here that it could be done with."""


def _whole(plot: "SweepPlot", _: None) -> bool:
    plot.whole()
    return True


def _pan(plot: "SweepPlot", by: tuple[float, float]) -> bool:
    (left, right), (low, high) = plot.box.viewRange()
    plot.box.translateBy(x=by[0] * (right - left), y=by[1] * (high - low))
    plot.zoomed = True
    return True


def _zoom(plot: "SweepPlot", factor: float) -> bool:
    plot.box.scaleBy((factor, factor))
    plot.zoomed = True
    return True


def _point(plot: "SweepPlot", by: int) -> bool:
    if plot.picture is None:
        return False
    plot.pointed.emit(plot.crosshair.step(plot.picture, by))
    return True


def _component(plot: "SweepPlot", by: int) -> bool:
    marks, chosen = plot.strip.marks, plot.strip.chosen
    if not marks:
        return False
    at = marks.index(chosen) + by if chosen in marks else 0
    plot.show_marks(marks, marks[at % len(marks)])
    return True


def _centre(plot: "SweepPlot", _: None) -> bool:
    if plot.strip.chosen is None:
        return False
    plot.component_picked.emit(plot.strip.chosen)
    return True


def _end(plot: "SweepPlot", end: tuple[End, bool]) -> bool:
    """The first key shows the range, further ones move it."""
    region = plot.region
    if not region.enabled:
        return False
    if region.visible:
        region.step(end[0], outwards=end[1])
    else:
        region.show()
    return True


KEYS = (
    Binding({Qt.Key.Key_Home: None}, "Home", "Show everything, as a double click does", _whole),
    Binding(
        {
            Qt.Key.Key_Left: (-0.1, 0.0), Qt.Key.Key_Right: (0.1, 0.0),
            Qt.Key.Key_Down: (0.0, -0.1), Qt.Key.Key_Up: (0.0, 0.1),
        },
        "Arrows", "Move over the data", _pan,
    ),
    Binding(
        {Qt.Key.Key_Plus: 0.8, Qt.Key.Key_Equal: 0.8, Qt.Key.Key_Minus: 1.25},
        "+ (or =), -", "Zoom in, zoom out", _zoom,
    ),
    Binding(
        {Qt.Key.Key_Period: 1, Qt.Key.Key_Comma: -1},
        "Full stop, comma", "Sweep: read the next point, the one before", _point,
    ),
    Binding(
        {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1},
        "Page Down, Page Up", "Sweep: choose the next component, the one before", _component,
    ),
    Binding(
        {Qt.Key.Key_Return: None, Qt.Key.Key_Enter: None},
        "Enter", "Sweep: centre the scan on the chosen component", _centre,
    ),
    Binding(
        {
            Qt.Key.Key_BracketLeft: (End.LOWER, False),
            Qt.Key.Key_BracketRight: (End.UPPER, False),
        },
        "[ and ]", "Sweep: show a range for the scan, move its lower, its upper end inwards", _end,
    ),
    Binding(
        {Qt.Key.Key_BraceLeft: (End.LOWER, True), Qt.Key.Key_BraceRight: (End.UPPER, True)},
        "Shift+[ and Shift+], or { and }", "Sweep: the same, outwards", _end,
    ),
)  # fmt: skip
"""The first three hold in every plot."""
_SHIFTED = {
    Qt.Key.Key_BracketLeft: Qt.Key.Key_BraceLeft, Qt.Key.Key_BracketRight: Qt.Key.Key_BraceRight,
}  # fmt: skip
"""Where a layout has the braces elsewhere, Shift and a bracket stay that bracket."""


def carry_out(plot: "SweepPlot", key: Qt.Key, *, shift: bool = False) -> bool:
    """Do what a key stands for; False when it stands for nothing here."""
    if shift:
        key = _SHIFTED.get(key, key)
    for binding in KEYS:
        if key in binding.keys:
            return binding.do(plot, binding.keys[key])
    return False
