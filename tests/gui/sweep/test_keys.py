"""The keys of the sweep plot: the range of a scan, and their place in the sheet of all keys."""

import fakes_sweep as made
import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.actions.keys_sheet import groups
from gui.actions.table import ACTIONS
from gui.context import Context
from gui.sweep import keys
from gui.sweep.range import STEP
from gui.sweep.view import SweepView
from gui.widgets import plot as panels_plot

Ranges = list[tuple[float, float]]
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
NAMES = {
    Qt.Key.Key_Home: "Home",
    Qt.Key.Key_Left: "Arrows", Qt.Key.Key_Right: "Arrows",
    Qt.Key.Key_Up: "Arrows", Qt.Key.Key_Down: "Arrows",
    Qt.Key.Key_Plus: "+", Qt.Key.Key_Equal: "=", Qt.Key.Key_Minus: "-",
    Qt.Key.Key_Period: "Full stop", Qt.Key.Key_Comma: "comma",
    Qt.Key.Key_PageUp: "Page Up", Qt.Key.Key_PageDown: "Page Down",
    Qt.Key.Key_Return: "Enter", Qt.Key.Key_Enter: "Enter",
    Qt.Key.Key_BracketLeft: "[", Qt.Key.Key_BracketRight: "]",
    Qt.Key.Key_BraceLeft: "{", Qt.Key.Key_BraceRight: "}",
}  # fmt: skip
"""What stands on a keyboard."""


@pytest.fixture
def ranges(view: SweepView, link: FakeLink, context: Context) -> Ranges:
    """What the scan editor hears, of a view that shows a spectrum and has the keyboard."""
    heard: Ranges = []

    class Editor:
        def set_range(self, start_mhz: float, stop_mhz: float) -> bool:
            heard.append((start_mhz, stop_mhz))
            return True

        def centre_on(self, isotope: int, detuning_mhz: float) -> bool:
            return False

    context.services["editor"] = Editor()
    link.feed(**made.live(made.spectrum()))
    view.plot.setFocus()
    return heard


def width(view: SweepView) -> float:
    left, right = view.plot.box.viewRange()[0]
    return right - left


def test_the_ends_of_a_range_move_by_keys_and_the_editor_hears_of_it(
    view: SweepView, ranges: Ranges, qtbot: QtBot
) -> None:
    plot = view.plot
    qtbot.keyClick(plot, Qt.Key.Key_BracketLeft)
    assert view.range_button.isChecked(), "the first key shows it"
    assert ranges == []
    low, high = plot.region.ends
    step = STEP * width(view)
    qtbot.keyClick(plot, Qt.Key.Key_BracketLeft)
    assert ranges[-1] == pytest.approx((low + step, high))
    qtbot.keyClick(plot, Qt.Key.Key_BracketRight)
    assert ranges[-1] == pytest.approx((low + step, high - step))
    for key, shift in ((Qt.Key.Key_BracketLeft, SHIFT), (Qt.Key.Key_BraceLeft, SHIFT)):
        qtbot.keyClick(plot, key, shift)
    assert ranges[-1] == pytest.approx((low - step, high - step))
    # Braces are where the layout has them: with Shift, or without.
    for key, shift in ((Qt.Key.Key_BracketRight, SHIFT), (Qt.Key.Key_BraceRight, NONE)):
        qtbot.keyClick(plot, key, shift)
    assert ranges[-1] == pytest.approx((low - step, high + step)) == plot.region.ends
    assert len(ranges) == 6
    assert view.readout.full.startswith("scan editor: ")


def test_the_ends_stop_at_each_other_and_at_the_edge(
    view: SweepView, ranges: Ranges, qtbot: QtBot
) -> None:
    plot = view.plot
    view.range_button.click()
    step = STEP * width(view)
    for _ in range(60):
        qtbot.keyClick(plot, Qt.Key.Key_BracketRight)
    low, high = plot.region.ends
    assert high - low == pytest.approx(step)
    told = len(ranges)
    qtbot.keyClick(plot, Qt.Key.Key_BracketLeft)
    assert plot.region.ends == (low, high)
    assert len(ranges) == told, "nothing has moved"
    for key in (Qt.Key.Key_BraceLeft, Qt.Key.Key_BraceRight):
        for _ in range(60):
            qtbot.keyClick(plot, key)
    assert plot.region.ends == pytest.approx(tuple(plot.box.viewRange()[0]))
    # Zoomed in, an end outside stays where it was put.
    before = plot.region.ends
    plot.box.setXRange(0.0, 100.0, padding=0.0)
    for key in (Qt.Key.Key_BraceLeft, Qt.Key.Key_BraceRight):
        qtbot.keyClick(plot, key)
    assert plot.region.ends == before


def test_the_keys_give_the_range_as_set(
    view: SweepView, ranges: Ranges, context: Context, qtbot: QtBot
) -> None:
    context.actions["sweep.at_rest"].trigger()
    for _ in range(2):
        qtbot.keyClick(view.plot, Qt.Key.Key_BracketLeft)
    low, high = view.plot.region.ends
    shift_mhz = view.picture.shift_mhz if view.picture else 0.0
    assert shift_mhz != 0.0
    assert ranges == [pytest.approx((low + shift_mhz, high + shift_mhz))]


def test_no_range_of_what_is_no_spectrum(view: SweepView, link: FakeLink, qtbot: QtBot) -> None:
    link.feed(**made.live(made.saturation(), made.saturation_fit()))
    view.plot.setFocus()
    qtbot.keyClick(view.plot, Qt.Key.Key_BracketLeft)
    assert not view.plot.region.visible


def test_each_key_of_the_plot_stands_in_the_sheet(view: SweepView, ranges: Ranges) -> None:
    view.plot.show_marks(view.plot.strip.marks, view.plot.strip.marks[0])
    view.plot.region.show()
    does = {key for key in Qt.Key if keys.carry_out(view.plot, key)}
    assert does == set(NAMES)
    shown = " ".join(key for key, _ in dict(groups(ACTIONS))["In plots"])
    assert [name for name in NAMES.values() if name not in shown] == []
    plain = {Qt.Key.Key_Home, *panels_plot._PAN, *panels_plot._ZOOM}
    assert plain == {key for binding in keys.KEYS[:3] for key in binding.keys}
