"""Loading rates from traces of the photodiode."""

import numpy as np
import pytest

from atta_daq.counting.loading import LoadingError, loading_slope_rate, quench_burst_rate

DT_S = 8.59 / 16384
LOAD_S, QUENCH_S, BURSTS = 1.0, 0.05, 5


def burst_trace(
    rate: float, rng: np.random.Generator, *, drift_v_per_s: float = 0.0, scatter: float = 0.0
):
    """Volts of 877.9-nm light: each pulse empties what `LOAD_S` brought, in 5 ms."""
    times = np.arange(16384) * DT_S
    volts = 0.05 + drift_v_per_s * times + 2e-4 * rng.standard_normal(times.size)
    for k in range(BURSTS + 1):
        loaded = 3.0 if k == 0 else rate * LOAD_S * (1 + scatter * rng.normal())
        t = times - k * (LOAD_S + QUENCH_S)
        lit = (t >= 0.0) & (t < QUENCH_S)
        volts[lit] += loaded * np.exp(-t[lit] / 0.005)
    return volts


def test_burst_rate_is_proportional_and_blind_to_the_baseline() -> None:
    rng = np.random.default_rng(1)
    one = quench_burst_rate(burst_trace(1.0, rng), DT_S, BURSTS, LOAD_S, QUENCH_S)
    double = quench_burst_rate(
        burst_trace(2.0, rng, drift_v_per_s=0.02), DT_S, BURSTS, LOAD_S, QUENCH_S
    )
    assert double.rate / one.rate == pytest.approx(2.0, rel=0.003)
    # Height per second of loading is what the trace was made with.
    assert one.rate == pytest.approx(1.0, rel=0.003)


def test_burst_rate_does_not_feel_the_phase_of_the_sampling() -> None:
    rng = np.random.default_rng(7)
    found = quench_burst_rate(burst_trace(1.0, rng), DT_S, BURSTS, LOAD_S, QUENCH_S)
    # The edges fall anywhere between two samples, of which a burst has ten.
    assert found.bursts.std() < 0.002


def test_burst_error_is_the_scatter_of_the_bursts() -> None:
    rng = np.random.default_rng(2)
    results = [
        quench_burst_rate(burst_trace(1.0, rng, scatter=0.01), DT_S, BURSTS, LOAD_S, QUENCH_S)
        for _ in range(200)
    ]
    rates = np.array([r.rate for r in results])
    assert np.sqrt(np.mean([r.error**2 for r in results])) == pytest.approx(rates.std(), rel=0.15)
    assert rates.std() / rates.mean() == pytest.approx(0.01 / np.sqrt(BURSTS), rel=0.2)
    assert results[0].bursts.shape == (BURSTS,)


def test_spikes_between_the_pulses_do_not_move_the_baseline() -> None:
    clean = burst_trace(1.0, np.random.default_rng(3))
    spiked = clean.copy()
    spiked[int(1.5 / DT_S) : int(1.5 / DT_S) + 20] += 1.0
    quiet = quench_burst_rate(clean, DT_S, BURSTS, LOAD_S, QUENCH_S)
    noisy = quench_burst_rate(spiked, DT_S, BURSTS, LOAD_S, QUENCH_S)
    assert noisy.rate == pytest.approx(quiet.rate, rel=1e-3)


@pytest.mark.parametrize(
    ("samples", "bursts", "quench_s", "text"),
    [
        (9000, 5, 0.05, "the trace is"),
        (16384, 1, 0.05, "at least two bursts"),
        (16384, 5, 0.6, "shorter than half"),
    ],
)
def test_bursts_that_do_not_fit_are_refused(samples, bursts, quench_s, text) -> None:
    with pytest.raises(LoadingError, match=text):
        quench_burst_rate(np.zeros(samples), DT_S, bursts, LOAD_S, quench_s)


def slope_trace(rate: float, lifetime_s: float, rng: np.random.Generator):
    times = np.arange(2048) * 8 * DT_S - QUENCH_S
    rise = rate * lifetime_s * (1.0 - np.exp(-np.maximum(times, 0.0) / lifetime_s))
    return np.where(times < 0.0, 0.4, 0.05 + rise) + 2e-3 * rng.standard_normal(times.size)


@pytest.mark.parametrize("lifetime_s", [0.5, 5.0, 1e4])
def test_slope_rate_is_unbiased_with_an_honest_error(lifetime_s: float) -> None:
    rng = np.random.default_rng(4)
    pulls = []
    for _ in range(40):
        found = loading_slope_rate(slope_trace(0.7, lifetime_s, rng), 8 * DT_S, QUENCH_S)
        pulls.append((found.rate - 0.7) / found.error)
    assert abs(np.mean(pulls)) < 0.5
    assert 0.7 < np.std(pulls) < 1.3


def test_slope_without_a_rise_is_zero_within_its_error() -> None:
    trace = slope_trace(0.0, 1.0, np.random.default_rng(5))
    found = loading_slope_rate(trace, 8 * DT_S, QUENCH_S)
    assert abs(found.rate) < 4.0 * found.error


def test_slope_needs_samples() -> None:
    with pytest.raises(LoadingError, match="only 10 samples"):
        loading_slope_rate(np.zeros(110), 1e-3, 0.0999)
    with pytest.raises(LoadingError, match="not numbers"):
        loading_slope_rate(np.full(1000, np.nan), 1e-3, 0.05)
