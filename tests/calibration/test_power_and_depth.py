from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.special import jv

from atta_daq.calibration.power import fit_fibre_power
from atta_daq.calibration.sideband import fit_sideband_depth
from atta_daq.physics.sidebands import depth_from_power_dbm
from drivers.errors import OutOfRange

MADE = datetime(2026, 11, 1, tzinfo=UTC)


def test_power_line_and_its_errors():
    rng = np.random.default_rng(2)
    current = np.linspace(1000.0, 2500.0, 9)
    pulls = []
    for _ in range(200):
        power = 0.294 * (current - 800.0) + rng.normal(0.0, 3.0, 9)
        found = fit_fibre_power(current, power, MADE)
        pulls.append(
            [
                (found.threshold.value - 800.0) / found.threshold.error,
                (found.slope.value - 0.294) / found.slope.error,
            ]
        )
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.3)
    # Seven degrees of freedom: Student's t has standard deviation 1.18.
    np.testing.assert_allclose(np.std(pulls, axis=0), 1.18, rtol=0.2)


def test_power_and_current_are_inverse_and_bounded():
    current = np.linspace(1000.0, 2500.0, 9)
    fibre = fit_fibre_power(current, 0.294 * (current - 800.0))
    assert fibre.power_mw(fibre.current_ma(250.0)) == pytest.approx(250.0)
    assert fibre.power_mw(500.0) == 0.0
    with pytest.raises(OutOfRange, match=r"0 to 499\.8 mW"):
        fibre.current_ma(600.0)


@pytest.mark.parametrize("power", [np.array([3.0, 2.0, 1.0]), np.zeros(3)])
def test_power_that_does_not_rise_is_refused(power):
    with pytest.raises(ValueError, match="seed"):
        fit_fibre_power(np.array([1000.0, 1500.0, 2000.0]), power)


def test_half_wave_voltage_from_the_carrier():
    rng = np.random.default_rng(4)
    power = np.linspace(0.0, 24.0, 10)
    depth = np.array([depth_from_power_dbm(p, 4.0) for p in power])
    share = jv(0, depth) ** 2 + rng.normal(0.0, 0.01, 10)
    found = fit_sideband_depth(power, share, np.full(10, 0.01), MADE)
    assert abs(found.v_pi.value - 4.0) < 3.5 * found.v_pi.error
    assert found.v_pi.error < 0.1
    assert found.depth(found.power_dbm(0.4)) == pytest.approx(0.4)
    assert found.depth_error(20.0) == pytest.approx(found.depth(20.0) * found.v_pi.relative_error)
