import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.stcl.peaks import MOST_PEAKS, find_peaks, lorentzian

FWHM = 17.0
X = np.arange(8192, dtype=np.float64)


def trace(*peaks: tuple[float, float], seed: int = 1, noise: float = 0.01) -> np.ndarray:
    """Lorentzians (centre, height) of the usual width on a little offset."""
    clean = sum((lorentzian(X, c, h, FWHM) for c, h in peaks), start=np.full(X.size, 0.02))
    return clean + noise * np.random.default_rng(seed).standard_normal(X.size)


def test_every_parameter_is_found_within_its_error() -> None:
    found = find_peaks(trace((1000.3, 1.0), (5000.7, 0.5)), FWHM, 0.05)
    assert found.baseline_v == pytest.approx(0.02, abs=0.003)
    assert found.noise_v == pytest.approx(0.01, rel=0.15)
    for peak, (centre, height) in zip(found.peaks, [(1000.3, 1.0), (5000.7, 0.5)], strict=True):
        assert abs(peak.position - centre) < 4.0 * peak.position_error
        assert abs(peak.height - height) < 4.0 * peak.height_error
        assert abs(peak.fwhm - FWHM) < 4.0 * peak.fwhm_error


def test_errors_are_the_scatter_over_many_traces() -> None:
    fits = [find_peaks(trace((4000.4, 1.0), seed=s), FWHM, 0.05).peaks[0] for s in range(400)]
    for value, error in ((0, 1), (2, 3), (4, 5)):
        scatter = np.std([fit[value] for fit in fits])
        assert np.mean([fit[error] for fit in fits]) == pytest.approx(scatter, rel=0.15)


def test_scatter_reaches_the_cramer_rao_bound() -> None:
    errors = np.array(
        [find_peaks(trace((4000.4, 1.0), seed=s), FWHM, 0.05).peaks[0].position - 4000.4
         for s in range(1000)]
    )  # fmt: skip
    step = 1e-4
    slope = (lorentzian(X, 4000.4 + step, 1.0, FWHM) - lorentzian(X, 4000.4 - step, 1.0, FWHM)) / (
        2.0 * step
    )
    bound = 0.01 / np.sqrt(slope @ slope)
    # 1000 traces know their scatter to 2.2 %.
    assert errors.std() < 1.12 * bound
    assert errors.std() > 0.88 * bound


def test_the_foot_of_a_peak_is_no_second_one() -> None:
    for seed in range(300):
        found = find_peaks(trace((3000.0, 0.5), seed=seed, noise=0.005), FWHM, 0.02)
        assert len(found.peaks) == 1


def test_noise_alone_and_a_dark_trace_hold_no_peak() -> None:
    assert find_peaks(trace(), FWHM, 0.005).peaks == ()
    assert find_peaks(np.zeros(8192), FWHM, 0.01).peaks == ()
    assert find_peaks(np.zeros(0), FWHM, 0.01).peaks == ()


def test_a_peak_cut_by_the_end_of_the_trace_does_no_harm() -> None:
    found = find_peaks(trace((3.0, 1.0), (4000.0, 1.0), (8190.0, 1.0)), FWHM, 0.05)
    assert any(abs(peak.position - 4000.0) < 0.2 for peak in found.peaks)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3, width=32), max_size=300),
    st.floats(1.0, 200.0),
    st.floats(0.0, 1.0),
)
def test_whatever_comes_it_ends_and_orders_what_it_found(values, fwhm, least) -> None:
    found = find_peaks(np.array(values, dtype=np.float64), fwhm, least)
    positions = [peak.position for peak in found.peaks]
    assert len(positions) <= MOST_PEAKS
    assert positions == sorted(positions)
    assert all(0.0 <= p <= len(values) for p in positions)
