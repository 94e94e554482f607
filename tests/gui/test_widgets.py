"""Badge, readback, flowing rows and big numbers."""

import pytest
from fakes_gui import FakeLink
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.link.values import MAJOR, MINOR, OK, Value
from gui.panel import Panel
from gui.theme.palettes import PALETTES, Tone
from gui.widgets.badge import Badge
from gui.widgets.big_number import BigNumber
from gui.widgets.flowing import flowing
from gui.widgets.readback import Readback


def shape(badge: Badge) -> list[bool]:
    """Where the badge's shape has ink, whatever its colour."""
    image = badge.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    ground = image.pixel(0, 0)
    side = badge.height()
    return [image.pixel(x, y) != ground for x in range(side) for y in range(image.height())]


@pytest.mark.parametrize("palette", PALETTES)
def test_tones_differ_by_shape_not_only_colour(
    qtbot: QtBot, context: Context, palette: str
) -> None:
    context.theme.choose(palette)
    shapes = {}
    for tone in Tone:
        badge = Badge(context.theme, "")
        qtbot.addWidget(badge)
        badge.show_state("x", tone)
        badge.resize(badge.sizeHint())
        shapes[tone] = shape(badge)
    for first in Tone:
        for second in Tone:
            if first is not second:
                differing = sum(a != b for a, b in zip(shapes[first], shapes[second], strict=True))
                assert differing > 8, (first, second)


def test_a_badge_says_its_state_to_a_screen_reader(qtbot: QtBot, context: Context) -> None:
    badge = Badge(context.theme, "Lock")
    qtbot.addWidget(badge)
    badge.show_state("LOST", Tone.DANGER, "a mode hop")
    assert badge.accessibleName() == "Lock: LOST"
    assert badge.accessibleDescription() == "danger"
    assert badge.toolTip() == "a mode hop"
    narrow = badge.sizeHint().width()
    badge.mark(True)
    assert "present step" in badge.accessibleDescription()
    assert badge.sizeHint().width() > narrow


def readback(qtbot: QtBot, context: Context, name: str) -> Readback:
    panel = Panel(context)
    label = Readback(panel, name, parent=panel)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitExposed(panel)
    return label


def test_a_readback_has_precision_and_unit(qtbot: QtBot, context: Context, link: FakeLink) -> None:
    label = readback(qtbot, context, "amplifier:seed_current")
    assert label.text() == "90.00 mA"
    link.feed(amplifier__seed_current=-0.001)
    assert label.text() == "0.00 mA"
    link.feed(amplifier__seed_current=-1.5)
    assert label.text() == "−1.50 mA"
    link.feed(amplifier__seed_current=float("nan"))
    assert label.text() == "–"


def test_a_readback_alarms_by_shape_and_colour(
    qtbot: QtBot, context: Context, link: FakeLink
) -> None:
    label = readback(qtbot, context, "amplifier:seed_power")
    link.feed(amplifier__seed_power=Value(5.0, MINOR, "fading"))
    assert label.text() == "▲ 5.00 mW"
    assert context.theme.palette.tones[Tone.WARNING] in label.styleSheet()
    assert "fading" in label.toolTip()
    context.theme.choose("light")
    assert context.theme.palette.tones[Tone.WARNING] in label.styleSheet()
    link.feed(amplifier__seed_power=Value(1.0, MAJOR, "gone"))
    assert label.text() == "■ 1.00 mW"
    link.feed(amplifier__seed_power=Value(22.0, OK, ""))
    assert label.text() == "22.00 mW"
    assert label.styleSheet() == ""


def test_a_stale_readback_keeps_its_number_and_greys(
    qtbot: QtBot, context: Context, link: FakeLink
) -> None:
    label = readback(qtbot, context, "amplifier:seed_power")
    context.readings.age("station lost")
    assert label.text() == "22.00 mW"
    assert label.property("stale") is True
    assert "station lost" in label.toolTip()
    link.feed(amplifier__seed_power=21.0)
    assert label.property("stale") is False


def test_a_flow_breaks_its_row_and_tells_its_height(qtbot: QtBot, context: Context) -> None:
    holder = QWidget()
    buttons = [QPushButton(f"button number {i}") for i in range(4)]
    flow = flowing(*buttons)
    holder.setLayout(flow)
    qtbot.addWidget(holder)
    wide = sum(button.sizeHint().width() + 4 for button in buttons)
    one_row, rows = flow.heightForWidth(wide), flow.heightForWidth(buttons[0].sizeHint().width())
    assert rows >= 4 * one_row
    holder.resize(buttons[0].sizeHint().width() + 10, rows)
    holder.show()
    qtbot.waitExposed(holder)
    tops = [button.geometry().top() for button in buttons]
    assert tops == sorted(set(tops))
    assert all(holder.rect().contains(button.geometry()) for button in buttons)
    buttons[0].hide()
    assert flow.heightForWidth(buttons[1].sizeHint().width()) < rows


def test_a_big_number_fits_its_width(qtbot: QtBot, context: Context) -> None:
    number = BigNumber(context.theme, "power")
    qtbot.addWidget(number)
    number.show_text("1234567.8 mW", stale=False, why="")
    number.resize(150, number.sizeHint().height())
    assert number.accessibleName() == "power: 1234567.8 mW"
    image = number.grab().toImage()
    ground = image.pixel(0, 0)
    for x in (0, image.width() - 1):
        assert all(image.pixel(x, y) == ground for y in range(image.height()))
    number.show_text("–", stale=True)
    assert number.stale
    assert "stale" in number.accessibleName()
