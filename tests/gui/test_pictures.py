"""Pictures of every panel and state, in both palettes and sizes, and what is cut off in them.

Kept when ATTA_DAQ_PICTURES names a folder (`make pictures`): look at them before a release.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes_calibrations import guards
from fakes_gui import FakeLink
from fakes_queue import night, table
from fakes_sweep import run_data, spectrum, spectrum_fit, theory
from looks import cut_off, overlaps
from PySide6.QtCore import QCoreApplication, QEvent, QRectF
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid
from window_states import (
    BEFORE,
    NOW_S,
    OUTPUT_MISSING,
    STATES,
    calibrating,
    feed_history,
    idle,
    running,
    software_lock,
    trouble,
)

from gui.first_start import NoStation
from gui.link.station import LinkState
from gui.panels.table import PANELS
from gui.presets import present
from gui.settings import Settings
from gui.sweep.plot import SweepPlot
from gui.theme.theme import Theme
from gui.widgets.side_dialog import SideDialog
from gui.window import Window

FOLDER = Path(os.environ["ATTA_DAQ_PICTURES"]) if "ATTA_DAQ_PICTURES" in os.environ else None
SIZES = ((1400, 850), (1920, 1080))
SETTLE_TURNS = 15
"""Rows of the fit's table get their height when the scroll bar has come or gone."""
CHECKED = {
    "ok": True, "name": "x", "duration_s": 29_100.0, "segments": 97, "blocks": 12,
    "archive_bytes": 3.4e8, "problems": [], "warnings": [],
    "parts": [{"name": "85Kr", "isotope": 85, "points": 41, "note": "",
               "errors": {"amplitude": {"value": 0.571, "error": 0.0412, "unit": ""}}}],
}  # fmt: skip
RUNS = [
    {"run_id": f"2026112{9 - i}-1229-85Kr-spectrum", "name": "85Kr spectrum", "isotopes": [83, 85],
     "state": state, "started_utc_s": NOW_S - 86400.0 * i - 7200.0,
     "duration_s": None if state == "running" else 12_600.0,
     "sample": "lake", "note": "after the source was warm" if i % 2 else "", "geometry": "co"}
    for i, state in enumerate(("running", "complete", "crashed", "aborted", "complete"))
]  # fmt: skip


def not_whole(plot: SweepPlot) -> list[str]:
    """Items of the sweep plot that reach over the edge of its view, and titles that are longer
    than their axis or over each other."""
    view = plot.mapToScene(plot.viewport().rect()).boundingRect().adjusted(-1, -1, 1, 1)
    plots = {"main": plot.main, "residuals": plot.below}
    items: dict[str, Any] = {
        "heading": plot.heading, "components": plot.strip, "answer": plot.answer, **plots,
    }  # fmt: skip
    titles: dict[str, QRectF] = {}
    for name, item in plots.items():
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            items[f"{name} {side}"] = axis
            if axis.isVisible() and axis.label.isVisible() and item.isVisible():
                titles[f"{name} {side} title"] = axis.label.sceneBoundingRect()
    boxes = {n: item.sceneBoundingRect() for n, item in items.items() if item.isVisible()} | titles
    found = [f"{name} reaches over the edge" for name, box in boxes.items()
             if not view.contains(box.adjusted(6, 6, -6, -6))]  # fmt: skip
    if plot.answer.isVisible():
        words = plot.answer.textItem.document().idealWidth()
        if words > plot.box.width():
            found.append(f"the answer has {plot.box.width():.0f} px, needs {words:.0f}")
    low, high = titles.get("main left title"), titles.get("residuals left title")
    if low is not None and high is not None and low.adjusted(0, 3, 0, -3).intersects(high):
        found.append("the titles of the left axes touch")
    shown = plot.picture is not None and bool(plot.picture.name)
    if shown and not any("main left" in name for name in titles):
        found.append("the main plot has no title on the left")
    if shown and not any("bottom" in name for name in titles):
        found.append("no plot has a title below")
    return found


class Studio:
    """A window of one palette and size, and pictures of it."""

    def __init__(self, qtbot: QtBot, folder: Path, palette: str, size: tuple[int, int]) -> None:
        link: Any = FakeLink()
        theme = Theme()
        theme.choose(palette, 10)
        self.link: FakeLink = link
        self.window = Window(link, Settings(folder / "window.json"), theme)
        self.window.resize(*size)
        self.window.show()
        qtbot.waitExposed(self.window)
        self.context = self.window.context
        self.problems: list[str] = []
        self.guards = guards()
        self._qtbot = qtbot
        self._size = size
        if FOLDER is not None:
            FOLDER.mkdir(parents=True, exist_ok=True)
        self._suffix = f"{palette}-{size[0]}x{size[1]}"

    def answer(self) -> None:
        """What a station says to the questions of the panels."""
        answers: dict[str, Any] = {
            "runs": {"runs": RUNS}, "check_scan": CHECKED, "theory": theory(spectrum()),
            "history": {}, "protection": self.guards,
        }  # fmt: skip
        for sent in tuple(self.link.sent):
            if sent.name == "run_data":
                run_id = str(sent.arguments["run"])
                answers["run_data"] = run_data(run_id, spectrum(seed=2), spectrum_fit())
            if sent.name in answers:
                self.link.sent.remove(sent)
                sent.done(answers[sent.name])

    def until(self, done: Callable[[], bool]) -> None:
        """The station answers until this is so: what it fills is to be pictured filled."""

        def answered() -> bool:
            self.answer()
            return done()

        self._qtbot.waitUntil(answered)

    def take(self, name: str, widget: QWidget | None = None) -> None:
        """A picture of the window or of a part, and what is cut off or overlaps in it."""
        for _ in range(2):  # an answer may lead to another question
            self.answer()
            self._qtbot.wait(20)
        found = self._settled(widget or self.window)
        picture = (widget or self.window).grab()
        assert not picture.isNull()
        if FOLDER is not None:
            assert picture.save(str(FOLDER / f"{name}-{self._suffix}.png"))
        self.problems += [f"{name}: {what}" for what in found]
        if widget is None:
            assert (picture.width(), picture.height()) == self._size, name

    def _settled(self, part: QWidget) -> list[str]:
        """What is cut off or overlaps once the layout has come to rest."""
        for _ in range(SETTLE_TURNS):
            found = [*cut_off(part), *overlaps(part), *not_whole(self.window.sweep.plot)]
            if not found:
                break
            self._qtbot.wait(20)
        return found

    def take_panel(self, panel: str, name: str) -> None:
        """A picture of one panel in its dock, which must have the room that it needs."""
        self.window.show_panel(panel)
        dock = self.window.docks[panel]
        self.take(f"panel-{panel}-{name}", dock)
        inside = dock.widget()
        needed = inside.minimumSizeHint()
        if inside.width() < needed.width() or inside.height() < needed.height():
            self.problems.append(f"{panel}-{name}: smaller than it needs to be")

    def take_panels(self, name: str) -> None:
        for spec in PANELS:
            self.take_panel(spec.id, name)

    def look_for_switches(self, name: str) -> None:
        """The switches of the light must not scroll away, whatever the state."""
        self.window.show_panel("amplifier")
        self._settled(self.window)
        amplifier: Any = self.window.docks["amplifier"].widget()
        switches = amplifier.switches
        whole = switches.visibleRegion().boundingRect() == switches.rect()
        if amplifier.area.isAncestorOf(switches) or not whole:
            self.problems.append(f"{name}: the switches of the light are not in sight")

    def tidy(self) -> None:
        """Away with the toasts of the last scene."""
        for toast in tuple(self.window.shell.toasts.shown):
            self.window.shell.toasts.dismiss(toast)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param


@pytest.fixture(params=["dark", "light"])
def studio(
    qtbot: QtBot, tmp_path: Path, size: tuple[int, int], request: pytest.FixtureRequest
) -> Iterator[Studio]:
    studio = Studio(qtbot, tmp_path, request.param, size)
    yield studio
    if isValid(studio.window):
        studio.window.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


@pytest.mark.timeout(180)
def test_every_picture(studio: Studio) -> None:
    """One window goes through all scenes: to make it costs as much as ten pictures."""
    for scene in (
        states_of_the_window, panels_live, panels_in_trouble, panels_stale,
        what_opens_over_the_window, scan_editor_and_runs,
    ):  # fmt: skip
        studio.link.go(LinkState.CONNECTED, "station 'test-rig'")
        scene(studio)
        studio.tidy()
    assert not studio.problems, "\n".join(studio.problems)


def states_of_the_window(studio: Studio) -> None:
    (banner,) = studio.window.findChildren(NoStation)
    for name, feed in BEFORE.items():
        feed(studio.link)
        banner._patience.timeout.emit()
        studio.take(f"state-{name}")
    for name, feed in STATES.items():
        studio.link.go(LinkState.CONNECTED, "station 'test-rig'")
        feed(studio.link)
        banner._patience.timeout.emit()
        studio.take(f"state-{name}")
        studio.look_for_switches(f"state-{name}")
        studio.tidy()


def panels_live(studio: Studio) -> None:
    running(studio.link)
    feed_history(studio.link)
    studio.take_panels("live")
    software_lock(studio.link)
    studio.take_panel("lock", "software")


def panels_in_trouble(studio: Studio) -> None:
    studio.guards = guards(armed=False)
    trouble(studio.link)
    studio.link.feed(
        queue__state="paused", queue__paused=True,
        queue__reason="entry 3 (sideband scan) failed: sideband: 120 MHz asked for; 10 to 100 MHz "
        "allowed",
    )  # fmt: skip
    for panel in ("amplifier", "lock", "slow", "camera", "calibrations", "queue", "power", "trap",
                  "sideband", "cell"):  # fmt: skip
        studio.take_panel(panel, "trouble")
    studio.look_for_switches("an unarmed guard")
    amplifier: Any = studio.window.docks["amplifier"].widget()
    area = amplifier.area
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    studio.take_panel("amplifier", "guards")
    studio.guards = guards()
    calibrating(studio.link)
    studio.take_panel("calibrations", "under-way")


def panels_stale(studio: Studio) -> None:
    running(studio.link)
    feed_history(studio.link)
    studio.link.go(LinkState.LOST, "station 'test-rig' does not answer")
    studio.take_panels("stale")


def what_opens_over_the_window(studio: Studio) -> None:
    window, context, link = studio.window, studio.context, studio.link
    actions, shell = context.actions, window.shell
    shell.view.save("night shift")
    running(link)
    actions["help.palette"].trigger()
    studio.take("over-palette")
    studio.take("over-palette-alone", shell.palette)
    shell.palette.close_up()
    actions["help.keys"].trigger()
    studio.take("over-keys-alone", shell.keys)
    shell.keys.close()
    actions["help.about"].trigger()
    studio.take("over-about-alone", shell.about)
    shell.about.close()
    for action_id in ("run.abort", "view.save", "view.restore"):
        actions[action_id].trigger()
        (dialog,) = (w for w in QApplication.topLevelWidgets() if isinstance(w, SideDialog) and
                     w.isVisible())  # fmt: skip
        studio.take(f"over-{action_id.replace('.', '-')}-alone", dialog)
        dialog.close()
    sideband = window.docks["sideband"]
    window.show_panel("sideband")
    sideband.setFloating(True)
    studio.take("over-floating-alone", sideband)
    sideband.setFloating(False)
    actions["preset.save"].trigger()
    studio.take("over-preset-name-alone", shell.presets.save_dialog)
    shell.presets.save_dialog.close()
    idle(link)
    link.feed(station__control=link.name)
    shell.presets.keep("night")
    kept = dict(present(context.readings))
    link.feed(light__detuning_set=120.0, sideband__on=True, trap__isotope=81,
              amplifier__seed_current_set=88.0)  # fmt: skip
    assert present(context.readings) != kept
    actions["preset.apply"].trigger()
    studio.take("over-preset-alone", shell.presets.apply_dialog)
    shell.presets.apply_dialog.close()
    actions["help.tour"].trigger()
    studio.take("over-tour")
    shell.tour.close()
    context.notices.info("scan editor: centred on 11/2-13/2 of 85Kr, 52 MHz as set")
    context.notices.warn("STOP: amplifier: ramped down and off; trap: dark; camera: gain 0, closed")
    context.notices.error("camera: no frame for 5.0 s; restart the camera's server, then resume")
    studio.take("over-toasts")


def scan_editor_and_runs(studio: Studio) -> None:
    window, context, link = studio.window, studio.context, studio.link
    idle(link)
    editor: Any = window.docks["editor"].widget()
    window.show_panel("editor")
    editor.document.put(("part", 0, "dwell_s"), -5.0)
    studio.take("editor-error", editor)
    editor.document.put(("part", 0, "dwell_s"), 60.0)
    editor.form_area.verticalScrollBar().setValue(0)
    studio.until(lambda: editor.check.answer is not None)
    for index in range(editor.tabs.count()):
        editor.tabs.setCurrentIndex(index)
        studio.take(f"editor-tab{index}", editor)
    queue: Any = window.docks["queue"].widget()
    window.show_panel("queue")
    studio.take("queue-empty", queue)
    context.actions["queue.add"].trigger()
    queue.deeds.add_dialog.not_before.setText("2026-11-28T22:00+01:00")
    queue.deeds.add_dialog.refuse("the scan cannot be used: " + OUTPUT_MISSING)
    studio.take("queue-add-alone", queue.deeds.add_dialog)
    queue.deeds.add_dialog.close()
    link.feed(queue__table=night())
    queue.table.selectRow(2)
    context.actions["queue.change"].trigger()
    studio.take("queue-change-alone", queue.deeds.change_dialog)
    queue.deeds.change_dialog.close()
    link.feed(queue__table=table())
    window.show_panel("editor")
    running(link)
    editor.tabs.setCurrentIndex(editor.tabs.count() - 1)
    studio.until(lambda: editor.check.answer is not None)
    studio.take("editor-under-way", editor)
    window.show_panel("runs")
    runs: Any = window.docks["runs"].widget()
    studio.take("runs-list", runs)
    runs.table.selectRow(1)
    studio.until(lambda: "being read" not in runs.details.toPlainText())
    studio.take("runs-chosen", runs)
    context.actions["runs.compare"].trigger()
    studio.take("runs-compare")
    context.actions["runs.open"].trigger()
    studio.take("runs-earlier")


@pytest.mark.parametrize("size_pt", [10, 14])
def test_what_to_do_first_stands_whole_in_the_empty_plot(studio: Studio, size_pt: int) -> None:
    """Before the station has answered anything."""
    studio.context.theme.choose(size_pt=size_pt)
    plot = studio.window.sweep.plot
    studio._qtbot.wait(100)
    if FOLDER is not None:
        assert studio.window.grab().save(str(FOLDER / f"first-{size_pt}pt-{studio._suffix}.png"))
    assert plot.answer.isVisible()
    assert not_whole(plot) == []
    assert overlaps(studio.window) == []


def test_large_text(studio: Studio) -> None:
    """In a window of its own, whose layout nothing has changed."""
    studio.context.theme.choose(size_pt=14)
    running(studio.link)
    editor: Any = studio.window.docks["editor"].widget()
    studio.until(lambda: editor.check.answer is not None)
    view = studio.window.sweep

    def whole() -> bool:
        measured = view.table.table.minimumWidth() > 0
        return measured and view.results.viewport().width() >= view.table.minimumSizeHint().width()

    studio.until(whole)
    studio.take("large-running")
    assert whole(), "the fit's values do not reach below the scroll bar"
    plot = studio.window.sweep.plot
    line = plot.fontMetrics().height()
    assert plot.box.size().height() > 4 * line, "the points can be seen"
    assert not studio.problems, "\n".join(studio.problems)
