"""All panels of the light: fit, names, buttons, no readings."""

import numpy as np
import pytest
from fakes_gui import FakeLink
from panel_tools import PEAKS, Shown, put
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.panels.amplifier import AmplifierPanel
from gui.panels.cell import CellPanel
from gui.panels.lock import LockPanel
from gui.panels.power import PowerPanel
from gui.panels.pumping import PumpingPanel
from gui.panels.scrolled import ScrolledPanel
from gui.panels.sideband import SidebandPanel
from gui.theme.palettes import PALETTES
from gui.widgets.setpoint import SetpointField

PANELS = (AmplifierPanel, PowerPanel, PumpingPanel, SidebandPanel, LockPanel, CellPanel)


def cut_off(panel: ScrolledPanel) -> list[str]:
    """What does not fit into its place."""
    inside = panel.area.widget()
    assert inside is not None
    found = []
    if inside.width() > panel.area.viewport().width():
        found.append("the panel scrolls sideways")
    for child in panel.findChildren(QWidget):
        parent = child.parentWidget()
        if not child.isVisible() or parent not in (panel, inside):
            continue
        if not parent.rect().contains(child.geometry()):
            found.append(f"{child} leaves its place")
    for label in panel.findChildren(QLabel):
        if not label.isVisible():
            continue
        if label.wordWrap():
            if label.height() < label.heightForWidth(label.width()):
                found.append(label.text())
        elif label.width() < label.minimumSizeHint().width():
            found.append(label.text())
    return found


@pytest.mark.parametrize("size_pt", [8, 11, 14])
@pytest.mark.parametrize("make", PANELS)
@pytest.mark.parametrize("palette", PALETTES)
def test_nothing_is_cut_off_in_a_small_dock(
    qtbot: QtBot, shown: Shown, context: Context, link: FakeLink,
    make: type[ScrolledPanel], size_pt: int, palette: str,
) -> None:  # fmt: skip
    context.theme.choose(palette, size_pt)
    panel = shown(make)
    link.feed(light__ratio=1.573, lock__peaks=np.array(PEAKS), lock__errors=np.zeros(20))
    link.feed(lock__locked=False, lock__reason="only 4 of 6 peaks found")
    for field in panel.findChildren(SetpointField):
        put(qtbot, field, "99999")
    panel.resize(300, 300)
    qtbot.waitUntil(lambda: not cut_off(panel), timeout=2000)
    assert panel.width() == 300


@pytest.mark.parametrize("make", PANELS)
def test_all_that_takes_the_keyboard_has_a_name(shown: Shown, make: type[ScrolledPanel]) -> None:
    panel = shown(make)
    focusable = [
        child for child in panel.findChildren(QWidget)
        if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.isEnabled()
    ]  # fmt: skip
    assert focusable
    assert all(child.accessibleName() for child in focusable), [
        child for child in focusable if not child.accessibleName()
    ]


@pytest.mark.parametrize("make", PANELS)
def test_panels_before_the_first_reading_and_after_the_last(
    qtbot: QtBot, shown: Shown, context: Context, make: type[ScrolledPanel]
) -> None:
    context.readings._values.clear()
    panel = shown(make)
    context.readings.age("station lost")
    context.theme.choose("light")
    assert panel.isVisible()
    assert panel.grab().width() == 300


def test_every_action_of_the_light_has_a_button(shown: Shown, context: Context) -> None:
    panels = [shown(make) for make in PANELS]
    buttons = {b.objectName() for panel in panels for b in panel.findChildren(QToolButton)}
    wanted = {
        name for name in context.actions.specs
        if name.split(".")[0] in ("light", "seed", "amplifier", "sideband", "lock")
    }  # fmt: skip
    assert wanted - buttons == {"light.pumping"}  # the large toggle
