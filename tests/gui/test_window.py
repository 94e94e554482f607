"""The window as a whole on a fake link: every action, layouts, leaks, pictures of its states."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
from alarm_sources import alarm_sources
from fakes_gui import FakeLink, feed_idle
from fakes_queue import night
from fakes_sweep import live, spectrum, spectrum_fit, theory
from open_window import delete_closed, open_window
from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QLineEdit, QTabBar
from pytestqt.qtbot import QtBot
from shiboken6 import isValid
from window_on_rig import say_yes
from window_states import trouble

from gui.confirm import ConfirmDialog
from gui.link.station import LinkState
from gui.settings import KNOWN, Settings
from gui.theme.palettes import Tone
from gui.theme.theme import Theme
from gui.tour_steps import STEPS
from gui.window import Window

RUN = {
    "run_id": "20260101-000000-85Kr-a-0001", "name": "a", "isotopes": [85], "state": "complete",
    "started_utc_s": 1.7e9, "duration_s": 100.0, "sample": "", "note": "", "geometry": "co",
}  # fmt: skip
MOVING = ("light", "seed", "amplifier", "sideband", "lock", "trap", "camera", "align", "calibrate")
SCAN = """
name = "a"
[[part]]
isotope = 85
dwell_s = 20.0
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""
STATES: tuple[dict[str, Any], ...] = (
    {"run__state": "idle", "queue__paused": False},
    {"run__state": "running", "queue__paused": True},
    {"run__state": "paused", "queue__paused": True},
)


def answer_queries(link: FakeLink) -> None:
    """What a station answers to the questions of the panels."""
    answers = {
        "runs": {"runs": [RUN]},
        "check_scan": {"ok": False, "problems": ["not now"]},
        "theory": theory(spectrum()),
        "run_scan": {"scan": SCAN},
        "queue_scan": {"name": "a", "scan": SCAN},
        "run_report": {"name": "report.html", "html": "<html></html>"},
        "run_export": {"files": {}, "lacking": []},
        "history": {},
    }
    for sent in tuple(link.sent):
        if sent.name in answers:
            link.sent.remove(sent)
            sent.done(answers[sent.name])


def test_all_of_a_window_is_dressed_whenever_the_look_changes(
    opened: tuple[Window, FakeLink],
) -> None:
    window, _ = opened
    theme = window.context.theme
    dock = window.docks["amplifier"]
    dock.setFloating(True)
    for palette in ("light", "dark"):
        theme.choose(palette)
        assert window.styleSheet() == theme.sheet != ""
        field: Any = dock.widget().findChild(QLineEdit)
        field.ensurePolished()
        assert field.palette().text().color().name() == theme.palette.text


def test_every_action_is_bound_and_can_be_triggered(
    opened: tuple[Window, FakeLink], qtbot: QtBot, tmp_path: Path
) -> None:
    window, link = opened
    actions, services = window.context.actions, window.context.services
    assert actions.unbound() == []
    for service in ("choose_folder", "choose_open"):
        services[service] = lambda _title: None
    services["choose_save"] = lambda _title, name: tmp_path / name
    window.show_panel("runs")
    services["editor"].load(SCAN)
    # Layers of the plot can be switched where there is something to draw.
    link.feed(**live(spectrum(), spectrum_fit()))
    qtbot.waitUntil(lambda: any(sent.name == "runs" for sent in link.sent))
    answer_queries(link)
    panel: Any = window.docks["runs"].widget()
    panel.table.selectRow(0)
    link.feed(queue__table=night())
    queue: Any = window.docks["queue"].widget()
    triggered: list[str] = []
    actions.triggered.connect(triggered.append)
    last = ("rig.simulate", "window.close")
    for action_id in (*(name for name in actions.specs if name not in last), *last):
        wanted = 2 if action_id == "queue.go_on" else 6
        queue.table.selectRow(queue.model.row_of(wanted))
        for state in STATES:
            link.feed(**state)
            if action_id == "rig.simulate":
                link.go(LinkState.SEARCHING, "no station")
            if not actions.why_not(action_id) and actions[action_id].isEnabled():
                actions[action_id].trigger()
                say_yes(window)
                break
        answer_queries(link)
        assert triggered[-1:] == [action_id], actions.why_not(action_id)
    assert set(triggered) == set(actions.specs)
    commands = {sent.name for sent in link.sent}
    assert {"stop", "run", "pause", "resume", "abort", "take_control", "light_on", "pumping",
            "relock", "zero_axis", "jump", "trap", "camera_view", "align", "calibrate",
            "protection", "queue_move", "queue_remove", "queue_pause", "queue_resume",
            "queue_clear"} <= commands  # fmt: skip


def test_nothing_that_moves_the_rig_is_possible_while_another_commands(
    opened: tuple[Window, FakeLink],
) -> None:
    window, link = opened
    link.feed(station__control="somebody else")
    actions = window.context.actions
    possible = [name for name in actions.specs if actions[name].isEnabled()]
    assert not [name for name in possible if name.split(".")[0] in MOVING]
    assert "rig.stop" in possible
    assert "somebody else holds control" in actions["light.on"].toolTip()


def test_a_lost_station_greys_everything_and_forbids_commands(
    opened: tuple[Window, FakeLink],
) -> None:
    window, link = opened
    link.go(LinkState.LOST, "station 'test-rig' does not answer")
    badges = window.strip.badges
    assert badges["station"].tone is Tone.DANGER
    for name in ("seed", "amplifier", "lock", "trap", "camera", "run"):
        assert badges[name].tone is Tone.STALE, name
    assert not window.context.actions["light.on"].isEnabled()


def test_the_tour_points_at_things_that_exist(opened: tuple[Window, FakeLink]) -> None:
    window, _ = opened
    for step in STEPS:
        if step.target:
            found = window.findChild(QObject, step.target) or window.docks.get(step.target)
            assert found is not None, step.target


def test_the_layout_survives_and_resets(qtbot: QtBot, tmp_path: Path) -> None:
    window, _ = open_window(qtbot, tmp_path)
    window.docks["camera"].hide()
    window.close()
    delete_closed()
    again, _ = open_window(qtbot, tmp_path)
    assert again.docks["camera"].isHidden()
    again.context.actions["view.reset"].trigger()
    assert not again.docks["camera"].isHidden()
    again.close()
    delete_closed()


def test_an_unsaved_scan_comes_back_with_the_next_window(qtbot: QtBot, tmp_path: Path) -> None:
    window, _ = open_window(qtbot, tmp_path)
    window.context.services["editor"].document.load("# mine, not finished")
    window.close()
    delete_closed()
    again, _ = open_window(qtbot, tmp_path)
    editor = again.context.services["editor"]
    assert editor.document.text == "# mine, not finished"
    assert editor.files.edited
    qtbot.waitUntil(lambda: bool(again.context.notices.history))
    assert "not saved when the window was closed is back" in again.context.notices.history[0].text
    editor.files.new()
    again.close()
    delete_closed()
    third, _ = open_window(qtbot, tmp_path)
    assert third.context.services["editor"].document.text != "# mine, not finished"
    third.close()
    delete_closed()


def test_unsaved_scans_of_two_windows_both_come_back(qtbot: QtBot, tmp_path: Path) -> None:
    windows = [open_window(qtbot, tmp_path)[0] for _ in range(2)]
    for window, text in zip(windows, ("# first", "# second"), strict=True):
        window.context.services["editor"].document.load(text)
    for window in windows:
        window.close()
    delete_closed()
    for text, name in (("# second", "b"), ("# first", "a")):
        window, _ = open_window(qtbot, tmp_path)
        editor = window.context.services["editor"]
        assert editor.document.text == text
        # If this window died now the next one would have it, too.
        other, _ = open_window(qtbot, tmp_path)
        assert other.context.services["editor"].document.text == text
        other.close()
        editor.files.write(tmp_path / f"{name}.toml")
        window.close()
        delete_closed()
    assert drafts(tmp_path) == []


def drafts(folder: Path) -> list[str]:
    return Settings(folder / "window.json").get("editor.drafts") or []


def test_a_draft_is_kept_while_another_scan_is_saved(qtbot: QtBot, tmp_path: Path) -> None:
    """The window may die with the draft in 'Back to the scan before' alone."""
    Settings(tmp_path / "window.json").set("editor.drafts", ["# older", "# mine"])
    window, _ = open_window(qtbot, tmp_path)
    editor = window.context.services["editor"]
    editor.files.new()
    editor.files.write(tmp_path / "new.toml")
    assert drafts(tmp_path) == ["# older", "# mine"]
    editor.files.back()
    editor.document.load("# mine, finished")
    editor.files.write(tmp_path / "mine.toml")
    assert drafts(tmp_path) == ["# older"]
    window.close()
    delete_closed()
    assert drafts(tmp_path) == ["# older"]


def test_a_draft_that_another_window_has_saved_does_not_come_back(
    qtbot: QtBot, tmp_path: Path
) -> None:
    Settings(tmp_path / "window.json").set("editor.drafts", ["# mine"])
    first, second = (open_window(qtbot, tmp_path)[0] for _ in range(2))
    first.context.services["editor"].files.write(tmp_path / "mine.toml")
    assert second.context.services["editor"].document.text == "# mine"
    for window in (first, second):
        window.close()
    delete_closed()
    assert drafts(tmp_path) == []


def test_the_one_draft_of_an_earlier_version_is_brought_back(qtbot: QtBot, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "window.json")
    settings.set("editor.draft", "# old")
    settings.set("editor.drafts", ["# newer"])
    window, _ = open_window(qtbot, tmp_path)
    assert drafts(tmp_path) == ["# old", "# newer"]
    editor = window.context.services["editor"]
    editor.files.write(tmp_path / "newer.toml")
    window.close()
    delete_closed()
    again, _ = open_window(qtbot, tmp_path)
    editor = again.context.services["editor"]
    assert editor.document.text == "# old"
    editor.files.write(tmp_path / "old.toml")
    again.close()
    delete_closed()
    assert drafts(tmp_path) == []


def test_a_scan_that_came_back_is_still_not_saved(qtbot: QtBot, tmp_path: Path) -> None:
    window, _ = open_window(qtbot, tmp_path)
    files = window.context.services["editor"].files
    window.context.services["editor"].document.load("# mine")
    files.new()
    files.back()
    window.close()
    delete_closed()
    again, _ = open_window(qtbot, tmp_path)
    assert again.context.services["editor"].document.text == "# mine"
    again.close()
    delete_closed()


def test_a_run_on_a_rig_that_ends_with_its_window_is_asked_about(
    qtbot: QtBot, tmp_path: Path
) -> None:
    window, link = open_window(qtbot, tmp_path)
    link.feed(run__state="running", run__id="r1")
    window.close()
    delete_closed()  # of a real rig the run goes on
    window, link = open_window(qtbot, tmp_path)
    window.context.simulated_by.append(lambda: True)
    link.feed(run__state="running", run__id="r1")
    window.context.actions["window.close"].trigger()
    assert window.isVisible()
    asked = window.findChild(ConfirmDialog)
    assert isinstance(asked, ConfirmDialog)
    assert "r1" in asked.question.lost
    asked.no.click()
    assert window.isVisible()
    window.close_at_once()
    delete_closed()
    assert not isValid(window)


def test_no_key_repeats_while_it_is_held(opened: tuple[Window, FakeLink]) -> None:
    """Held for a moment, one of them would open and close a shutter."""
    actions = opened[0].context.actions
    assert not [name for name in actions.specs if actions[name].autoRepeat()]


def test_a_corrupt_settings_file_is_set_aside_with_a_toast(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "window.json").write_text("{ not json")
    window, _ = open_window(qtbot, tmp_path)
    qtbot.waitUntil(lambda: bool(window.context.notices.history))
    assert "set aside" in window.context.notices.history[0].text
    assert (tmp_path / "window.corrupt.json").read_text() == "{ not json"
    window.close()
    delete_closed()


def test_a_window_keeps_only_what_its_settings_know(qtbot: QtBot, tmp_path: Path) -> None:
    window, _ = open_window(qtbot, tmp_path)
    for action in ("view.light", "view.bigger", "view.smaller", "view.dark"):
        window.context.actions[action].trigger()
    window.shell.view.save("a layout")
    window.shell.presets.keep("a preset")
    strips: Any = window.docks["strips"].widget()
    strips.choose_span(1800.0)
    editor: Any = window.docks["editor"].widget()
    editor.preview.click()
    editor.document.load("# not saved")
    path = window.context.settings.path
    window.close()
    delete_closed()
    # The draft of an earlier version is read once and never written.
    assert set(json.loads(path.read_text())) == set(KNOWN) - {"editor.draft"}
    assert Settings(path).problem == ""


def test_closed_windows_leave_neither_widgets_nor_threads(qtbot: QtBot, tmp_path: Path) -> None:
    def once() -> None:
        window, link = open_window(qtbot, tmp_path)
        link.feed(camera__image=np.ones((40, 40), np.uint16), **live(spectrum(), spectrum_fit()))
        window.close()
        delete_closed()

    once()
    docks = len([w for w in QApplication.allWidgets() if isinstance(w, QDockWidget)])
    widgets = len(QApplication.topLevelWidgets())
    threads = threading.active_count()
    for _ in range(3):
        once()
    assert len([w for w in QApplication.allWidgets() if isinstance(w, QDockWidget)]) == docks == 0
    assert len(QApplication.topLevelWidgets()) <= widgets
    assert threading.active_count() == threads


def test_stop_is_tried_without_a_station_and_says_what_to_do(
    opened: tuple[Window, FakeLink],
) -> None:
    window, link = opened
    link.go(LinkState.LOST, "station 'test-rig' does not answer")
    window.context.actions["rig.stop"].trigger()
    assert link.sent[-1].name == "stop"
    said = window.context.notices.history[-1].text
    assert "STOP may not reach the station" in said
    assert "boxes' own switches" in said


def test_a_window_that_was_started_with_its_simulated_rig_says_so(
    qtbot: QtBot, tmp_path: Path
) -> None:
    link: Any = FakeLink()
    settings = Settings(tmp_path / "window.json")
    window = Window(link, settings, Theme(), wanted='rig "simulated-1"', simulated=True)
    assert window.strip.badges["station"].word == "connected, simulated"
    assert window.context.state.wanted == 'rig "simulated-1"'
    window.close()
    delete_closed()


def test_a_panel_that_comes_up_hides_no_toast(
    qtbot: QtBot, opened: tuple[Window, FakeLink]
) -> None:
    window, _ = opened
    window.context.notices.error("look at this")
    (toast,) = window.shell.toasts.shown
    for panel in ("runs", "log", "editor"):
        window.show_panel(panel)
        middle = toast.geometry().center()

        def on_top(middle: QPoint = middle) -> bool:
            found = window.childAt(middle)
            return found is not None and (found is toast or toast.isAncestorOf(found))

        qtbot.waitUntil(on_top)


def test_a_dock_under_a_tab_has_no_second_title(
    qtbot: QtBot, opened: tuple[Window, FakeLink]
) -> None:
    window, _ = opened
    docks, actions = window.docks, window.context.actions
    titled = lambda: [name for name, dock in docks.items() if dock.titleBarWidget() is None]  # noqa: E731
    qtbot.waitUntil(lambda: titled() == [])
    window.show_panel("camera")
    window.activateWindow()
    docks["camera"].widget().setFocus()
    qtbot.waitUntil(lambda: actions["view.float"].isEnabled())
    actions["view.float"].trigger()
    # Alone under no tab any more, and so is the one that it has left.
    qtbot.waitUntil(lambda: titled() == ["camera", "counts"])
    assert docks["camera"].isFloating()
    actions["view.float"].trigger()
    qtbot.waitUntil(lambda: titled() == [])
    actions["view.hide"].trigger()
    assert docks["camera"].isHidden()
    qtbot.waitUntil(lambda: "counts" in titled())


def test_readings_after_the_close_find_nobody_to_tell(
    qtbot: QtBot, opened: tuple[Window, FakeLink]
) -> None:
    window, link = opened
    window.context.actions["preset.apply"].trigger()
    window.close()
    delete_closed()
    # A watcher that draws on what is deleted raises, and that fails a test.
    trouble(link)
    link.go(LinkState.LOST, "station 'test-rig' does not answer")
    feed_idle(link)


def test_jump_to_the_device_finds_a_panel_for_every_source_of_an_alarm(
    opened: tuple[Window, FakeLink],
) -> None:
    window, _ = opened
    sources = alarm_sources()
    assert {"source", "power_meter", "trap_switch", "slow_control", "station"} <= sources
    shown: list[str] = []
    window.show_panel = shown.append  # type: ignore[method-assign]
    for source in sorted(sources):
        window.show_source(source)
        assert not window.context.notices.history, source
    assert len(shown) == len(sources)
    window.show_source("power_meter")
    window.show_source("source")
    assert shown[-2:] == ["power", "slow"]
    window.show_source("teapot")
    assert "No panel shows 'teapot'" in window.context.notices.history[-1].text


def test_an_answer_after_the_close_is_dropped(
    qtbot: QtBot, opened: tuple[Window, FakeLink]
) -> None:
    window, link = opened
    link.sent.clear()
    window.context.actions["scan.check"].trigger()
    qtbot.waitUntil(lambda: any(sent.name == "check_scan" for sent in link.sent))
    (sent,) = [sent for sent in link.sent if sent.name == "check_scan"]
    window.close()
    delete_closed()
    sent.done({"ok": False, "problems": ["too late"]})
    sent.refused("too late")
    assert window.context.notices.history == []


def tab_texts(window: Window) -> set[str]:
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return {bar.tabText(index) for bar in bars for index in range(bar.count())}


def test_the_tab_of_a_panel_in_trouble_is_marked(
    qtbot: QtBot, opened: tuple[Window, FakeLink]
) -> None:
    window, link = opened
    calm = {"Amplifier", "Sidebands", "Power", "Lock", "Slow control", "EMCCD", "Trap",
            "Calibrations", "Queue"}  # fmt: skip
    qtbot.waitUntil(lambda: calm <= tab_texts(window))
    trouble(link)
    marked = {"■ Amplifier", "■ Sidebands", "■ Power", "■ Lock", "■ Slow control", "■ EMCCD",
              "▲ Trap", "▲ Calibrations"}  # fmt: skip
    qtbot.waitUntil(lambda: marked <= tab_texts(window))
    assert window.docks["slow"].accessibleName() == "Slow control, alarm"
    link.feed(queue__paused=True, queue__reason="entry 3 failed")
    qtbot.waitUntil(lambda: "▲ Queue" in tab_texts(window))
    # What a lost station last said is no trouble of the rig now.
    link.go(LinkState.LOST, "station 'test-rig' does not answer")
    qtbot.waitUntil(lambda: calm <= tab_texts(window))


def test_titles_of_tabs_are_never_cut(qtbot: QtBot, opened: tuple[Window, FakeLink]) -> None:
    window, _ = opened
    window.context.theme.choose(size_pt=14)
    qtbot.waitUntil(lambda: "Slow control" in tab_texts(window))
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        for index in range(bar.count()):
            text = bar.fontMetrics().horizontalAdvance(bar.tabText(index))
            assert bar.tabRect(index).width() > text, bar.tabText(index)
