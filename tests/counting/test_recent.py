"""What a window shows of the last frames."""

import numpy as np
import pytest

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.recent import RecentSignals

CALIBRATION = CountingCalibration.nominal(
    shape=(24, 26), exposure_s=0.1, spot_row_px=11.4, spot_column_px=13.2, spot_sigma_px=1.5,
    em_gain=200.0, electrons_per_adu=5.0, bias_adu=200.0, read_noise_electrons=50.0,
    background_electrons=5.0, electrons_per_atom=240.0, dwell_s=0.5,
)  # fmt: skip


def test_the_last_frames_their_light_and_arrivals(expose) -> None:
    atoms = np.zeros(120)
    atoms[30:36], atoms[60:64], atoms[90:99] = 1.0, 1.0, 1.0
    frames = expose(atoms, np.random.default_rng(4))
    recent = RecentSignals(CALIBRATION, length=80)
    for first in range(0, 120, 10):  # in the pieces that a display takes
        recent.add(frames[first : first + 10], np.arange(first, first + 10))
    signals, arrivals = recent.read()
    assert signals == pytest.approx(CALIBRATION.spot_filter.apply(frames[40:]))
    assert arrivals == pytest.approx([20, 50], abs=1)


def test_lost_frames_and_a_new_segment(expose) -> None:
    atoms = np.zeros(40)
    atoms[20:] = 1.0
    frames = expose(atoms, np.random.default_rng(5))
    recent = RecentSignals(CALIBRATION)
    recent.add(frames[:20], np.arange(20))
    recent.add(frames[20:], np.arange(60, 80))
    signals, arrivals = recent.read()
    assert signals.size == 40
    assert arrivals.size == 0, "it came while nobody looked"
    recent.clear()
    signals, arrivals = recent.read()
    assert signals.size == arrivals.size == 0
