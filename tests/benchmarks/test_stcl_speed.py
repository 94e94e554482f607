"""Peaks of the scanned cavity beside scipy's find_peaks and curve_fit, in one run on one core, and
their scatter beside the Cramer-Rao bound."""

import time

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.signal import find_peaks as scipy_find_peaks

from drivers.stcl.peaks import find_peaks, lorentzian

SAMPLES = 10_000
FWHM = 25.0
NOISE = 0.01
MASTERS = (700.3, 4300.7, 5700.2, 9300.9)
"""Two on the falling ramp, two on the rising."""
SLAVES = (2100.4, 7900.6)


def trace(centres, rng) -> np.ndarray:
    x = np.arange(SAMPLES, dtype=np.float64)
    clean = sum(lorentzian(x, centre, 1.0, FWHM) for centre in centres)
    return clean + NOISE * rng.standard_normal(SAMPLES)


def model(x, centre, height, fwhm, base):
    return base + height / (1.0 + (2.0 * (x - centre) / fwhm) ** 2)


def with_scipy(volts: np.ndarray) -> np.ndarray:
    """The usual way: the highest samples, each fitted within three widths from its own guess."""
    found, _ = scipy_find_peaks(volts, height=0.3, distance=4 * FWHM)
    x = np.arange(SAMPLES, dtype=np.float64)
    half = round(3 * FWHM)
    fits = []
    for k in found:
        window = slice(k - half, k + half + 1)
        guess = (float(k), volts[k], FWHM, 0.0)
        fits.append(curve_fit(model, x[window], volts[window], p0=guess)[0][0])
    return np.array(fits)


def best_time_s(work, repeats: int, calls: int) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for _ in range(calls):
            work()
        times.append((time.perf_counter() - begin) / calls)
    return min(times)


@pytest.mark.bench
def test_two_traces_beside_scipy() -> None:
    rng = np.random.default_rng(1)
    traces = [trace(MASTERS, rng), trace(SLAVES, rng)]
    for volts in traces:
        ours = [peak.position for peak in find_peaks(volts, FWHM, 0.1).peaks]
        assert ours == pytest.approx(with_scipy(volts), abs=0.02)
    our_s = best_time_s(lambda: [find_peaks(v, FWHM, 0.1) for v in traces], 30, 100)
    scipy_s = best_time_s(lambda: [with_scipy(v) for v in traces], 30, 4)
    print(
        f"\n2 x {SAMPLES} samples, {len(MASTERS) + len(SLAVES)} peaks: ours {1e6 * our_s:.1f} us "
        f"({1 / our_s:,.0f} a second), scipy {1e6 * scipy_s:.0f} us, {scipy_s / our_s:.0f} times"
    )
    assert scipy_s > 40.0 * our_s


def bound(rng_free_x: np.ndarray, centre: float) -> float:
    """Cramer-Rao bound of the position: all four parameters of one peak free, whole trace."""
    parameters = np.array([centre, 1.0, FWHM, 0.0])
    steps = np.diag([1e-4, 1e-6, 1e-4, 1e-6])
    gradient = np.array(
        [
            (model(rng_free_x, *(parameters + d)) - model(rng_free_x, *(parameters - d)))
            / (2.0 * d.sum())
            for d in steps
        ]
    )
    fisher = gradient @ gradient.T / NOISE**2
    return float(np.sqrt(np.linalg.inv(fisher)[0, 0]))


@pytest.mark.bench
def test_scatter_beside_the_cramer_rao_bound() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(SAMPLES, dtype=np.float64)
    found = np.array(
        [[p.position for p in find_peaks(trace(MASTERS, rng), FWHM, 0.1).peaks]
         for _ in range(8000)]
    )  # fmt: skip
    errors = found - np.array(MASTERS)
    limits = np.array([bound(x, centre) for centre in MASTERS])
    ratio = float(np.sqrt(np.mean((errors / limits) ** 2)))
    quoted = find_peaks(trace(MASTERS, rng), FWHM, 0.1).peaks[0].position_error
    print(
        f"\n{errors.size} peaks at 1 % noise: scatter {ratio:.4f} times the bound "
        f"({1e3 * limits.mean():.1f} thousandths of a sample); quoted error {1e3 * quoted:.1f}"
    )
    assert ratio < 1.05
    assert np.abs(errors.mean(axis=0)).max() < 5.0 * limits.max() / len(found) ** 0.5
