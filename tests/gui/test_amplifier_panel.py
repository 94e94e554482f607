"""Amplifier and power: what they show, what they send, what they refuse."""

from fakes_gui import FakeLink
from panel_tools import Shown, commands, put
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot
from window_states import OUTPUT_MISSING

from atta_daq.client.log import Alarm, alarms_to_json
from gui.context import Context
from gui.panels.amplifier import AmplifierPanel
from gui.panels.power import PowerPanel
from gui.theme.palettes import Tone


def test_currents_are_sent_by_enter(qtbot: QtBot, shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    put(qtbot, panel.seed.field, "95.5")
    put(qtbot, panel.amplifier.field, "2000")
    assert commands(link) == [
        ("seed_current", {"current_ma": 95.5}),
        ("amplifier_current", {"current_ma": 2000.0}),
    ]


def test_a_refused_current_is_told_and_stays_an_edit(
    qtbot: QtBot, shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    put(qtbot, panel.seed.field, "95.5")
    link.sent[-1].refused("the box does not answer")
    assert panel.seed.field.is_edited
    assert "the box does not answer" in panel.seed.field.note
    assert context.notices.history[-1].text == "the box does not answer"


def test_a_current_beyond_its_limit_is_not_sent_and_the_limit_stands_there(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    put(qtbot, panel.amplifier.field, "2501")
    assert commands(link) == []
    texts = [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]
    assert "Allowed: 0 to 2500 mA" in texts


def test_above_the_ceiling_without_seed_is_refused_here(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__current=250.0, amplifier__current_set=250.0, amplifier__seed_power=4.0)
    assert "until the seed gives 10 mW" in panel.next.text()
    put(qtbot, panel.amplifier.field, "301")
    assert commands(link) == []
    assert "10 mW are needed" in panel.amplifier.field.note
    link.feed(amplifier__seed_power=15.0)
    assert panel.amplifier.field.problem == ""
    qtbot.keyClick(panel.amplifier.field, Qt.Key.Key_Return)
    assert commands(link) == [("amplifier_current", {"current_ma": 301.0})]


def test_during_a_run_a_setpoint_says_why_it_is_not_sent(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    link.feed(run__state="running")
    put(qtbot, panel.seed.field, "95")
    assert commands(link) == []
    assert "a run is under way" in panel.seed.field.note
    link.feed(run__state="idle")
    assert panel.seed.field.problem == ""


def test_the_chain_marks_the_present_step(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    assert [badge.marked for badge in panel.steps] == [False] * 5 + [True]
    link.feed(amplifier__on=False, amplifier__current=0.0, amplifier__seed_on=False,
              amplifier__seed_power=0.0)  # fmt: skip
    assert [badge.marked for badge in panel.steps] == [False, True] + [False] * 4
    assert [badge.tone for badge in panel.steps] == [Tone.OK] * 2 + [Tone.OFF] * 4
    assert "seed on" in panel.next.text()


def test_an_unsafe_amplifier_is_red(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__seed_power=3.0)
    assert panel.steps[-1].tone is Tone.DANGER
    assert panel.next.property("role") == "wrong"


def test_an_open_interlock_below_an_amplifier_that_is_on_is_red(
    shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__interlock_open=True)
    assert (panel.steps[0].word, panel.steps[0].tone) == ("interlock OPEN", Tone.DANGER)
    assert panel.next.property("role") == "wrong"
    link.feed(amplifier__interlock_open=False)
    assert (panel.steps[0].word, panel.steps[0].tone) == ("interlock closed", Tone.OK)
    assert panel.next.property("role") == ""


def in_sight(panel: AmplifierPanel) -> list[str]:
    """Captions of the switches that are seen whole."""
    return [
        button.text()
        for button in panel.switches.findChildren(QToolButton)
        if button.visibleRegion().boundingRect() == button.rect()
    ]


SWITCHES = {"Seed on", "Seed off", "Amplifier on", "Amplifier off", "Light on", "Light off"}


def test_whatever_is_wrong_the_switches_are_in_sight(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    panel.resize(300, 355)
    qtbot.waitUntil(lambda: set(in_sight(panel)) == SWITCHES)
    link.feed(
        amplifier__interlock_open=True, amplifier__protected=False,
        station__alarms=alarms_to_json(
            [Alarm("amplifier:output", "amplifier", OUTPUT_MISSING, "major", 1.7e9, True, False)]
        ),
    )  # fmt: skip
    qtbot.wait(50)
    area = panel.area
    assert area.verticalScrollBar().maximum() > 0
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    assert set(in_sight(panel)) == SWITCHES
    for part in (panel.output, panel.unguarded, panel.missing):
        assert part.visibleRegion().boundingRect() == part.rect()
    assert panel.missing.text().endswith("switch the light off.")


def test_a_current_on_its_way_is_not_called_up(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    assert panel.next.text().startswith("The light is up.")
    link.feed(run__state="preparing", amplifier__current=1210.0)
    assert panel.next.text() == (
        "Ramping to 2497 mA. A run is under way: press STOP to switch the light off."
    )
    link.feed(run__state="idle", amplifier__current=2497.0)
    assert panel.next.text().startswith("The light is up. It goes off in reverse")


def test_in_a_low_dock_the_switches_scroll(qtbot: QtBot, shown: Shown) -> None:
    panel = shown(AmplifierPanel)
    panel.resize(300, 220)
    qtbot.waitUntil(lambda: panel.area.isAncestorOf(panel.switches))
    panel.resize(300, 355)
    qtbot.waitUntil(lambda: not panel.area.isAncestorOf(panel.switches))
    qtbot.waitUntil(lambda: set(in_sight(panel)) == SWITCHES)


def test_a_lost_station_greys_what_is_no_longer_known(shown: Shown, context: Context) -> None:
    panel = shown(AmplifierPanel)
    assert panel.watchdog.text().startswith("Station's watchdog: has not had to act")
    context.readings.age("station lost")
    assert [badge.word for badge in panel.steps][:2] == ["interlock unknown", "emission unknown"]
    assert panel.watchdog.text() == "Station's watchdog: unknown"
    assert panel.health.text() == "Health: unknown"
    assert panel.health.property("stale")
    assert not panel.bar.isVisible()


def test_a_watchdog_that_was_never_read_is_unknown(shown: Shown, context: Context) -> None:
    context.readings._values.clear()
    panel = shown(AmplifierPanel)
    assert panel.watchdog.text() == "Station's watchdog: unknown"
    assert panel.watchdog.property("stale")


def test_a_lost_station_makes_the_chain_unknown(shown: Shown, context: Context) -> None:
    panel = shown(AmplifierPanel)
    context.readings.age("station lost")
    assert {badge.tone for badge in panel.steps} == {Tone.STALE}
    assert not any(badge.marked for badge in panel.steps)
    assert "station lost" in panel.next.text()
    assert panel.protection.tone is Tone.STALE


def test_a_ramp_has_a_bar_until_it_is_there(qtbot: QtBot, shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__current=1000.0, amplifier__current_set=1000.0)
    assert not panel.bar.isVisible()
    put(qtbot, panel.amplifier.field, "2000")
    assert panel.bar.value() == 0
    assert panel.bar.isVisible()
    link.feed(amplifier__current=1400.0, amplifier__current_set=1450.0)
    assert panel.bar.value() == 40
    assert "2000" in panel.bar.format()
    assert panel.amplifier.field.text() == "2000.0"
    link.feed(amplifier__current=1999.8, amplifier__current_set=2000.0)
    link.sent[-1].done({})
    assert not panel.bar.isVisible()
    assert panel.amplifier.field.note == ""


def test_previous_setpoint_comes_back_into_the_field(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    assert not panel.seed.previous.isEnabled()
    put(qtbot, panel.seed.field, "95")
    link.sent[-1].done({})
    assert panel.seed.previous.isEnabled()
    assert "90.00 mA" in panel.seed.previous.toolTip()
    panel.seed.previous.click()
    assert panel.seed.field.text() == "90.00"
    assert panel.seed.field.is_edited
    assert len(commands(link)) == 1


def test_the_seed_setpoint_is_what_the_box_holds_not_what_flows(
    shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__seed_current=94.9)
    assert panel.seed.field.text() == "90.00"
    link.feed(amplifier__seed_current_set=90.25)
    assert panel.seed.field.text() == "90.25"
    link.feed(amplifier__seed_on=False, amplifier__seed_current=0.0)
    assert panel.seed.field.text() == "90.25"


def test_a_disarmed_guard_and_the_health_are_told(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    assert panel.protection.word == "armed"
    assert not panel.unguarded.isVisible()
    link.feed(amplifier__protected=False, amplifier__health="head too warm")
    assert (panel.unguarded.word, panel.unguarded.tone) == ("NOT ARMED", Tone.DANGER)
    assert panel.unguarded.isVisible()
    assert panel.unguarded.parentWidget() is panel, "above what scrolls"
    assert not panel.protection.isVisible()
    assert panel.health.text() == "Health: head too warm"


def test_power_moves_the_light_and_keeps_the_detuning(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(PowerPanel)
    assert panel.number.text == "499.0 mW"
    assert panel.row.field.text() == "499.0"
    put(qtbot, panel.row.field, "250")
    assert commands(link) == [("move_light", {"power_mw": 250.0})]


def test_power_is_converted_as_one_types(qtbot: QtBot, shown: Shown) -> None:
    panel = shown(PowerPanel)
    panel.row.field.selectAll()
    qtbot.keyClicks(panel.row.field, "294")
    assert "294.0 mW would need 1800.0 mA" in panel.conversion.text()
    qtbot.keyClick(panel.row.field, Qt.Key.Key_Escape)
    assert "499.0 mW needs 2497.3 mA" in panel.conversion.text()


def test_the_detuning_that_stays_is_a_sentence(shown: Shown, link: FakeLink) -> None:
    panel = shown(PowerPanel)
    assert panel.detuning.text() == "The detuning stays at −100 MHz."
    link.feed(light__detuning_set=-100.25)
    assert panel.detuning.text() == "The detuning stays at −100.25 MHz."
    link.feed(light__detuning_set=float("nan"))
    assert panel.detuning.text() == "The detuning is not known."


def test_no_line_ends_inside_a_unit(shown: Shown) -> None:
    panel = shown(PowerPanel)
    assert "0.294\u00a0mW\u2060/\u2060mA above 800 mA" in panel.conversion.text()
    needed = QLabel("0.294\u00a0mW\u2060/\u2060mA")
    needed.setWordWrap(True)
    whole = needed.fontMetrics().horizontalAdvance("0.294 mW/mA")
    assert needed.minimumSizeHint().width() >= whole, "one word to the layout"


def test_power_needs_a_verified_seed(qtbot: QtBot, shown: Shown, link: FakeLink) -> None:
    panel = shown(PowerPanel)
    link.feed(amplifier__seed_power=1.0)
    put(qtbot, panel.row.field, "100")
    assert "10 mW are needed" in panel.row.field.note
    assert commands(link) == []


def test_a_stale_power_is_grey(shown: Shown, context: Context) -> None:
    panel = shown(PowerPanel)
    assert not panel.number.stale
    assert not panel.conversion.property("stale")
    context.readings.age("station lost")
    assert panel.number.stale
    assert panel.number.text == "499.0 mW"
    assert panel.conversion.property("stale")
