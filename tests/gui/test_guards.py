"""The guards of the amplifier, and what a destroyed one looks like."""

from fakes_calibrations import guards
from fakes_gui import FakeLink
from panel_tools import Shown

from atta_daq.client.log import Alarm, alarms_to_json
from gui.context import Context
from gui.panels.amplifier import AmplifierPanel
from gui.status_strip import StatusStrip
from gui.theme.palettes import Tone

MISSING = "less than half of the power: 12 mW instead of 499 mW. Switch the light off"


def questions(link: FakeLink) -> int:
    return sum(sent.name == "protection" for sent in link.sent)


def missing(*, active: bool) -> str:
    return alarms_to_json(
        [Alarm("amplifier:output", "amplifier", MISSING, "major", 1.7e9, active, False)]
    )


def test_the_guards_are_asked_for_once_and_listed(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    assert panel.guards.summary.tone is Tone.STALE
    link.feed(amplifier__protected=True)
    assert questions(link) == 1, "a poll that says the same asks nothing"
    link.sent[-1].done(guards())
    assert (panel.guards.summary.word, panel.guards.summary.tone) == ("all 3 armed", Tone.OK)
    rows = panel.guards.rows
    assert [row.state.word for row in rows] == ["armed"] * 3
    assert rows[1].fault.text() == "Against: the seed dies by itself"
    assert rows[1].by.text().startswith("the box's seed limits: ")


def test_a_disarmed_guard_leads_with_what_to_do(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__protected=False)
    assert questions(link) == 2
    link.sent[-1].done(guards(armed=False))
    assert panel.guards.summary.word == "1 NOT ARMED"
    first = panel.guards.rows[0]
    assert (first.state.word, first.state.tone) == ("NOT ARMED", Tone.DANGER)
    assert "Switch the seed limit on at the box." in first.by.text()
    assert first.by.property("role") == "wrong"


def test_guards_that_cannot_be_read_are_unknown_without_a_toast(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    link.sent[-1].done(guards())
    context.actions["protection.read"].trigger()
    link.sent[-1].refused("the box does not answer")
    assert panel.guards.summary.tone is Tone.STALE
    assert panel.guards.rows == []
    assert "the box does not answer" in panel.guards.remark.text()
    assert context.notices.history == []


def test_a_lost_station_forgets_the_guards_and_asks_when_it_is_back(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    link.sent[-1].done(guards())
    context.readings.age("station gone")
    assert panel.guards.rows == []
    assert "station gone" in panel.guards.remark.text()
    link.feed(amplifier__protected=True)
    assert questions(link) == 2


def test_the_slowest_reaction_of_the_watchdog_is_said(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    assert "has not had to act" in panel.watchdog.text()
    assert "112 ms" in panel.watchdog.text()
    link.feed(station__watchdog=84.3)
    assert "slowest reaction 84 ms" in panel.watchdog.text()
    context.readings.age("station gone")
    assert panel.watchdog.property("stale")


def test_a_missing_output_stands_out_in_panel_and_strip(shown: Shown, link: FakeLink) -> None:
    panel, strip = shown(AmplifierPanel), shown(StatusStrip)
    assert not panel.output.isVisible()
    link.feed(station__alarms=missing(active=True), amplifier__health="Amplifier damaged")
    assert panel.output.isVisible()
    assert (panel.output.word, panel.output.tone) == ("NO OUTPUT", Tone.DANGER)
    assert "12 mW instead of 499 mW. The amplifier may be damaged" in panel.missing.text()
    assert panel.missing.toolTip() == MISSING
    assert panel.health.property("role") == "wrong"
    badge = strip.badges["amplifier"]
    assert (badge.word, badge.tone, badge.toolTip()) == ("NO OUTPUT", Tone.DANGER, MISSING)
    link.feed(station__alarms=missing(active=False), amplifier__health="ok")
    assert not panel.output.isVisible()
    assert not panel.missing.isVisible()
    assert badge.word == "2497 mA"
    assert panel.health.property("role") == "muted"
