"""The sideband generator and its prediction."""

import pytest
from fakes_gui import RIG, FakeLink
from panel_tools import Shown, commands, put
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.model.trouble import TROUBLES
from gui.panels.sideband import SidebandPanel
from gui.panels.sideband_lines import offset_text, percent_text, shares
from gui.theme.palettes import Tone


def test_sideband_setpoints_are_sent_one_by_one(qtbot: QtBot, shown: Shown, link: FakeLink) -> None:
    panel = shown(SidebandPanel)
    put(qtbot, panel.frequency.field, "300.5")
    put(qtbot, panel.power.field, "-3")
    assert commands(link) == [
        ("sideband", {"frequency_mhz": 300.5}),
        ("sideband", {"power_dbm": -3.0}),
    ]


def test_without_rf_all_is_in_the_carrier(shown: Shown) -> None:
    panel = shown(SidebandPanel)
    assert panel.picture.heights == (0.0, 0.0, 1.0, 0.0, 0.0)
    assert "RF off" in panel.state.text()
    assert panel.rf.word == "off"


def test_the_prediction_is_that_of_bessel(shown: Shown, link: FakeLink) -> None:
    panel = shown(SidebandPanel)
    link.feed(sideband__on=True)
    # 5 dBm into 50 ohm is an amplitude of 0.562 V: depth pi 0.562/4 = 0.4417.
    # J0 = 1 - d²/4 + d⁴/64, J1 = d/2 - d³/16.
    depth = 0.4417
    assert panel.picture.heights[2] == pytest.approx(
        (1 - depth**2 / 4 + depth**4 / 64) ** 2, abs=1e-4
    )
    assert panel.picture.heights[1] == pytest.approx((depth / 2 - depth**3 / 16) ** 2, abs=1e-4)
    assert sum(panel.picture.heights) == pytest.approx(1.0, abs=1e-3)
    assert not panel.picture.preview
    assert "0.442 rad" in panel.numbers.text()


def test_typing_previews_and_escape_ends_it(qtbot: QtBot, shown: Shown, link: FakeLink) -> None:
    panel = shown(SidebandPanel)
    link.feed(sideband__on=True)
    before = panel.picture.heights
    panel.power.field.selectAll()
    qtbot.keyClicks(panel.power.field, "12")
    assert panel.picture.preview
    assert "not sent yet" in panel.state.text()
    assert panel.picture.heights[2] == pytest.approx(shares(12.0, RIG.eom_v_pi_v).carrier)
    assert panel.picture.heights != before
    qtbot.keyClicks(panel.power.field, "99")
    assert "No prediction" in panel.state.text()
    qtbot.keyClick(panel.power.field, Qt.Key.Key_Escape)
    assert not panel.picture.preview
    assert panel.picture.heights == before


def test_lost_sidebands_stay_as_they_were_and_grey(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(SidebandPanel)
    link.feed(sideband__on=True)
    before = panel.picture.heights
    context.readings.age("station lost")
    assert panel.picture.heights == before
    assert "when last heard of" in panel.state.text()
    assert "stale" in panel.picture.accessibleName()


def test_what_lies_beyond_the_second_order_is_told() -> None:
    deep = shares(15.0, 1.0)
    assert deep.beyond > 0.0
    assert deep.carrier + 2 * (deep.first + deep.second) + deep.beyond == pytest.approx(1.0)


def test_labels_of_the_lines() -> None:
    assert [offset_text(x) for x in (-500.0, 0.0, 250.25)] == ["−500", "0 MHz", "+250.2"]
    assert [percent_text(x) for x in (1.0, 0.581, 0.019, 0.0001)] == [
        "100 %",
        "58 %",
        "1.9 %",
        "0 %",
    ]


@pytest.mark.parametrize(
    ("rf", "word", "tone", "tab"),
    [(True, "UNLOCKED", Tone.DANGER, Tone.DANGER), (False, "not locked", Tone.OFF, Tone.OFF)],
)
def test_an_unlocked_synthesiser_is_an_alarm_only_with_the_rf_on(
    shown: Shown, context: Context, link: FakeLink, rf: bool, word: str, tone: Tone, tab: Tone
) -> None:
    panel = shown(SidebandPanel)
    link.feed(sideband__locked=False, sideband__on=rf)
    assert (panel.synthesiser.word, panel.synthesiser.tone) == (word, tone)
    assert panel.advice.isVisible() is rf
    assert panel.advice.text() == ("Check the reference input of the synthesiser." if rf else "")
    find, names = TROUBLES["sideband"]
    assert find(context.readings) is tab
    # The tab is told of both.
    assert set(names) == {"sideband:locked", "sideband:on"}
