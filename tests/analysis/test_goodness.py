import numpy as np
import pytest
from scipy.stats import kstest

from atta_daq.analysis.compare import OnOffModel
from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.goodness import goodness, toy_deviances
from atta_daq.analysis.likelihood import Deviance, nuisance_map
from atta_daq.analysis.minimise import ParameterStart, minimise
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import normalise

FREE = np.array([0, 1])


def counting_deviance(make_rare, make_bracket, rng, *, counts=40.0, increase=0.5, spread=0.0):
    segments = []
    for i in range(24):
        on = i % 2 == 1
        segments.append(make_bracket(2 * i, i, 600.0 * i, 1.0, 0.02))
        mean = counts * (1.5 if on else 1.0) * rng.lognormal(0.0, spread)
        segments.append(
            make_rare(2 * i + 1, i, 600.0 * i + 20.0, 300.0, int(rng.poisson(mean)), pumping=on)
        )
    data = normalise(segments, 85)
    model = OnOffModel(np.array([p.pumping for p in data.points]))
    return Deviance(data, model)


def fitted(deviance):
    start = [ParameterStart("background", 500.0, 20.0), ParameterStart("increase", 0.4, 0.1)]
    return minimise(deviance, start, minos=False).values


def test_toys_refitted_in_one_step_follow_the_law_of_true_fits(make_rare, make_bracket):
    """Least deviances of 120 independent experiments against 4000 toys of one of them."""
    rng = np.random.default_rng(7)
    deviance = counting_deviance(make_rare, make_bracket, rng)
    toys = toy_deviances(deviance, fitted(deviance), FREE, 4000, rng)
    real = []
    for _ in range(120):
        other = counting_deviance(make_rare, make_bracket, rng)
        real.append(other(fitted(other)))
    assert np.mean(toys) == pytest.approx(np.mean(real), abs=3.5 * np.std(real) / np.sqrt(120))
    assert kstest(real, toys).pvalue > 1e-3


def test_p_values_of_true_models_are_not_extreme_and_of_false_ones_are(make_rare, make_bracket):
    rng = np.random.default_rng(1)
    true = counting_deviance(make_rare, make_bracket, rng)
    false = counting_deviance(make_rare, make_bracket, rng, spread=0.6)
    for toys, method in ((0, "wilks"), (999, "toys")):
        good = goodness(true, fitted(true), FREE, toys=toys, rng=rng)
        bad = goodness(false, fitted(false), FREE, toys=toys, rng=rng)
        assert good.method == bad.method == method
        assert good.degrees_of_freedom == 22
        assert good.p_value > 0.01
        assert bad.p_value < 0.002


def test_few_counts_need_toys(make_rare, make_bracket):
    """At a tenth of a count a point Wilks' law is far off; the toys' own law is not."""
    rng = np.random.default_rng(3)
    deviance = counting_deviance(make_rare, make_bracket, rng, counts=0.1)
    values = np.array([0.1 / (0.93 * 300.0 / 3600.0), 0.5])
    toys = toy_deviances(deviance, values, FREE, 2000, rng)
    assert np.mean(toys) < 18.0


def test_a_spectrum_says_how_its_p_value_was_found(spectrum_run):
    run = spectrum_run(4)
    options = {"start": {"rabi_scale": 4.0}}
    quick = fit_run(run.segments, FitOptions(85, ("detuning_mhz",), **options)).goodness
    slow = fit_run(run.segments, FitOptions(85, ("detuning_mhz",), toys=2000, **options)).goodness
    assert (quick.method, slow.method) == ("wilks", "toys")
    assert quick.statistic == "Poisson deviance"
    # At 170 counts a point both agree.
    assert slow.p_value == pytest.approx(quick.p_value, abs=0.05)


def test_nuisance_map_gives_the_covariance_back():
    rng = np.random.default_rng(0)
    root = 0.02 * rng.standard_normal((9, 9))
    covariance = root @ root.T
    mapping = nuisance_map(covariance, np.full(9, 1e5))
    np.testing.assert_allclose(mapping @ mapping.T, covariance, atol=2e-8)


def test_directions_below_the_statistics_are_left_out():
    assert nuisance_map(1e-4 * np.eye(5), np.full(5, 3.0)).shape == (5, 0)
    assert nuisance_map(1e-4 * np.eye(5), np.full(5, 300.0)).shape == (5, 5)
