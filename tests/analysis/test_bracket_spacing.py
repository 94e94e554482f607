import numpy as np
import pytest

from atta_daq.analysis.bracket_spacing import (
    BracketCost,
    Look,
    mean_variance,
    normaliser_variance,
    price,
    smoothed_bracket,
)
from atta_daq.analysis.drift_spectrum import DriftSpectrum

WALK = 0.02**2 / 3600.0


def inverse_of_a_long_train(gap_s, variance, walk, count=201):
    """Oracle: the posterior of many brackets, as a matrix inverse."""
    taking = np.diff(np.eye(count), axis=0)
    precision = np.eye(count) / variance + taking.T @ taking / (walk * gap_s)
    return np.linalg.inv(precision)


@pytest.mark.parametrize("gap_s", [30.0, 500.0, 5000.0])
@pytest.mark.parametrize("variance", [2e-6, 2e-5, 2e-4])
def test_brackets_amid_many_are_the_inverse_of_a_long_train(gap_s, variance):
    law = inverse_of_a_long_train(gap_s, variance, WALK)
    own, shared = smoothed_bracket(gap_s, variance, WALK)
    assert own == pytest.approx(law[100, 100], rel=1e-3)
    assert shared == pytest.approx(law[100, 101], rel=1e-3)


def test_the_variance_of_a_look_is_that_of_drawn_sources():
    """4000 walks on a grid of 10 s between brackets that are smoothed by the matrix above."""
    rng = np.random.default_rng(3)
    gap_s, variance, count = 500.0, 2e-5, 21
    law = inverse_of_a_long_train(gap_s, variance, WALK, count)
    x = np.cumsum(rng.normal(0.0, np.sqrt(WALK * 10.0), (4000, int((count - 1) * 50) + 1)), axis=1)
    brackets = x[:, ::50] + rng.normal(0.0, np.sqrt(variance), (4000, count))
    centre = brackets.mean(axis=1, keepdims=True)
    smooth = centre + (brackets - centre) @ law / variance
    at = 10 * 50
    for first, last in ((0, 24), (10, 40), (0, 50)):
        true = np.trapezoid(x[:, at + first : at + last + 1], axis=1) / (last - first)
        share = (first + last) / 100.0
        off = (1.0 - share) * smooth[:, 10] + share * smooth[:, 11] - true
        expected = normaliser_variance(10.0 * first, 10.0 * last, gap_s, variance, WALK)
        assert np.mean(off**2) == pytest.approx(expected, rel=0.08)


def test_the_mean_over_an_interval_is_the_integral():
    at = (np.arange(1000) + 0.5) * 0.5
    many = [normaliser_variance(t, t, 500.0, 2e-5, WALK) for t in at]
    assert mean_variance(500.0, 2e-5, WALK) == pytest.approx(np.mean(many), rel=1e-5)


def test_short_looks_have_their_best_spacing_where_the_formula_says():
    """sqrt(6 c p / q), for brackets that cost time and have no error of their own."""
    cost, look = BracketCost(9.0, 1e-9), Look(10.0, 0.1)
    best = np.sqrt(6.0 * 9.0 * 0.1 / WALK)
    counts = range(1, 1400, 4)
    prices = [price([[look] * n], cost, DriftSpectrum(WALK)) for n in counts]
    assert 10.0 * counts[int(np.argmin(prices))] == pytest.approx(best, rel=0.03)
    assert min(prices) > 1.0


def test_a_wild_source_costs_more_and_so_does_a_noisy_bracket():
    block = [Look(240.0, 0.006)] * 2
    calm = price([block], BracketCost(9.0, 2e-5), DriftSpectrum(WALK))
    assert price([block], BracketCost(9.0, 2e-5), DriftSpectrum(9 * WALK)) > calm
    assert price([block], BracketCost(9.0, 2e-3), DriftSpectrum(WALK)) > calm
    assert price([block], BracketCost(9.0, 2e-5), DriftSpectrum(WALK, excess_noise=0.04)) > calm
