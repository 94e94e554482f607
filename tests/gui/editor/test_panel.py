"""The editor as an operator uses it: form, text, station's word, start."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fakes_gui import RIG, FakeLink, Sent
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from atta_daq.scans.definition import parse_scan
from gui.context import Context
from gui.editor.panel import EditorPanel
from gui.editor.parts_list import describe
from gui.editor.toml_text import Table
from gui.link.station import LinkState
from gui.queue.panel import QueuePanel
from gui.theme.palettes import Tone

CHECKED = {
    "ok": True, "name": "x", "duration_s": 12_600.0, "segments": 97, "blocks": 12,
    "archive_bytes": 3.4e8, "problems": [], "warnings": [],
    "parts": [{"name": "85Kr", "isotope": 85, "points": 41, "note": "",
               "errors": {"amplitude": {"value": 0.571, "error": 0.0412, "unit": ""}}}],
}  # fmt: skip
THEORY = {"parts": [{"name": "85Kr", "isotope": 85, "axis": "detuning_mhz", "x": [0], "y": [0]}]}


class Sweep:
    def __init__(self) -> None:
        self.previews: list[dict[str, Any]] = []

    def preview(self, theory: dict[str, Any]) -> None:
        self.previews.append(theory)


@pytest.fixture
def sweep(context: Context) -> Sweep:
    context.services["sweep"] = Sweep()
    return context.services["sweep"]


@pytest.fixture
def panel(qtbot: QtBot, context: Context, sweep: Sweep) -> EditorPanel:
    panel = EditorPanel(context)
    qtbot.addWidget(panel)
    panel.resize(420, 700)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def sent(link: FakeLink, name: str) -> list[Sent]:
    return [command for command in link.sent if command.name == name]


def checked(qtbot: QtBot, link: FakeLink, answer: dict[str, Any] = CHECKED, asked: int = 1) -> None:
    qtbot.waitUntil(lambda: len(sent(link, "check_scan")) >= asked)
    sent(link, "check_scan")[-1].done(answer)


def retype(qtbot: QtBot, field: QWidget, text: str) -> None:
    field.setFocus()
    field.selectAll()  # type: ignore[attr-defined]
    if text:
        qtbot.keyClicks(field, text)
    else:
        qtbot.keyClick(field, Qt.Key.Key_Delete)


# --- form and text ---------------------------------------------------------------------------


def test_typing_in_the_form_changes_the_text(panel: EditorPanel, qtbot: QtBot) -> None:
    retype(qtbot, panel.part.dwell.editor, "37.5")
    retype(qtbot, panel.general.form.fields[1].editor, "lake")
    scan = parse_scan(panel.text.toPlainText())
    assert scan.parts[0].dwell_s == 37.5
    assert scan.sample == "lake"


def test_typing_in_the_text_changes_the_form(panel: EditorPanel) -> None:
    panel.tabs.setCurrentIndex(1)
    panel.text.setPlainText(panel.text.toPlainText().replace("points = 41", "points = 17"))
    assert panel.part.axes[0].points.editor.text() == "17"
    assert "17 points" in panel.parts.list.item(0).text()


def test_typing_goes_on_through_numbers_that_are_none_yet(panel: EditorPanel, qtbot: QtBot) -> None:
    start = panel.part.axes[0].start
    retype(qtbot, start.editor, "-")
    assert start.wrong.isVisible()
    assert start.editor.text() == "-"
    qtbot.keyClicks(start.editor, "1.")
    assert start.editor.text() == "-1."
    assert not start.wrong.isVisible()
    qtbot.keyClicks(start.editor, "25")
    assert parse_scan(panel.document.text).parts[0].axes[0].start == -1.25


def test_a_comma_is_a_decimal_point(panel: EditorPanel, qtbot: QtBot) -> None:
    retype(qtbot, panel.part.dwell.editor, "2,5")
    assert parse_scan(panel.document.text).parts[0].dwell_s == 2.5


def test_an_empty_field_leaves_its_key_out(panel: EditorPanel, qtbot: QtBot) -> None:
    retype(qtbot, panel.part.references.editor, "")
    assert "reference_every" not in tomllib.loads(panel.document.text)["part"][0]
    assert panel.document.valid


def test_a_wrong_value_is_red_and_bars_the_start(
    panel: EditorPanel, context: Context, qtbot: QtBot
) -> None:
    assert context.actions["run.start"].isEnabled()
    retype(qtbot, panel.part.dwell.editor, "-4")
    assert panel.part.dwell.editor.property("wrong") is True
    assert "> 0" in panel.part.dwell.wrong.text()
    assert panel.badge.tone is Tone.DANGER
    assert not context.actions["run.start"].isEnabled()
    said = "part 1, Dwell (s): -4 is not allowed; give a number > 0, in s"
    assert said in context.actions.why_not("run.start"), "as the form names it"
    assert panel.summary.text() == said
    retype(qtbot, panel.part.dwell.editor, "4")
    assert panel.part.dwell.editor.property("wrong") is False
    assert context.actions["run.start"].isEnabled()


def test_the_first_wrong_field_is_scrolled_to(panel: EditorPanel, qtbot: QtBot) -> None:
    panel.resize(780, 240)
    panel.form_area.verticalScrollBar().setValue(0)
    qtbot.waitUntil(lambda: panel.part.dwell.visibleRegion().isEmpty())
    panel.document.put(("part", 0, "dwell_s"), -5.0)
    qtbot.waitUntil(lambda: not panel.part.dwell.wrong.visibleRegion().isEmpty())


@pytest.mark.parametrize("width", [420, 1000])
def test_what_is_measured_comes_before_what_is_kept_with_it(
    panel: EditorPanel, qtbot: QtBot, width: int
) -> None:
    panel.resize(width, 400)
    qtbot.wait(50)

    def top(widget: QWidget) -> int:
        return widget.mapTo(panel.form, widget.rect().topLeft()).y()

    name = panel.general.form.fields[0]
    assert top(panel.parts.list) < top(name)
    assert top(panel.part.isotope) < top(name)


def test_two_panels_have_buttons_of_one_action(
    panel: EditorPanel, context: Context, qtbot: QtBot
) -> None:
    queue = QueuePanel(context)
    qtbot.addWidget(queue)
    action = context.actions["queue.add"]
    action.setEnabled(not action.isEnabled())
    assert panel.findChild(QToolButton, "queue.add").text() == "Add to queue"
    assert queue.findChild(QToolButton, "queue.add").text() == "Add scan"


def test_what_to_do_about_faults_is_a_form(panel: EditorPanel, qtbot: QtBot) -> None:
    panel.rare.open()
    after, tries, *_, fraction, _, _ = panel.rare.faults.fields
    after.editor.setCurrentIndex(1)  # type: ignore[attr-defined]
    after.editor.activated.emit(1)  # type: ignore[attr-defined]
    retype(qtbot, tries.editor, "5")
    retype(qtbot, fraction.editor, "0.3")
    rules = parse_scan(panel.document.text).faults
    assert (rules.after_tries, rules.tries, rules.loading_fraction_min) == ("skip", 5, 0.3)
    retype(qtbot, fraction.editor, "1.5")
    assert "< 1" in fraction.wrong.text()
    for field in (tries, fraction):
        retype(qtbot, field.editor, "")
    after.editor.setCurrentIndex(0)  # type: ignore[attr-defined]
    after.editor.activated.emit(0)  # type: ignore[attr-defined]
    assert "faults" not in tomllib.loads(panel.document.text), "an empty table goes"


def test_a_wrong_rare_key_opens_its_section(panel: EditorPanel) -> None:
    assert not panel.rare.is_open
    panel.document.put(("max_attempts",), 0)
    assert panel.rare.is_open
    assert not panel.part.more_section.is_open
    panel.document.put(("part", 0, "order"), "random")
    assert panel.part.more_section.is_open


def test_every_key_of_the_definition_is_in_the_form(panel: EditorPanel) -> None:
    from atta_daq.scans.adaptive import Adaptive, StopWhen
    from atta_daq.scans.definition import Axis, Blanks, Check83, Light, Part, ScanDefinition
    from atta_daq.scans.rules import FaultRules

    def keys(*forms: Any) -> set[str]:
        return {field.key for form in forms for field in form.fields}

    part, rare = panel.part, panel.rare
    tables = {"parts", "blanks", "check_83", "adaptive", "stop_when", "faults"}
    assert keys(panel.general.form, rare.form) | tables == set(ScanDefinition.model_fields)
    assert keys(panel.adaptive.adaptive) == set(Adaptive.model_fields)
    assert keys(panel.adaptive.stop_when) == set(StopWhen.model_fields)
    assert keys(rare.faults) == set(FaultRules.model_fields)
    assert keys(rare.blanks) == set(Blanks.model_fields)
    assert keys(rare.check.form) | {"light"} == set(Check83.model_fields)
    assert keys(part.light) == keys(rare.check.light) == set(Light.model_fields)
    assert keys(part._top, part.timing, part.more) | {"axes", "light"} == set(Part.model_fields)
    assert keys(part.axes[0].form) | {"quantity"} == set(Axis.model_fields)


def test_a_text_that_is_no_toml_closes_the_form(panel: EditorPanel, context: Context) -> None:
    panel.text.setPlainText("name = \nseed = 1")
    assert not panel.form.isEnabled()
    assert "line 1" in panel.wrong.text()
    panel.centre_on(85, 0.0)
    assert "not TOML" in context.notices.history[-1].text
    panel.text.setPlainText('name = "x"\n[[part]]\nisotope = 83\n')
    assert panel.form.isEnabled()
    assert panel.document.valid


@pytest.mark.parametrize("text", ['name = "x"\npart = 5', "part = [1]", "[[part]]\naxis = 3"])
def test_odd_scans_are_shown(panel: EditorPanel, text: str) -> None:
    panel.load(text)
    assert panel.badge.tone is Tone.DANGER
    panel.parts.add()
    assert panel.document.get(("part",))[-1]["isotope"] in (81, 83, 84, 85)


# --- parts -----------------------------------------------------------------------------------


def test_parts_are_added_copied_moved_and_removed(panel: EditorPanel, qtbot: QtBot) -> None:
    def isotopes() -> list[int]:
        return [part["isotope"] for part in tomllib.loads(panel.document.text)["part"]]

    buttons = panel.parts.buttons
    assert not buttons["Remove"].isEnabled()
    buttons["Add"].click()
    assert isotopes() == [85, 83]
    assert panel.parts.current == 1
    assert panel.part.isotope.editor.currentText() == "83Kr"
    assert panel.document.valid
    buttons["Up"].click()
    assert isotopes() == [83, 85]
    assert panel.parts.current == 0
    buttons["Duplicate"].click()
    assert isotopes() == [83, 83, 85]
    retype(qtbot, panel.part.repeats.editor, "7")
    assert [p.get("repeats") for p in tomllib.loads(panel.document.text)["part"]] == [None, 7, None]
    buttons["Down"].click()
    buttons["Remove"].click()
    assert isotopes() == [83, 85]


def test_another_isotope_takes_its_own_keys(panel: EditorPanel) -> None:
    box = panel.part.isotope.editor
    for text, valid_key, hidden in (("83Kr", "bursts", "dwell"), ("81Kr", "dwell_s", "bursts")):
        box.setCurrentIndex(box.findText(text))
        box.activated.emit(box.currentIndex())
        assert panel.document.valid, panel.document.problems
        assert not getattr(panel.part, hidden).isVisibleTo(panel.part)
        part = tomllib.loads(panel.document.text)["part"][0]
        assert f"{part['isotope']}Kr" == text
        assert ("dwell_s" in part) == (valid_key == "dwell_s")


def choose(box: Any, value: object) -> None:
    box.setCurrentIndex(next(i for i in range(box.count()) if box.itemData(i) == value))
    box.activated.emit(box.currentIndex())


def test_sweeps_are_chosen_added_and_taken_out(panel: EditorPanel) -> None:
    first, second = panel.part.axes[:2]
    choose(first.quantity, "power_mw")
    assert parse_scan(panel.document.text).parts[0].axes[0].quantity == "power_mw"
    assert first.start.label.text() == "Start (mW)"
    choose(first.spacing, "values")
    assert len(parse_scan(panel.document.text).parts[0].axes[0].values or ()) == 10
    assert first.values.isVisibleTo(first)
    panel.part.more_axes.click()
    assert second.isVisibleTo(panel.part)
    assert len(parse_scan(panel.document.text).parts[0].axes) == 2
    choose(second.quantity, "sideband_depth")
    choose(first.spacing, "range")
    axes = parse_scan(panel.document.text).parts[0].axes
    assert (axes[0].points, axes[1].quantity) == (10, "sideband_depth")
    choose(first.quantity, None)
    part = parse_scan(panel.document.text).parts[0]
    assert (part.axes, part.pumping) == ((), "abba")
    assert not second.isVisibleTo(panel.part)


def test_blanks_are_switched(panel: EditorPanel) -> None:
    panel.rare.open()
    panel.rare.take_blanks.click()
    assert parse_scan(panel.document.text).blanks is None
    panel.rare.take_blanks.click()
    assert parse_scan(panel.document.text).blanks is not None


def test_the_check_of_the_pumping_is_switched(panel: EditorPanel, qtbot: QtBot) -> None:
    panel.rare.open()
    check = panel.rare.check
    assert not check.form.isVisibleTo(panel.rare)
    check.take.click()
    cycles, power = check.form.fields[0], check.light.fields[2]
    retype(qtbot, cycles.editor, "5")
    retype(qtbot, power.editor, "200")
    found = parse_scan(panel.document.text).check_83
    assert (found.cycles, found.light.power_mw) == (5, 200.0)
    check.take.click()
    assert parse_scan(panel.document.text).check_83 is None


def test_a_bracket_period_is_a_number_or_auto(panel: EditorPanel, qtbot: QtBot) -> None:
    panel.rare.open()
    (field,) = [f for f in panel.rare.form.fields if f.key == "bracket_period_s"]
    retype(qtbot, field.editor, "auto")
    assert parse_scan(panel.document.text).bracket_period_s == "auto"
    retype(qtbot, field.editor, "often")
    assert field.editor.property("wrong")


def test_lines_to_stand_on_are_the_isotopes(panel: EditorPanel) -> None:
    choices = [panel.part.line.editor.itemData(i) for i in range(panel.part.line.editor.count())]
    assert choices[0] is None
    assert "11/2-13/2" in choices
    choose(panel.part.line.editor, "11/2-13/2")
    assert parse_scan(panel.document.text).parts[0].light.line == "11/2-13/2"


# --- the station's word ----------------------------------------------------------------------


def test_the_station_is_asked_once_after_the_hands_rest(
    panel: EditorPanel, link: FakeLink, sweep: Sweep, qtbot: QtBot
) -> None:
    assert not sent(link, "check_scan")
    retype(qtbot, panel.part.dwell.editor, "123")
    assert not sent(link, "check_scan")
    checked(qtbot, link)
    assert [tomllib.loads(c.arguments["scan"])["part"][0]["dwell_s"]
            for c in sent(link, "check_scan")] == [123]  # fmt: skip
    assert (panel.badge.word, panel.badge.tone) == ("scan ok", Tone.OK)
    assert "3 h 30 min" in panel.summary.text()
    assert "340 MB" in panel.summary.text()
    assert "97 segments" in panel.summary.text()
    assert "increase, closed line: 57 ± 4 %" in panel.summary.text()
    assert panel.forecast.item(0, 0).text() == "85Kr"
    sent(link, "theory")[-1].done(THEORY)
    assert sweep.previews == [THEORY]


def test_an_answer_about_an_older_text_is_not_shown(
    panel: EditorPanel, link: FakeLink, sweep: Sweep, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: len(sent(link, "check_scan")) == 1)
    panel.document.put(("sample",), "new")
    sent(link, "check_scan")[0].done(CHECKED)
    sent(link, "theory")[0].done(THEORY)
    assert panel.badge.tone is Tone.BUSY
    assert not sweep.previews
    checked(qtbot, link, asked=2)
    assert panel.badge.tone is Tone.OK


def test_nothing_is_asked_about_a_wrong_scan(
    panel: EditorPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    panel.document.put(("seed",), -1)
    qtbot.waitUntil(lambda: not panel.check.waiting)
    assert not sent(link, "check_scan")
    context.actions["scan.check"].trigger()
    assert not sent(link, "check_scan")
    assert "not valid" in context.notices.history[-1].text


def test_what_the_station_finds_bars_the_start(
    panel: EditorPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    checked(qtbot, link, {"ok": False, "problems": ["parts.0: the lock reaches 900 MHz"]})
    assert panel.badge.tone is Tone.DANGER
    assert "the lock reaches 900 MHz" in panel.summary.text()
    assert not context.actions["run.start"].isEnabled()
    assert "900 MHz" in context.actions.why_not("run.start")


def test_what_the_station_warns_of_stands_beside_the_forecast(
    panel: EditorPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    doubt = "EOM half-wave voltage: measured at 900 MHz and used at 230 MHz"
    checked(qtbot, link, {**CHECKED, "warnings": [doubt]})
    assert (panel.badge.word, panel.badge.tone) == ("scan ok", Tone.WARNING)
    assert "97 segments" in panel.summary.text()
    assert doubt in panel.summary.text()
    assert context.actions["run.start"].isEnabled()


def test_a_station_that_fails_to_answer_does_not_bar_the_start(
    panel: EditorPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: bool(sent(link, "check_scan")))
    sent(link, "check_scan")[-1].refused("no answer within 60 s")
    assert "no answer" in panel.summary.text()
    assert panel.badge.tone is Tone.WARNING
    assert context.actions["run.start"].isEnabled()


def test_offline_is_said_and_mended(
    panel: EditorPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    checked(qtbot, link)
    link.go(LinkState.LOST, "station 'test-rig' does not answer")
    assert "station 'test-rig' does not answer" in panel.summary.text()
    assert panel.badge.tone is Tone.STALE
    link.go(LinkState.CONNECTED, "station 'test-rig'")
    checked(qtbot, link, asked=2)
    assert panel.badge.tone is Tone.OK


def test_no_theory_is_drawn_when_it_is_not_wanted(
    panel: EditorPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    panel.preview.click()
    checked(qtbot, link)
    assert not sent(link, "theory")
    assert context.settings.get("editor.preview") is False
    panel.preview.click()
    assert len(sent(link, "theory")) == 1


def test_a_refused_theory_is_told_only_when_asked_for(
    panel: EditorPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: bool(sent(link, "theory")))
    sent(link, "theory")[-1].refused("no model")
    assert not context.notices.history
    panel.check.ask_theory()
    sent(link, "theory")[-1].refused("no model")
    assert context.notices.history[-1].text == "no model"


# --- actions and services --------------------------------------------------------------------


def test_start_sends_the_text_and_tells_the_run(
    panel: EditorPanel, link: FakeLink, context: Context
) -> None:
    context.actions["run.start"].trigger()
    command = sent(link, "run")[-1]
    assert command.arguments["scan"] == panel.document.text
    assert not context.actions["run.start"].isEnabled()
    command.done({"run": "20261122-1", "folder": "data/x"})
    assert "20261122-1" in context.notices.history[-1].text
    assert context.actions["run.start"].isEnabled()


def test_a_refused_start_can_be_tried_again(
    panel: EditorPanel, link: FakeLink, context: Context
) -> None:
    context.actions["run.start"].trigger()
    sent(link, "run")[-1].refused("the amplifier does not answer")
    assert "the amplifier does not answer" in context.notices.history[-1].text
    context.actions["run.start"].trigger()
    assert len(sent(link, "run")) == 2


def test_scans_are_saved_and_opened(panel: EditorPanel, context: Context, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    context.services["choose_save"] = lambda _title, _name: path
    context.services["choose_open"] = lambda _title: path
    panel.document.put(("sample",), "Grönland")
    context.actions["scan.save"].trigger()
    assert path.read_text(encoding="utf-8") == panel.document.text
    context.actions["scan.new"].trigger()
    assert "Grönland" not in panel.document.text
    context.actions["scan.open"].trigger()
    assert "Grönland" in panel.document.text
    assert panel.files.path == path


def test_a_cancelled_dialog_changes_nothing(panel: EditorPanel, context: Context) -> None:
    context.services["choose_open"] = lambda _title: None
    before = panel.document.text
    context.actions["scan.open"].trigger()
    assert panel.document.text == before


def test_files_that_fail_are_told(panel: EditorPanel, context: Context, tmp_path: Path) -> None:
    panel.files.read(tmp_path / "none.toml")
    assert "cannot be read" in context.notices.history[-1].text
    panel.files.write(tmp_path / "no folder" / "x.toml")
    assert "not saved" in context.notices.history[-1].text


def test_the_dialogs_do_not_hold_the_window_up(
    panel: EditorPanel, context: Context, qtbot: QtBot
) -> None:
    from PySide6.QtWidgets import QFileDialog

    context.actions["scan.open"].trigger()
    dialog = panel.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.isVisible()
    assert not dialog.isModal()
    dialog.close()


def test_an_unsaved_scan_can_be_had_back(panel: EditorPanel, context: Context) -> None:
    panel.document.put(("sample",), "precious")
    context.actions["scan.new"].trigger()
    assert "precious" not in panel.document.text
    panel.files.back()
    assert "precious" in panel.document.text


def test_examples_are_those_of_the_folder_of_the_start(
    panel: EditorPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = panel.files.examples
    examples.aboutToShow.emit()
    assert [a.isEnabled() for a in examples.actions()] == [False]
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "my_scan.toml").write_text('name = "mine"\n')
    examples.aboutToShow.emit()
    assert [a.text() for a in examples.actions()] == ["my scan"]
    examples.actions()[0].trigger()
    assert panel.document.text == 'name = "mine"\n'


def test_the_service_centres_and_sets_the_range(panel: EditorPanel, context: Context) -> None:
    editor = context.services["editor"]
    editor.centre_on(85, 100.0)
    axis = parse_scan(panel.document.text).parts[0].axes[0]
    assert (axis.start, axis.stop) == (-900.0, 1100.0)
    editor.centre_on(83, 0.0)
    assert panel.parts.current == 1
    editor.set_range(-50.0, 50.0)
    axis = parse_scan(panel.document.text).parts[1].axes[0]
    assert (axis.start, axis.stop) == (-50.0, 50.0)
    assert panel.part.axes[0].start.editor.text() == "-50"
    editor.load('name = "x"\n[[part]]\nisotope = 83\n')
    editor.set_range(0.0, 1.0)
    assert "no part of the scan sweeps" in context.notices.history[-1].text


# --- a run under way -------------------------------------------------------------------------


def run_info(scan: str) -> str:
    return json.dumps({
        "run_id": "r-7", "scan": scan, "name": "old", "geometry": "co", "started_utc_s": 1.7e9,
        "state": "running", "outcome": "", "sample": "air", "note": "", "operator": "",
        "notes": [],
    })  # fmt: skip


def test_the_run_under_way_is_shown_and_the_next_one_prepared(
    panel: EditorPanel, link: FakeLink, context: Context, sweep: Sweep, qtbot: QtBot
) -> None:
    scan = 'name = "old"\n[[part]]\nisotope = 83\n'
    link.feed(run__state="running", run__info=run_info(scan), run__remaining=3600.0)
    view = panel.run_view
    assert view.text.toPlainText() == scan
    assert view.text.isReadOnly()
    assert "r-7" in view.title.text()
    assert not context.actions["run.start"].isEnabled()
    panel.document.put(("sample",), "next")
    assert "next" in panel.document.text
    checked(qtbot, link)
    assert "after this run" in panel.summary.text()
    assert not sent(link, "theory"), "a preview would be drawn over the run"
    view.copy.click()
    assert panel.document.text == scan
    link.feed(run__state="idle")
    assert not view.text.isVisibleTo(view)


def test_a_lost_station_has_no_run_under_way(
    panel: EditorPanel, link: FakeLink, context: Context
) -> None:
    link.feed(run__state="running", run__info=run_info(""))
    assert panel.tabs.tabText(3) == "Under way ◆"
    link.go(LinkState.LOST, "gone")
    context.readings.age("gone")
    assert panel.tabs.tabText(3) == "Under way"
    link.go(LinkState.CONNECTED, "here again")
    link.feed(run__state="running")
    assert panel.tabs.tabText(3) == "Under way ◆"


def test_a_part_in_a_line_has_true_signs_and_units(panel: EditorPanel) -> None:
    assert re.fullmatch(
        r"85Kr: detuning −[\d.]+ … [\d.]+ MHz, 41 points of [\d.]+ s",
        panel.parts.list.item(0).text(),
    )
    assert describe(Table({"isotope": 81, "dwell_s": 60}.items())) == (
        "81Kr: on against off, 60 s each"
    )


def test_the_error_so_far_and_the_time_to_a_wanted_one(
    panel: EditorPanel, link: FakeLink, qtbot: QtBot
) -> None:
    point = {
        "detuning_mhz": 0.0, "power_mw": 1.0, "sideband_frequency_mhz": 0.0,
        "sideband_depth": 0.0, "ratio": 1.0, "error": 1.0, "pumping": True, "provisional": False,
        "mid_rig_s": 0.0, "live_s": 1800.0, "counts": 1, "index": 0,
    }  # fmt: skip
    blocked = {**point, "pumping": False, "live_s": 5000.0}
    invalid = {**point, "error": 0.0, "live_s": 5000.0}
    part = {
        "name": "85Kr",
        "isotope": 85,
        "axes": [],
        "unit": "1/h",
        "points": [point, point, blocked, invalid],
    }
    fit = {
        "model": "m", "isotope": 85, "covariance": [[1.0]], "valid": True, "message": "",
        "parameters": {"background": {"value": 9.0, "error": 1.0},
                       "amplitude": {"value": 0.5, "error": 0.04}},
        "derived": {}, "last_block": 3, "notes": [], "settings": {}, "curve": None,
        "goodness": {"statistic": "s", "value": 1.0, "degrees_of_freedom": 1, "p_value": 0.5,
                     "method": "wilks"},
    }  # fmt: skip
    view = panel.run_view
    link.feed(run__state="running", run__info=run_info("x"))
    assert "No fit yet" in view.reached.text()
    link.feed(run__points=json.dumps([part]), run__fit=json.dumps({"85Kr": fit}))
    assert view.parameter.currentText() == "85Kr: increase, closed line"
    assert "85Kr, increase, closed line: 50 ± 4 %" in view.reached.text()
    panel.tabs.setCurrentIndex(3)
    retype(qtbot, view.wanted, "2")
    assert "±2 %: 3 h 00 min more with light on." in view.reached.text()
    retype(qtbot, view.wanted, "5 %")
    assert "±5 %: reached." in view.reached.text()
    retype(qtbot, view.wanted, "x")
    assert "no error" in view.reached.text()


def test_a_start_says_which_activity_it_ends(
    panel: EditorPanel, context: Context, link: FakeLink
) -> None:
    action = context.actions["run.start"]
    assert "ends what" not in action.toolTip()
    link.feed(station__activity="zeroing")
    assert action.isEnabled()
    assert "it ends what the rig does now: zeroing" in action.toolTip()
    action.trigger()
    assert "it ends what the rig does now: zeroing" in context.notices.history[-1].text
    link.feed(station__activity="", run__state="running")
    assert "ends what" not in action.toolTip()


# --- hands, eyes, ears -----------------------------------------------------------------------


def test_a_wheel_over_a_field_changes_nothing(panel: EditorPanel) -> None:
    before = panel.document.text
    box = panel.part.isotope.editor
    panel.parts.list.setFocus()
    for _ in range(3):
        middle = QPointF(box.rect().center())
        event = QWheelEvent(
            middle, QPointF(box.mapToGlobal(middle.toPoint())), QPoint(0, -120), QPoint(0, -120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(box, event)
    assert box.currentText() == "85Kr"
    assert panel.document.text == before


def test_the_keyboard_reaches_the_fields_in_their_order(panel: EditorPanel, qtbot: QtBot) -> None:
    reached = []
    widget = panel.nextInFocusChain()
    while widget is not panel:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            reached.append(widget.accessibleName())
        widget = widget.nextInFocusChain()
    assert "" not in reached
    wanted = ["Start scan", "Parts of the scan", "Isotope", "Swept quantity", "Start in MHz",
              "Dwell in s", "Pumping", "Name", "Note"]  # fmt: skip
    assert [reached.index(name) for name in wanted] == sorted(map(reached.index, wanted))


@pytest.mark.parametrize("palette", ["dark", "light"])
@pytest.mark.parametrize("size_pt", [8, 14])
def test_it_fits_narrow_and_low_docks(
    panel: EditorPanel, context: Context, link: FakeLink, qtbot: QtBot, palette: str, size_pt: int
) -> None:
    context.theme.choose(palette, size_pt)
    checked(qtbot, link)
    for section in (panel.rare, panel.part.light_section, panel.part.more_section):
        section.open()
    for width, height in ((420, 400), (1000, 300)):
        panel.resize(width, height)
        qtbot.waitUntil(lambda size=(width, height): panel.size().toTuple() == size)
        scroll = panel.form.parentWidget()
        qtbot.waitUntil(lambda scroll=scroll: panel.form.width() <= scroll.width())
        for field in panel.form.findChildren(QWidget):
            if field.isVisible() and field.accessibleName():
                right = field.mapTo(panel.form, field.rect().topRight()).x()
                assert right <= panel.form.width(), field.accessibleName()
    context.theme.choose("dark", 10)


def test_the_rigs_limits_come_with_the_rig(
    panel: EditorPanel, link: FakeLink, context: Context
) -> None:
    panel.load(panel.document.text.replace("85Kr spectrum", "mine"))
    narrow = RIG.to_dict() | {"limits": RIG.limits | {"light:detuning": (-100.0, 100.0)}}
    link.feed(station__rig=json.dumps(narrow))
    assert "-100 to 100 MHz" in panel.part.axes[0].stop.wrong.text()
    assert not context.actions["run.start"].isEnabled()


def test_an_untouched_first_scan_follows_the_rig_an_edited_one_stays(
    panel: EditorPanel, link: FakeLink
) -> None:
    def stop_mhz() -> float:
        return tomllib.loads(panel.document.text)["part"][0]["axis"][0]["stop"]

    narrow = {**RIG.to_dict(), "limits": {**RIG.limits, "light:detuning": (-900.0, 1200.0)}}
    link.feed(station__rig=json.dumps(narrow))
    assert stop_mhz() == 1200.0
    panel.load(panel.document.text.replace("1200.0", "1100.0"))
    link.feed(station__rig=json.dumps(RIG.to_dict()))
    assert stop_mhz() == 1100.0
