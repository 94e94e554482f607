"""The atom panels in the smallest dock: nothing sticks out, nothing overlaps, colours follow."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.panels.alignment import AlignmentPanel
from gui.panels.camera import CameraPanel
from gui.panels.counts import CountsPanel
from gui.panels.strips import StripsPanel
from gui.panels.trap import TrapPanel
from gui.widgets.badge import Badge
from gui.widgets.meter import Meter
from gui.widgets.plot import ThemedPlot

PANELS = (CameraPanel, CountsPanel, TrapPanel, AlignmentPanel, StripsPanel)
PARTS = (QAbstractButton, QLabel, Badge, Meter, ThemedPlot)
SMALLEST = (320, 300)


def feed_all(link: FakeLink) -> None:
    signals = np.random.default_rng(1).normal(20.0, 60.0, 300)
    link.feed(
        camera__image=np.full((40, 40), 500, np.uint16), camera__acquiring=True,
        camera__gain=200, camera__frames=123456, camera__lost=4000, camera__saturated=0.0123,
        camera__signals=signals, camera__arrivals=np.arange(300) % 50 == 0,
        camera__counting=json.dumps({"electrons_per_atom": 300.0, "zero_electrons": 20.0}),
        rate__counts=1234, rate__counting=1234.5, loading__meter=0.01234, loading__step=1e-4,
        loading__trace=np.linspace(0.0, 0.1, 1000),
    )  # fmt: skip


def parts(panel: QWidget) -> dict[QWidget, QRect]:
    """What the operator sees in a panel, with its place; what scrolls is left out."""
    found = [part for kind in PARTS for part in panel.findChildren(kind) if part.isVisible()]
    return {
        part: QRect(part.mapTo(panel, QPoint(0, 0)), part.size())
        for part in found
        if not any(scrolls(ancestor) for ancestor in ancestors(part, panel))
    }


def ancestors(part: QWidget, panel: QWidget) -> list[QWidget]:
    above = []
    while (parent := part.parentWidget()) is not None and parent is not panel:
        above.append(parent)
        part = parent
    return above


def scrolls(widget: QWidget) -> bool:
    return widget.objectName() == "qt_scrollarea_viewport"


@pytest.mark.parametrize("size_pt", [8, 10, 14])
@pytest.mark.parametrize("make", PANELS)
def test_nothing_sticks_out_and_nothing_overlaps(
    make: Callable[[Context], QWidget], size_pt: int, context: Context, link: FakeLink,
    qtbot: QtBot,
) -> None:  # fmt: skip
    context.theme.choose("light", size_pt)
    panel = make(context)
    qtbot.addWidget(panel)
    panel.resize(*SMALLEST)
    panel.show()
    qtbot.waitExposed(panel)
    feed_all(link)
    seen: list[str] = []

    def laid_out() -> None:
        places = parts(panel)
        assert len(places) >= 3
        seen[:] = [
            f"{part} sticks out"
            for part, place in places.items()
            if not panel.rect().contains(place)
        ]
        listed = list(places.items())
        for i, (first, place) in enumerate(listed):
            for second, other in listed[i + 1 :]:
                if place.intersects(other):
                    seen.append(f"{first} overlaps {second}")
        assert not seen

    qtbot.waitUntil(laid_out)
    assert (panel.width(), panel.height()) == SMALLEST


@pytest.mark.parametrize("make", PANELS)
def test_a_panel_follows_the_palette(
    make: Callable[[Context], QWidget], context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    panel = make(context)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitExposed(panel)
    feed_all(link)
    for name in ("light", "dark"):
        context.theme.choose(name)
        for plot in panel.findChildren(ThemedPlot):
            assert plot.backgroundBrush().color().name() == context.theme.palette.surface


@pytest.mark.parametrize("make", PANELS)
def test_what_takes_the_keyboard_has_a_name(
    make: Callable[[Context], QWidget], context: Context, qtbot: QtBot
) -> None:
    panel = make(context)
    qtbot.addWidget(panel)
    takers = [
        part for kind in (QAbstractButton, ThemedPlot) for part in panel.findChildren(kind)
    ]  # fmt: skip
    assert takers
    assert [part for part in takers if not part.accessibleName()] == []
