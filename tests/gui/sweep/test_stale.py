"""What is written in the sweep plot can be read, also while its data are not current."""

import fakes_sweep as made
import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGraphicsItem
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.sweep.strip import STICK_PX
from gui.sweep.view import SweepView
from gui.theme.palettes import PALETTES, contrast

LEAST = 4.5


def strongest(view: SweepView, item: QGraphicsItem, above_px: float = 0.0) -> float:
    """Contrast with the ground of what stands out most where an item is drawn; without the lowest
    pixels of it."""
    image = view.plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    place = view.plot.mapFromScene(item.sceneBoundingRect()).boundingRect()
    place = place.intersected(QRect(0, 0, view.plot.width(), view.plot.height()))
    ground = view.context.theme.palette.surface
    colours = {
        image.pixelColor(x, y).name()
        for x in range(place.left(), place.right() + 1)
        for y in range(place.top(), place.bottom() + 1 - round(above_px))
    }
    return max(contrast(colour, ground) for colour in colours)


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("name", PALETTES)
def test_names_of_components_can_be_read(
    view: SweepView, link: FakeLink, context: Context, qtbot: QtBot, name: str, stale: bool
) -> None:
    context.theme.choose(name)
    link.feed(**made.live(made.spectrum()))
    if stale:
        context.readings.age("station lost")
    qtbot.waitUntil(lambda: bool(view.plot.strip.named))
    assert strongest(view, view.plot.strip, above_px=STICK_PX + 2.0) >= LEAST
    assert view.plot.strip.effectiveOpacity() == 1.0, "a leader would shine through a name"


@pytest.mark.parametrize("name", PALETTES)
def test_a_stale_result_can_be_read_and_is_grey(
    view: SweepView, link: FakeLink, context: Context, name: str
) -> None:
    context.theme.choose(name)
    link.feed(**made.live(made.on_off(), made.on_off_fit()))
    answer = view.plot.answer
    assert answer.color.name() == context.theme.palette.text
    context.readings.age("station lost")
    assert answer.color.name() == context.theme.palette.muted
    assert strongest(view, answer.textItem) >= LEAST
    link.feed(**made.live(made.on_off(), made.on_off_fit()))
    assert answer.color.name() == context.theme.palette.text
