"""The counts panel."""

import json
import math
from typing import Any

import numpy as np
import pytest
from fakes_gui import FakeLink
from panel_tools import Shown
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.model.counting import Counting, rate_error, two_digits
from gui.panels.counts import CountsPanel

RECORD = {"electrons_per_atom": 300.0, "zero_electrons": 20.0}


@pytest.fixture
def panel(context: Context, qtbot: QtBot) -> CountsPanel:
    panel = CountsPanel(context)
    qtbot.addWidget(panel)
    panel.resize(320, 300)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def test_lights_and_thresholds_of_the_numbers_of_atoms() -> None:
    counting = Counting.from_record(RECORD)
    assert counting is not None
    assert [counting.light(n) for n in range(4)] == [20.0, 320.0, 620.0, 920.0]
    assert counting.thresholds == (170.0, 470.0, 770.0)
    assert counting.bin_width(1000.0) == 37.5
    assert 1e6 / counting.bin_width(1e6) <= 100.0


@pytest.mark.parametrize("record", [None, {}, {"electrons_per_atom": 0.0}])
def test_no_counting_has_no_lines(
    record: dict[str, float] | None, panel: CountsPanel, link: FakeLink
) -> None:
    link.feed(camera__counting=json.dumps(record) if record is not None else "",
              camera__signals=np.arange(10.0))  # fmt: skip
    assert Counting.from_record(record) is None
    assert len(panel.curve.getData()[0]) == 10
    assert not any(line.isVisible() for pair in panel._levels for line in pair)


def test_the_trace_marks_the_frames_in_which_atoms_came_in(
    panel: CountsPanel, link: FakeLink
) -> None:
    signals = np.zeros(300)
    signals[[250, 299]] = 320.0
    arrivals = signals > 0.0
    link.feed(camera__signals=signals, camera__arrivals=arrivals.astype(float),
              camera__counting=json.dumps(RECORD))  # fmt: skip
    x, y = panel.curve.getData()
    assert (x[0], x[-1]) == (-299.0, 0.0)
    assert np.array_equal(y, signals)
    marked, heights = panel.arrivals.getData()
    assert list(marked) == [-49.0, 0.0]
    assert list(heights) == [320.0, 320.0]
    assert [pair[0].value() for pair in panel._levels] == [20.0, 320.0, 620.0, 920.0]
    assert [line.value() for line in panel._thresholds] == [170.0, 470.0, 770.0]


def test_arrivals_of_another_delivery_are_not_marked(panel: CountsPanel, link: FakeLink) -> None:
    link.feed(camera__signals=np.ones(10), camera__arrivals=np.ones(9))
    assert len(panel.arrivals.getData()[0]) == 0


def test_the_histogram_holds_every_frame(panel: CountsPanel, link: FakeLink) -> None:
    signals = np.random.default_rng(2).normal(20.0, 60.0, 300)
    signals[:20] += 300.0
    link.feed(camera__signals=signals, camera__counting=json.dumps(RECORD))
    opts = panel.bars.opts
    assert sum(opts["width"]) == 300
    for low, count in zip(opts["y0"], opts["width"], strict=True):
        inside = (signals >= low) & (signals < low + opts["height"])
        assert count == inside.sum()
    # Edges stay where they are when the light changes: multiples of a bin from the empty trap.
    assert (opts["y0"] - 20.0) % 37.5 == pytest.approx(0.0)
    link.feed(camera__signals=np.empty(0))
    assert len(panel.bars.opts["y0"]) == 0


def test_counts_and_rate(panel: CountsPanel, link: FakeLink) -> None:
    assert panel.atoms.property("stale")
    link.feed(rate__counts=37, rate__counting=412.34)
    assert panel.atoms.text() == "Atoms 37 (provisional)"
    assert panel.rate.text() == "Last rate 412 atoms/h"
    assert not panel.atoms.property("stale")


def segments(**last: Any) -> dict[str, list[Any]]:
    """Columns of a run's table; the last of three segments counted 100 atoms in 6 min."""
    row = {"kind": "rare", "flag": "", "counts": 100, "live_s": 360.0, "efficiency": math.nan}
    return {
        name: [row[name], {**row, "kind": "loading_83"}[name], {**row, **last}[name]]
        for name in row
    }


def test_the_rate_has_its_counting_error(panel: CountsPanel, link: FakeLink) -> None:
    link.feed(rate__counting=1000.0, run__table=segments())
    assert panel.rate.text() == "Last rate 1000 ± 100 atoms/h"
    link.feed(rate__counting=2000.0)
    assert panel.rate.text() == "Last rate 2000 atoms/h", "not the segment of the table"


@pytest.mark.parametrize(
    ("last", "rate", "error"),
    [
        ({}, 1000.0, 100.0),
        ({"efficiency": 0.8}, 1250.0, 125.0),
        ({"counts": 0}, 0.0, 10.0),
        ({"counts": 7, "flag": "lock lost"}, 1000.0, 100.0),
        ({"counts": 7, "kind": "loading_84"}, 1000.0, 100.0),
        ({"counts": 7}, 1000.0, math.nan),
        ({"live_s": 0.0}, 1000.0, math.nan),
    ],
)
def test_the_error_is_that_of_the_last_counting_segment(
    last: dict[str, Any], rate: float, error: float
) -> None:
    assert rate_error(segments(**last), rate) == pytest.approx(error, nan_ok=True)
    assert math.isnan(rate_error(None, rate))


def test_errors_have_two_digits_and_are_whole() -> None:
    assert [two_digits(error) for error in (401.1, 37.4, 3.6, 0.4)] == ["400", "37", "4", "0"]


def test_the_axes_keep_their_zeros_and_the_triangles_have_a_key(
    shown: Shown, link: FakeLink
) -> None:
    panel = shown(CountsPanel)
    link.feed(camera__signals=np.arange(30.0), camera__arrivals=np.zeros(30))
    for plot in (panel.trace, panel.histogram):
        low, high = plot.box.viewRange()[0]
        half = plot.fontMetrics().horizontalAdvance("0") / 2.0 / plot.box.width() * (high - low)
        assert low + half <= 0.0 <= high - half, "there is room for the number"
    assert panel.key.text() == "▲ atoms came in"
