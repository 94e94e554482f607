"""The trap panel."""

import pytest
from fakes_gui import FakeLink
from panel_tools import Shown
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.link.station import LinkState
from gui.panels.trap import TrapPanel
from gui.status_strip import StatusStrip
from gui.theme.palettes import Tone


@pytest.fixture
def panel(context: Context, qtbot: QtBot) -> TrapPanel:
    context.actions.refresh()
    panel = TrapPanel(context)
    qtbot.addWidget(panel)
    panel.resize(320, 300)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def down(panel: TrapPanel) -> list[int]:
    return [mass for mass, button in panel.buttons.items() if button.isChecked()]


@pytest.mark.parametrize("mass", [81, 83, 84, 85, 0])
def test_the_button_of_the_rig_s_isotope_is_down(
    mass: int, panel: TrapPanel, link: FakeLink
) -> None:
    link.feed(trap__isotope=mass)
    assert down(panel) == [mass]
    assert panel.buttons[mass].text().startswith("●")
    assert "active" in panel.buttons[mass].accessibleName()


@pytest.mark.parametrize("mass", [81, 83, 84, 0])
def test_a_click_asks_and_waits_for_the_rig(
    mass: int, panel: TrapPanel, link: FakeLink, qtbot: QtBot
) -> None:
    qtbot.mouseClick(panel.buttons[mass], Qt.MouseButton.LeftButton)
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("trap", {"isotope": mass})
    assert down(panel) == [85]
    link.feed(trap__isotope=-1, trap__switching=True)
    assert down(panel) == []
    assert panel.place.word == "switching"
    link.feed(trap__isotope=mass, trap__switching=False)
    assert down(panel) == [mass]


@pytest.mark.parametrize(
    ("switching", "word", "tone", "why"),
    [(True, "switching", Tone.BUSY, "on their way"), (False, "not set", Tone.WARNING, "set one")],
)
def test_strip_and_panel_tell_a_trap_on_its_way_from_one_that_nobody_has_set(
    panel: TrapPanel, shown: Shown, link: FakeLink,
    switching: bool, word: str, tone: Tone, why: str,
) -> None:  # fmt: skip
    strip = shown(StatusStrip)
    link.feed(trap__isotope=-1, trap__switching=switching)
    for badge in (panel.place, strip.badges["trap"]):
        assert (badge.word, badge.tone) == (word, tone)
        assert why in badge.toolTip()


def test_buttons_say_why_they_cannot(panel: TrapPanel, link: FakeLink) -> None:
    assert panel.buttons[81].isEnabled()
    link.feed(run__state="running")
    assert not panel.buttons[81].isEnabled()
    assert "a run is under way" in panel.buttons[81].toolTip()


def test_the_interlock_is_shown(panel: TrapPanel, link: FakeLink) -> None:
    assert panel.interlock.text() == "Gain stays off on 83Kr and 84Kr"
    link.feed(trap__isotope=84, camera__gain=0)
    assert (panel.gain.word, panel.gain.tone) == ("held off", Tone.OFF)
    link.feed(camera__gain=200)
    assert panel.gain.tone is Tone.DANGER
    link.feed(trap__isotope=85)
    assert (panel.gain.word, panel.gain.tone) == ("200", Tone.OK)


def test_lasers_and_offset(panel: TrapPanel, link: FakeLink) -> None:
    assert panel.locked.word == "locked"
    assert panel.offset.text() == "Offset from 84Kr −265.0 MHz"
    link.feed(trap__locked=False, trap__light=False)
    assert panel.locked.tone is Tone.WARNING
    assert panel.light.tone is Tone.OFF
    assert panel.light.accessibleName() == "Trap light: off", "not the 819-nm light"


def test_off_every_line_is_called_the_blank_everywhere(
    panel: TrapPanel, shown: Shown, context: Context, link: FakeLink
) -> None:
    link.feed(trap__isotope=0)
    assert panel.place.word == shown(StatusStrip).badges["trap"].word == "blank"
    assert panel.buttons[0].text() == "● Blank: off every line"
    assert context.actions["trap.blank"].text() == "Trap blank: off every line"


def test_a_lost_station_leaves_no_button_down(
    panel: TrapPanel, context: Context, link: FakeLink
) -> None:
    link.go(LinkState.LOST, "gone")
    context.readings.age("gone")
    assert down(panel) == []
    assert {badge.tone for badge in (panel.place, panel.locked, panel.light, panel.gain)} == {
        Tone.STALE
    }
