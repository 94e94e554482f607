import math

import numpy as np
import pytest

from simulators.truth import Source
from simulators.world.source import HOUR_S, SourceDrift


def strengths(truth: Source, times_s: np.ndarray, seeds: int) -> np.ndarray:
    """Log strength, (seeds, times)."""
    rows = []
    for seed in range(seeds):
        source = SourceDrift(truth, 0.0, np.random.default_rng(seed))
        rows.append([math.log(source.at(float(t))) for t in times_s])
    return np.array(rows)


def test_starts_at_one_and_stays_when_nothing_drifts():
    truth = Source(walk_per_root_h=0.0, drift_per_h=0.0, steps_per_night=0.0)
    source = SourceDrift(truth, 100.0, np.random.default_rng(1))
    assert source.at(100.0) == 1.0
    assert source.at(1e6) == 1.0


def test_linear_drift():
    truth = Source(walk_per_root_h=0.0, drift_per_h=0.01, steps_per_night=0.0)
    source = SourceDrift(truth, 0.0, np.random.default_rng(1))
    assert source.at(5 * HOUR_S) == pytest.approx(math.exp(0.05))


@pytest.mark.parametrize("steps", [1, 40])
def test_random_walk_grows_with_the_root_of_time_whatever_the_steps(steps: int):
    truth = Source(walk_per_root_h=0.02, drift_per_h=0.0, steps_per_night=0.0)
    times_s = np.linspace(0.0, 4 * HOUR_S, steps + 1)[1:]
    end = strengths(truth, times_s, 2000)[:, -1]
    assert end.std() == pytest.approx(0.02 * 2.0, rel=0.06)
    assert abs(end.mean()) < 4 * 0.04 / math.sqrt(2000)


def test_steps_come_at_the_rate_of_the_truth():
    truth = Source(walk_per_root_h=0.0, drift_per_h=0.0, step_rms=0.03, steps_per_night=1.0)
    nights = strengths(truth, np.array([10 * HOUR_S]), 4000)[:, -1]
    assert np.mean(nights == 0.0) == pytest.approx(math.exp(-1.0), abs=0.03)
    # compound Poisson: variance = rate * step variance
    assert nights.std() == pytest.approx(0.03, rel=0.1)


def test_an_earlier_time_changes_nothing():
    source = SourceDrift(Source(), 0.0, np.random.default_rng(3))
    later = source.at(7200.0)
    assert source.at(10.0) == later
