"""Frames to electrons in the spot."""

import numpy as np
import pytest
from scipy.special import ndtr

from atta_daq.counting.spot import SpotFilter, spot_shares

SHAPE = (24, 26)


def filter_at(row: float = 11.4, column: float = 13.2, signal: float = 120.0) -> SpotFilter:
    return SpotFilter(SHAPE, row, column, 1.5, 5.0 / 200.0, 5.0, signal)


def test_shares_are_the_gaussian_integrated_over_each_pixel() -> None:
    shares = spot_shares((20, 20), 9.3, 10.6, 1.0)
    assert shares.sum() == pytest.approx(1.0, abs=1e-6)
    expected = (ndtr(0.5) - ndtr(-0.5)) ** 2
    assert spot_shares((21, 21), 10.0, 10.0, 1.0)[10, 10] == pytest.approx(expected)


def test_signal_equals_the_sum_over_weights_less_background_by_hand() -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(150, 4000, (7, *SHAPE)).astype(np.uint16)
    spot = filter_at()
    signals, levels = spot.with_background(frames)
    for frame, signal, level in zip(frames.astype(float), signals, levels, strict=True):
        outside = frame[spot.outside].mean()
        assert level == pytest.approx(outside, rel=1e-12)
        by_hand = np.sum(spot.weights * (frame - outside)) * spot.electrons_per_adu
        assert signal == pytest.approx(by_hand, rel=1e-9)


def test_any_weights_give_a_spot_of_e_electrons_as_e() -> None:
    shares = spot_shares(SHAPE, 11.4, 13.2, 1.5)
    clean = np.rint(200.0 + 5 * 40.0 + 40.0 * 5000.0 * shares).astype(np.uint16)
    for signal in (0.0, 120.0, 5000.0):
        assert filter_at(signal=signal).apply(clean[None])[0] == pytest.approx(5000.0, rel=2e-3)


def test_common_mode_drops_out_exactly() -> None:
    flat = np.full((2, *SHAPE), 400, dtype=np.uint16)
    flat[1] += 300
    assert np.allclose(filter_at().apply(flat), 0.0, atol=1e-8)


def test_noise_of_the_signal_is_the_predicted_one(expose) -> None:
    rng = np.random.default_rng(2)
    signals = filter_at().apply(expose(np.zeros(3000), rng, power_noise=0.2))
    spot = filter_at()
    variance = (2.0 * 5.0 * 1.04 + (50.0 / 200.0) ** 2) * spot.weight_moment(2, of_spot=False)
    assert signals.var() == pytest.approx(variance, rel=0.08)
    assert signals.mean() == pytest.approx(0.0, abs=4.0 * np.sqrt(variance / 3000))
    lit = spot.apply(expose(np.ones(3000), rng))
    atom_variance = 2.0 * 240.0 * spot.weight_moment(2, of_spot=True)
    assert lit.mean() == pytest.approx(240.0, rel=0.01)
    assert lit.var() == pytest.approx(variance / 1.04 + atom_variance, rel=0.1)


def test_weights_between_matched_filter_and_sum_do_best_between_no_atom_and_one(expose) -> None:
    rng = np.random.default_rng(3)
    dark, lit = expose(np.zeros(2000), rng), expose(np.ones(2000), rng)

    def separation(signal: float) -> float:
        spot = filter_at(signal=signal)
        off, on = spot.apply(dark), spot.apply(lit)
        return (on.mean() - off.mean()) / (on.std() + off.std())

    assert separation(120.0) > separation(0.0)
    assert separation(120.0) > separation(1e4)


def test_spot_at_the_edge_works_and_outside_is_refused() -> None:
    frames = np.full((1, *SHAPE), 400, dtype=np.uint16)
    assert filter_at(row=0.0, column=25.0).apply(frames)[0] == pytest.approx(0.0, abs=1e-8)
    with pytest.raises(ValueError, match="outside the 24x26 region"):
        filter_at(row=40.0)
    with pytest.raises(ValueError, match="do not fit"):
        filter_at().apply(frames[:, :20])
    with pytest.raises(ValueError, match="too few pixels"):
        SpotFilter((12, 12), 5.5, 5.5, 3.0, 0.025, 5.0, 120.0)
