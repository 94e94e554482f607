"""The queue as an operator uses it in the window."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fakes_gui import FakeLink, Sent
from fakes_queue import NIGHT_S, line, night, table
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from atta_daq.client.queue import queue_lines
from gui.confirm import ConfirmDialog
from gui.context import Context
from gui.link.station import LinkState
from gui.queue.model import COLUMNS, QueueModel, why
from gui.queue.panel import QueuePanel
from gui.queue.times import moment
from gui.theme.palettes import Tone

SCAN = 'name = "from a file"\n'


class Document:
    text = 'name = "a"\n'
    problems: tuple[str, ...] = ()

    class definition:
        name = "a"


class Editor:
    def __init__(self) -> None:
        self.document = Document()
        self.loaded: list[str] = []

        class Files:
            path = None

        self.files = Files()

    def load(self, toml_text: str) -> None:
        self.loaded.append(toml_text)


@pytest.fixture
def panel(qtbot: QtBot, context: Context, link: FakeLink) -> QueuePanel:
    context.services["editor"] = Editor()
    panel = QueuePanel(context)
    qtbot.addWidget(panel)
    panel.resize(770, 260)
    panel.show()
    qtbot.waitExposed(panel)
    link.feed(queue__table=night(), queue__state="running", queue__entry=4)
    link.sent.clear()
    return panel


def choose(panel: QueuePanel, entry: int) -> None:
    panel.table.selectRow(panel.model.row_of(entry))


def click(qtbot: QtBot, panel: QueuePanel, name: str) -> None:
    qtbot.mouseClick(panel.findChild(QToolButton, f"queue.{name}"), Qt.MouseButton.LeftButton)


def last(link: FakeLink) -> Sent:
    return link.sent[-1]


def texts(model: QueueModel, entry: int) -> dict[str, str]:
    row = model.row_of(entry)
    return {name: model.index(row, n).data() for n, name in enumerate(COLUMNS)}


def test_rows_say_state_turn_and_what_they_wait_for(qapp: object) -> None:
    model = QueueModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_lines(queue_lines(night()))
    assert [line.entry for line in model.lines] == [4, 3, 5, 6, 7, 1, 2], "what failed is seen"
    assert texts(model, 4)["Done"] == "1/3"
    moment = datetime.fromtimestamp(NIGHT_S + 18_000.0)
    assert texts(model, 6)["Why"] == f"not before {moment:%H:%M}", "it starts on that day"
    assert why(model.lines[model.row_of(6)]) == f"not before {moment:%d %b %H:%M}"
    assert texts(model, 7)["Why"] == "last 84Kr loading rate is 0.0312 V/s, > 0.05 V/s wanted"
    assert texts(model, 5)["Why"] == "needs: no major alarm"
    assert texts(model, 2)["Why"] == "aborted by bench-1"
    assert texts(model, 1)["Starts"] == texts(model, 1)["Ends"] == ""
    tip = model.index(model.row_of(7), 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "after a fault the next is taken" in tip
    assert "when rate:loading_84 > 0.05" in tip


def test_what_an_entry_needs_is_told_only_while_it_waits(qapp: object) -> None:
    model = QueueModel()
    entries = ((1, "done"), (2, "running"), (3, "waiting"))
    lines = (line(n, state=state, conditions="rate:loading_84 > 0.05") for n, state in entries)
    model.show_lines(queue_lines(table(*lines)))
    assert texts(model, 3)["Why"] == "needs: last 84Kr loading rate > 0.05"
    assert texts(model, 2)["Why"] == texts(model, 1)["Why"] == ""


def test_the_chosen_entry_says_why_in_full(panel: QueuePanel, link: FakeLink) -> None:
    assert not panel.why.isVisible()
    choose(panel, 7)
    assert panel.why.text() == "7, blank: last 84Kr loading rate is 0.0312 V/s, > 0.05 V/s wanted"
    assert panel.why.isVisible()
    choose(panel, 4)
    assert not panel.why.isVisible()


def test_words_of_neighbouring_columns_do_not_touch(panel: QueuePanel) -> None:
    table, column = panel.table, COLUMNS.index("Starts")
    words = texts(panel.model, 5)["Starts"]
    spare = table.columnWidth(column) - table.fontMetrics().horizontalAdvance(words)
    assert spare >= 12


def test_a_change_keeps_the_chosen_entry(panel: QueuePanel, link: FakeLink) -> None:
    choose(panel, 7)
    moved = table(line(7, name="blank"), line(5), line(6))
    link.feed(queue__table=moved)
    assert panel.chosen is not None
    assert panel.chosen.entry == 7
    link.feed(queue__table=table(line(5)))
    assert panel.chosen is None


def test_earlier_and_later_name_the_neighbour(
    panel: QueuePanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    choose(panel, 6)
    click(qtbot, panel, "up")
    assert (last(link).name, last(link).arguments) == ("queue_move", {"entry": 6, "before": "5"})
    click(qtbot, panel, "down")
    assert last(link).arguments == {"entry": 6, "before": "last"}
    choose(panel, 5)
    assert context.actions.why_not("queue.up") == "it is the first already"
    click(qtbot, panel, "down")
    assert last(link).arguments == {"entry": 5, "before": "7"}
    choose(panel, 7)
    assert context.actions.why_not("queue.down") == "it is the last already"
    choose(panel, 1)
    assert context.actions.why_not("queue.up") == "entry 1 is done"


@pytest.mark.parametrize(("onto", "before"), [(5, "5"), (7, "7"), (1, "last"), (None, "last")])
def test_a_row_is_dragged_to_its_turn(
    panel: QueuePanel, link: FakeLink, onto: int | None, before: str
) -> None:
    model = panel.model
    dragged = model.index(model.row_of(6), 0)
    assert model.flags(dragged) & Qt.ItemFlag.ItemIsDragEnabled
    assert not model.flags(model.index(model.row_of(4), 0)) & Qt.ItemFlag.ItemIsDragEnabled
    data = model.mimeData([dragged])
    parent = QModelIndex() if onto is None else model.index(model.row_of(onto), 0)
    assert not model.dropMimeData(data, Qt.DropAction.MoveAction, -1, -1, parent)
    assert last(link).arguments == {"entry": 6, "before": before}


def test_a_row_that_falls_where_it_stands_is_not_moved(panel: QueuePanel, link: FakeLink) -> None:
    model = panel.model
    index = model.index(model.row_of(6), 0)
    model.dropMimeData(model.mimeData([index]), Qt.DropAction.MoveAction, -1, -1, index)
    assert not link.sent


def test_what_runs_is_not_removed(
    panel: QueuePanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    choose(panel, 4)
    assert "abort its run first" in context.actions.why_not("queue.remove")
    choose(panel, 7)
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert not link.sent, "it asks first"
    (dialog,) = panel.findChildren(ConfirmDialog)
    assert dialog.question.title == "Remove entry 7 (blank)?"
    dialog.yes.click()
    assert (last(link).name, last(link).arguments) == ("queue_remove", {"entry": 7})
    last(link).done({"removed": 7})
    assert "entry 7 (blank) is out" in context.notices.history[-1].text


def test_pause_and_resume_follow_the_station(
    panel: QueuePanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    assert not context.actions["queue.resume"].isEnabled()
    click(qtbot, panel, "pause")
    assert last(link).name == "queue_pause"
    link.feed(queue__state="paused", queue__paused=True, queue__reason="tea")
    assert (panel.badge.word, panel.badge.tone) == ("PAUSED", Tone.WARNING)
    assert panel.said.full == "tea"
    assert not context.actions["queue.pause"].isEnabled()
    click(qtbot, panel, "resume")
    assert (last(link).name, last(link).arguments) == ("queue_resume", {})


def test_an_entry_that_ended_early_can_be_gone_on_with(
    panel: QueuePanel, link: FakeLink, context: Context
) -> None:
    choose(panel, 2)
    context.actions["queue.go_on"].trigger()
    assert (last(link).name, last(link).arguments) == ("queue_resume", {"entry": 2})
    choose(panel, 1)
    assert context.actions.why_not("queue.go_on") == "entry 1 is done"


def test_clearing(panel: QueuePanel, link: FakeLink, context: Context) -> None:
    context.actions["queue.clear"].trigger()
    assert last(link).arguments == {"which": "ended"}
    last(link).done({"removed": [1, 2, 3]})
    assert context.notices.history[-1].text == "3 entries out of the queue"
    before = len(link.sent)
    context.actions["queue.clear_all"].trigger()
    assert len(link.sent) == before, "it asks first"
    (dialog,) = panel.findChildren(ConfirmDialog)
    assert "entries that wait will not be taken" in dialog.lost.text()
    dialog.yes.click()
    assert last(link).arguments == {"which": "all"}
    link.feed(queue__table=table(line(5)))
    assert context.actions.why_not("queue.clear") == "nothing has ended"
    link.feed(queue__table=table())
    assert context.actions.why_not("queue.clear_all") == "the queue is empty"
    assert panel.pages.currentWidget() is panel.hint


def test_the_editors_scan_is_added_with_what_the_dialog_says(
    panel: QueuePanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    click(qtbot, panel, "add")
    dialog = panel.deeds.add_dialog
    assert "'a'" in dialog.what.text()
    dialog.repeats.setValue(3)
    dialog.priority.setValue(-2)
    dialog.not_before.setText("2026-11-28T22:00+01:00")
    assert "21:00 UTC" in dialog.understood.text()
    assert dialog.no_alarm.text() == "only while no major alarm is active"
    dialog.no_alarm.setChecked(True)
    dialog.conditions.setText("free disk > 20 GB")
    dialog.on_fault.setCurrentIndex(1)
    qtbot.mouseClick(dialog.done_button, Qt.MouseButton.LeftButton)
    assert last(link).name == "queue_add"
    dialog.not_before.setText("2026-11-28T22:00:00+01:00")
    assert not dialog.done_button.isEnabled(), "asked once, it is not added twice"
    assert last(link).arguments == {
        "scan": Document.text, "path": "scan", "repeats": 3, "priority": -2,
        "not_before": "2026-11-28T22:00:00+01:00",
        "conditions": "free disk > 20 GB; no major alarm", "on_fault": "skip",
    }  # fmt: skip
    last(link).refused("the disk has room for 1.0 GB")
    assert dialog.isVisible()
    assert "1.0 GB" in dialog.wrong.text()
    qtbot.mouseClick(dialog.done_button, Qt.MouseButton.LeftButton)
    last(link).done({"entry": 8, "name": "a"})
    assert not dialog.isVisible()
    assert "entry 8: a is in the queue" in context.notices.history[-1].text


def test_a_waiting_entry_is_changed_from_what_it_is(
    panel: QueuePanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    choose(panel, 5)
    context.actions["queue.change"].trigger()
    dialog = panel.deeds.change_dialog
    assert dialog.what.text() == "Entry 5: 81Kr spectrum"
    assert (dialog.priority.value(), dialog.no_alarm.isChecked()) == (2, True)
    assert (dialog.conditions.text(), dialog.not_before.text()) == ("", "")
    dialog.repeats.setValue(4)
    qtbot.mouseClick(dialog.done_button, Qt.MouseButton.LeftButton)
    assert (last(link).name, last(link).arguments) == ("queue_change", {
        "entry": 5, "repeats": 4, "priority": 2, "not_before": "",
        "conditions": "no major alarm", "on_fault": "pause",
    })  # fmt: skip
    last(link).refused("another client was faster")
    assert "faster" in dialog.wrong.text()
    last(link).done({"entry": 5, "name": "81Kr spectrum"})
    assert not dialog.isVisible()
    choose(panel, 6)
    context.actions["queue.change"].trigger()
    assert not dialog.no_alarm.isChecked()
    assert moment(dialog.not_before.text()).timestamp() == NIGHT_S + 18_000.0
    choose(panel, 4)
    assert context.actions.why_not("queue.change") == "entry 4 is running"


def test_a_wrong_time_cannot_be_sent(panel: QueuePanel, qtbot: QtBot) -> None:
    click(qtbot, panel, "add")
    dialog = panel.deeds.add_dialog
    dialog.not_before.setText("at ten")
    assert not dialog.done_button.isEnabled()
    assert "write it like" in dialog.understood.text()
    dialog.not_before.setText("")
    assert dialog.done_button.isEnabled()


def test_an_invalid_scan_is_not_added(
    panel: QueuePanel, link: FakeLink, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Document, "problems", ("dwell_s: -5 is below 0",))
    assert "dwell_s" in context.actions.why_not("queue.add")


def test_a_scan_file_is_added(
    panel: QueuePanel, link: FakeLink, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "night.toml"
    context.services["choose_open"] = lambda _title: path
    context.actions["queue.add_file"].trigger()
    assert "cannot be read" in context.notices.history[-1].text
    path.write_text(SCAN)
    context.actions["queue.add_file"].trigger()
    qtbot.mouseClick(panel.deeds.add_dialog.done_button, Qt.MouseButton.LeftButton)
    assert last(link).arguments["scan"] == SCAN
    assert last(link).arguments["path"] == "night.toml"


def test_the_scan_of_an_entry_goes_into_the_editor(
    panel: QueuePanel, link: FakeLink, context: Context
) -> None:
    choose(panel, 5)
    context.actions["queue.edit"].trigger()
    assert (last(link).name, last(link).arguments) == ("queue_scan", {"entry": 5})
    last(link).done({"name": "x", "scan": SCAN})
    editor: Any = context.services["editor"]
    assert editor.loaded == [SCAN]


def test_another_client_in_control_leaves_only_looking(
    panel: QueuePanel, link: FakeLink, context: Context
) -> None:
    choose(panel, 6)
    link.feed(station__control="somebody else")
    changing = ("add", "add_file", "up", "down", "remove", "pause", "clear", "clear_all")
    assert not any(context.actions[f"queue.{name}"].isEnabled() for name in changing)
    assert context.actions["queue.edit"].isEnabled()


def test_a_lost_station_makes_it_unknown(
    panel: QueuePanel, link: FakeLink, context: Context
) -> None:
    link.go(LinkState.LOST, "station 'test-rig' does not answer")
    context.readings.age("station gone")
    assert (panel.badge.word, panel.badge.tone) == ("unknown", Tone.STALE)
    assert not panel.table.isEnabled()
    assert panel.model.rowCount() == 7, "what was known last stays in sight"
