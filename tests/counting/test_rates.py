"""Counts to rates."""

import numpy as np
import pytest

from atta_daq.counting.rates import Counted, combine, net_increase, net_rate, rate_of


def test_rate_and_error_of_a_plain_count() -> None:
    rate = rate_of(Counted(100, 400.0, 0.5, 0.01))
    assert rate.per_s == pytest.approx(0.5)
    assert rate.per_h == pytest.approx(1800.0)
    assert rate.statistical_per_s == pytest.approx(0.05)
    assert rate.systematic_per_s == pytest.approx(0.01)
    assert rate.error_per_h == pytest.approx(3600.0 * np.hypot(0.05, 0.01))


def test_no_count_still_has_an_error() -> None:
    rate = rate_of(Counted(0, 100.0, 1.0))
    assert rate.per_s == 0.0
    assert rate.error_per_s == pytest.approx(0.01)


def test_combining_segments_keeps_the_common_error() -> None:
    total = combine([Counted(10, 100.0, 0.9, 0.009), Counted(30, 300.0, 0.8, 0.008)])
    assert total.counts == 40
    assert total.live_s == 400.0
    assert total.exposure_s == pytest.approx(330.0)
    assert total.efficiency_error / total.efficiency == pytest.approx(0.01)
    with pytest.raises(ValueError, match="no segment"):
        combine([])


def test_blank_is_taken_off_without_bias_and_with_the_right_error() -> None:
    rng = np.random.default_rng(5)
    pulls = []
    for _ in range(2000):
        counted = Counted(int(rng.poisson((0.06 + 0.02) * 1000 * 0.9)), 1000.0, 0.9)
        blank = Counted(int(rng.poisson(0.02 * 2000 * 0.9)), 2000.0, 0.9)
        net = net_rate(counted, blank)
        pulls.append((net.per_s - 0.06) / net.error_per_s)
    assert abs(np.mean(pulls)) < 0.15
    assert np.std(pulls) == pytest.approx(1.0, abs=0.06)


def test_increase_carries_the_shared_blank() -> None:
    rng = np.random.default_rng(6)
    values, errors = [], []
    for _ in range(2000):
        on = Counted(int(rng.poisson((0.157 + 0.05) * 3000 * 0.88)), 3000.0, 0.88)
        off = Counted(int(rng.poisson((0.1 + 0.05) * 3000 * 0.9)), 3000.0, 0.9)
        blank = Counted(int(rng.poisson(0.05 * 3000 * 0.92)), 3000.0, 0.92)
        value, error = net_increase(on, off, blank)
        values.append(value)
        errors.append(error)
    assert np.mean(values) == pytest.approx(0.57, abs=0.02)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.08)


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="efficiency positive"):
        Counted(1, 10.0, 0.0)
    with pytest.raises(ValueError, match="does not exceed the blank"):
        net_increase(Counted(5, 10.0, 1.0), Counted(1, 10.0, 1.0), Counted(2, 10.0, 1.0))
