import numpy as np
import pytest

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.normaliser import Normaliser, pooled_relative_errors

RIGID = DriftSpectrum(walk_per_s=1e-14, walk_intervals=1e6, drift_rms_per_s=1e-2)
"""A source of which nothing is expected but a straight line of any slope."""


def brackets(make_bracket, times, rates, errors):
    return [
        make_bracket(i, i, t - 4.0, r, e)
        for i, (t, r, e) in enumerate(zip(times, rates, errors, strict=True))
    ]


def dense(times, log_rates, variances, intervals, walk_per_s, drift_rms_per_s, step_variance):
    """Oracle: the joint normal law of a source on a grid of 5 s, conditioned on its brackets.

    Returns mean and covariance of the logarithm's mean over each interval. Knows no bridge, no
    smoother: a matrix that sums increments, and the textbook formula for a conditional law.
    """
    first = min(times.min(), intervals.min()) - 5.0
    grid = np.arange(first, max(times.max(), intervals.max()) + 5.0, 5.0)
    gaps = np.full(grid.size - 1, 5.0)
    middle = 0.5 * (grid[1:] + grid[:-1])
    rate = np.full(gaps.size, walk_per_s)
    for t0, t1, extra in zip(times[:-1], times[1:], step_variance, strict=True):
        rate[(middle > t0) & (middle < t1)] += extra / (t1 - t0)
    summing = np.tril(np.ones((grid.size, grid.size - 1)), -1)
    law = summing @ np.diag(rate * gaps) @ summing.T
    law += drift_rms_per_s**2 * np.outer(grid - first, grid - first)
    level = 10.0  # next to no knowledge of where it begins
    law += level
    seen = np.array([np.interp(t, grid, np.eye(grid.size)[i]) for t in times
                     for i in range(grid.size)]).reshape(times.size, -1)  # fmt: skip
    means = np.zeros((len(intervals), grid.size))
    for row, (a, b) in zip(means, intervals, strict=True):
        inside = (grid >= a) & (grid <= b)
        row[inside] = np.trapezoid(np.eye(inside.sum()), grid[inside], axis=1) / (b - a)
    joint = seen @ law @ seen.T + np.diag(variances)
    gain = np.linalg.solve(joint, seen @ law @ means.T).T
    centre = log_rates.mean()
    mean = centre + gain @ (log_rates - centre)
    return mean, means @ law @ means.T - gain @ seen @ law @ means.T


TIMES = np.array([0.0, 600.0, 1200.0, 2100.0, 2700.0])
INTERVALS = np.array(
    [(-500.0, -300.0), (-200.0, -50.0), (20.0, 260.0), (260.0, 580.0), (1000.0, 1500.0),
     (1600.0, 2050.0), (2200.0, 2600.0), (2800.0, 3000.0), (3000.0, 3300.0)]
)  # fmt: skip


@pytest.mark.parametrize("step", [0.0, 0.15])
def test_value_and_covariance_against_a_dense_normal_law(step):
    log_rate = 0.02 + np.array([0.0, 0.004, -0.003, 0.001, 0.002]) + step * (TIMES > 700.0)
    error = np.array([0.004, 0.005, 0.003, 0.004, 0.004])
    source = Normaliser.of_rates(TIMES, np.exp(log_rate), error)
    assert len(source.steps) == (1 if step else 0)
    value, covariance = source.at(*INTERVALS.T)
    track = source.track
    mean, expected = dense(
        TIMES, log_rate, error**2, INTERVALS, track.walk_per_s, TYPICAL.drift_rms_per_s,
        track.step_variance,
    )  # fmt: skip
    np.testing.assert_allclose(np.log(value * source.mean_rate), mean, atol=2e-5 + 0.01 * step)
    np.testing.assert_allclose(covariance, expected, atol=(0.004 if not step else 0.06) * 1e-4)


def test_a_steady_drift_is_followed(make_bracket):
    times = np.array([0.0, 600.0, 1200.0, 2100.0])
    made = brackets(make_bracket, times, 5.0 * np.exp(1e-4 * times), np.full(4, 0.01))
    source = Normaliser.from_brackets(made, RIGID)
    start, end = np.array([100.0, 500.0, 1300.0, 2200.0]), np.array([340.0, 900.0, 2000.0, 3000.0])
    value, _ = source.at(start, end)
    expected = 5.0 * np.exp(1e-4 * 0.5 * (start + end))
    np.testing.assert_allclose(value * source.mean_rate, expected, rtol=2e-4)


def test_brackets_of_a_rigid_source_are_averaged(make_bracket):
    """Against the plain straight-line fit."""
    rng = np.random.default_rng(2)
    times = np.arange(0.0, 6000.0, 600.0)
    rates = np.exp(1e-6 * times + rng.normal(0.0, 0.01, times.size))
    source = Normaliser.of_rates(times, rates, np.full(10, 0.01), RIGID)
    slope, level = np.polyfit(times, np.log(rates), 1)
    at = np.array([300.0, 3000.0, 5100.0])
    value, covariance = source.at(at, at)
    np.testing.assert_allclose(np.log(value * source.mean_rate), level + slope * at, atol=1e-5)
    spread = times - times.mean()
    line = 0.01**2 * (1.0 / 10.0 + (at - times.mean()) ** 2 / (spread @ spread))
    np.testing.assert_allclose(np.diag(covariance), line, rtol=0.02)


def test_exact_brackets_are_met(make_bracket):
    times, rates = np.array([0.0, 100.0, 200.0]), np.array([1.0, 2.0, 1.0])
    source = Normaliser.of_rates(times, rates, np.full(3, 1e-7))
    value, covariance = source.at(np.array([0.0, 0.0, 100.0]), np.array([200.0, 0.0, 100.0]))
    # Over the kink the mean is the integral of the logarithm.
    np.testing.assert_allclose(value * source.mean_rate, [2**0.5, 1.0, 2.0], rtol=1e-6)
    np.testing.assert_allclose(np.diag(covariance)[1:], 0.0, atol=1e-12)


def test_order_of_the_brackets_does_not_matter(make_bracket):
    made = brackets(make_bracket, [0.0, 500.0, 900.0], [1.0, 1.1, 1.3], [0.01, 0.02, 0.01])
    forward, backward = Normaliser.from_brackets(made), Normaliser.from_brackets(made[::-1])
    for a, b in zip(
        forward.at(np.array([300.0]), np.array([400.0])),
        backward.at(np.array([300.0]), np.array([400.0])),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_beyond_the_brackets_the_error_grows(make_bracket):
    source = Normaliser.from_brackets(
        brackets(make_bracket, [0.0, 600.0], [1.0, 1.002], [0.01, 0.01])
    )
    for at, near in ((np.array([600.0, 1200.0, 2400.0]), 1), (np.array([0.0, -300.0, -900.0]), 1)):
        value, covariance = source.at(at, at)
        np.testing.assert_allclose(value, value[0], rtol=0.01)
        variance = np.diag(covariance)
        away = np.abs(at - at[0])
        assert np.all(np.diff(variance) > 0.9 * source.track.walk_per_s * np.diff(away))
        # Two times beyond share at least the walk up to the nearer one.
        assert covariance[near, 2] > variance[0] + 0.9 * source.track.walk_per_s * away[near]
    assert source.is_extrapolated(601.0)
    assert not source.is_extrapolated(599.0)


def test_no_bracket_is_one_without_error():
    value, covariance = Normaliser.from_brackets([]).at(np.array([0.0]), np.array([10.0]))
    assert value.tolist() == [1.0]
    assert covariance.tolist() == [[0.0]]


def test_one_bracket_serves_the_whole_run(make_bracket):
    source = Normaliser.from_brackets(brackets(make_bracket, [100.0], [3.0], [0.03]))
    at = np.array([100.0, 500.0])
    value, covariance = source.at(at, at)
    np.testing.assert_allclose(value, 1.0)
    drifted = (400.0 * TYPICAL.drift_rms_per_s) ** 2
    walked = 400.0 * source.track.walk_per_s
    np.testing.assert_allclose(np.diag(covariance), [1e-4, 1e-4 + walked + drifted], rtol=1e-6)
    assert source.track.walk_per_s >= TYPICAL.walk_per_s


def test_brackets_of_one_instant_are_one(make_bracket):
    """Rows of an imported table have no time."""
    made = brackets(make_bracket, [0.0, 0.0, 0.0], [1.0, 1.1, 1.2], [0.01, 0.011, 0.012])
    source = Normaliser.from_brackets(made)
    value, covariance = source.at(np.zeros(1), np.zeros(1))
    assert value[0] * source.mean_rate == pytest.approx(1.1)
    assert covariance[0, 0] == pytest.approx(0.01**2 / 3.0)


def test_scatter_of_few_bursts_is_pooled(make_bracket):
    made = brackets(make_bracket, [0.0, 600.0], [1.0, 2.0], [0.003, 0.008])
    pooled = pooled_relative_errors(made)
    np.testing.assert_allclose(pooled, np.sqrt(0.5 * (0.003**2 + 0.004**2)))


def test_errors_given_without_a_number_of_bursts_stay(make_bracket):
    made = [
        type(s)(**{**s.__dict__, "exposures": 0})
        for s in brackets(make_bracket, [0.0, 600.0], [1.0, 2.0], [0.003, 0.008])
    ]
    np.testing.assert_allclose(pooled_relative_errors(made), [0.003, 0.004])


@pytest.mark.parametrize(("rate", "error"), [(None, 0.1), (1.0, None), (0.0, 0.1), (-1.0, 0.1)])
def test_bracket_without_a_rate_is_refused(make_bracket, rate, error):
    with pytest.raises(ValueError, match="segment 7"):
        Normaliser.from_brackets([make_bracket(7, 0, 0.0, rate, error)])
