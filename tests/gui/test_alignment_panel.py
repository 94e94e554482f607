"""The alignment panel."""

import math

import numpy as np
import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from atta_daq.client.names import READINGS
from gui.context import Context
from gui.link.values import Value
from gui.model.recent import four_digits, recent
from gui.panels.alignment import AlignmentPanel

START_S = 1.7e9


@pytest.fixture
def panel(context: Context, qtbot: QtBot) -> AlignmentPanel:
    panel = AlignmentPanel(context)
    qtbot.addWidget(panel)
    panel.resize(320, 300)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def rate(link: FakeLink, value: float, at_s: float) -> None:
    utc_s = START_S + at_s
    link.feed(loading__meter=Value(value, 0, "", utc_s), station__rig_time=Value(1.0, 0, "", utc_s))


def beat(link: FakeLink, at_s: float) -> None:
    link.feed(station__rig_time=Value(1.0, 0, "", START_S + at_s))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.012345, "0.01235"), (1.0, "1.000"), (123.45, "123.5"), (12345.6, "12346"), (0.0, "0.000"),
     (-0.5, "-0.5000"), (1e-9, "0.0000000"), (math.nan, "–")],
)  # fmt: skip
def test_four_digits(value: float, text: str) -> None:
    assert four_digits(value) == text


def test_recent_takes_the_last_seconds_only() -> None:
    times, values = np.array([1.0, 8.0, 9.0, 10.0]), np.array([9.0, 1.0, np.nan, 3.0])
    last = recent(times, values, 10.0, 5.0)
    assert (last.mean, last.count) == (2.0, 2)
    assert last.scatter == pytest.approx(math.sqrt(2.0))
    assert math.isnan(recent(times, values, 10.5, 1.0).scatter)
    assert recent(times, values, 100.0, 1.0).count == 0


def test_the_unit_is_that_of_the_reading(panel: AlignmentPanel, link: FakeLink) -> None:
    rate(link, 0.0123, 0.0)
    unit = next(reading.unit for reading in READINGS if reading.name == "loading:meter")
    assert unit == "V/s", "the slope of the detector's voltage"
    assert f" {unit}, " in panel.meter.accessibleName()


def test_the_best_is_held_until_it_is_reset(
    panel: AlignmentPanel, link: FakeLink, qtbot: QtBot
) -> None:
    for at_s, value in enumerate((0.010, 0.013, 0.011)):
        rate(link, value, float(at_s))
    assert (panel.meter.value, panel.meter.best) == (0.011, 0.013)
    assert panel.meter.share == pytest.approx(0.011 / 0.013)
    assert "85 % of best" in panel.meter.accessibleName()
    assert panel.best_line.value() == 0.013
    qtbot.mouseClick(panel.reset, Qt.MouseButton.LeftButton)
    assert panel.meter.best == 0.011


def test_the_best_is_held_while_hidden(panel: AlignmentPanel, link: FakeLink) -> None:
    panel.hide()
    rate(link, 0.013, 0.0)
    rate(link, 0.011, 1.0)
    panel.show()
    assert panel.meter.best == 0.013
    assert len(panel.curve.getData()[0]) == 2


def test_an_old_reading_is_grey(panel: AlignmentPanel, link: FakeLink) -> None:
    rate(link, 0.011, 0.0)
    assert panel.meter.fresh
    beat(link, 10.0)
    assert panel.meter.fresh
    beat(link, 10.2)
    assert not panel.meter.fresh
    assert panel.mean.property("stale")


def test_mean_and_scatter_of_the_last_seconds(panel: AlignmentPanel, link: FakeLink) -> None:
    for at_s, value in ((0.0, 5.0), (12.0, 0.010), (14.0, 0.012)):
        rate(link, value, at_s)
    assert panel.mean.text() == "10 s: 0.01100 ± 0.0014"


def test_the_strip_shows_two_minutes(panel: AlignmentPanel, link: FakeLink) -> None:
    for at_s in range(200):
        rate(link, 0.01 + 1e-5 * at_s, float(at_s))
    x, y = panel.curve.getData()
    assert (x[0], x[-1]) == (-120.0, 0.0)
    assert y[-1] == pytest.approx(0.01199)


def test_the_last_trace_is_drawn_in_milliseconds(panel: AlignmentPanel, link: FakeLink) -> None:
    volts = np.linspace(0.0, 0.1, 16384)
    volts[5000] = 0.5
    link.feed(loading__trace=volts, loading__step=1e-6)
    x, y = panel.trace_curve.getData()
    assert len(x) <= 700
    assert x[-1] == pytest.approx(16.383)
    assert y.max() == 0.5


@pytest.mark.parametrize(("name", "on"), [("align.start", True), ("align.stop", False)])
def test_start_and_stop(
    name: str, on: bool, panel: AlignmentPanel, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    context.actions.refresh()
    button = panel.findChild(QToolButton, name)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("align", {"on": on})
