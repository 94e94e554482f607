"""Alarms, log and notes."""

from types import SimpleNamespace
from typing import Any

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from atta_daq.client.log import Alarm, LogLine, alarms_to_json, log_to_json
from gui.context import Context
from gui.link.station import LinkState
from gui.log import lines as log_lines
from gui.log.alarms import AlarmNotices
from gui.log.lines import SOURCE, TEXT
from gui.log.panel import LogPanel
from gui.theme.palettes import Tone

LINES = [
    LogLine(1, 1.7e9, "info", "station", "serves on port 5075"),
    LogLine(2, 1.7e9 + 1, "warning", "camera", "sensor at -62 degC"),
    LogLine(3, 1.7e9 + 2, "error", "lock", "slave peak not found"),
    LogLine(4, 1.7e9 + 3, "info", "operator", "valve opened"),
]
LOCK = Alarm("lock", "lock", "slave peak not found", "major", 1.7e9 + 2, True, False)
WARM = Alarm("camera:warm", "camera", "sensor at -62 degC", "minor", 1.7e9 + 1, True, True)


@pytest.fixture
def panel(context: Context, qtbot: QtBot) -> LogPanel:
    panel = LogPanel(context)
    panel.resize(900, 500)
    qtbot.addWidget(panel)
    context.theme.dress(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def texts(panel: LogPanel) -> list[str]:
    model = panel.table.model()
    return [model.index(row, TEXT).data() for row in range(model.rowCount())]


def last_row_is_seen(panel: LogPanel) -> bool:
    bar = panel.table.verticalScrollBar()
    return bar.maximum() > 0 and bar.value() == bar.maximum()


def test_only_new_lines_are_added(panel: LogPanel, link: FakeLink) -> None:
    link.feed(station__log=log_to_json(LINES[:3]))
    link.feed(station__log=log_to_json(LINES[1:]))
    assert texts(panel) == [line.text for line in LINES]
    # Another station begins its numbers again.
    again = LogLine(1, 1.7e9 + 60, "info", "station", "serves once more")
    link.feed(station__log=log_to_json([again]))
    assert texts(panel)[-1] == "serves once more"


def test_filter_by_text_level_and_source(panel: LogPanel, link: FakeLink, context: Context) -> None:
    link.feed(station__log=log_to_json(LINES))
    panel.search.setText("SENSOR")
    assert texts(panel) == ["sensor at -62 degC"]
    panel.search.clear()
    panel.level.setCurrentIndex(1)
    assert texts(panel) == ["sensor at -62 degC", "slave peak not found"]
    panel.level.setCurrentIndex(2)
    assert texts(panel) == ["slave peak not found"]
    panel.level.setCurrentIndex(0)
    panel.source.setCurrentText("operator")
    assert texts(panel) == ["valve opened"]
    # A line of another source comes: the filter stays, the list of sources grows.
    link.feed(station__log=log_to_json([*LINES, LogLine(5, 1.7e9 + 9, "info", "run", "started")]))
    assert texts(panel) == ["valve opened"]
    assert panel.source.findText("run") > 0
    context.actions["log.clear"].trigger()
    assert len(texts(panel)) == 5


def test_lines_that_came_while_it_was_hidden_are_there(panel: LogPanel, link: FakeLink) -> None:
    panel.hide()
    link.feed(station__log=log_to_json(LINES))
    panel.show()
    assert len(texts(panel)) == len(LINES)


def test_it_follows_the_end_unless_scrolled_up(
    panel: LogPanel, link: FakeLink, qtbot: QtBot
) -> None:
    def upto(last: int) -> list[LogLine]:
        return [LogLine(n, 1.7e9 + n, "info", "run", f"line {n}") for n in range(last)]

    link.feed(station__log=log_to_json(upto(60)))
    qtbot.waitUntil(lambda: last_row_is_seen(panel))
    bar = panel.table.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    stood = bar.value()
    link.feed(station__log=log_to_json(upto(80)))
    assert panel.table.model().rowCount() == 80
    qtbot.waitUntil(lambda: bar.maximum() > 2 * stood)
    assert bar.value() == stood
    bar.setValue(bar.maximum())
    link.feed(station__log=log_to_json(upto(100)))
    qtbot.waitUntil(lambda: last_row_is_seen(panel) and panel.table.rowAt(5) > 60)


def test_old_lines_are_let_go(
    panel: LogPanel, link: FakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "KEPT_LINES", 20)
    monkeypatch.setattr(log_lines, "DROPPED_AT_ONCE", 5)
    lines = [LogLine(n, 1.7e9 + n, "info", "run", f"line {n}") for n in range(21)]
    link.feed(station__log=log_to_json(lines))
    assert texts(panel) == [f"line {n}" for n in range(6, 21)]


def test_copies_what_is_chosen_or_all_that_is_shown(panel: LogPanel, link: FakeLink) -> None:
    link.feed(station__log=log_to_json(LINES))
    panel.level.setCurrentIndex(1)
    assert panel.table.copy() == 2
    first, second = QGuiApplication.clipboard().text().splitlines()
    assert first.split("\t")[1:] == ["warning", "camera", "sensor at -62 degC"]
    assert first.split("\t")[0][-5] in "+-"
    panel.table.selectRow(1)
    QTest.keySequence(panel.table, "Ctrl+C")
    assert QGuiApplication.clipboard().text() == second


def test_a_text_of_several_lines_takes_one_row(panel: LogPanel, context: Context) -> None:
    context.notices.error("the rig died\nlast words\n")
    assert texts(panel) == ["the rig died; last words"]
    tip = panel.table.model().index(0, TEXT).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "the rig died\nlast words\n"
    assert len(panel.table.rows_text().splitlines()) == 1


def test_the_windows_own_notices_appear(panel: LogPanel, context: Context) -> None:
    context.notices.error("amplifier: refused")
    model = panel.table.model()
    assert texts(panel)[-1] == "amplifier: refused"
    assert model.index(model.rowCount() - 1, SOURCE).data() == "window"


def test_notices_given_before_the_panel_was_made_appear(context: Context, qtbot: QtBot) -> None:
    context.notices.warn("settings set aside")
    panel = LogPanel(context)
    qtbot.addWidget(panel)
    assert texts(panel) == ["settings set aside"]


def test_a_new_alarm_raises_one_toast(panel: LogPanel, link: FakeLink, context: Context) -> None:
    panel.hide()
    link.feed(station__alarms=alarms_to_json([LOCK, WARM]))
    said = [(notice.text, notice.tone) for notice in context.notices.history]
    assert said == [("lock: slave peak not found", Tone.DANGER)]
    # The same alarm later, seen by somebody; then gone; then again: that is a new one.
    seen = Alarm(**{**LOCK.__dict__, "acknowledged": True})
    link.feed(station__alarms=alarms_to_json([seen]))
    link.feed(station__alarms="[]")
    assert len(context.notices.history) == 1
    link.feed(station__alarms=alarms_to_json([Alarm(**{**LOCK.__dict__, "since_utc_s": 1.8e9})]))
    assert len(context.notices.history) == 2
    # The station's log holds the alarm: it does not stand there twice.
    assert texts(panel) == []


FAULT = Alarm("run:fault", "run", "run r-1: aborted, camera", "major", 1.7e9 + 5, False, False)


def test_what_has_happened_and_is_over_is_told_too(
    panel: LogPanel, link: FakeLink, context: Context
) -> None:
    link.feed(station__alarms=alarms_to_json([FAULT]))
    assert [notice.text for notice in context.notices.history] == ["run: run r-1: aborted, camera"]
    link.feed(station__alarms=alarms_to_json([FAULT, WARM]))
    assert len(context.notices.history) == 1
    link.feed(station__alarms=alarms_to_json([Alarm(**{**FAULT.__dict__, "since_utc_s": 1.8e9})]))
    assert len(context.notices.history) == 2


def test_what_was_over_before_the_window_came_is_not_told(context: Context) -> None:
    notices = AlarmNotices(context)
    notices.tell([FAULT, LOCK])
    assert [notice.text for notice in context.notices.history] == ["lock: slave peak not found"]


def test_without_a_station_nothing_is_said_to_be_well(
    panel: LogPanel, link: FakeLink, context: Context
) -> None:
    assert panel.alarms.said.text() == "No alarms"
    gone = "station 'test-rig' does not answer"
    link.go(LinkState.LOST, gone)
    context.readings.age(gone)
    assert panel.alarms.said.text() == f"Alarms unknown: {gone}"
    assert panel._counted.text().endswith("lines, station lost")
    link.go(LinkState.CONNECTED, "station 'test-rig'")
    link.feed(station__alarms=alarms_to_json([LOCK]))
    assert not panel.alarms.said.isVisible()
    assert panel.alarms.table.isEnabled()
    link.go(LinkState.LOST, gone)
    context.readings.age(gone)
    assert panel.alarms.said.isVisible()
    assert not panel.alarms.table.isEnabled()
    assert panel.alarms.table.isVisible(), "what was known last stays in sight"


def test_a_chosen_line_that_is_cut_off_is_shown_in_full(panel: LogPanel, link: FakeLink) -> None:
    long = LogLine(9, 1.7e9 + 9, "warning", "camera", "frames did not arrive, " * 20)
    link.feed(station__log=log_to_json([*LINES, long]))
    panel.table.selectRow(1)
    assert not panel.whole.isVisible()
    panel.table.selectRow(4)
    assert panel.whole.isVisible()
    assert panel.whole.text() == long.text.strip()
    link.feed(station__alarms=alarms_to_json([Alarm(**{**LOCK.__dict__, "text": long.text})]))
    assert panel.alarms.whole.text() == long.text.strip()
    assert panel.alarms.whole.isVisible()


def test_alarms_are_listed_with_their_state(panel: LogPanel, link: FakeLink) -> None:
    assert not panel.alarms.table.isVisible()
    over = Alarm("trap", "trap", "81Kr laser unlocked", "minor", 1.7e9, False, False)
    link.feed(station__alarms=alarms_to_json([over, WARM, LOCK]))
    assert panel.alarms.table.isVisible()
    rows = [line.split("\t") for line in panel.alarms.table.rows_text().splitlines()]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("major", "active, not seen", "lock"),
        ("minor", "active, seen", "camera"),
        ("minor", "over, not seen", "trap"),
    ]
    link.feed(station__alarms="[]")
    assert not panel.alarms.table.isVisible()


def test_acknowledge_one_and_all(panel: LogPanel, link: FakeLink, context: Context) -> None:
    link.feed(station__alarms=alarms_to_json([LOCK, WARM]))
    panel.alarms.acknowledge_button.click()
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("acknowledge", {"alarm": "lock"})
    panel.alarms.table.selectRow(1)
    assert not panel.alarms.acknowledge_button.isEnabled()
    context.actions["log.acknowledge"].trigger()
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("acknowledge", {"alarm": "all"})


def test_the_chosen_alarm_stays_chosen(panel: LogPanel, link: FakeLink) -> None:
    link.feed(station__alarms=alarms_to_json([LOCK, WARM]))
    panel.alarms.table.selectRow(1)
    newer = Alarm("trap", "trap", "81Kr laser unlocked", "minor", 1.8e9, True, False)
    link.feed(station__alarms=alarms_to_json([LOCK, WARM, newer]))
    assert panel.alarms.chosen == WARM


def test_jump_to_the_device(panel: LogPanel, link: FakeLink, context: Context) -> None:
    shown: list[str] = []
    window: Any = SimpleNamespace(show_source=shown.append)
    context.services["window"] = window
    link.feed(station__alarms=alarms_to_json([LOCK]))
    panel.alarms.jump_button.click()
    QTest.keyClick(panel.alarms.table, Qt.Key.Key_Return)
    assert shown == ["lock", "lock"]


def test_a_note_is_sent_by_enter_and_kept_when_refused(
    panel: LogPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    shown: list[str] = []
    window: Any = SimpleNamespace(show_panel=shown.append)
    context.services["window"] = window
    panel.activateWindow()
    context.actions["run.note"].trigger()
    assert shown == ["log"]
    qtbot.waitUntil(panel.note.hasFocus)
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    assert link.sent == []
    QTest.keyClicks(panel.note, "valve opened")
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("note", {"text": "valve opened"})
    link.sent[-1].refused("no run is under way")
    assert panel.note.text() == "valve opened"
    assert context.notices.history[-1].text == "no run is under way"
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    link.sent[-1].done({})
    assert panel.note.text() == ""


def test_everything_that_takes_the_keyboard_has_a_name(panel: LogPanel, link: FakeLink) -> None:
    link.feed(station__alarms=alarms_to_json([LOCK]))
    from PySide6.QtWidgets import QAbstractButton, QWidget

    taking = [
        widget for widget in panel.findChildren(QWidget)
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]  # fmt: skip
    assert len(taking) >= 9
    nameless = [
        widget for widget in taking
        if not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
    ]  # fmt: skip
    assert nameless == []
