"""The efficiency that the counting knows of itself."""

import numpy as np
import pytest

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.chain import most_likely_rate
from atta_daq.counting.efficiency import EfficiencyCurve, efficiency_curve, simulate_signals

NOMINAL = {
    "shape": (24, 26), "exposure_s": 0.1, "spot_row_px": 11.4, "spot_column_px": 13.2,
    "spot_sigma_px": 1.5, "em_gain": 200.0, "electrons_per_adu": 5.0, "bias_adu": 200.0,
    "read_noise_electrons": 50.0, "background_electrons": 5.0, "electrons_per_atom": 240.0,
    "dwell_s": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def calibration() -> CountingCalibration:
    return CountingCalibration.nominal(**NOMINAL, relative_error=0.02)


@pytest.fixture(scope="module")
def curve(calibration: CountingCalibration) -> EfficiencyCurve:
    return efficiency_curve(calibration, frames=80_000, seed=3)


def test_simulated_signals_have_the_mean_and_correlation_of_the_trap(calibration) -> None:
    rng = np.random.default_rng(1)
    made = simulate_signals(calibration.signal_model(), 0.07, 5.0, 60_000, rng)
    assert made.arrivals.size == pytest.approx(4200, abs=4 * np.sqrt(4200))
    assert made.signals.mean() == pytest.approx(240.0 * 0.35, rel=0.06)
    d = made.signals - made.signals.mean()
    shared = 0.35 * 240.0**2 * (5.0 * -np.expm1(-0.2)) ** 2
    assert np.mean(d[1:] * d[:-1]) == pytest.approx(shared, rel=0.1)
    assert np.mean(d[2:] * d[:-2]) == pytest.approx(shared * np.exp(-0.2), rel=0.1)


def test_efficiency_falls_gently_with_the_rate(curve: EfficiencyCurve) -> None:
    values = [curve.at(rate) for rate in (0.02, 0.7, 2.4)]
    assert 0.88 < values[0] < 0.96
    assert 0.7 < values[2] < values[1] < values[0]


def test_true_rate_undoes_the_bias(curve: EfficiencyCurve) -> None:
    for rate in (0.05, 0.7, 2.4):
        likely = rate * curve.at(rate) / curve.information_at(rate)
        assert curve.true_rate(likely) == pytest.approx(rate, rel=1e-4)


def test_errors_of_the_calibration_enter(curve: EfficiencyCurve) -> None:
    exact = efficiency_curve(
        CountingCalibration.nominal(**NOMINAL, relative_error=1e-6), frames=80_000, seed=3
    )
    assert curve.error_at(0.7) > exact.error_at(0.7)
    assert 0.0 < exact.error_at(0.7) < 0.02
    assert curve.at(0.7) == pytest.approx(exact.at(0.7))


@pytest.mark.parametrize("rate", [0.1, 1.6])
def test_counts_are_near_poisson_with_the_promised_mean(calibration, curve, rate: float) -> None:
    rng, frames = np.random.default_rng(5), 600
    model, dwell = calibration.signal_model(), calibration.dwell_exposures
    tables = calibration.emission()
    counts, true = [], 0
    for _ in range(100):
        made = simulate_signals(model, rate * 0.1, dwell, frames, rng)
        true += made.arrivals.size
        likely = most_likely_rate(tables, dwell, made.signals).arrivals_per_exposure / 0.1
        counts.append(round(curve.information_at(likely) * likely * frames * 0.1))
    mean, expected = np.mean(counts), true / 100 * curve.at(rate)
    assert mean == pytest.approx(expected, rel=0.025)
    assert np.var(counts) / mean == pytest.approx(1.0, abs=0.4)
