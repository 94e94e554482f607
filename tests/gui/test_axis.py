"""Ticks that leave room for their numbers."""

import math
from datetime import datetime

import pyqtgraph as pg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.widgets.axis import ClockAxis, RoomyAxis, round_step, tick_step
from gui.widgets.plot import steady_range


@pytest.mark.parametrize(
    ("least", "step"), [(1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (0.06, 0.1), (0.05, 0.05), (700, 1000)]
)
def test_steps_are_round(least: float, step: float) -> None:
    assert round_step(least) == pytest.approx(step)


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5), st.floats(0.0, 20.0))
def test_ticks_are_few_but_two_at_least(low: float, span: float, most: float) -> None:
    high = low + span
    step = tick_step(low, high, most)
    count = math.floor(high / step) - math.ceil(low / step) + 1
    assert count >= 2
    assert count <= max(most + 1.0, 6.0) + 1e-6


def test_an_axis_of_no_length_has_no_ticks(qapp: object) -> None:
    assert RoomyAxis("bottom").tickSpacing(1.0, 1.0, 100.0) == []
    assert isinstance(RoomyAxis("left"), pg.AxisItem)


def test_numbers_of_a_very_low_plot_do_not_lie_on_each_other(qapp: object) -> None:
    axis = RoomyAxis("left")
    axis.setRange(0.0122, 0.0138)
    values, step = [0.0125, 0.0130, 0.0135], 0.0005
    line = axis.metrics().height()
    axis.resize(40.0, 8.0 * line)
    assert axis.tickStrings(values, 1.0, step) == ["0.0125", "0.0130", "0.0135"]
    axis.resize(40.0, 2.0 * line)
    assert axis.tickStrings(values, 1.0, step) == ["0.0125", "", "0.0135"]


def test_a_clock_axis_says_the_time_of_day(qapp: object) -> None:
    axis = ClockAxis()
    (step, _), *_ = axis.tickSpacing(1.7e9, 1.7e9 + 300.0, 1000.0)
    assert step == 60.0
    (step, _), *_ = axis.tickSpacing(1.7e9, 1.7e9 + 7200.0, 100.0)
    assert step >= 1800.0
    expected = datetime.fromtimestamp(1.7e9).strftime("%H:%M")
    assert axis.tickStrings([1.7e9], 1.0, step) == [expected]


def test_a_range_changes_seldom() -> None:
    first = steady_range(None, 0.0, 10.0)
    assert first == (-1.0, 11.0)
    assert steady_range(first, -0.5, 10.5) is first
    assert steady_range(first, 3.0, 8.5) is first
    assert steady_range(first, 0.0, 11.5) == pytest.approx((-1.15, 12.65))
    assert steady_range(first, 4.0, 5.0) == pytest.approx((3.9, 5.1))


def test_the_range_of_a_constant_has_a_width() -> None:
    low, high = steady_range(None, 594.0, 594.0)
    assert low < 594.0 < high
    assert steady_range(None, 0.0, 0.0)[1] > 0.0
