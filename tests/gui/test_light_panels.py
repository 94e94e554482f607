"""The panels of the light: what they show, what they send, what they refuse."""

import json
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from fakes_gui import RIG, FakeLink
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.link.values import OK, Value
from gui.panels.actuator_bar import ActuatorBar
from gui.panels.amplifier import AmplifierPanel
from gui.panels.cell import CellPanel
from gui.panels.lock import LockPanel
from gui.panels.power import PowerPanel
from gui.panels.pumping import PumpingPanel, increase
from gui.panels.ramp_picture import tick_times
from gui.panels.scrolled import ScrolledPanel
from gui.panels.sideband import SidebandPanel
from gui.panels.sideband_lines import offset_text, percent_text, shares
from gui.panels.small_plot import nice_limit
from gui.theme.palettes import PALETTES, Tone
from gui.widgets.setpoint import SetpointField

P = TypeVar("P", bound=ScrolledPanel)
Shown = Callable[[Callable[[Context], P]], P]
PANELS = (AmplifierPanel, PowerPanel, PumpingPanel, SidebandPanel, LockPanel, CellPanel)
PEAKS = (551.2, 1450.7, 2950.3, 4050.1, 5549.9, 6449.0)


@pytest.fixture
def shown(qtbot: QtBot, context: Context) -> Shown:
    """Makes a panel and shows it."""

    def show(make: Callable[[Context], P]) -> P:
        panel = make(context)
        qtbot.addWidget(panel)
        panel.resize(300, 300)
        panel.show()
        qtbot.waitExposed(panel)
        return panel

    return show


def put(qtbot: QtBot, field: SetpointField, text: str) -> None:
    """Type and press Enter."""
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def commands(link: FakeLink) -> list[tuple[str, dict[str, object]]]:
    return [(sent.name, sent.arguments) for sent in link.sent]


# --- amplifier -----------------------------------------------------------------------------


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
    assert link.sent == []
    texts = [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]
    assert "Allowed: 0 to 2500 mA" in texts


def test_above_the_ceiling_without_seed_is_refused_here(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__current=250.0, amplifier__current_set=250.0, amplifier__seed_power=4.0)
    assert "until the seed gives 10 mW" in panel.next.text()
    put(qtbot, panel.amplifier.field, "301")
    assert link.sent == []
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
    assert link.sent == []
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
    put(qtbot, panel.amplifier.field, "2000")
    assert panel.bar.value() == 0
    link.feed(amplifier__current=1400.0, amplifier__current_set=1450.0)
    assert panel.bar.value() == 40
    assert "2000" in panel.bar.format()
    assert panel.amplifier.field.text() == "2000.0"
    link.feed(amplifier__current=1999.8, amplifier__current_set=2000.0)
    link.sent[-1].done({})
    assert panel.bar.format() == "no ramp"
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
    assert len(link.sent) == 1


def test_the_seed_setpoint_does_not_follow_the_scatter(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    link.feed(amplifier__seed_current=90.07)
    assert panel.seed.field.text() == "90.00"
    link.feed(amplifier__seed_current=95.02)
    assert panel.seed.field.text() == "95.00"
    link.feed(amplifier__seed_on=False, amplifier__seed_current=0.0)
    assert panel.seed.field.text() == "95.00"


def test_a_disarmed_guard_and_the_health_are_told(shown: Shown, link: FakeLink) -> None:
    panel = shown(AmplifierPanel)
    assert panel.protection.word == "armed"
    link.feed(amplifier__protected=False, amplifier__health="head too warm")
    assert panel.protection.tone is Tone.DANGER
    assert panel.health.text() == "Health: head too warm"


# --- power ---------------------------------------------------------------------------------


def test_power_moves_the_light_and_keeps_the_detuning(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(PowerPanel)
    assert panel.number.text == "499.0 mW"
    assert panel.row.field.text() == "499.0"
    put(qtbot, panel.row.field, "250")
    assert commands(link) == [("move_light", {"detuning_mhz": -100.0, "power_mw": 250.0})]


def test_power_is_converted_as_one_types(qtbot: QtBot, shown: Shown) -> None:
    panel = shown(PowerPanel)
    panel.row.field.selectAll()
    qtbot.keyClicks(panel.row.field, "294")
    assert "294.0 mW would need 1800.0 mA" in panel.conversion.text()
    qtbot.keyClick(panel.row.field, Qt.Key.Key_Escape)
    assert "499.0 mW needs 2497.3 mA" in panel.conversion.text()


def test_power_needs_a_verified_seed_and_a_detuning(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(PowerPanel)
    link.feed(amplifier__seed_power=1.0)
    put(qtbot, panel.row.field, "100")
    assert "10 mW are needed" in panel.row.field.note
    link.feed(amplifier__seed_power=22.0, light__detuning_set=float("nan"))
    assert "no setpoint yet" in panel.row.field.note
    assert link.sent == []


def test_a_stale_power_is_grey(shown: Shown, context: Context) -> None:
    panel = shown(PowerPanel)
    assert not panel.number.stale
    context.readings.age("station lost")
    assert panel.number.stale
    assert panel.number.text == "499.0 mW"


# --- pumping -------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("ratio", "text"), [(1.573, "+57 %"), (1.001, "0 %"), (0.9, "−10 %")])
def test_increase_in_words(ratio: float, text: str) -> None:
    assert increase(ratio) == text


# --- sidebands -----------------------------------------------------------------------------


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
    assert [offset_text(x) for x in (-500.0, 0.0, 250.25)] == ["−500", "0", "+250.2"]
    assert [percent_text(x) for x in (1.0, 0.581, 0.019, 0.0001)] == [
        "100 %",
        "58 %",
        "1.9 %",
        "0 %",
    ]


# --- lock ----------------------------------------------------------------------------------


def test_a_detuning_moves_the_light_and_keeps_the_power(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(LockPanel)
    put(qtbot, panel.detuning.field, "-250")
    assert commands(link) == [("move_light", {"detuning_mhz": -250.0, "power_mw": 499.0})]


def test_below_threshold_a_detuning_would_raise_the_amplifier(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(LockPanel)
    link.feed(amplifier__current_set=300.0)
    put(qtbot, panel.detuning.field, "-250")
    assert link.sent == []
    assert "below its threshold of 800 mA" in panel.detuning.field.note


def test_a_lost_lock_says_why(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert panel.locked.word == "locked"
    assert not panel.reason.isVisible()
    link.feed(lock__locked=False, lock__reason="the slave made a mode hop")
    assert (panel.locked.word, panel.locked.tone) == ("LOST", Tone.DANGER)
    assert panel.reason.isVisible()
    assert panel.reason.text() == "the slave made a mode hop"


def test_errors_are_drawn_in_a_range_that_does_not_flicker(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    link.feed(lock__errors=np.array([0.1, -1.4, 0.3]))
    x, y = panel.curve.getData()
    assert list(x) == [-2, -1, 0]
    assert list(y) == [0.1, -1.4, 0.3]
    low, high = panel.strip.viewRange()[1]
    assert (low, high) == pytest.approx((-2.0, 2.0), abs=0.1)
    link.feed(lock__errors=np.array([]))
    assert panel.curve.getData()[1] is None or len(panel.curve.getData()[1]) == 0


def test_the_actuator_near_its_rail(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert not panel.actuator.near_rail
    link.feed(lock__actuator=Value(0.89, OK, "", low=0.1, high=0.88))
    assert panel.actuator.near_rail
    assert "near its rail" in panel.actuator.accessibleName()
    link.feed(lock__actuator=0.96)  # limits of the station missing: the usual ones
    assert panel.actuator.near_rail


def test_an_unknown_actuator_is_near_nothing(qtbot: QtBot, context: Context) -> None:
    bar = ActuatorBar(context.theme)
    qtbot.addWidget(bar)
    assert not bar.near_rail
    assert "not known" in bar.accessibleName()


def test_peaks_are_drawn_only_as_a_whole_set(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert panel.peaks.times_us == ()
    link.feed(lock__peaks=np.array(PEAKS))
    assert panel.peaks.times_us == PEAKS
    assert "551.2" in panel.peaks.toolTip()
    link.feed(lock__peaks=np.array(PEAKS[:5]))
    assert panel.peaks.times_us == ()
    assert panel.about_peaks.isVisibleTo(panel)
    assert not panel.traces.isVisibleTo(panel)


def test_photodiode_traces_are_drawn_where_a_lock_has_them(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    link.feed(lock__trace_master=np.linspace(0.0, 1.0, 50), lock__trace_slave=np.zeros(50))
    assert panel.traces.isVisibleTo(panel)
    assert not panel.about_peaks.isVisibleTo(panel)
    assert [len(curve.getData()[1]) for curve in panel.diodes.values()] == [50, 50]


def test_the_last_zeroing_stands_in_lock_and_cell(shown: Shown, link: FakeLink) -> None:
    lock, cell = shown(LockPanel), shown(CellPanel)
    assert "Not zeroed" in lock.zero.text()
    assert not cell.zero_line.isVisible()
    steps = np.linspace(-60.0, 60.0, 13)
    link.feed(
        cell__detunings=steps, cell__volts=0.1 * steps, cell__signal=0.01, cell__rms=0.002,
        cell__zero=json.dumps({"ratio": 0.4, "shift_mhz": 3.1, "error_mhz": 0.3, "utc_s": 1.7e9}),
    )  # fmt: skip
    assert "+3.10 ± 0.30 MHz" in lock.zero.text()
    assert cell.text.text() == lock.zero.text()
    assert cell.zero_line.isVisible()
    assert cell.zero_line.value() == 3.1
    assert list(cell.line.getData()[0]) == list(steps)
    link.feed(cell__zero=json.dumps({"problem": "no dispersive line"}))
    assert not cell.zero_line.isVisible()
    assert cell.text.property("role") == "wrong"


def test_a_zeroing_under_way_may_be_a_step_ahead(shown: Shown, link: FakeLink) -> None:
    panel = shown(CellPanel)
    link.feed(cell__detunings=np.array([-60.0, -50.0]), cell__volts=np.array([0.1]))
    assert list(panel.line.getData()[0]) == [-60.0]


def test_round_numbers_of_the_axes() -> None:
    assert [nice_limit(x) for x in (0.5, 0.51, 3.0)] == pytest.approx([0.5, 1.0, 5.0])
    assert tick_times(100.0, 3200.0) == [1000.0, 2000.0, 3000.0]


# --- all of them ---------------------------------------------------------------------------


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
