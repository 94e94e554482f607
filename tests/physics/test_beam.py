import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.physics.beam import intensity_profile_w_m2, mean_intensity_w_m2, tube_fraction


def test_full_power_of_the_paper():
    assert mean_intensity_w_m2(500.0, 7.5, 9.0) == pytest.approx(4034.0, abs=0.5)
    assert tube_fraction(7.5, 9.0) == pytest.approx(0.513, abs=5e-4)


def test_counter_propagating_beam_has_a_quarter():
    ratio = mean_intensity_w_m2(500.0, 16.0, 9.0) / mean_intensity_w_m2(500.0, 7.5, 9.0)
    assert ratio == pytest.approx(0.29, abs=0.01)


@given(power=st.floats(0.0, 1000.0), waist=st.floats(1.0, 50.0), tube=st.floats(1.0, 20.0))
def test_profile_averages_to_the_mean(power, waist, tube):
    intensities, weights = intensity_profile_w_m2(power, waist, tube, rings=60)
    assert weights.sum() == pytest.approx(1.0)
    mean = mean_intensity_w_m2(power, waist, tube)
    assert intensities @ weights == pytest.approx(mean, rel=1e-6, abs=1e-9)


def test_profile_spans_the_gaussian():
    intensities, _ = intensity_profile_w_m2(500.0, 7.5, 9.0, rings=40)
    peak = 2 * 0.5 / (np.pi * 7.5e-3**2)
    assert intensities.max() == pytest.approx(peak, rel=0.01)
    assert intensities.min() == pytest.approx(peak * np.exp(-0.72), rel=0.01)


def test_impossible_beams_are_refused():
    with pytest.raises(ValueError, match="power"):
        mean_intensity_w_m2(-1.0, 7.5, 9.0)
    with pytest.raises(ValueError, match="diameter"):
        mean_intensity_w_m2(1.0, 7.5, 0.0)
