"""The 819-nm toggle and the ratio of the moment."""

import pytest
from fakes_gui import FakeLink
from panel_tools import Shown, commands
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.panels.pumping import PumpingPanel, increase
from gui.theme.palettes import Tone


def test_the_toggle_shows_the_shutter_and_asks_for_the_other_state(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(PumpingPanel)
    assert (panel.toggle.word, panel.toggle.tone) == ("BLOCKED", Tone.OFF)
    qtbot.mouseClick(panel.toggle, Qt.MouseButton.LeftButton)
    assert commands(link) == [("pumping", {"on": True})]
    assert (panel.toggle.word, panel.toggle.tone) == ("OPENING", Tone.BUSY)
    link.feed(light__shutter=True)
    assert (panel.toggle.word, panel.toggle.tone) == ("ON", Tone.OK)
    assert "on" in panel.toggle.accessibleName()
    qtbot.keyClick(panel.toggle, Qt.Key.Key_Space)
    assert commands(link)[-1] == ("pumping", {"on": False})
    link.sent[-1].refused("no")
    assert panel.toggle.word == "ON"


def test_the_toggle_of_a_lost_station_is_unknown(shown: Shown, context: Context) -> None:
    panel = shown(PumpingPanel)
    context.readings.age("station lost")
    assert (panel.toggle.word, panel.toggle.tone) == ("UNKNOWN", Tone.STALE)


def test_the_toggle_is_disabled_during_a_run(shown: Shown, link: FakeLink) -> None:
    panel = shown(PumpingPanel)
    assert panel.toggle.isEnabled()
    link.feed(run__state="running")
    assert not panel.toggle.isEnabled()
    assert "a run is under way" in panel.toggle.toolTip()


def test_the_states_of_the_toggle_look_different(shown: Shown, link: FakeLink) -> None:
    panel = shown(PumpingPanel)
    off = panel.toggle.grab().toImage()
    link.feed(light__shutter=True)
    on = panel.toggle.grab().toImage()
    pixels = [(x, y) for x in range(0, off.width(), 2) for y in range(0, off.height(), 2)]
    differing = sum(off.pixel(x, y) != on.pixel(x, y) for x, y in pixels)
    assert differing > 0.8 * len(pixels)


def test_the_ratio_of_the_moment(shown: Shown, link: FakeLink) -> None:
    panel = shown(PumpingPanel)
    assert panel.ratio.stale
    assert "No ratio yet" in panel.why.text()
    link.feed(light__ratio=1.573)
    assert panel.ratio.text == "+57 %"
    assert not panel.ratio.stale
    assert "84Kr" in panel.why.text()
    link.feed(light__ratio=float("nan"))
    assert panel.ratio.text == "–"
    assert panel.ratio.stale


def test_a_stale_ratio_is_grey_and_says_why_in_a_sentence_of_its_own(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(PumpingPanel)
    link.feed(light__ratio=1.573)
    assert not panel.remark.isVisible()
    assert not panel.why.property("stale")
    context.readings.age("station 'test-rig' does not answer")
    assert panel.remark.text() == "Station 'test-rig' does not answer."
    assert panel.remark.isVisible()
    assert panel.why.text().endswith("since it last changed.")
    assert panel.why.property("stale")


@pytest.mark.parametrize(("ratio", "text"), [(1.573, "+57 %"), (1.001, "0 %"), (0.9, "−10 %")])
def test_increase_in_words(ratio: float, text: str) -> None:
    assert increase(ratio) == text
