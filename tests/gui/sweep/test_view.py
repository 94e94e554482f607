"""The sweep view in a window of its own, fed as the station would."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import fakes_sweep as made
import numpy as np
import pyqtgraph as pg
import pytest
from fakes_gui import RIG, FakeLink
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from atta_daq.client.log import Alarm, alarms_to_json
from gui.context import Context
from gui.link.station import LinkState
from gui.sweep.axes import Quantity
from gui.sweep.view import SweepView
from gui.theme.palettes import Tone

DOPPLER = RIG.doppler_odd_mhz


@dataclass
class FakeEditor:
    centred: list[tuple[int, float]] = field(default_factory=list)
    ranges: list[tuple[float, float]] = field(default_factory=list)

    does: bool = True

    def centre_on(self, isotope: int, detuning_mhz: float) -> bool:
        self.centred.append((isotope, detuning_mhz))
        return self.does

    def set_range(self, start_mhz: float, stop_mhz: float) -> bool:
        self.ranges.append((start_mhz, stop_mhz))
        return self.does


@pytest.fixture
def editor(context: Context) -> FakeEditor:
    editor = FakeEditor()
    context.services["editor"] = editor
    return editor


def drawn(view: SweepView) -> Any:
    assert view.picture is not None
    return view.picture


def scatter_x(view: SweepView) -> np.ndarray:
    return np.asarray(view.plot.layers.on.scatter.getData()[0])


def test_nothing_yet(view: SweepView) -> None:
    assert "No run yet" in view.plot.heading.texts
    assert view.table.included.text() == "No fit yet"
    assert view.minimumSizeHint().width() <= 900


def test_without_a_station_nothing_is_to_be_started_or_pointed_at(
    view: SweepView, link: FakeLink
) -> None:
    answer = view.plot.answer.toPlainText
    assert answer() == "Prepare a scan below and start it"
    link.feed(station__rig="")
    link.go(LinkState.REFUSED, "another version")
    assert answer() == "Prepare a scan below and start it once a station is connected"
    assert view.readout.full == ""
    link.go(LinkState.CONNECTED, "station 'test-rig'")
    assert answer() == "Prepare a scan below and start it"
    link.feed(station__rig=json.dumps(RIG.to_dict()))
    assert view.readout.full == "Click on a component to centre a scan there"
    link.feed(**made.live(made.spectrum()))
    assert view.readout.full.startswith("Point at the plot to read it; click on a component")
    link.feed(**made.live(made.on_off(), run_id="another"))
    assert view.readout.full == "Point at the plot to read it"


def test_it_is_the_service(view: SweepView, context: Context) -> None:
    assert context.services["sweep"] is view
    assert [name for name in context.actions.unbound() if name.startswith("sweep.")] == []


def test_a_run_appears_point_by_point(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(taken=10)))
    assert scatter_x(view).size == 10
    assert not view.plot.below.isVisible()
    link.feed(run__points=made.live(made.spectrum(taken=30))["run__points"])
    assert scatter_x(view).size == 30
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    assert view.plot.below.isVisible()
    texts = view.plot.heading.texts
    assert "85Kr, co-propagating light" in texts
    assert "20261122-1229-85Kr-spectrum" in texts
    assert "fit includes blocks up to 12" in texts
    assert view.table.table.item(0, 1).text() == "2510 ± 60 atoms/h"
    assert "describes the data" in view.table.verdict.text()


def test_error_bars_of_the_residuals_end_within_the_frame(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    residual = drawn(view).residual
    for far in (2.5, 5.0):
        residual[0] = far
        view.plot.draw(drawn(view), (), theory=True, residuals=True)
        low, high = view.plot.below_box.viewRange()[1]
        assert high > far + 1.0
        assert low == -high


def test_minus_signs_are_true_on_every_axis(view: SweepView, link: FakeLink) -> None:
    for plot in (view.plot.main, view.plot.below):
        for side in ("left", "bottom"):
            assert plot.getAxis(side).tickStrings([-2.0], 1.0, 1.0) == ["−2"], side


def test_provisional_points_are_hollow(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(taken=10)))
    points = drawn(view).points
    assert points.provisional.sum() == 2
    ground = view.context.theme.palette.surface
    brushes = [p.brush().color().name() for p in view.plot.layers.on.scatter.points()]
    assert [b == ground for b in brushes] == points.provisional[points.pumped].tolist()


def test_a_hidden_view_draws_when_it_is_shown(view: SweepView, link: FakeLink) -> None:
    view.hide()
    link.feed(**made.live(made.spectrum()))
    assert scatter_x(view).size == 0
    view.show()
    assert scatter_x(view).size == 41


def test_items_are_reused(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(taken=10), made.spectrum_fit(2)))
    before = [id(item) for item in view.plot.main.items]
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    assert [id(item) for item in view.plot.main.items] == before


def test_left_axes_are_aligned(view: SweepView, link: FakeLink, qtbot: QtBot) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    boxes = view.plot.box, view.plot.below_box

    def aligned() -> None:
        left, right = (
            {round(getattr(box.sceneBoundingRect(), side)(), 3) for box in boxes}
            for side in ("left", "right")
        )
        assert len(left) == len(right) == 1

    qtbot.waitUntil(lambda: view.plot.below_box.height() > 20.0)
    aligned()
    assert view.plot.below_box.viewRange()[0] == view.plot.box.viewRange()[0]


def test_at_rest_subtracts_the_doppler_shift(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    as_set, marks = scatter_x(view), view.plot.strip.marks
    context.actions["sweep.at_rest"].trigger()
    np.testing.assert_allclose(scatter_x(view), as_set - DOPPLER)
    assert view.plot.strip.marks[0].x == pytest.approx(marks[0].x - DOPPLER)
    assert "at rest" in view.plot.main.getAxis("bottom").labelText
    context.actions["sweep.at_rest"].trigger()
    np.testing.assert_allclose(scatter_x(view), as_set)


def test_layers_are_switched_by_their_actions(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    part = made.spectrum()
    link.feed(**made.live(part, made.spectrum_fit()))
    link.sent[-1].done(made.theory(part))
    plot = view.plot
    states: dict[str, Callable[[], bool]] = {
        "sweep.components": lambda: bool(plot.strip.marks),
        "sweep.theory": plot.layers.theory.line.isVisible,
        "sweep.residuals": plot.below.isVisible,
    }
    for action_id, shown in states.items():
        assert shown(), action_id
        context.actions[action_id].trigger()
        assert not shown(), action_id
        context.actions[action_id].trigger()
        assert shown(), action_id


def test_theory_is_asked_for_once_a_run(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(taken=0)))
    link.feed(**made.live(made.spectrum(taken=5)))
    asked = [sent for sent in link.sent if sent.name == "theory"]
    assert [sent.arguments for sent in asked] == [{"scan": 'name = "spectrum"'}]
    link.feed(**made.live(made.spectrum(taken=0), run_id="another"))
    asked[0].done(made.theory(made.spectrum()))
    assert drawn(view).theory is None, "that was of the run before"


def test_theory_before_the_data_and_then_with_them(view: SweepView, link: FakeLink) -> None:
    part = made.spectrum()
    link.feed(**made.live(made.spectrum(taken=0)))
    link.sent[-1].done(made.theory(part))
    assert drawn(view).unit == "%"
    assert view.plot.layers.theory.line.isVisible()
    link.feed(**made.live(part))
    assert drawn(view).unit == "atoms/h"
    assert drawn(view).theory_scale == "scaled to the background"


def test_a_refused_theory_is_a_notice(view: SweepView, link: FakeLink, context: Context) -> None:
    link.feed(**made.live(made.spectrum(taken=0)))
    link.sent[-1].refused("no model for this axis")
    assert "no model for this axis" in context.notices.history[-1].text


def test_preview_shows_the_next_scan_between_runs(view: SweepView, link: FakeLink) -> None:
    view.preview(made.theory(made.spectrum()))
    assert drawn(view).name == "85Kr (next scan)"
    assert view.plot.layers.theory.line.isVisible()
    link.feed(**made.live(made.on_off(), made.on_off_fit()))
    assert drawn(view).name == "81Kr", "a run under way comes first"


def test_manual_zoom_stays_until_whole(view: SweepView, link: FakeLink, context: Context) -> None:
    link.feed(**made.live(made.spectrum(taken=20)))
    plot = view.plot
    plot.setFocus()
    plot.box.setXRange(0.0, 100.0, padding=0.0)
    plot.box.sigRangeChangedManually.emit([True, True])
    link.feed(run__points=made.live(made.spectrum())["run__points"])
    assert plot.box.viewRange()[0] == [0.0, 100.0]
    context.actions["sweep.whole"].trigger()
    left, right = plot.box.viewRange()[0]
    assert left < -600.0
    assert right > 1400.0


def test_readout_of_the_nearest_point(view: SweepView, link: FakeLink, qtbot: QtBot) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    point = drawn(view).points.source[7]
    scene = view.plot.box.mapViewToScene(QPointF(point.detuning_mhz, point.ratio))
    view.plot.scene().sigMouseMoved.emit(scene)
    text = view.readout.full
    assert f"{point.counts} counts in 240 s" in text
    assert "atoms/h" in text
    view.plot.setFocus()
    qtbot.keyClick(view.plot, Qt.Key.Key_Home)
    view.plot.hide_crosshair()
    qtbot.keyClick(view.plot, Qt.Key.Key_Period)
    assert "at −600.0 MHz" in view.readout.full
    qtbot.keyClick(view.plot, Qt.Key.Key_Period)
    assert "at −550.0 MHz" in view.readout.full


def click(qtbot: QtBot, view: SweepView, scene: QPointF, **more: Any) -> None:
    spot = view.plot.mapFromScene(scene)
    qtbot.mouseMove(view.plot.viewport(), spot)
    qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=spot, **more)


@pytest.mark.parametrize("at_rest", [False, True])
def test_a_click_on_a_component_centres_the_scan_as_set(
    view: SweepView, link: FakeLink, context: Context, editor: FakeEditor, qtbot: QtBot,
    at_rest: bool,
) -> None:  # fmt: skip
    link.feed(**made.live(made.spectrum()))
    if at_rest:
        context.actions["sweep.at_rest"].trigger()
    closed = next(mark for mark in view.plot.strip.marks if mark.name == "11/2-13/2")
    low, high = view.plot.box.viewRange()[1]
    click(qtbot, view, view.plot.box.mapViewToScene(QPointF(closed.x, 0.05 * low + 0.95 * high)))
    assert editor.centred == [(85, closed.as_set_mhz)]
    assert closed.as_set_mhz == pytest.approx(-204.0 + DOPPLER, abs=1.0)


def test_a_component_is_centred_by_keys(
    view: SweepView, link: FakeLink, editor: FakeEditor, qtbot: QtBot
) -> None:
    link.feed(**made.live(made.spectrum()))
    view.plot.setFocus()
    for key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageDown, Qt.Key.Key_Return):
        qtbot.keyClick(view.plot, key)
    assert editor.centred == [(85, view.plot.strip.marks[1].as_set_mhz)]


def test_what_the_editor_did_not_do_is_not_called_done(
    view: SweepView, link: FakeLink, context: Context, editor: FakeEditor, qtbot: QtBot
) -> None:
    link.feed(**made.live(made.spectrum()))
    editor.does = False
    view.plot.setFocus()
    for key in (Qt.Key.Key_PageDown, Qt.Key.Key_Return):
        qtbot.keyClick(view.plot, key)
    assert editor.centred
    assert not context.notices.history


def test_without_an_editor_a_click_says_so(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    link.feed(**made.live(made.spectrum()))
    view.plot.component_picked.emit(view.plot.strip.marks[0])
    assert context.notices.history[-1].tone is Tone.WARNING


def test_shift_and_drag_chooses_a_range_as_set(
    view: SweepView, link: FakeLink, context: Context, editor: FakeEditor, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # Moves that come faster than any hand's are dropped by default.
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)
    link.feed(**made.live(made.spectrum()))
    context.actions["sweep.at_rest"].trigger()
    plot, shift = view.plot, Qt.KeyboardModifier.ShiftModifier
    before = plot.box.viewRange()
    middle = sum(before[1]) / 2.0
    start, half, stop = (
        plot.mapFromScene(plot.box.mapViewToScene(QPointF(x, middle)))
        for x in (-300.0, 100.0, 500.0)
    )
    qtbot.mouseMove(plot.viewport(), start)
    qtbot.mousePress(plot.viewport(), Qt.MouseButton.LeftButton, shift, start)
    for spot in (half, stop):
        _drag(plot.viewport(), spot, shift)
    qtbot.mouseRelease(plot.viewport(), Qt.MouseButton.LeftButton, shift, stop)
    assert len(editor.ranges) == 1
    assert editor.ranges[0] == pytest.approx((-300.0 + DOPPLER, 500.0 + DOPPLER), abs=8.0)
    assert plot.box.viewRange() == before
    assert view.range_button.isChecked()
    view.range_button.click()
    assert not plot.region.visible


@pytest.mark.parametrize("residuals", [True, False])
def test_a_plain_drag_on_the_axis_chooses_a_range(
    view: SweepView, link: FakeLink, context: Context, editor: FakeEditor, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch, residuals: bool,
) -> None:  # fmt: skip
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)
    link.feed(**made.live(made.spectrum(), made.spectrum_fit() if residuals else None))
    plot, none = view.plot, Qt.KeyboardModifier.NoModifier
    assert plot.below.isVisible() == residuals
    before = plot.box.viewRange()
    axis = plot.axes[1 if residuals else 0]
    qtbot.wait(50)  # the residuals get their place
    height = axis.sceneBoundingRect().center().y()
    start, half, stop = (
        plot.mapFromScene(QPointF(plot.box.mapViewToScene(QPointF(x, 0.0)).x(), height))
        for x in (-300.0, 100.0, 500.0)
    )
    qtbot.mouseMove(plot.viewport(), start)
    qtbot.mousePress(plot.viewport(), Qt.MouseButton.LeftButton, none, start)
    _drag(plot.viewport(), half, none)
    assert plot.region.visible, "it is shown while it is dragged"
    assert editor.ranges == []
    _drag(plot.viewport(), stop, none)
    qtbot.mouseRelease(plot.viewport(), Qt.MouseButton.LeftButton, none, stop)
    assert len(editor.ranges) == 1
    assert editor.ranges[0] == pytest.approx((-300.0, 500.0), abs=8.0)
    assert plot.box.viewRange() == before
    assert view.range_button.isChecked()


def test_a_drag_on_the_axis_of_another_scan_moves_it(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.saturation(), made.saturation_fit()))
    assert not any(axis.chooses for axis in view.plot.axes)
    link.feed(**made.live(made.spectrum()))
    assert all(axis.chooses for axis in view.plot.axes)


def _drag(widget: QWidget, spot: Any, modifiers: Qt.KeyboardModifier) -> None:
    """A move with the button held, which QTest cannot do."""
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(spot), QPointF(widget.mapToGlobal(spot)),
        Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, modifiers,
    )  # fmt: skip
    QCoreApplication.sendEvent(widget, event)


def test_range_only_of_spectra(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.saturation(), made.saturation_fit()))
    assert not view.range_button.isEnabled()
    assert not view.plot.strip.isVisible()


def test_an_earlier_run_is_shown_with_a_banner(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    link.feed(**made.live(made.spectrum(taken=10)))
    view.show_run(made.run_data("earlier-run", made.saturation(), made.saturation_fit()))
    assert view.banner.isVisible()
    assert "Earlier run earlier-run" in view.banner.text()
    assert "earlier-run" in view.plot.heading.texts
    link.feed(**made.live(made.spectrum(taken=12)))
    assert drawn(view).name == "84Kr", "the live run goes on behind it"
    view.show_live()
    assert not view.banner.isVisible()
    assert scatter_x(view).size == 12


def test_earlier_runs_behind_the_live_one(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    link.feed(**made.live(made.spectrum()))
    for number in range(6):
        view.compare(made.run_data(f"run-{number}", made.spectrum(seed=number)))
    texts = view.plot.heading.texts
    assert [f"run-{n}" in texts for n in range(6)] == [True] * 6
    colours = {
        (entry.sample, entry.colour)
        for entry in view.plot.layers.earlier_entries([f"run-{n}" for n in range(6)])
    }
    assert len(colours) == 6
    view.compare(made.run_data("run-6", made.spectrum(seed=6)))
    assert "remove them first" in context.notices.history[-1].text
    assert "run-6" not in view.plot.heading.texts
    assert view.forget_button.isVisible()
    context.actions["sweep.forget"].trigger()
    assert not any(text.startswith("run-") for text in view.plot.heading.texts)
    assert not view.forget_button.isVisible()


def test_overlays_use_their_own_geometry(view: SweepView, link: FakeLink, context: Context) -> None:
    link.feed(**made.live(made.spectrum()))
    view.compare(made.run_data("counter", made.spectrum(), geometry="counter"))
    context.actions["sweep.at_rest"].trigger()
    points, _ = view.plot.layers._earlier[0]
    np.testing.assert_allclose(
        points.scatter.getData()[0] - scatter_x(view), 2.0 * DOPPLER, atol=1e-9
    )


def test_an_overlay_without_such_a_part_waits(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    link.feed(**made.live(made.spectrum()))
    view.compare(made.run_data("other", made.saturation()))
    assert "no part like" in context.notices.history[-1].text
    assert "other" not in view.plot.heading.texts


@pytest.mark.parametrize("broken", [{}, {"info": {}, "points": [], "fits": {}}, {"info": None}])
def test_unreadable_data_are_an_error_not_a_crash(
    view: SweepView, context: Context, broken: dict[str, Any]
) -> None:
    view.show_run(broken)
    view.compare(broken)
    assert [notice.tone for notice in context.notices.history] == [Tone.DANGER] * 2


def test_on_off_shows_the_increase(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.on_off(), made.on_off_fit()))
    assert view.plot.answer.toPlainText() == "increase by pumping 57 ± 8 %"
    assert view.plot.layers.bars.isVisible()
    assert not view.plot.below.isVisible()


def test_quantity_increase(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    box = view.chooser.quantity
    box.setCurrentIndex(box.findData(Quantity.INCREASE))
    view.chooser.changed.emit()
    assert drawn(view).unit == "%"
    assert "increase" in view.plot.main.getAxis("left").labelText


def test_the_chosen_part_stays_until_another_run(view: SweepView, link: FakeLink) -> None:
    both = made.live(made.spectrum(taken=10), made.spectrum_fit())
    from dataclasses import asdict

    parts = [asdict(made.spectrum(taken=10)), asdict(made.on_off())]
    both["run__points"] = json.dumps(parts)
    link.feed(**both)
    assert drawn(view).name == "81Kr", "its points are the newest"
    assert view.chooser.part.itemText(0) == "being taken: 81Kr"
    view.chooser.part.setCurrentIndex(view.chooser.part.findData("85Kr"))
    view.chooser.changed.emit()
    assert drawn(view).name == "85Kr"
    link.feed(**{**both, "run__state": "paused"})
    assert drawn(view).name == "85Kr"
    link.feed(**{**both, "run__info": made.info("another").to_json()})
    assert drawn(view).name == "81Kr"


def test_time_to_a_wanted_error(view: SweepView, link: FakeLink, qtbot: QtBot) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    wanted = view.wanted
    assert wanted.parameter.currentText() == "increase, closed line"
    # 41 points of 240 s gave 4.17 %; half of it takes three times as long again.
    qtbot.keyClicks(wanted.wanted, "2.085")
    assert wanted.answer.text() == "error so far 4.2 %; 8 h 12 min more with light on"
    wanted.wanted.setText("10")
    assert wanted.answer.text().startswith("reached")
    wanted.wanted.setText("soon")
    assert "not a positive number" in wanted.answer.text()
    assert wanted.wanted.property("wrong")


def test_the_error_of_a_run_that_is_over_is_its_last(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    said = view.wanted.answer.text
    assert said() == "error so far: 4.2 %"
    over = made.live(made.spectrum(), made.spectrum_fit(), state="complete")
    link.feed(**{**over, "run__state": "idle"})
    assert said() == "error: 4.2 %"
    link.feed(**made.live(made.spectrum(), made.spectrum_fit(), run_id="another"))
    assert said() == "error so far: 4.2 %"
    view.show_run(made.run_data("earlier-run", made.spectrum(), made.spectrum_fit()))
    assert said() == "error: 4.2 %"


def test_time_on_the_clock_at_the_rate_of_the_rig(view: SweepView, link: FakeLink) -> None:
    from dataclasses import replace

    link.feed(station__rig=json.dumps(replace(RIG, rate=120.0).to_dict()))
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    view.wanted.wanted.setText("2.085")
    assert view.wanted.answer.text().endswith("8 h 12 min more with light on (4 min on the clock)")


@pytest.mark.parametrize("palette", ["dark", "light"])
def test_both_palettes_reach_everything(
    view: SweepView, link: FakeLink, context: Context, palette: str
) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    context.theme.choose(palette)
    colours = context.theme.palette
    assert view.plot.layers.fit.line.opts["pen"].color().name() == colours.series[1]
    assert view.plot.backgroundBrush().color().name() == colours.surface
    assert view.plot.main.getAxis("left").textPen().color().name() == colours.muted


def titles_touch(view: SweepView) -> bool:
    """The upright titles of the two left axes lie over each other."""
    high, low = (
        plot.getAxis("left").label.sceneBoundingRect() for plot in (view.plot.main, view.plot.below)
    )
    return view.plot.below.isVisible() and high.bottom() > low.top() + 3.0


@pytest.mark.parametrize("height", range(300, 620, 20))
def test_titles_of_the_left_axes_never_touch(
    view: SweepView, link: FakeLink, qtbot: QtBot, height: int
) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    view.resize(780, height)
    qtbot.wait(50)
    assert not titles_touch(view)
    axis = view.plot.main.getAxis("left")
    assert axis.label.boundingRect().width() <= axis.size().height() + 8.0


def test_a_low_plot_has_a_title_in_two_lines_and_no_residuals(
    view: SweepView, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    residuals = context.actions["sweep.residuals"]
    assert residuals.isEnabled()
    view.resize(780, 330)
    qtbot.waitUntil(lambda: not view.plot.below.isVisible())
    assert view.plot.main.getAxis("left").labelText == "85Kr rate<br>(atoms/h)"
    assert not residuals.isEnabled(), "its button must not look lit"
    assert "too low" in residuals.toolTip()
    view.resize(900, 600)
    qtbot.waitUntil(view.plot.below.isVisible)
    assert residuals.isEnabled()


def test_layers_without_anything_to_draw_cannot_be_lit(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    link.feed(**made.live(made.spectrum()))
    reasons = {
        name: context.actions.why_not(f"sweep.{name}")
        for name in ("components", "theory", "residuals")
    }
    assert reasons == {
        "components": "", "theory": "there is no theory for what is drawn",
        "residuals": "no fit is drawn",
    }  # fmt: skip
    assert not context.actions["sweep.theory"].isEnabled()


def test_components_are_not_marked_before_their_places_are_known(
    view: SweepView, link: FakeLink, context: Context, editor: FakeEditor, qtbot: QtBot
) -> None:
    link.feed(station__rig="")
    view.preview(made.theory(made.spectrum()))
    assert view.plot.strip.marks == ()
    assert not context.actions["sweep.components"].isEnabled()
    low, high = view.plot.box.viewRange()[1]
    click(qtbot, view, view.plot.box.mapViewToScene(QPointF(-204.0, 0.5 * (low + high))))
    assert not editor.centred


def test_theory_alone_is_named_an_increase(view: SweepView, link: FakeLink) -> None:
    view.preview(made.theory(made.spectrum()))
    box = view.chooser.quantity
    assert box.currentData() is Quantity.INCREASE
    assert not box.isEnabled()
    link.feed(**made.live(made.spectrum()))
    assert box.currentData() is Quantity.RATE, "what the operator chose"
    assert box.isEnabled()


def test_a_run_that_ended_is_the_last_run_and_says_how(view: SweepView, link: FakeLink) -> None:
    view.preview(made.theory(made.spectrum()))
    over = made.live(made.spectrum(), state="aborted", outcome="camera: no frame for 5.0 s")
    link.feed(**{**over, "run__state": "idle"})
    assert view.chooser.part.itemText(0) == "last run: 85Kr"
    assert view.standing.isVisible()
    assert (view.standing.word, view.standing.tone) == ("aborted", Tone.WARNING)
    assert view.standing_said.full == "camera: no frame for 5.0 s"
    # The station's own words are there: as loud as in the strip, until it has been seen.
    said = "run a run: aborted, camera: no frame for 5.0 s"
    alarm = Alarm("run:fault", "run", said, "major", 1.0, False, False)
    link.feed(run__id="a run", run__outcome="aborted: camera: no frame for 5.0 s",
              station__alarms=alarms_to_json([alarm]))  # fmt: skip
    assert (view.standing.word, view.standing.tone) == ("aborted", Tone.DANGER)
    link.feed(station__alarms="[]")
    assert (view.standing.word, view.standing.tone) == ("aborted", Tone.OFF)
    link.feed(**made.live(made.spectrum(), run_id="another"))
    assert not view.standing.isVisible()
    assert view.chooser.part.itemText(0) == "being taken: 85Kr"


def test_data_of_a_lost_station_are_marked_as_not_current(
    view: SweepView, link: FakeLink, context: Context
) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    assert view.plot.box.childGroup.opacity() == 1.0
    points = context.readings.value("run:points")
    moment = 1_795_903_200.0
    link.feed(run__points=replace(points, utc_s=moment))
    context.readings.age("station 'test-rig' does not answer")
    assert view.chooser.part.itemText(0) == "last known: 85Kr"
    assert view.standing.tone is Tone.STALE
    assert view.standing.word == f"as of {datetime.fromtimestamp(moment):%H:%M}"
    assert view.plot.box.childGroup.opacity() < 0.6
    assert not view.table.isEnabled()
    assert view.wanted.answer.text() == "last known error: 4.2 %"
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    assert view.plot.box.childGroup.opacity() == 1.0
    assert view.table.isEnabled()


def test_the_fit_table_is_as_high_as_its_rows(
    view: SweepView, link: FakeLink, qtbot: QtBot
) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    table = view.table.table
    qtbot.waitUntil(lambda: table.viewport().height() == table.verticalHeader().length())
    assert not table.verticalScrollBar().isVisible()
    view.resize(900, 330)
    qtbot.wait(50)
    assert table.viewport().height() == table.verticalHeader().length()


def test_a_shown_run_is_not_compared_with_itself(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum()))
    earlier = made.run_data("earlier-run", made.spectrum(seed=3))
    view.compare(earlier)
    view.compare(made.run_data("other-run", made.spectrum(seed=4)))
    view.show_run(earlier)
    assert [name for name, _ in view._earlier] == ["other-run"]
    assert view.plot.heading.texts.count("earlier-run") == 1


def test_a_narrow_heading_keeps_the_run(view: SweepView, link: FakeLink, qtbot: QtBot) -> None:
    link.feed(**made.live(made.spectrum()))
    heading = view.plot.heading
    assert heading.head == "85Kr, co-propagating light"
    view.context.theme.choose(size_pt=16)
    view.resize(view.minimumSizeHint().width(), 600)
    qtbot.waitUntil(lambda: heading.head == "85Kr, co")
