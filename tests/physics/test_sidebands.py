import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import jv

from atta_daq.physics.sidebands import Sidebands, depth_from_power_dbm, power_dbm_from_depth


def test_default_depth():
    lines = Sidebands(230.0, 0.4)
    np.testing.assert_array_equal(lines.offsets_mhz, [-460.0, -230.0, 0.0, 230.0, 460.0])
    # 3.8 % in each first sideband.
    np.testing.assert_allclose(lines.weights[[1, 3]], 0.038, atol=5e-4)
    assert lines.weights[2] == pytest.approx(0.9224, abs=1e-3)


@given(depth=st.floats(0.0, 1.0))
def test_power_is_kept(depth):
    weights = Sidebands(230.0, depth).weights
    assert 0.992 < weights.sum() <= 1.0 + 1e-12
    np.testing.assert_array_equal(weights, weights[::-1])


@given(depth=st.floats(0.0, 60.0))
def test_weights_are_those_of_bessel_functions(depth):
    expected = jv([2, 1, 0, 1, 2], depth) ** 2
    np.testing.assert_allclose(Sidebands(230.0, depth).weights, expected, atol=1e-14)


def test_no_modulation_is_the_carrier():
    np.testing.assert_array_equal(Sidebands(230.0, 0.0).weights, [0.0, 0.0, 1.0, 0.0, 0.0])


@given(depth=st.floats(1e-3, 3.0), v_pi=st.floats(0.5, 20.0))
def test_power_and_depth_are_inverse(depth, v_pi):
    assert depth_from_power_dbm(power_dbm_from_depth(depth, v_pi), v_pi) == pytest.approx(depth)


def test_one_volt_is_ten_dbm():
    # 1 V amplitude into 50 ohm is 10 mW.
    assert depth_from_power_dbm(10.0, 4.0) == pytest.approx(np.pi / 4.0)


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="negative"):
        Sidebands(-1.0, 0.4)
    with pytest.raises(ValueError, match="negative"):
        Sidebands(230.0, -0.1)
    with pytest.raises(ValueError, match="half-wave"):
        depth_from_power_dbm(10.0, 0.0)
    with pytest.raises(ValueError, match="positive"):
        power_dbm_from_depth(0.0, 4.0)
