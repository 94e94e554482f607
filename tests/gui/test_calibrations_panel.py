"""The calibrations: what the table says, what can be measured anew, and when not."""

from datetime import UTC, datetime

import pytest
from fakes_calibrations import calibration_table
from fakes_gui import FakeLink
from panel_tools import Shown, commands
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from atta_daq.client.names import CALIBRATION_KINDS
from gui.context import Context
from gui.model.calibrations import calibration_lines
from gui.panels.calibrations import KINDS, CalibrationsPanel, action_of
from gui.panels.calibrations_table import COLUMNS, CalibrationsTable
from gui.theme.palettes import Tone

NOW_S = datetime(2026, 11, 28, 12, 0, tzinfo=UTC).timestamp()
STALE = ("power slope", "threshold current")


def texts(model: CalibrationsTable, row: int) -> dict[str, str]:
    return {name: model.index(row, n).data() for n, name in enumerate(COLUMNS)}


def test_stale_ones_lead_then_those_never_measured() -> None:
    lines = calibration_lines(calibration_table(NOW_S, STALE))
    assert [line.name for line in lines[:4]] == [
        "threshold current", "power slope", "trap dwell", "axis zero",
    ]  # fmt: skip
    assert [(line.word, line.tone) for line in lines[1:4]] == [
        ("STALE", Tone.WARNING), ("not measured", Tone.OFF), ("valid", Tone.OK),
    ]  # fmt: skip
    assert "not valid since" in lines[0].why
    assert lines[3].why == ""


def test_a_row_says_value_error_age_validity_and_source(qapp: object) -> None:
    model = CalibrationsTable()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_lines(calibration_lines(calibration_table(NOW_S)), NOW_S)
    rows = {texts(model, row)["Calibration"]: row for row in range(model.rowCount())}
    fsr = texts(model, rows["free spectral range"])
    assert fsr["Value"] == "3001.2 ± 1.4 MHz"
    assert fsr["Age"] == "12 d 0 h"
    assert fsr["Valid until"].endswith("2027")
    assert fsr["Source"] == "cavity", "the rest of the id stands in the tool tip"
    tip = model.index(rows["free spectral range"], 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "from cavity-20261116-" in tip
    assert ":" in texts(model, rows["axis zero"])["Valid until"], "it holds for a day"
    dwell = texts(model, rows["trap dwell"])
    assert (dwell["Value"], dwell["Age"], dwell["Valid until"]) == ("–", "", "")
    assert texts(model, rows["Rabi scale"])["Source"] == "rig file"
    assert texts(model, rows["read noise"])["Value"] == "44.1 ± 0.4 e⁻"


def test_ages_grow_without_losing_the_chosen_row(qapp: object) -> None:
    model = CalibrationsTable()
    lines = calibration_lines(calibration_table(NOW_S))
    model.show_lines(lines, NOW_S)
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    model.show_lines(lines, NOW_S + 86_400.0)
    assert not resets
    ages = {texts(model, row)["Calibration"]: texts(model, row)["Age"] for row in range(3)}
    assert ages["free spectral range"] == "13 d 0 h"


def test_the_window_knows_all_that_the_station_can_measure() -> None:
    assert tuple(KINDS) == CALIBRATION_KINDS


def test_the_badge_counts_the_stale(shown: Shown, link: FakeLink) -> None:
    panel = shown(CalibrationsPanel)
    assert (panel.badge.word, panel.badge.tone) == ("none is stale, 1 not measured", Tone.OFF)
    link.feed(calibrations__table=calibration_table(NOW_S, STALE))
    assert (panel.badge.word, panel.badge.tone) == ("2 STALE, 1 not measured", Tone.WARNING)
    whole = calibration_table(NOW_S)
    link.feed(calibrations__table={name: column[:-1] for name, column in whole.items()})
    assert (panel.badge.word, panel.badge.tone) == ("none is stale", Tone.OK)
    link.feed(calibrations__table={name: [] for name in calibration_table(NOW_S)})
    assert (panel.badge.word, panel.badge.tone) == ("none", Tone.OFF)


@pytest.mark.parametrize("kind", CALIBRATION_KINDS)
def test_each_is_measured_by_its_button(
    shown: Shown, context: Context, link: FakeLink, qtbot: QtBot, kind: str
) -> None:
    panel = shown(CalibrationsPanel)
    context.actions.refresh()
    button = panel.findChild(QToolButton, action_of(kind))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert commands(link) == [("calibrate", {"kind": kind})]
    link.sent[-1].done({"id": f"{kind}-20261128-120000-a1b2"})
    assert context.notices.history[-1].text.endswith("done")


def test_during_a_run_they_are_refused_with_the_reason(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(CalibrationsPanel)
    link.feed(run__state="running")
    for kind in KINDS:
        assert not context.actions[action_of(kind)].isEnabled()
        assert "a run is under way" in context.actions[action_of(kind)].toolTip()
    assert "a run is under way" in panel.progress.full
    link.feed(run__state="idle")
    assert context.actions["calibrate.cavity"].isEnabled()
    assert panel.progress.full == ""


def test_without_light_only_what_needs_none_can_be_calibrated(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    shown(CalibrationsPanel)
    link.feed(amplifier__on=False)
    possible = [kind for kind in KINDS if context.actions[action_of(kind)].isEnabled()]
    assert possible == ["camera", "source-drift"]
    assert "switch the light on" in context.actions["calibrate.cavity"].toolTip()


def test_one_under_way_is_an_activity(shown: Shown, context: Context, link: FakeLink) -> None:
    panel = shown(CalibrationsPanel)
    link.feed(
        station__activity="calibration cavity", calibrations__progress="step 3 of 121, at -5 MHz"
    )
    assert (panel.badge.word, panel.badge.tone) == ("cavity under way", Tone.BUSY)
    assert panel.progress.full == "step 3 of 121, at −5 MHz"
    assert "the rig is busy: calibrating the cavity" in context.actions["calibrate.dwell"].toolTip()
    link.feed(station__activity="", calibrations__progress="")
    assert context.actions["calibrate.dwell"].isEnabled()
    assert panel.badge.word == "none is stale, 1 not measured"


def colours(panel: CalibrationsPanel) -> set[str]:
    """Of the shapes in the column of states."""
    picture = panel.table.grab().toImage()
    return {picture.pixelColor(x, y).name() for x in range(2, 30) for y in range(30, 120)}


def test_a_lost_station_makes_the_states_unknown(shown: Shown, context: Context) -> None:
    panel = shown(CalibrationsPanel)
    fine = context.theme.palette.tones[Tone.OK]
    assert fine in colours(panel)
    context.readings.age("station gone")
    assert (panel.badge.word, panel.badge.tone) == ("unknown", Tone.STALE)
    assert panel.progress.full == "station gone"
    assert fine not in colours(panel), "nothing is shown as fine"
    assert panel.model.rowCount() > 0, "what was known last stays in sight"


def test_the_whole_row_is_chosen_when_the_keyboard_comes_to_it(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(CalibrationsPanel)
    link.feed(calibrations__table=calibration_table(NOW_S))
    panel.resize(800, 300)
    table = panel.table
    table.setFocus()
    table.setCurrentIndex(panel.model.index(1, 0))
    assert [index.row() for index in table.selectionModel().selectedRows()] == [1]
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert [index.row() for index in table.selectionModel().selectedRows()] == [2]


def test_words_of_neighbouring_columns_are_apart(shown: Shown, link: FakeLink) -> None:
    panel = shown(CalibrationsPanel)
    panel.resize(900, 300)
    link.feed(calibrations__table=calibration_table(NOW_S))
    panel.grab()
    metrics = panel.table.fontMetrics()
    for column in range(len(COLUMNS) - 1):
        widest = max(
            metrics.horizontalAdvance(panel.model.index(row, column).data())
            for row in range(panel.model.rowCount())
        )
        assert panel.table.columnWidth(column) >= widest + 12


@pytest.mark.parametrize("size_pt", [9, 10, 12, 14])
@pytest.mark.parametrize("more_px", [0, 1])
def test_the_state_stands_on_the_line_of_the_words_beside_it(
    shown: Shown, link: FakeLink, context: Context, size_pt: int, more_px: int
) -> None:
    context.theme.choose(size_pt=size_pt)
    panel = shown(CalibrationsPanel)
    rows = panel.table.verticalHeader()
    rows.setDefaultSectionSize(rows.defaultSectionSize() + more_px)
    panel.resize(900, 300)
    table = {name: column[:1] for name, column in calibration_table(NOW_S).items()}
    link.feed(calibrations__table=table | {"state": ["valid"], "name": ["valid"]})
    view = panel.table
    image = view.viewport().grab().toImage()
    ground = image.pixel(view.columnViewportPosition(1) - 2, 4)
    width = view.fontMetrics().horizontalAdvance("valid")

    def inked(left: int) -> list[int]:
        return [
            y for y in range(view.rowHeight(0))
            if any(image.pixel(x, y) != ground for x in range(left, left + width))
        ]  # fmt: skip

    shape = round(0.75 * view.fontMetrics().height()) + 12
    beside = inked(view.columnViewportPosition(1))
    assert len(beside) > 8
    assert inked(shape) == beside
