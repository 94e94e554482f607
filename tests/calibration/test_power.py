from datetime import UTC, datetime

import numpy as np
import pytest

from atta_daq.calibration.power import chip_threshold, fit_fibre_power
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


def bent(current_ma, law, drop=0.03, threshold_ma=800.0):
    """A chip that gives `drop` more when it is cold, in thermal equilibrium at each current; its
    heat goes with the current to the power `law`. The simulated one has 2."""
    warmth = 1.0 + drop - drop * (current_ma / 2500.0) ** law
    return 0.294 * (current_ma - threshold_ma) * warmth


STEPS_MA = np.tile(np.linspace(970.0, 2500.0, 9), 2)


@pytest.mark.parametrize("threshold_ma", [780.0, 800.0, 820.0])
def test_the_chips_threshold_is_found_behind_its_bend(threshold_ma):
    """The line meets zero 11 mA below it, whatever the noise."""
    rng = np.random.default_rng(6)
    pulls, line_ma = [], []
    for _ in range(200):
        power = bent(STEPS_MA, 2, threshold_ma=threshold_ma) * rng.normal(1.0, 1e-3, STEPS_MA.size)
        line_ma.append(fit_fibre_power(STEPS_MA, power).threshold.value)
        value, error = chip_threshold(STEPS_MA, power, line_ma[-1])
        pulls.append((value - threshold_ma) / error)
    assert np.mean(line_ma) == pytest.approx(threshold_ma - 11.4, abs=0.8)
    assert abs(np.mean(pulls)) < 1.0
    assert np.max(np.abs(pulls)) < 2.0


@pytest.mark.parametrize("law", [1, 2, 3])
def test_another_law_of_the_chips_heat_lies_within_the_error(law):
    power = bent(STEPS_MA, law)
    line_ma = fit_fibre_power(STEPS_MA, power).threshold.value
    value, error = chip_threshold(STEPS_MA, power, line_ma)
    assert abs(value - 800.0) < 1.3 * error
    assert error < 2.0


def test_a_straight_chip_begins_where_its_line_does():
    value, error = chip_threshold(STEPS_MA, bent(STEPS_MA, 2, drop=0.0), 800.0)
    assert value == pytest.approx(800.0)
    assert error == pytest.approx(0.0, abs=1e-6)
    assert chip_threshold(STEPS_MA[:4], bent(STEPS_MA[:4], 2), 800.0) is None


def test_the_line_sets_the_power_of_a_bent_chip_to_half_a_percent_of_full_power():
    """What the explanation of the calibrations says of it."""
    power = bent(STEPS_MA, 2)
    line = fit_fibre_power(STEPS_MA, power)
    off_mw = power - line.slope.value * (STEPS_MA - line.threshold.value)
    assert np.max(np.abs(off_mw)) == pytest.approx(2.3, abs=0.1)
    assert off_mw[8] == pytest.approx(-2.3, abs=0.1), "at full power"
    assert off_mw[0] == pytest.approx(-2.0, abs=0.1), "at the lowest step"
    assert power[8] == pytest.approx(499.8, abs=0.1)
