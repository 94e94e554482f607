import numpy as np
import pytest

from atta_daq.analysis.normaliser import (
    TYPICAL_WALK_PER_S,
    Normaliser,
    pooled_relative_errors,
)


def brackets(make_bracket, times, rates, errors):
    return [
        make_bracket(i, i, t - 4.0, r, e)
        for i, (t, r, e) in enumerate(zip(times, rates, errors, strict=True))
    ]


def test_linear_drift_is_followed_exactly(make_bracket):
    times = np.array([0.0, 600.0, 1200.0, 2100.0])
    source = Normaliser.from_brackets(
        brackets(make_bracket, times, 5.0 + 1e-3 * times, np.full(4, 0.01))
    )
    start, end = np.array([100.0, 500.0, 1300.0]), np.array([340.0, 900.0, 2000.0])
    value, _ = source.at(start, end)
    np.testing.assert_allclose(value * source.mean_rate, 5.0 + 1e-3 * 0.5 * (start + end))


def test_mean_over_a_kink_is_the_integral(make_bracket):
    source = Normaliser.from_brackets(
        brackets(make_bracket, [0.0, 100.0, 200.0], [1.0, 2.0, 1.0], [0.01] * 3)
    )
    value, _ = source.at(np.array([0.0]), np.array([200.0]))
    assert value[0] * source.mean_rate == pytest.approx(1.5)


def test_order_of_the_brackets_does_not_matter(make_bracket):
    made = brackets(make_bracket, [0.0, 500.0, 900.0], [1.0, 1.1, 1.3], [0.01, 0.02, 0.01])
    forward, backward = Normaliser.from_brackets(made), Normaliser.from_brackets(made[::-1])
    for a, b in zip(
        forward.at(np.array([300.0]), np.array([400.0])),
        backward.at(np.array([300.0]), np.array([400.0])),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_beyond_the_brackets_the_rate_is_held_and_its_error_grows(make_bracket):
    source = Normaliser.from_brackets(
        brackets(make_bracket, [0.0, 600.0], [1.0, 1.2], [0.01, 0.01])
    )
    at = np.array([600.0, 1200.0, 2400.0])
    value, covariance = source.at(at, at)
    np.testing.assert_allclose(value, value[0])
    variance = np.diag(covariance)
    np.testing.assert_allclose(np.diff(variance), source.walk_per_s * np.diff(at))
    # Two times beyond share the walk up to the nearer one.
    assert covariance[1, 2] == pytest.approx(variance[1])
    assert source.is_extrapolated(601.0)
    assert not source.is_extrapolated(599.0)


def test_before_the_first_bracket_likewise(make_bracket):
    source = Normaliser.from_brackets(
        brackets(make_bracket, [0.0, 600.0], [1.0, 1.0], [0.01, 0.01])
    )
    at = np.array([-900.0, -300.0])
    _, covariance = source.at(at, at)
    assert covariance[0, 0] - covariance[1, 1] == pytest.approx(600.0 * source.walk_per_s)
    assert covariance[0, 1] == pytest.approx(covariance[1, 1])


def test_covariance_of_the_interpolation_against_simulated_sources(make_bracket):
    """Bracket noise and a random walk between brackets, 4000 sources."""
    rng = np.random.default_rng(11)
    walk, noise = 1e-7, 0.004
    times = np.arange(0.0, 2401.0, 600.0)
    at = np.array([150.0, 450.0, 700.0, 2600.0])
    everything = np.sort(np.concatenate([times, at]))
    deviations = []
    for _ in range(4000):
        steps = rng.normal(0.0, np.sqrt(walk * np.diff(everything, prepend=0.0)))
        source = dict(zip(everything, np.cumsum(steps), strict=True))
        rates = [1.0 + source[t] + rng.normal(0.0, noise) for t in times]
        interpolated = np.interp(at, times, rates)
        deviations.append(interpolated - [1.0 + source[t] for t in at])
    expected = np.cov(np.array(deviations).T)
    known = Normaliser(times, np.ones(5), np.full(5, noise), walk)
    _, covariance = known.at(at, at)
    np.testing.assert_allclose(covariance, expected, atol=0.09 * expected.max())


def test_walk_is_found_in_the_brackets(make_bracket):
    rng = np.random.default_rng(3)
    truth = 4.0 * TYPICAL_WALK_PER_S
    found = []
    for _ in range(60):
        times = np.arange(0.0, 60.0 * 600.0, 600.0)
        rates = np.exp(np.cumsum(rng.normal(0.0, np.sqrt(truth * 600.0), times.size)))
        measured = rates * (1.0 + rng.normal(0.0, 0.005, times.size))
        made = brackets(make_bracket, times, measured, 0.005 * measured)
        found.append(Normaliser.from_brackets(made).walk_per_s)
    assert np.mean(found) == pytest.approx(truth, rel=0.15)


def test_no_bracket_is_one_without_error():
    value, covariance = Normaliser.from_brackets([]).at(np.array([0.0]), np.array([10.0]))
    assert value.tolist() == [1.0]
    assert covariance.tolist() == [[0.0]]


def test_one_bracket_serves_the_whole_run(make_bracket):
    source = Normaliser.from_brackets(brackets(make_bracket, [100.0], [3.0], [0.03]))
    at = np.array([100.0, 500.0])
    value, covariance = source.at(at, at)
    np.testing.assert_allclose(value, 1.0)
    np.testing.assert_allclose(
        np.diag(covariance), [1e-4, 1e-4 + 400.0 * TYPICAL_WALK_PER_S], rtol=1e-9
    )


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
