"""How fast the window draws, and how it takes what comes: on a fake link, at full speed.

pytest -m bench -s tests/benchmarks/test_window_drawing.py
"""

import os
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from fed_window import FedWindow
from pytestqt.qtbot import QtBot

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

FRAMES = 300
FIRST = 20
"""Drawn before the clock starts."""


@pytest.mark.parametrize("new_points", [False, True], ids=["usual", "worst"])
def test_the_whole_window_draws_25_times_a_second(
    qtbot: QtBot, tmp_path: Path, new_points: bool
) -> None:
    """120 points with residuals, a 512 x 512 picture, four strips, at 1920 x 1080.

    Each frame brings a picture and all readings; 'usual': new points once in 25 frames; 'worst':
    the sweep with its fit is new in every one. What counts as drawn is what Qt has painted.
    """
    window = FedWindow(qtbot, tmp_path)
    for number in range(FIRST):
        window.feed(number)
    for name in window.paints.counts:
        window.paints.counts[name] = 0
    spent_s = []
    for number in range(FIRST, FIRST + FRAMES):
        started = time.perf_counter()
        window.feed(number, new_points=True if new_points else None)
        spent_s.append(time.perf_counter() - started)
    painted = dict(window.paints.counts)
    window.close()
    spent_ms = 1e3 * np.array(spent_s)
    print(
        f"\nwhole window ({'sweep anew each time' if new_points else 'usual'}): median "
        f"{np.median(spent_ms):.1f} ms, p95 {np.percentile(spent_ms, 95):.1f} ms, "
        f"{1e3 / np.mean(spent_ms):.0f} frames/s; painted of {FRAMES}: {painted}"
    )
    assert painted["picture"] >= FRAMES
    assert all(count >= FRAMES / 5 for name, count in painted.items() if "strip" in name)
    assert painted["sweep"] >= (FRAMES if new_points else FRAMES // 25)
    assert 1e3 / np.mean(spent_ms) >= 25.0


def test_values_cost_little(qtbot: QtBot, tmp_path: Path) -> None:
    """A delivery of readings without a picture."""
    window = FedWindow(qtbot, tmp_path)
    spent_s = []
    for number in range(FRAMES):
        painted = window.paints.total()
        started = time.perf_counter()
        window.link.feed(
            amplifier__current=2400.0 + number, lock__rms=0.8 + 1e-3 * number,
            light__detuning=-100.0 - 1e-2 * number, station__rig_time=1.7e9 + number,
        )  # fmt: skip
        window.until(lambda painted=painted: window.paints.total() > painted)
        spent_s.append(time.perf_counter() - started)
    window.close()
    median_ms, late_ms = 1e3 * np.median(spent_s), 1e3 * np.percentile(spent_s, 99)
    print(f"\ndelivery, painted: median {median_ms:.2f} ms, p99 {late_ms:.1f} ms")
    assert late_ms <= 20.0
