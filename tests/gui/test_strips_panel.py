"""The strip charts."""

import numpy as np
import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot
from window_states import slow

from atta_daq.client.names import READINGS
from gui.context import Context
from gui.link.station import LinkState
from gui.link.values import MAJOR, Value
from gui.panels.strips import CAPACITY, FIRST_CHOICE, OFFERED, StripsPanel
from gui.widgets.plot import ThemedPlot

START_S = 1.7e9


@pytest.fixture
def panel(context: Context, qtbot: QtBot) -> StripsPanel:
    return shown(context, qtbot)


def shown(context: Context, qtbot: QtBot) -> StripsPanel:
    panel = StripsPanel(context)
    qtbot.addWidget(panel)
    panel.resize(320, 300)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def beat(link: FakeLink, at_s: float, **readings: object) -> None:
    utc_s = START_S + at_s
    link.feed(station__rig_time=Value(0.0, 0, "", utc_s), **readings)


def samples(panel: StripsPanel, name: str) -> tuple[list[float], list[float]]:
    times, values = panel._rings[name].view()
    return list(times - START_S), list(values)


def choose(panel: StripsPanel, name: str) -> None:
    action = panel.choices.findChild(QAction, name)
    assert isinstance(action, QAction)
    action.trigger()


def test_every_reading_that_is_a_number_or_a_yes_or_no_can_be_chosen(panel: StripsPanel) -> None:
    drawn = {reading.name for reading in READINGS if reading.kind in ("double", "int", "bool")}
    assert set(OFFERED) == drawn - {"station:rig_time"}
    assert set(FIRST_CHOICE) <= set(OFFERED)
    assert {"amplifier:interlock_open", "lock:locked", "amplifier:on"} <= set(OFFERED)
    for name in OFFERED:
        assert panel.choices.findChild(QAction, name) is not None


def test_a_yes_or_no_is_drawn_as_one_and_zero(panel: StripsPanel, link: FakeLink) -> None:
    choose(panel, "lock:locked")
    beat(link, 0.0, lock__locked=True)
    beat(link, 0.2, lock__locked=False)
    assert samples(panel, "lock:locked")[1] == [1.0, 0.0]
    strip = panel.strips["lock:locked"]
    assert strip.latest.text() == "no"
    low, high = strip.plot.box.viewRange()[1]
    assert low < 0.0 < 1.0 < high


def test_slow_control_is_offered_drawn_and_remembered(
    panel: StripsPanel, link: FakeLink, context: Context, qtbot: QtBot
) -> None:
    assert panel.choices.findChild(QAction, "slow:source_pressure") is None
    link.feed(slow__readings=slow())
    choose(panel, "slow:source_pressure")
    assert link.sent[-1].arguments["names"] == "slow:source_pressure"
    beat(link, 0.0)
    link.feed(slow__readings=slow("major"))
    beat(link, 0.2)
    assert samples(panel, "slow:source_pressure")[1] == [2.31e-6, 2.1e-5]
    assert panel.strips["slow:source_pressure"].latest.text() == "■ 2.10e−05 mbar"
    # A value that does not answer is a gap, as is a station that is gone.
    choose(panel, "slow:source_temperature")
    beat(link, 0.4)
    assert len(panel._rings["slow:source_temperature"]) == 0
    context.readings.age("gone")
    assert np.isnan(samples(panel, "slow:source_pressure")[1][-1])
    # A window that opens before the station answers draws it as soon as it is told of it.
    link.feed(slow__readings="[]")
    again = shown(context, qtbot)
    assert list(again.strips) == list(FIRST_CHOICE)
    assert "slow:source_pressure" in context.settings.get("strips")
    link.feed(slow__readings=slow())
    expected = [*FIRST_CHOICE, "slow:source_pressure", "slow:source_temperature"]
    assert list(again.strips) == expected


def test_the_choice_is_remembered(panel: StripsPanel, context: Context, qtbot: QtBot) -> None:
    choose(panel, "camera:temperature")
    choose(panel, "lock:rms")
    expected = ["amplifier:output_power", "loading:meter", "camera:temperature"]
    assert list(panel.strips) == expected
    assert list(shown(context, qtbot).strips) == expected


def test_settings_of_another_version_do_no_harm(context: Context, qtbot: QtBot) -> None:
    context.settings.set("strips", ["no:such", "lock:rms"])
    assert list(shown(context, qtbot).strips) == ["lock:rms"]


def test_a_strip_is_removed_by_its_button(panel: StripsPanel, qtbot: QtBot) -> None:
    for name in FIRST_CHOICE:
        qtbot.mouseClick(panel.strips[name].close_button, Qt.MouseButton.LeftButton)
    assert panel.strips == {}
    assert panel.empty.isVisible()
    action = panel.choices.findChild(QAction, "lock:rms")
    assert isinstance(action, QAction)
    assert not action.isChecked()


def test_a_reading_that_does_not_change_is_sampled(panel: StripsPanel, link: FakeLink) -> None:
    beat(link, 0.0, lock__rms=0.8)
    beat(link, 0.2)
    beat(link, 0.4, lock__rms=0.9)
    times, values = samples(panel, "lock:rms")
    assert times == pytest.approx([0.0, 0.2, 0.4], abs=1e-6)
    assert values == [0.8, 0.8, 0.9]


def test_a_hidden_panel_keeps_samples_and_draws_none(panel: StripsPanel, link: FakeLink) -> None:
    beat(link, 0.0)
    panel.choose_span(300.0)
    panel.hide()
    curve = panel.strips["lock:rms"].curve
    assert list(curve.getData()[0]) == [START_S]
    for i in range(1, 20):
        beat(link, 0.2 * i)
    assert len(samples(panel, "lock:rms")[0]) == 20
    panel.choose_span(1800.0)
    assert list(curve.getData()[0]) == [START_S]
    panel.show()
    assert curve.getData()[0][-1] == pytest.approx(START_S + 3.8, abs=1e-6)


def test_a_lost_station_is_a_gap_that_its_history_fills(
    panel: StripsPanel, context: Context, link: FakeLink
) -> None:
    link.sent.clear()
    beat(link, 0.0)
    link.go(LinkState.LOST, "gone")
    context.readings.age("gone")
    assert np.isnan(samples(panel, "lock:rms")[1][-1])
    assert not link.sent
    link.go(LinkState.CONNECTED, "back")
    link.feed(lock__rms=0.7)
    beat(link, 60.0)
    sent = link.sent[-1]
    assert sent.name == "history"
    assert sent.arguments == {"names": ",".join(FIRST_CHOICE), "seconds": 7200.0}
    seconds = [START_S + second for second in range(-600, 60)]
    sent.done({"lock:rms": {"utc_s": seconds, "value": [0.5] * 659 + [None]}})
    times, values = samples(panel, "lock:rms")
    assert (times[0], times[-1]) == (-600.0, 60.0)
    assert values[0] == 0.5
    assert np.isnan(values).sum() <= 1


def test_an_added_strip_asks_for_its_past(panel: StripsPanel, link: FakeLink) -> None:
    choose(panel, "camera:temperature")
    assert link.sent[-1].arguments["names"] == "camera:temperature"
    link.sent[-1].refused("unknown")
    panel.remove("camera:temperature")
    link.sent[-1].done({"camera:temperature": {"utc_s": [1.0], "value": [1.0]}})
    assert "camera:temperature" not in panel.strips


def test_a_long_past_is_drawn_with_few_points_and_every_peak(
    panel: StripsPanel, link: FakeLink
) -> None:
    panel.resize(900, 300)  # the curve stands beside its words
    panel.choose_span(7200.0)
    past_s = START_S + np.arange(-7199.0, 1.0)
    values = np.zeros(7200)
    values[3333] = 5.0
    sent = next(sent for sent in link.sent if "lock:rms" in sent.arguments.get("names", ""))
    beat(link, 0.0)
    sent.done({"lock:rms": {"utc_s": list(past_s), "value": list(values)}})
    x, y = panel.strips["lock:rms"].curve.getData()
    assert 500 <= len(x) <= 1010
    assert y.max() == 5.0


def test_memory_is_bounded(panel: StripsPanel, link: FakeLink) -> None:
    assert CAPACITY == 36000
    ring = panel._rings["lock:rms"]
    for i in range(CAPACITY + 10_000):
        ring.add(START_S + 0.2 * i, 1.0)
    assert len(ring) == CAPACITY
    assert ring._buffer.nbytes <= 2 * 8 * 1.25 * CAPACITY


def test_an_alarm_has_a_mark_and_a_colour(
    panel: StripsPanel, context: Context, link: FakeLink
) -> None:
    strip = panel.strips["lock:rms"]
    panel.choose_span(300.0)
    assert strip.latest.text() == "0.800 MHz"
    usual = strip.curve.opts["pen"].color().name()
    link.feed(lock__rms=Value(9.0, MAJOR, "too loose", START_S, "MHz"))
    panel.choose_span(300.0)
    assert strip.latest.text() == "■ 9.000 MHz"
    assert strip.latest.toolTip() == "too loose"
    assert strip.curve.opts["pen"].color().name() != usual


def test_a_stale_value_is_slanted(panel: StripsPanel, context: Context) -> None:
    latest = panel.strips["lock:rms"].latest
    latest.ensurePolished()
    assert not latest.font().italic()
    context.readings.age("gone")
    panel.choose_span(300.0)
    latest.ensurePolished()
    assert latest.font().italic()


def test_one_time_axis_stands_below_all_strips_and_does_not_scroll(panel: StripsPanel) -> None:
    shown = [strip.clock.style["showValues"] for strip in panel.strips.values()]
    assert shown == [False] * len(FIRST_CHOICE)
    panel.resize(586, 120)
    panel.choose_span(300.0)
    assert panel.time.isVisible()
    assert panel.time.item.getAxis("bottom").style["showValues"]
    assert panel.rect().contains(panel.time.geometry()), "in sight in a low panel"
    assert not panel._scroll.isAncestorOf(panel.time)
    for name in FIRST_CHOICE:
        panel.remove(name)
    assert not panel.time.isVisible()


def test_the_time_axis_is_aligned_with_the_strips(panel: StripsPanel, qtbot: QtBot) -> None:
    panel.resize(586, 200)

    def ends(plot: ThemedPlot) -> tuple[int, int]:
        box = plot.box.sceneBoundingRect()
        left = plot.mapTo(panel, plot.mapFromScene(box.topLeft())).x()
        return left, round(left + box.width())

    def aligned() -> bool:
        panel.choose_span(300.0)
        strip, time = ends(panel.strips["lock:rms"].plot), ends(panel.time)
        return all(abs(a - b) <= 1 for a, b in zip(strip, time, strict=True))

    qtbot.waitUntil(aligned, timeout=2000)


def test_three_strips_fit_whole_into_the_dock_of_the_smallest_window(
    panel: StripsPanel, qtbot: QtBot
) -> None:
    panel.resize(588, 200)
    bar = panel._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=2000)
