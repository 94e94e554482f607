"""Colours: contrast, and states that differ without colour."""

from itertools import combinations

import pytest
from colour_vision import MACHADO, difference
from fakes_gui import FakeLink
from panel_tools import Shown
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStyleOptionSpinBox,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.link.station import LinkState
from gui.panels.amplifier import AmplifierPanel
from gui.theme.marks import colours_of
from gui.theme.palettes import PALETTES, Tone, contrast

SHAPE = 3.0
"""Least contrast of a shape with its ground (WCAG 2.2, 1.4.11)."""
APART = 10.0
"""Least CIE 1976 difference of two colours that stand on their own: about four times the 2.3 that
is just noticeable side by side (Mahy, Van Eycken and Oosterlinck, Color Res. Appl. 19, 105
(1994)), since thin curves and small marks are seen apart from each other."""


@pytest.mark.parametrize("name", PALETTES)
def test_every_text_has_enough_contrast_on_every_ground(name: str) -> None:
    palette = PALETTES[name]
    grounds = (palette.window, palette.surface, palette.raised)
    inks = (palette.text, palette.muted, palette.accent, *palette.tones.values(), *palette.series)
    poor = [
        (ink, ground, round(contrast(ink, ground), 2))
        for ink in inks
        for ground in grounds
        if contrast(ink, ground) < 4.5
    ]
    assert not poor
    assert contrast(palette.on_accent, palette.accent) >= 4.5
    assert contrast(palette.on_danger, palette.tones[Tone.DANGER]) >= 4.5
    assert contrast(palette.on_accent, palette.tones[Tone.OK]) >= 4.5
    # The words of a progress bar stand on its chunk, which has the colour of borders.
    assert contrast(palette.text, palette.border) >= 4.5


def test_the_difference_of_colours_is_that_of_the_standard() -> None:
    assert difference("#ffffff", "#000000", "all cones") == pytest.approx(100.0, abs=0.01)
    # Red is 53.24, 80.09, 67.20 in CIELAB and green 87.73, -86.18, 83.18.
    assert difference("#ff0000", "#00ff00", "all cones") == pytest.approx(170.6, abs=0.1)
    assert difference("#ff0000", "#00ff00", "deuteranopia") < 90.0


@pytest.mark.parametrize("vision", MACHADO)
@pytest.mark.parametrize("name", PALETTES)
def test_colours_that_mean_something_differ_without_one_kind_of_cone(
    name: str, vision: str
) -> None:
    palette = PALETTES[name]
    # Nothing and stale are one grey on purpose: their shapes differ.
    for colours in (palette.series, dict.fromkeys(palette.tones.values())):
        alike = [
            (first, second, round(difference(first, second, vision), 1))
            for first, second in combinations(colours, 2)
            if difference(first, second, vision) < APART
        ]
        assert not alike


@pytest.mark.parametrize("kind", [QToolButton, QPushButton])
@pytest.mark.parametrize("name", PALETTES)
def test_a_checked_button_looks_checked(
    qtbot: QtBot, context: Context, name: str, kind: type[QToolButton | QPushButton]
) -> None:
    context.theme.choose(name)
    button = kind()
    qtbot.addWidget(button)
    context.theme.dress(button)
    button.setCheckable(True)
    button.resize(80, 30)
    button.show()
    grounds = []
    for checked in (False, True):
        button.setChecked(checked)
        image = button.grab().toImage()
        grounds.append(image.pixelColor(image.width() // 2, image.height() // 2).name())
    assert contrast(*grounds) >= SHAPE


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", PALETTES)
def test_marks_stand_out_from_what_they_are_drawn_on(name: str) -> None:
    palette = PALETTES[name]
    grounds = {
        "tick": palette.accent, "dash": palette.accent,
        "tick-off": palette.muted, "dash-off": palette.muted,
    }  # fmt: skip
    for mark, colour in colours_of(palette).items():
        for ground in (grounds[mark],) if mark in grounds else (palette.surface, palette.raised):
            assert contrast(colour, ground) >= SHAPE, (mark, ground)


def seen(widget: QWidget, part: QRect) -> float:
    """Contrast of the colours that differ most in a part of a widget."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    assert image.rect().contains(part)
    colours = {
        image.pixelColor(x, y).name()
        for x in range(part.left(), part.right() + 1)
        for y in range(part.top(), part.bottom() + 1)
    }
    return max(contrast(first, second) for first in colours for second in colours)


def within(part: QRect) -> QRect:
    """Without the frame."""
    return part.adjusted(3, 3, -3, -3)


@pytest.mark.parametrize("size_pt", [10, 14])
@pytest.mark.parametrize("name", PALETTES)
def test_boxes_and_arrows_can_be_seen(
    qtbot: QtBot, context: Context, name: str, size_pt: int
) -> None:
    context.theme.choose(name, size_pt)
    box, spin, combo, rows = QCheckBox(), QSpinBox(), QComboBox(), QListWidget()
    item = QListWidgetItem("", rows)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(Qt.CheckState.Unchecked)
    spin.setValue(50)
    for widget in (box, spin, combo, rows):
        qtbot.addWidget(widget)
        context.theme.dress(widget)
        widget.show()
    line = spin.fontMetrics().height()
    indicator = QStyleOptionButton()
    box.initStyleOption(indicator)
    square = box.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, indicator, box)
    assert square.height() > 0.6 * line, "it grows with the text"
    assert seen(box, square) >= SHAPE, "unticked"
    box.setChecked(True)
    assert seen(box, within(square)) >= SHAPE, "ticked"
    assert seen(rows, rows.visualItemRect(item)) >= SHAPE
    item.setCheckState(Qt.CheckState.Checked)
    rows.setCurrentItem(item)
    middle = rows.visualItemRect(item).center().y()
    # From the frame of the list to the tick.
    assert seen(rows, QRect(3, middle, 4, 1)) >= SHAPE, "the box of a chosen row"
    sub, control = QStyle.SubControl, QStyle.ComplexControl
    option = QStyleOptionSpinBox()
    spin.initStyleOption(option)
    for part in (sub.SC_SpinBoxUp, sub.SC_SpinBoxDown):
        arrow = spin.style().subControlRect(control.CC_SpinBox, option, part, spin)
        assert arrow.width() >= line
        assert seen(spin, within(arrow)) >= SHAPE, part
    choice = QStyleOptionComboBox()
    combo.initStyleOption(choice)
    arrow = combo.style().subControlRect(control.CC_ComboBox, choice, sub.SC_ComboBoxArrow, combo)
    assert seen(combo, within(arrow)) >= SHAPE


@pytest.mark.parametrize("name", PALETTES)
def test_bevels_are_those_of_the_palette(context: Context, name: str) -> None:
    context.theme.choose(name)
    roles, ours = QPalette.ColorRole, PALETTES[name]
    for role in (roles.Light, roles.Midlight, roles.Mid, roles.Dark, roles.Shadow):
        assert QApplication.palette().color(role).name() in (ours.border, ours.raised), role


def test_a_disabled_progress_bar_is_grey(qtbot: QtBot, context: Context) -> None:
    context.theme.choose("dark")
    bar = QProgressBar()
    qtbot.addWidget(bar)
    context.theme.dress(bar)
    bar.setValue(50)
    bar.setEnabled(False)
    bar.show()
    palette = context.theme.palette
    image = bar.grab().toImage()
    assert image.pixelColor(bar.width() // 8, bar.height() // 2).name() == palette.raised
    everything = {
        image.pixelColor(x, y).name() for x in range(bar.width()) for y in range(bar.height())
    }
    assert palette.text not in everything


def test_setpoints_of_a_lost_station_are_grey(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    field = panel.seed.field
    assert not field.property("stale")
    link.go(LinkState.LOST, "gone")
    assert field.property("stale")
    assert field.palette().text().color().name() == panel.context.theme.palette.muted
    link.go(LinkState.CONNECTED, "back")
    assert not field.property("stale")
