"""V_pi by substitution, against loading rates from the world's own pumping."""

import numpy as np
import pytest
from scipy.special import jv

from atta_daq.calibration.sideband import fit_by_substitution
from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.world import World

V_PI = 4.3
POWER = np.array([1.0, 0.8, 0.62, 0.48, 0.36, 0.26])
RF_DBM = np.array([15.0, 14.0, 13.0, 11.5, 9.5])


def unit_depth(dbm):
    """Depth of a modulator of V_pi = 1 V in 50 ohm."""
    return np.pi * np.sqrt(2.0 * 50.0 * 1e-3 * 10.0 ** (dbm / 10.0))


@pytest.fixture(scope="module")
def increases():
    """Increase of 84Kr at the relative powers, and with RF of 900 MHz, 200 mW."""
    pumping = World(Truth(), RigClock(1.0), 1).atoms.pumping
    here = np.array([290.0])

    def increase(power_mw, depth):
        return 10.2 * float(pumping.exact_efficiency(84, here, power_mw, 900.0, depth)[0])

    plain = np.array([increase(200.0 * p, 0.0) for p in POWER])
    return plain, np.array([increase(200.0, d) for d in unit_depth(RF_DBM) / V_PI])


def test_the_method_is_not_biased_by_far_sidebands(increases):
    plain, with_rf = increases
    small = np.full(POWER.size, 1e-3)
    fit = fit_by_substitution(POWER, plain, small, RF_DBM, with_rf, small[:5], 4.0)
    assert fit.v_pi_v == pytest.approx(V_PI, rel=0.01)


def test_errors_cover_the_truth(increases):
    plain, with_rf = increases
    rng, pulls = np.random.default_rng(3), []
    error = np.full(POWER.size, 0.01)
    for _ in range(60):
        fit = fit_by_substitution(
            POWER, plain + rng.normal(0.0, 0.01, plain.size), error,
            RF_DBM, with_rf + rng.normal(0.0, 0.01, with_rf.size), error[:5], 4.0,
        )  # fmt: skip
        pulls.append((fit.v_pi_v - V_PI) / fit.error_v)
    assert 0.6 < np.std(pulls) < 1.4
    assert abs(np.mean(pulls)) < 0.7


def test_the_share_of_the_carrier_is_bessels(increases):
    plain, _with_rf = increases
    small = np.full(POWER.size, 1e-4)
    curve = np.polynomial.Polynomial.fit(np.log(POWER), plain, 2)
    dimmed = curve(np.log(jv(0, unit_depth(RF_DBM) / V_PI) ** 2))
    fit = fit_by_substitution(POWER, curve(np.log(POWER)), small, RF_DBM, dimmed, small[:5], 4.0)
    assert fit.v_pi_v == pytest.approx(V_PI, rel=1e-6)


def test_light_that_does_nothing_is_refused():
    flat = np.zeros(POWER.size)
    with pytest.raises(ValueError, match="does not rise"):
        fit_by_substitution(POWER, flat, flat + 0.01, RF_DBM, flat[:5], flat[:5] + 0.01, 4.0)
