"""The source's drift spectrum against the simulated world's sources, and scipy's density."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from atta_daq.analysis.drift_spectrum import DriftSpectrum
from atta_daq.analysis.source_track import difference_likelihood
from atta_daq.calibration.source_drift import LEAST_BRACKETS, Series, fit_source_drift, structure
from simulators.truth import Source
from simulators.world.source import SourceDrift


def series(rng, *, count=90, period_s=40.0, excess=0.0, burst_noise=0.01, **truth):
    """Brackets of five bursts of a source of the simulated world."""
    steady = {"walk_per_root_h": 0.02, "drift_per_h": 0.01, "steps_per_night": 0.0}
    source = SourceDrift(Source(**(steady | truth)), 0.0, rng)
    time_s, rate = period_s * np.arange(count), []
    for t in time_s:
        level = source.at(t) * rng.normal(1.0, excess)
        rate.append(level * rng.normal(1.0, burst_noise, 5).mean())
    return Series(time_s, np.array(rate), np.full(count, burst_noise / np.sqrt(5.0)))


def test_the_likelihood_is_that_of_scipy():
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.uniform(20.0, 90.0, 7))
    x, variance = rng.normal(0.0, 0.01, 7), rng.uniform(1e-5, 3e-5, 7)
    drift, taking = DriftSpectrum(drift_rms_per_s=3e-5), np.diff(np.eye(7), axis=0)
    for walk in (1e-8, 1e-7, 1e-6):
        law = walk * np.minimum.outer(t, t) + np.diag(variance)
        law += drift.drift_rms_per_s**2 * np.outer(t, t)
        expected = multivariate_normal(cov=taking @ law @ taking.T).logpdf(taking @ x)
        (found,) = difference_likelihood(t, x, variance, np.array([walk]), drift)
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "truth",
    [
        {},
        {"walk_per_root_h": 0.06, "drift_per_h": 0.0},
        {"drift_per_h": 0.08},
        {"steps_per_night": 10.0, "step_rms": 0.1},
        {"excess": 0.008},
    ],
    ids=["default", "hard walk", "hard drift", "steps", "excess noise"],
)
def test_walk_and_drift_of_the_world_are_found(truth):
    wanted = {"walk_per_root_h": 0.02, "drift_per_h": 0.01, "excess": 0.0} | truth
    rng = np.random.default_rng(6)
    pulls, walks, steps = [], [], 0
    for _ in range(10):
        fit = fit_source_drift([series(rng, **truth)])
        errors = np.sqrt(np.diag(fit.covariance))
        off = [
            fit.walk_per_root_h - wanted["walk_per_root_h"],
            fit.drift_per_h - wanted["drift_per_h"],
            fit.excess_noise - wanted["excess"],
        ]
        pulls.append(np.array(off) / errors)
        walks.append(fit.walk_per_root_h)
        steps += fit.steps
    # An excess of nothing lies at the edge of what is allowed: its mean is not 0.
    kept = np.array(pulls)[:, : 3 if wanted["excess"] else 2]
    assert np.all(np.abs(kept.mean(axis=0)) < 1.1)
    assert np.all(np.sqrt(np.mean(kept**2, axis=0)) < 1.7)
    assert np.mean(walks) == pytest.approx(wanted["walk_per_root_h"], rel=0.3)
    if "steps_per_night" in truth:
        assert steps >= 3


def test_runs_of_several_nights_are_taken_together():
    rng = np.random.default_rng(3)
    nights = [series(rng, count=40, period_s=500.0) for _ in range(3)]
    alone, together = fit_source_drift(nights[:1]), fit_source_drift(nights)
    assert together.covariance[0, 0] < 0.6 * alone.covariance[0, 0]
    assert together.hours == pytest.approx(3 * 39 * 500.0 / 3600.0)
    error = np.sqrt(together.covariance[0, 0])
    assert abs(together.walk_per_root_h - 0.02) < 3.0 * error < 0.012


def test_the_plot_shows_a_walk_as_the_root_of_time():
    rng = np.random.default_rng(5)
    t, rms, error = structure([series(rng, count=400, burst_noise=1e-4) for _ in range(4)])
    expected = 0.02 * np.sqrt(t / 3600.0)
    assert np.all(np.abs(rms[:8] - expected[:8]) < 4.0 * error[:8])
    assert np.all(np.diff(t) > 0.0)


def test_too_little_is_refused():
    rng = np.random.default_rng(5)
    with pytest.raises(ValueError, match=f"{LEAST_BRACKETS} are needed"):
        fit_source_drift([series(rng, count=LEAST_BRACKETS - 1)])
    dead = series(rng)
    dead.rate[3] = 0.0
    with pytest.raises(ValueError, match="not positive"):
        fit_source_drift([dead])
