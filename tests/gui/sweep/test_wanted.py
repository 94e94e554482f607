"""One answer to 'how much longer', asked in the sweep view and in the view of the run's scan."""

import math
from dataclasses import replace

import fakes_sweep as made
import pytest
from fakes_gui import FakeLink

from gui.context import Context
from gui.editor.run_view import RunView
from gui.sweep.view import SweepView
from gui.sweep.wanted import lit_s, time_left


def test_only_points_with_light_and_with_a_number_count() -> None:
    lit = made.point(1.0, 0.1, 0, live_s=100.0)
    blocked = replace(lit, pumping=False)
    invalid = [replace(lit, ratio=math.nan), replace(lit, error=0.0), replace(lit, error=math.inf)]
    part = replace(made.spectrum(), points=(lit, lit, blocked, *invalid))
    assert lit_s(part) == 200.0


@pytest.mark.parametrize(
    ("wanted", "counted_s", "rate", "said"),
    [
        (2.0, 3600.0, 1.0, "3 h 00 min more with light on"),
        (2.0, 3600.0, 240.0, "3 h 00 min more with light on (45 s on the clock)"),
        (4.0, 3600.0, 1.0, "reached"),
        (5.0, 0.0, 1.0, "reached"),
        (2.0, 0.0, 1.0, "the counting time is not known"),
    ],
)
def test_the_time_that_is_left(wanted: float, counted_s: float, rate: float, said: str) -> None:
    assert time_left(4.0, wanted, counted_s, rate) == said


def test_both_views_say_the_same(context: Context, link: FakeLink, view: SweepView) -> None:
    run_view = RunView(context, lambda _text: None)
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))
    run_view.refresh_run()
    run_view.refresh_fit()
    assert run_view.parameter.currentText() == f"85Kr: {view.wanted.parameter.currentText()}"
    for field in (view.wanted.wanted, run_view.wanted):
        field.setText("2.085")
    run_view.refresh_fit()
    left = "8 h 12 min more with light on"
    assert view.wanted.answer.text().endswith(left)
    assert f"±2.085 %: {left}." in run_view.reached.text()
