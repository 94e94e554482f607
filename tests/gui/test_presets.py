"""Presets: what they hold, what would change, in which order, and what happens on a refusal."""

import math
from collections.abc import Iterator

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.link.values import INVALID, OK, Value
from gui.preset_dialog import PresetDialog, Presets
from gui.presets import (
    AMPLIFIER,
    DETUNING,
    QUANTITIES,
    SEED,
    SHUTTER,
    SIDEBAND_FREQUENCY,
    SIDEBAND_ON,
    TRAP,
    Row,
    differences,
    present,
    read_presets,
    steps,
)

CEILING_MA = 300.0


def row(name: str, now: float | bool | None, then: float | bool) -> Row:
    return Row(QUANTITIES[name], now, then)


def sent(rows: list[Row], now_ma: float) -> list[tuple[str, object]]:
    return [
        (step.command, next(iter(step.arguments.values())))
        for step in steps(rows, CEILING_MA, now_ma)
    ]


def test_a_preset_holds_what_is_known(context: Context, link: FakeLink) -> None:
    link.feed(
        trap__isotope=-1,
        light__detuning_set=math.nan,
        sideband__frequency=Value(250.0, INVALID, "synthesiser silent"),
    )
    kept = present(context.readings)
    assert kept == {
        SEED: 90.0, AMPLIFIER: 2497.3, "sideband:power": 5.0, SIDEBAND_ON: False, SHUTTER: False,
    }  # fmt: skip
    assert read_presets({"day": kept}) == {"day": kept}


def test_a_seed_that_is_off_is_kept_with_its_setpoint(context: Context, link: FakeLink) -> None:
    """Going back to such a preset must not turn the seed current to what flowed: nothing."""
    link.feed(amplifier__seed_on=False, amplifier__seed_current=0.0)
    kept = present(context.readings)
    assert kept[SEED] == 90.0
    link.feed(amplifier__seed_on=True, amplifier__seed_current=90.4)
    assert differences(kept, context.readings) == [], "the scatter of what flows is no difference"


def test_a_measured_seed_current_of_an_older_preset_is_left_out() -> None:
    assert read_presets({"old": {"amplifier:seed_current": 0.0, AMPLIFIER: 2000.0}}) == {
        "old": {AMPLIFIER: 2000.0}
    }


def test_differences_are_only_what_differs(context: Context, link: FakeLink) -> None:
    preset = present(context.readings)
    assert differences(preset, context.readings) == []
    # Less than the setpoint resolves is no difference.
    link.feed(amplifier__seed_current_set=90.004, light__detuning_set=-100.004)
    assert differences(preset, context.readings) == []
    link.feed(amplifier__seed_current_set=88.0, light__shutter=True, trap__isotope=-1)
    found = [
        (row.quantity.name, row.now, row.then) for row in differences(preset, context.readings)
    ]
    assert found == [(SEED, 88.0, 90.0), (TRAP, None, 85.0), (SHUTTER, True, False)]


def test_a_value_outside_the_limits_is_marked(context: Context) -> None:
    (bad, good) = differences({SEED: 120.0, AMPLIFIER: 2000.0}, context.readings)
    assert bad.problem == "allowed: 0 to 106 mA"
    assert good.problem == ""
    (trap,) = differences({TRAP: 82.0}, context.readings)
    assert trap.problem


@pytest.mark.parametrize("kept", [None, [], "x", {"a": 3}, {"a": {"nonsense": 1.0, SEED: "90"}}])
def test_settings_that_are_no_presets_do_no_harm(kept: object) -> None:
    assert all(setpoints == {} for setpoints in read_presets(kept).values())


def test_the_order_upwards() -> None:
    rows = [
        row(SHUTTER, False, True), row(AMPLIFIER, 300.0, 2400.0), row(SEED, 80.0, 90.0),
        row(TRAP, 81, 85), row(DETUNING, 0.0, -100.0), row(SIDEBAND_ON, False, True),
        row(SIDEBAND_FREQUENCY, 200.0, 250.0),
    ]  # fmt: skip
    assert sent(rows, 300.0) == [
        ("seed_current", 90.0),
        ("sideband", 250.0),
        ("move_light", -100.0),
        ("trap", 85),
        ("amplifier_current", 2400.0),
        ("pumping", True),
    ]
    (sideband,) = steps(rows[-2:], CEILING_MA, 300.0)
    assert sideband.arguments == {"frequency_mhz": 250.0, "on": True}


def test_the_order_downwards() -> None:
    rows = [row(SEED, 90.0, 60.0), row(AMPLIFIER, 2400.0, 250.0), row(SHUTTER, True, False)]
    assert sent(rows, 2400.0) == [
        ("pumping", False), ("amplifier_current", 250.0), ("seed_current", 60.0),
    ]  # fmt: skip


@pytest.mark.parametrize("target", [2300.0, 2500.0])
def test_a_seed_that_goes_down_brings_the_amplifier_to_its_ceiling_first(target: float) -> None:
    rows = [row(SEED, 90.0, 85.0), row(AMPLIFIER, 2400.0, target)]
    assert sent(rows, 2400.0) == [
        ("amplifier_current", CEILING_MA), ("seed_current", 85.0), ("amplifier_current", target),
    ]  # fmt: skip


def test_an_unknown_amplifier_is_brought_down_first() -> None:
    rows = [row(SEED, None, 85.0), row(AMPLIFIER, None, 2400.0)]
    assert sent(rows, math.nan) == [
        ("amplifier_current", CEILING_MA), ("seed_current", 85.0), ("amplifier_current", 2400.0),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [(80.0, 90.0), (90.0, 80.0), (None, 85.0)])
@pytest.mark.parametrize("amplifier", [(300.0, 2400.0), (2400.0, 2000.0), (2000.0, 2400.0)])
def test_the_amplifier_is_never_raised_before_the_seed(
    seed: tuple[float | None, float], amplifier: tuple[float, float]
) -> None:
    at = amplifier[0]
    order = sent([row(AMPLIFIER, *amplifier), row(SEED, *seed)], at)
    seed_is_set = False
    for command, value in order:
        if command == "seed_current":
            seed_is_set = True
        else:
            assert isinstance(value, float)
            assert value <= at or seed_is_set
            at = value
    assert seed_is_set
    assert at == amplifier[1]


# --- the dialog -----------------------------------------------------------------------------


@pytest.fixture
def presets(context: Context, qtbot: QtBot) -> Iterator[Presets]:
    window = QMainWindow()
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    made = Presets(context, window)
    yield made
    assert not made.apply_dialog.isModal()
    assert not made.save_dialog.isModal()


@pytest.fixture
def dialog(presets: Presets, context: Context, link: FakeLink, qtbot: QtBot) -> PresetDialog:
    """Open on a preset from which seed, trap and shutter differ."""
    presets.keep("day")
    link.feed(amplifier__seed_current_set=88.0, trap__isotope=81, light__shutter=True)
    context.actions["preset.apply"].trigger()
    qtbot.waitUntil(presets.apply_dialog.isVisible)
    return presets.apply_dialog


def test_keeping_asks_for_a_name(presets: Presets, context: Context, qtbot: QtBot) -> None:
    context.actions["preset.save"].trigger()
    ask = presets.save_dialog
    qtbot.waitUntil(ask.name.hasFocus)
    assert "Amplifier current: 2497.3 mA" in ask.said.text()
    QTest.keyClick(ask.name, Qt.Key.Key_Return)
    assert context.settings.get("presets") is None
    QTest.keyClicks(ask.name, "day")
    QTest.keyClick(ask.name, Qt.Key.Key_Return)
    assert context.settings.get("presets")["day"][AMPLIFIER] == 2497.3
    context.actions["preset.save"].trigger()
    ask.name.setText("day")
    assert ask.keep_button.text() == "Replace"


def test_nothing_known_keeps_nothing(presets: Presets, context: Context) -> None:
    context.readings.age("station gone")
    presets.keep("empty")
    assert context.settings.get("presets") is None
    assert "no setpoint is known" in context.notices.history[-1].text


def test_differences_are_shown_and_nothing_is_sent(dialog: PresetDialog, link: FakeLink) -> None:
    shown = [line.split("\t")[:3] for line in dialog.table.rows_text().splitlines()]
    assert shown == [
        ["Seed current", "88.00 mA", "90.00 mA"],
        ["Trap isotope", "81Kr", "85Kr"],
        ["819 nm on the atoms", "on", "blocked"],
    ]
    assert link.sent == []


def test_applying_sends_one_after_the_other(
    dialog: PresetDialog, link: FakeLink, context: Context
) -> None:
    link.feed(station__stops=2)
    dialog.apply_button.click()
    assert [s.name for s in link.sent] == ["pumping"]
    link.feed(station__stops=3)  # the station refuses what comes now: it is told the former number
    assert not dialog.apply_button.isEnabled()
    link.sent[-1].done({})
    assert [s.name for s in link.sent] == ["pumping", "seed_current"]
    link.sent[-1].done({})
    assert (link.sent[-1].name, link.sent[-1].arguments) == (
        "trap", {"isotope": 85, "stops_seen": 2},
    )  # fmt: skip
    link.sent[-1].done({})
    assert len(link.sent) == 3
    link.feed(amplifier__seed_current_set=90.0, trap__isotope=85, light__shutter=False)
    assert dialog.ticked() == []
    assert context.notices.history[-1].text.startswith("Preset 'day' applied: 819 nm blocked; Seed")


def test_an_unticked_row_is_not_sent(dialog: PresetDialog, link: FakeLink) -> None:
    dialog.table.selectRow(1)
    QTest.keyClick(dialog.table, Qt.Key.Key_Space)
    assert [row.quantity.name for row in dialog.ticked()] == [SEED, SHUTTER]
    assert dialog.table.rows_text().splitlines()[1].endswith("stays as it is")
    # A reading that moves leaves the tick as it was.
    link.feed(amplifier__seed_current_set=87.0)
    assert [row.quantity.name for row in dialog.ticked()] == [SEED, SHUTTER]
    dialog.apply_button.click()
    while dialog.busy:
        link.sent[-1].done({})
    assert [s.name for s in link.sent] == ["pumping", "seed_current"]


def test_the_first_refusal_ends_it_and_all_is_told(
    dialog: PresetDialog, link: FakeLink, context: Context
) -> None:
    dialog.apply_button.click()
    link.sent[-1].done({})
    link.sent[-1].refused("seed current: allowed are 0 to 80 mA")
    assert [s.name for s in link.sent] == ["pumping", "seed_current"]
    said = dialog.said.text()
    assert "Seed current to 90.00 mA was refused: seed current: allowed are 0 to 80 mA" in said
    assert "Applied before: 819 nm blocked." in said
    assert "Not applied: Trap to 85Kr." in said
    assert said in context.notices.history[-1].text
    assert not dialog.busy


def test_not_during_a_run(dialog: PresetDialog, link: FakeLink) -> None:
    assert dialog.apply_button.isEnabled()
    link.feed(run__state="running")
    assert not dialog.apply_button.isEnabled()
    assert "a run is under way" in dialog.apply_button.toolTip()


def test_a_row_beyond_its_limit_is_red_and_never_sent(
    dialog: PresetDialog, context: Context, link: FakeLink
) -> None:
    context.settings.set("presets", {"day": {SEED: 120.0, TRAP: 83.0}})
    dialog.open_up()
    assert "allowed: 0 to 106 mA" in dialog.table.rows_text()
    assert [row.quantity.name for row in dialog.ticked()] == [TRAP]
    QTest.keyClick(dialog.table, Qt.Key.Key_Space)
    assert [row.quantity.name for row in dialog.ticked()] == [TRAP]


def test_deleting_takes_two_presses(dialog: PresetDialog, context: Context) -> None:
    dialog.delete_button.click()
    assert "day" in context.settings.get("presets")
    dialog.delete_button.click()
    assert context.settings.get("presets") == {}
    assert "No preset has been kept yet" in dialog.said.text()
    assert not dialog.apply_button.isEnabled()


def test_values_arrive_while_it_is_closed(dialog: PresetDialog, link: FakeLink) -> None:
    dialog.hide()
    link.feed(trap__isotope=Value(85, OK, ""))
    assert len(dialog.ticked()) == 3
    dialog.open_up()
    assert [row.quantity.name for row in dialog.ticked()] == [SEED, SHUTTER]
