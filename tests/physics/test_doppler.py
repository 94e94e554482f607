import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.physics.doppler import DopplerDistribution


def test_default_beams():
    even, odd = DopplerDistribution.effusive_beam(84), DopplerDistribution.effusive_beam(83)
    assert even.mode_mhz == pytest.approx(282.3, abs=0.5)
    assert odd.mode_mhz == pytest.approx(265.8, abs=0.5)
    assert even.rms_mhz == pytest.approx(91.2, abs=0.5)
    assert odd.rms_mhz == pytest.approx(93.8, abs=0.5)
    explicit = DopplerDistribution.effusive_beam(83, 293.0, 1.3, 350.0)
    np.testing.assert_array_equal(explicit.weight, odd.weight)


def test_uncaptured_beam_is_the_effusive_flux():
    # Without selection and cut-off the most probable speed is sqrt(3/2) u = 295 m/s.
    beam = DopplerDistribution.effusive_beam(84, 293.0, 0.0, 5000.0)
    assert beam.mode_mhz * 0.8192308 == pytest.approx(295.1, abs=0.5)


def test_slower_atoms_when_cold_or_selected():
    warm = DopplerDistribution.effusive_beam(84)
    assert DopplerDistribution.effusive_beam(84, temperature_k=150.0).mean_mhz < warm.mean_mhz
    assert DopplerDistribution.effusive_beam(84, selection_exponent=2.0).mean_mhz < warm.mean_mhz
    slow = DopplerDistribution.effusive_beam(84, capture_velocity_m_s=200.0)
    assert slow.mean_mhz < warm.mean_mhz


@given(mean=st.floats(-500.0, 500.0), rms=st.floats(0.5, 300.0))
def test_gaussian(mean, rms):
    found = DopplerDistribution.gaussian(mean, rms)
    assert found.mean_mhz == pytest.approx(mean, abs=1e-9 * max(1.0, abs(mean)))
    assert found.mode_mhz == pytest.approx(mean, abs=1e-6 * rms + 1e-9)
    assert found.rms_mhz == pytest.approx(rms, rel=1e-6)
    assert found.weight.sum() == pytest.approx(1.0, abs=1e-12)


@given(mode=st.floats(-100.0, 500.0), rms=st.floats(1.0, 300.0))
def test_reshaped(mode, rms):
    found = DopplerDistribution.effusive_beam(83).reshaped(mode, rms)
    assert found.mode_mhz == pytest.approx(mode, abs=1e-6)
    assert found.rms_mhz == pytest.approx(rms, rel=1e-9)


def test_shifted():
    beam = DopplerDistribution.effusive_beam(83)
    assert beam.shifted(40.0).mean_mhz == pytest.approx(beam.mean_mhz + 40.0)
    assert beam.shifted(40.0).rms_mhz == pytest.approx(beam.rms_mhz)


def test_impossible_distributions_are_refused():
    with pytest.raises(ValueError, match="positive"):
        DopplerDistribution.gaussian(0.0, 0.0)
    with pytest.raises(ValueError, match="positive"):
        DopplerDistribution.effusive_beam(83).reshaped(200.0, -1.0)
    with pytest.raises(ValueError, match="exponent below 3"):
        DopplerDistribution.effusive_beam(83, selection_exponent=3.5)
    with pytest.raises(ValueError, match="uniform"):
        DopplerDistribution(np.array([0.0, 1.0, 3.0]), np.full(3, 1 / 3))
    with pytest.raises(ValueError, match="sum to 1"):
        DopplerDistribution(np.array([0.0, 1.0, 2.0]), np.ones(3))
    with pytest.raises(ValueError, match="ascending"):
        DopplerDistribution(np.array([2.0, 1.0, 0.0]), np.full(3, 1 / 3))
    with pytest.raises(KeyError, match="90Kr"):
        DopplerDistribution.effusive_beam(90)
