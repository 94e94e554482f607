"""The run list as an operator uses it."""

import base64
from pathlib import Path
from typing import Any

import pytest
from fakes_gui import FakeLink, Sent
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.link.station import LinkState
from gui.runs.model import COLUMNS
from gui.runs.panel import RunsPanel
from gui.theme.palettes import Tone

FIT = {
    "model": "spectrum", "isotope": 85, "covariance": [[1.0]], "valid": False,
    "message": "at a limit", "derived": {}, "last_block": 3, "notes": ["Width held"],
    "parameters": {"amplitude": {"value": 0.571, "error": 0.0412}}, "settings": {}, "curve": None,
    "goodness": {"statistic": "chi-square", "value": 9.0, "degrees_of_freedom": 8,
                 "p_value": 0.34, "method": "wilks"},
}  # fmt: skip


def run(run_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "run_id": run_id, "name": "85Kr spectrum", "isotopes": [85], "state": "complete",
        "started_utc_s": 1.79e9, "duration_s": 12_600.0, "sample": "lake", "note": "",
        "geometry": "co",
    } | changes  # fmt: skip


def data_of(run_id: str, **changes: Any) -> dict[str, Any]:
    info = {
        "run_id": run_id, "scan": "", "name": "85Kr spectrum", "geometry": "co",
        "started_utc_s": 1.79e9, "state": "complete", "outcome": "all blocks", "sample": "lake",
        "note": "", "operator": "AB", "notes": ["<pump> restarted"],
    }  # fmt: skip
    return {"info": info | changes, "points": [], "fits": {"85Kr": FIT}, "rows": []}


class Sweep:
    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def show_run(self, data: dict[str, Any]) -> None:
        self.calls.append(("show_run", data))

    def compare(self, data: dict[str, Any]) -> None:
        self.calls.append(("compare", data))

    def show_live(self) -> None:
        self.calls.append(("show_live", None))


class Editor:
    def __init__(self) -> None:
        self.loaded: list[str] = []

    def load(self, toml_text: str) -> None:
        self.loaded.append(toml_text)


@pytest.fixture
def opened() -> list[Path]:
    return []


@pytest.fixture
def panel(qtbot: QtBot, context: Context, tmp_path: Path, opened: list[Path]) -> RunsPanel:
    context.services |= {"sweep": Sweep(), "editor": Editor()}

    def opener(path: Path) -> bool:
        opened.append(path)
        return True

    panel = RunsPanel(context, opener=opener, cache=tmp_path / "cache")
    qtbot.addWidget(panel)
    panel.resize(1000, 300)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture
def filled(panel: RunsPanel, link: FakeLink) -> RunsPanel:
    sent(link, "runs")[-1].done({"runs": [run("r2", state="running"), run("r1"), run("r0")]})
    return panel


def sent(link: FakeLink, name: str) -> list[Sent]:
    return [command for command in link.sent if command.name == name]


# --- the list --------------------------------------------------------------------------------


def test_the_name_can_be_read_in_a_narrow_list(filled: RunsPanel, qtbot: QtBot) -> None:
    """At 1400 x 850 the list has 520 pixels beside the details of a chosen run."""
    filled.resize(770, 260)
    filled.table.selectRow(1)
    header, name = filled.table.horizontalHeader(), COLUMNS.index("Name")
    qtbot.waitUntil(lambda: filled.table.viewport().width() <= 530)
    end = header.sectionViewportPosition(name) + header.sectionSize(name)
    assert end <= filled.table.viewport().width()
    text = filled.model.index(0, name).data()
    assert header.sectionSize(name) > filled.table.fontMetrics().horizontalAdvance(text)


def test_note_and_run_give_way_before_a_column_is_out_of_sight(
    filled: RunsPanel, link: FakeLink, qtbot: QtBot
) -> None:
    """At 1400 x 850 the panel has 770 pixels; no run is chosen, so all of it is the list's."""
    long = run("20261122-1229-85Kr-spectrum", isotopes=[83, 85], note="after the source was warm")
    filled.refresh()
    sent(link, "runs")[-1].done({"runs": [long, run("20261121-1229-85Kr-spectrum")]})
    filled.resize(770, 260)
    table, header = filled.table, filled.table.horizontalHeader()
    metrics = table.fontMetrics()

    def spare(name: str) -> int:
        column = COLUMNS.index(name)
        text = filled.model.index(0, column).data()
        return header.sectionSize(column) - metrics.horizontalAdvance(text)

    qtbot.waitUntil(lambda: header.length() == table.viewport().width())
    assert spare("Isotopes") > 0
    assert spare("Run") < 0
    assert header.sectionSize(COLUMNS.index("Run")) > metrics.horizontalAdvance("20261122…")
    filled.resize(1400, 260)
    qtbot.waitUntil(lambda: header.length() == table.viewport().width())
    assert min(spare(name) for name in COLUMNS) > 0


def test_the_list_is_read_when_it_is_first_seen(filled: RunsPanel, link: FakeLink) -> None:
    assert len(sent(link, "runs")) == 1
    assert filled.model.rowCount() == 3
    assert filled.pages.currentWidget() is filled.table
    assert filled.remark.text() == "3 runs"


def test_it_is_read_again_when_a_run_begins_or_ends(
    filled: RunsPanel, link: FakeLink, context: Context
) -> None:
    link.feed(run__id="r3")
    assert len(sent(link, "runs")) == 2
    link.feed(run__id="r3", run__outcome="")
    assert len(sent(link, "runs")) == 2, "nothing has changed"
    link.feed(run__outcome="complete")
    assert len(sent(link, "runs")) == 3
    context.actions["runs.refresh"].trigger()
    assert len(sent(link, "runs")) == 4


def test_a_search_is_sent_once_the_hands_rest(
    filled: RunsPanel, link: FakeLink, qtbot: QtBot
) -> None:
    qtbot.keyClicks(filled.search, " lake")
    assert len(sent(link, "runs")) == 1
    qtbot.waitUntil(lambda: len(sent(link, "runs")) == 2)
    assert sent(link, "runs")[-1].arguments["search"] == "lake"
    sent(link, "runs")[-1].done({"runs": []})
    assert "No run matches 'lake'" in filled.hint.text()
    assert filled.hint.isVisible()
    qtbot.keyClick(filled.search, Qt.Key.Key_Return)
    assert len(sent(link, "runs")) == 3


def test_an_answer_to_an_older_search_is_not_shown(filled: RunsPanel, link: FakeLink) -> None:
    filled.refresh()
    filled.refresh()
    sent(link, "runs")[-1].done({"runs": [run("new")]})
    sent(link, "runs")[-2].done({"runs": [run("old")]})
    assert [line.run_id for line in filled.model.lines] == ["new"]


def test_the_chosen_run_stays_chosen(filled: RunsPanel, link: FakeLink) -> None:
    filled.table.selectRow(1)
    filled.refresh()
    sent(link, "runs")[-1].done({"runs": [run("r3"), run("r2"), run("r1")]})
    assert filled.chosen is not None
    assert filled.chosen.run_id == "r1"
    filled.refresh()
    sent(link, "runs")[-1].done({"runs": [run("r3")]})
    assert filled.chosen is None
    assert "Choose a run" in filled.details.toPlainText()


def test_an_empty_list_says_what_to_do(panel: RunsPanel, link: FakeLink) -> None:
    assert "is asked" in panel.hint.text()
    sent(link, "runs")[-1].done({"runs": []})
    assert "No run yet" in panel.hint.text()
    assert "scan editor" in panel.hint.text()


def test_a_refused_list_says_why(panel: RunsPanel, link: FakeLink, context: Context) -> None:
    sent(link, "runs")[-1].refused("the catalogue is locked")
    assert "the catalogue is locked" in panel.hint.text()
    assert not context.notices.history


def test_offline_keeps_the_list_and_says_so(filled: RunsPanel, link: FakeLink) -> None:
    link.go(LinkState.LOST, "station 'test-rig' does not answer")
    assert "does not answer" in filled.remark.text()
    assert filled.table.isVisible()
    assert not filled.table.isEnabled(), "its states are drawn as unknown"
    link.go(LinkState.CONNECTED, "station 'test-rig'")
    assert len(sent(link, "runs")) == 2


def test_details_leave_a_wide_list_its_room_until_a_run_is_chosen(
    filled: RunsPanel, qtbot: QtBot
) -> None:
    filled.resize(1000, 300)
    qtbot.waitUntil(lambda: not filled.details.isVisible())
    filled.table.selectRow(1)
    assert filled.details.isVisible()
    filled.resize(300, 500)
    filled.table.clearSelection()
    qtbot.waitUntil(filled.details.isVisible)


def test_a_note_stands_before_what_is_rarely_read() -> None:
    assert COLUMNS.index("Note") < COLUMNS.index("Isotopes") < COLUMNS.index("Run")


def test_offline_without_a_list_says_so(panel: RunsPanel, link: FakeLink) -> None:
    link.go(LinkState.SEARCHING, "no station runs; still looking")
    assert "no station runs; still looking" in panel.hint.text()


# --- details ---------------------------------------------------------------------------------


def test_details_tell_fit_and_notes(filled: RunsPanel, link: FakeLink, qtbot: QtBot) -> None:
    filled.table.selectRow(1)
    assert "r1" in filled.details.toPlainText()
    qtbot.waitUntil(lambda: bool(sent(link, "run_data")))
    sent(link, "run_data")[-1].done(data_of("r1"))
    text = filled.details.toPlainText()
    for words in ("57 ± 4 %", "all blocks", "AB", "<pump> restarted", "Width held",
                  "not valid: at a limit", "p = 0.34"):  # fmt: skip
        assert words in text


def test_details_of_a_run_left_behind_are_not_shown(
    filled: RunsPanel, link: FakeLink, qtbot: QtBot
) -> None:
    filled.table.selectRow(1)
    qtbot.waitUntil(lambda: bool(sent(link, "run_data")))
    filled.table.selectRow(2)
    sent(link, "run_data")[0].done(data_of("r1"))
    assert "r0" in filled.details.toPlainText()
    assert "57 ± 4" not in filled.details.toPlainText()


def test_details_that_cannot_be_read_say_why(
    filled: RunsPanel, link: FakeLink, qtbot: QtBot
) -> None:
    filled.table.selectRow(2)
    qtbot.waitUntil(lambda: bool(sent(link, "run_data")))
    sent(link, "run_data")[-1].refused("the journal is damaged")
    assert "the journal is damaged" in filled.details.toPlainText()


# --- deeds -----------------------------------------------------------------------------------

CHOSEN = ("runs.open", "runs.compare", "runs.again", "runs.report", "runs.csv", "runs.nexus")


@pytest.mark.parametrize("action", CHOSEN)
def test_a_deed_needs_a_chosen_run(filled: RunsPanel, context: Context, action: str) -> None:
    assert not context.actions[action].isEnabled()
    assert "choose a run" in context.actions.why_not(action)
    filled.table.selectRow(0)
    assert context.actions[action].isEnabled()


@pytest.mark.parametrize(
    ("action", "call"), [("runs.open", "show_run"), ("runs.compare", "compare")]
)
def test_a_run_is_handed_to_the_sweep_view(
    filled: RunsPanel, link: FakeLink, context: Context, action: str, call: str
) -> None:
    filled.table.selectRow(1)
    context.actions[action].trigger()
    sent(link, "run_data")[-1].done(data_of("r1"))
    assert context.services["sweep"].calls == [(call, data_of("r1"))]
    context.actions[action].trigger()
    assert len(sent(link, "run_data")) == 1, "a finished run is kept"
    assert len(context.services["sweep"].calls) == 2


def test_a_run_under_way_is_read_anew(filled: RunsPanel, link: FakeLink, context: Context) -> None:
    filled.table.selectRow(0)
    for count in (1, 2):
        context.actions["runs.open"].trigger()
        assert len(sent(link, "run_data")) == count
        sent(link, "run_data")[-1].done(data_of("r2", state="running"))


@pytest.mark.parametrize("by", ["double click", "return"])
def test_a_double_click_or_return_opens(
    filled: RunsPanel, link: FakeLink, qtbot: QtBot, by: str
) -> None:
    place = filled.table.visualRect(filled.model.index(1, 1)).center()
    if by == "return":
        filled.table.setFocus()
        filled.table.selectRow(1)
        filled.table.setCurrentIndex(filled.model.index(1, 1))
        qtbot.keyClick(filled.table, Qt.Key.Key_Return)
    else:
        view = filled.table.viewport()
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=place)
    assert [command.arguments["run"] for command in sent(link, "run_data")] == ["r1"]


def test_a_scan_is_loaded_again(filled: RunsPanel, link: FakeLink, context: Context) -> None:
    filled.table.selectRow(1)
    context.actions["runs.again"].trigger()
    assert sent(link, "run_scan")[-1].arguments == {"run": "r1"}
    sent(link, "run_scan")[-1].done({"scan": 'name = "x"'})
    assert context.services["editor"].loaded == ['name = "x"']


def test_back_to_the_run_under_way(filled: RunsPanel, context: Context) -> None:
    context.actions["runs.live"].trigger()
    assert context.services["sweep"].calls == [("show_live", None)]


def test_a_window_without_the_other_parts_says_so(
    filled: RunsPanel, link: FakeLink, context: Context
) -> None:
    context.services.clear()
    filled.table.selectRow(1)
    context.actions["runs.live"].trigger()
    assert "no sweep view" in context.notices.history[-1].text
    context.actions["runs.again"].trigger()
    sent(link, "run_scan")[-1].done({"scan": ""})
    assert "no scan editor" in context.notices.history[-1].text


def test_a_report_is_written_and_opened(
    filled: RunsPanel, link: FakeLink, context: Context, qtbot: QtBot, tmp_path: Path,
    opened: list[Path],
) -> None:  # fmt: skip
    filled.table.selectRow(1)
    for text in ("<p>ä</p>", "<p>newer</p>"):
        context.actions["runs.report"].trigger()
        answer = {"name": "../../r1.html", "html": text}
        count = len(opened)
        sent(link, "run_report")[-1].done(answer)
        qtbot.waitUntil(lambda count=count: len(opened) > count)
        assert opened[-1] == tmp_path / "cache" / "reports" / "r1.html"
        assert opened[-1].read_text(encoding="utf-8") == text


def test_a_desktop_that_opens_nothing_is_told(
    qtbot: QtBot, filled: RunsPanel, link: FakeLink, context: Context
) -> None:
    filled.deeds._opener = lambda _path: False
    filled.table.selectRow(1)
    context.actions["runs.report"].trigger()
    sent(link, "run_report")[-1].done({"name": "r1.html", "html": ""})
    qtbot.waitUntil(lambda: bool(context.notices.history))
    assert "r1.html" in context.notices.history[-1].text


@pytest.mark.parametrize(("action", "kind"), [("runs.csv", "csv"), ("runs.nexus", "nexus")])
def test_exports_are_written_where_the_operator_chooses(
    filled: RunsPanel, link: FakeLink, context: Context, qtbot: QtBot, tmp_path: Path,
    action: str, kind: str,
) -> None:  # fmt: skip
    context.services["choose_folder"] = lambda _title: tmp_path
    filled.table.selectRow(1)
    context.actions[action].trigger()
    assert sent(link, "run_export")[-1].arguments == {"run": "r1", "format": kind}
    files = {"a.bin": base64.b64encode(b"\x00\xff").decode(), "b.csv": ""}
    answer = {"files": files, "lacking": []}
    sent(link, "run_export")[-1].done(answer)
    qtbot.waitUntil(lambda: bool(context.notices.history))
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff"
    assert "a.bin, b.csv written" in context.notices.history[-1].text
    context.actions[action].trigger()
    sent(link, "run_export")[-1].done(answer)
    qtbot.waitUntil(lambda: len(context.notices.history) == 2)
    assert "already" in context.notices.history[-1].text


def test_an_answer_that_is_no_file_is_told(
    filled: RunsPanel, link: FakeLink, context: Context, qtbot: QtBot, tmp_path: Path
) -> None:
    context.services["choose_folder"] = lambda _title: tmp_path
    filled.table.selectRow(1)
    context.actions["runs.csv"].trigger()
    sent(link, "run_export")[-1].done({"files": {"a": "?"}, "lacking": []})
    qtbot.waitUntil(lambda: bool(context.notices.history))
    assert "not written" in context.notices.history[-1].text
    assert not (tmp_path / "a").exists()


def test_what_an_export_lacks_is_told(
    filled: RunsPanel, link: FakeLink, context: Context, qtbot: QtBot, tmp_path: Path
) -> None:
    context.services["choose_folder"] = lambda _title: tmp_path
    filled.table.selectRow(1)
    context.actions["runs.nexus"].trigger()
    lacking = ["run.nxs lacks the frames of r0: truncated"]
    sent(link, "run_export")[-1].done({"files": {"run.nxs": ""}, "lacking": lacking})
    qtbot.waitUntil(lambda: len(context.notices.history) == 2)
    assert (lacking[0], Tone.WARNING) in [(n.text, n.tone) for n in context.notices.history]


def test_no_folder_no_export(filled: RunsPanel, link: FakeLink, context: Context) -> None:
    context.services["choose_folder"] = lambda _title: None
    filled.table.selectRow(1)
    context.actions["runs.csv"].trigger()
    assert not sent(link, "run_export")


def test_everything_that_takes_the_keyboard_has_a_name(filled: RunsPanel) -> None:
    widget, reached = filled.nextInFocusChain(), []
    while widget is not filled:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            reached.append(widget.accessibleName())
        widget = widget.nextInFocusChain()
    assert "" not in reached
    assert reached.index("Search the runs") < reached.index("Runs, newest first")


@pytest.mark.parametrize("size_pt", [8, 14])
@pytest.mark.parametrize("size", [(420, 400), (1000, 300)])
def test_it_fits_narrow_and_low_docks(
    filled: RunsPanel, context: Context, qtbot: QtBot, size_pt: int, size: tuple[int, int]
) -> None:
    context.theme.choose("light", size_pt)
    filled.resize(*size)
    qtbot.waitUntil(lambda: filled.size().toTuple() == size)
    filled.table.selectRow(2)
    for button in filled.findChildren(QToolButton):
        if button.isVisible() and button.accessibleName():
            edge = button.mapTo(filled, button.rect().bottomRight())
            assert filled.rect().contains(edge), button.accessibleName()
    assert filled.pages.height() >= 5 * filled.fontMetrics().lineSpacing()
    context.theme.choose("dark", 10)
