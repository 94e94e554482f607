"""Speed of the counting beside scipy's matched filter, in one run, results compared first."""

import time

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.chain import AtomChain, most_likely_rate
from atta_daq.counting.efficiency import simulate_signals
from atta_daq.counting.spot import SpotFilter, spot_shares

FRAMES = 4000


def best_time_s(work, repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.mark.bench
def test_spot_filter_beside_scipy() -> None:
    rng = np.random.default_rng(1)
    frames = rng.poisson(400.0, (FRAMES, 40, 40)).astype(np.uint16)
    # No atom light in the weights: then both are the same matched filter.
    spot = SpotFilter((40, 40), 20.0, 20.0, 1.5, 1.0, 1.0, 0.0)
    template = np.where(spot.outside, 0.0, spot_shares((41, 41), 20.0, 20.0, 1.5)[:40, :40])
    kernel = (template / np.sum(template**2))[::-1, ::-1]

    def with_scipy(some: np.ndarray) -> np.ndarray:
        out = np.empty(len(some))
        for k, frame in enumerate(some):
            level = frame[spot.outside].mean()
            # The peak of the map at the known place: what a matched filter of the frame gives.
            out[k] = fftconvolve(frame - level, kernel, mode="full")[39, 39]
        return out

    ours, theirs = spot.apply(frames[:200]), with_scipy(frames[:200])
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)
    our_time = best_time_s(lambda: spot.apply(frames)) / FRAMES
    scipy_time = best_time_s(lambda: with_scipy(frames[:200]), 3) / 200
    smooth_time = best_time_s(lambda: [gaussian_filter(f, 1.5) for f in frames[:500]], 3) / 500
    print(
        f"\n40x40 frames a second: spot filter {1 / our_time:,.0f}, scipy.signal matched filter "
        f"{1 / scipy_time:,.0f}, scipy.ndimage gaussian_filter {1 / smooth_time:,.0f}"
    )
    assert our_time < scipy_time


@pytest.mark.bench
def test_chain_decides_a_segment_in_a_blink() -> None:
    calibration = CountingCalibration.nominal(
        shape=(40, 40), exposure_s=0.1, spot_row_px=20.0, spot_column_px=20.0, spot_sigma_px=1.5,
        em_gain=200.0, electrons_per_adu=5.0, bias_adu=200.0, read_noise_electrons=50.0,
        background_electrons=5.0, electrons_per_atom=240.0, dwell_s=0.5,
    )  # fmt: skip
    rng = np.random.default_rng(2)
    made = simulate_signals(calibration.signal_model(), 0.07, 5.0, 2400, rng)
    tables = calibration.emission()
    chain = AtomChain(tables, 0.07, 5.0)
    count = chain.arrivals(made.signals).count
    assert count == pytest.approx(made.arrivals.size, rel=0.25)
    build = best_time_s(lambda: calibration.emission(5.5))
    path = best_time_s(lambda: chain.arrivals(made.signals))
    rate = best_time_s(lambda: most_likely_rate(tables, 5.0, made.signals))
    smooth = best_time_s(lambda: chain.smoothed(made.signals))
    print(
        f"\nsegment of 2400 frames: tables {1e3 * build:.1f} ms, most probable path "
        f"{1e3 * path:.1f} ms, forward-backward {1e3 * smooth:.1f} ms, most likely rate "
        f"{1e3 * rate:.1f} ms"
    )
