import numpy as np
import pytest
from drifting_sources import draw
from scipy.stats import multivariate_normal, norm

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.normaliser import Normaliser
from atta_daq.analysis.source_track import GRID, STEP_INTERVALS, track_source

TIMES = np.array([0.0, 500.0, 1100.0, 1500.0, 2300.0, 2800.0])
VARIANCE = np.array([2.0, 1.5, 2.5, 2.0, 1.0, 2.0]) * 1e-5


def law_of_differences(walk_per_s, step_variance=0.0, drift=TYPICAL):
    """Oracle: the covariance of the differences between brackets, written out."""
    gaps = np.diff(TIMES)
    taking = np.diff(np.eye(TIMES.size), axis=0)
    law = np.diag(gaps * walk_per_s + step_variance)
    law += taking @ np.diag(VARIANCE) @ taking.T
    return law + drift.drift_rms_per_s**2 * np.outer(gaps, gaps)


def posterior_of_walk(d, rows, intervals, drift=TYPICAL):
    """Weights on the grid from scipy's density of the differences `rows`."""
    half = 0.5 * intervals
    logs = []
    for step in GRID:
        law = law_of_differences(drift.walk_per_s * np.exp(step), drift=drift)[np.ix_(rows, rows)]
        logs.append(multivariate_normal(cov=law).logpdf(d[rows]) - half * (step + np.exp(-step)))
    weight = np.exp(np.array(logs) - max(logs))
    return weight / weight.sum()


def test_the_walk_is_the_mean_over_scipys_likelihood():
    x = np.array([0.0, 0.012, -0.004, 0.006, 0.02, 0.011])
    track = track_source(TIMES, x, VARIANCE, TYPICAL)
    walk = TYPICAL.walk_per_s * np.exp(GRID)
    weight = posterior_of_walk(np.diff(x), np.arange(5), TYPICAL.walk_intervals)
    mean = weight @ walk
    assert track.steps == ()
    assert track.walk_per_s == pytest.approx(mean, rel=1e-9)
    assert track.walk_error_per_s == pytest.approx(np.sqrt(weight @ (walk - mean) ** 2), rel=1e-9)


def test_the_chance_of_a_step_is_that_of_scipys_conditional_law():
    x = np.array([0.0, 0.003, 0.001, 0.204, 0.202, 0.205])
    (step,) = track_source(TIMES, x, VARIANCE, TYPICAL).steps
    assert (step.after_s, step.before_s) == (1100.0, 1500.0)
    d, others = np.diff(x), np.array([0, 1, 3, 4])
    weight = posterior_of_walk(d, others, STEP_INTERVALS)
    chance, change = 0.0, 0.0
    for w, grid in zip(weight, GRID, strict=True):
        law = law_of_differences(TYPICAL.walk_per_s * np.exp(grid))
        gain = np.linalg.solve(law[np.ix_(others, others)], law[others, 2])
        expected, variance = gain @ d[others], law[2, 2] - gain @ law[others, 2]
        chance += w * 2.0 * norm.sf(abs(d[2] - expected) / np.sqrt(variance))
        change += w * (d[2] - expected)
    assert step.false_alarm == pytest.approx(5.0 * chance, rel=1e-6)
    assert step.change == pytest.approx(change, rel=1e-9)
    assert step.change == pytest.approx(0.2, abs=3.0 * step.error)


def test_a_measured_spectrum_holds_where_the_brackets_say_little():
    calm = DriftSpectrum.measured(0.005, 0.0005)
    x = np.array([0.0, 0.001, -0.001, 0.001, 0.0, 0.001])
    found = track_source(TIMES, x, VARIANCE, calm).walk_per_s
    assert found == pytest.approx(calm.walk_per_s, rel=0.5)
    assert track_source(TIMES, x, VARIANCE, TYPICAL).walk_per_s > 5.0 * found


@pytest.mark.parametrize(
    ("error", "intervals"), [(0.005, 8.0), (0.02, 2.0), (0.001, 20.0), (0.0, 20.0)]
)
def test_the_error_of_a_calibration_decides_on_its_weight(error, intervals):
    """A variance from n intervals has the relative error sqrt(2/n), its root half of that."""
    assert DriftSpectrum.measured(0.02, error).walk_intervals == pytest.approx(intervals)


def test_times_that_do_not_ascend_are_refused():
    with pytest.raises(ValueError, match="ascend"):
        track_source(np.array([0.0, 0.0]), np.zeros(2), np.full(2, 1e-5), TYPICAL)


def test_a_source_that_only_walks_makes_no_steps():
    rng = np.random.default_rng(4)
    said = sum(
        bool(Normaliser.from_brackets(draw("walk of 2 %/root h, 1 %/h", 24, rng).brackets).steps)
        for _ in range(200)
    )
    assert said <= 4  # 1 expected at the stated level


@pytest.mark.parametrize("size", [0.08, -0.08])
def test_a_step_is_found_and_its_interval_alone_is_widened(size):
    """Steps at random moments of the interval: errors there are right on average, elsewhere as
    without a step."""
    rng = np.random.default_rng(7)
    inside, outside, found = [], [], 0
    for _ in range(60):
        made = draw("walk of 2 %/root h, 1 %/h", 14, rng)
        moment = rng.uniform(3000.0, 3500.0)
        lifted = [
            type(s)(
                **{**s.__dict__, "rate": s.rate * (np.exp(size) if s.mid_rig_s > moment else 1)}
            )
            for s in made.brackets
        ]
        share = np.clip((made.end_s - moment) / (made.end_s - made.start_s), 0.0, 1.0)
        true = made.true * (1.0 + share * (np.exp(size) - 1.0))
        source = Normaliser.from_brackets(lifted)
        seen = any(step.after_s == 3000.0 for step in source.steps)
        found += seen
        value, covariance = source.at(made.start_s, made.end_s)
        pull = np.log(value * source.mean_rate / true) / np.sqrt(np.diag(covariance))
        there = (made.start_s > 3000.0) & (made.end_s < 3500.0)
        inside.append(pull[there])
        outside.append(pull[~there])
        if seen:
            widest = np.argsort(np.diag(covariance))[-2:]
            assert set(widest) == set(np.flatnonzero(there))
    assert found >= 57
    assert 0.7 < np.sqrt(np.mean(np.square(inside))) < 1.3
    assert 0.8 < np.sqrt(np.mean(np.square(outside))) < 1.2


@pytest.mark.parametrize(
    ("law", "low", "high"),
    [
        ("walk of 2 %/root h, 1 %/h", 0.88, 1.12),
        ("walk of 6 %/root h", 0.88, 1.15),
        ("steps of 5 %", 0.85, 1.20),
        # A source calmer than typical: errors on the safe side.
        ("steady", 0.55, 1.1),
        ("5 %/h", 0.55, 1.1),
        ("swings of 3 % in 2 h", 0.5, 1.1),
    ],
)
def test_pulls_and_covariance_hold_for_each_law(law, low, high):
    """Single pulls, and all of a run together with their correlations (chi-square)."""
    rng = np.random.default_rng(21)
    pulls, chi_2 = [], []
    for _ in range(40):
        made = draw(law, 24, rng)
        source = Normaliser.from_brackets(made.brackets)
        value, covariance = source.at(made.start_s, made.end_s)
        off = np.log(value * source.mean_rate / made.true)
        pulls.append(off / np.sqrt(np.diag(covariance)))
        chi_2.append(off @ np.linalg.solve(covariance, off) / off.size)
    assert low < np.sqrt(np.mean(np.square(pulls))) < high
    assert np.mean(chi_2) < high**2
    assert abs(np.mean(pulls)) < 0.15
