"""Plots: what they compute before they draw."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.analysis.increases import data_from_rates
from atta_daq.analysis.records import Setting
from atta_daq.analysis.results import Curve
from atta_daq.archive.axes import AXES, levels, swept
from atta_daq.archive.parts import RunPart
from atta_daq.archive.plot_components import spread_out
from atta_daq.archive.plot_scan import residuals

_DETUNING, _POWER, _FREQUENCY, _DEPTH = AXES


def _data(settings: list[Setting], pumping: list[bool] | None = None):
    rate = np.arange(1.0, len(settings) + 1.0)
    return data_from_rates(83, rate, 0.1 * rate, settings, pumping or [True] * len(settings), "V/s")


@given(
    st.lists(st.floats(0.0, 1000.0), min_size=1, max_size=9).map(sorted),
    st.floats(1.0, 40.0),
)
def test_labels_keep_their_order_and_their_distance(x: list[float], gap: float) -> None:
    places = spread_out(np.array(x), gap, 0.0, 1000.0)
    assert np.all(np.diff(places) >= gap - 1e-6)
    far_apart = all(b - a > gap for a, b in pairwise(x))
    if far_apart:
        assert places == pytest.approx(x)


def test_read_back_noise_sweeps_nothing() -> None:
    rng = np.random.default_rng(1)
    settings = [
        Setting(detuning_mhz=-204.0 + 0.1 * rng.normal(), power_mw=500.0 + 0.2 * rng.normal())
        for _ in range(12)
    ]
    assert swept(_data(settings)) == ()


def test_the_axis_with_most_values_comes_first() -> None:
    settings = [
        Setting(detuning_mhz=50.0 * d, power_mw=100.0 * p) for d in range(5) for p in range(1, 3)
    ]
    data = _data(settings)
    assert swept(data) == (_DETUNING, _POWER)
    assert levels(data.points, _POWER) == (100.0, 200.0)
    # Points without light are nowhere on the axis.
    dark = _data([*settings, Setting(sideband_depth=0.4)], [True] * 10 + [False])
    assert swept(dark) == (_DETUNING, _POWER)


def test_residuals_are_distances_from_the_curve_in_errors() -> None:
    settings = [Setting(detuning_mhz=100.0 * i) for i in range(5)]
    data = _data(settings, [True, True, True, False, True])
    curve = Curve("detuning_mhz", np.array([0.0, 300.0]), np.array([2.0, 5.0]), np.zeros(2))
    x, pull = residuals(RunPart("83Kr", 83, data, None), curve, _DETUNING)
    # Rates are 1, 2, 3 at 0, 100, 200 MHz; the last point lies beyond the curve.
    assert x.tolist() == [0.0, 100.0, 200.0]
    assert pull == pytest.approx([(1 - 2) / 0.1, (2 - 3) / 0.2, (3 - 4) / 0.3])


def test_importing_the_report_does_not_load_matplotlib() -> None:
    code = "import sys, atta_daq.archive.report; print('matplotlib' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
