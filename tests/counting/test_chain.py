"""The hidden Markov model against brute force and against atoms whose times are known."""

import numpy as np
import pytest
from scipy import stats

from atta_daq.counting.calibration import signal_model
from atta_daq.counting.chain import AtomChain, most_likely_rate, poisson_prior
from atta_daq.counting.efficiency import simulate_signals
from atta_daq.counting.emission import (
    MAX_ATOMS,
    STEPS,
    SignalModel,
    emission,
    occupancy_paths,
)
from atta_daq.counting.spot import SpotFilter

MODEL = SignalModel(240.0, 0.0, 18.0, 0.18, 2.34, 8.8)
DWELL = 5.0


@pytest.fixture(scope="module")
def tables():
    return emission(MODEL, DWELL)


def test_density_has_the_moments_of_the_register() -> None:
    signals = np.linspace(-150.0, 900.0, 8000)
    for atoms in (0.0, 0.4, 2.0):
        density = MODEL.density(signals, np.array([atoms]))[0]
        step = signals[1] - signals[0]
        mean, variance, third = (float(c[0]) for c in MODEL.cumulants(np.array([atoms])))
        assert density.sum() * step == pytest.approx(1.0, abs=1e-5)
        assert (density * signals).sum() * step == pytest.approx(mean, abs=0.02)
        moment = (density * (signals - mean) ** 2).sum() * step
        assert moment == pytest.approx(variance, rel=1e-3)
        assert (density * (signals - mean) ** 3).sum() * step == pytest.approx(third, rel=0.01)
        drawn = MODEL.sample(np.full(100_000, atoms), np.random.default_rng(1))
        assert stats.skew(drawn) == pytest.approx(third / variance**1.5, abs=0.03)


def test_density_of_the_filtered_emccd_signal_fits_the_frames(expose) -> None:
    spot = SpotFilter((24, 26), 11.4, 13.2, 1.5, 5.0 / 200.0, 5.0, 120.0)
    noise = np.sqrt((10.0 + 0.0625) * spot.weight_moment(2, of_spot=False))
    model = signal_model(spot, 240.0, 0.0, noise, 5.0)
    for atoms in (0.0, 1.0):
        signals = spot.apply(
            expose(np.full(2000, atoms), np.random.default_rng(4), power_noise=0.0)
        )
        drawn = model.sample(np.full(20_000, atoms), np.random.default_rng(5))
        assert np.asarray(stats.ks_2samp(signals, drawn))[1] > 1e-3


def simulated_frame(start: int, rate: float, rng: np.random.Generator) -> tuple[int, int, float]:
    """One exposure of continuous time: atoms at the end, arrivals, mean atoms."""
    births = rng.poisson(rate)
    begin = np.concatenate([np.zeros(start), rng.uniform(0.0, 1.0, births)])
    end = begin + rng.exponential(DWELL, begin.size)
    return int(np.count_nonzero(end > 1.0)), births, float(np.sum(np.minimum(end, 1.0) - begin))


def test_paths_within_an_exposure_agree_with_atoms_in_continuous_time() -> None:
    rng = np.random.default_rng(6)
    rate, start, draws = 0.4, 2, 40_000
    weight, _ = occupancy_paths(1.0 / DWELL, STEPS)
    factor = rate ** np.arange(weight.shape[2]) * np.exp(-rate)
    probability = weight[start] * factor[None, :, None]
    seen = [simulated_frame(start, rate, rng) for _ in range(draws)]
    for n in range(4):
        for b in range(3):
            share = np.mean([s[:2] == (n, b) for s in seen])
            expected = probability[n, b].sum()
            assert share == pytest.approx(expected, abs=5.0 * np.sqrt(expected / draws) + 2e-4)
    occupation = np.arange(weight.shape[-1]) / (2.0 * STEPS)
    mean = float((probability.sum(axis=(0, 1)) * occupation).sum() / probability.sum())
    assert mean == pytest.approx(np.mean([s[2] for s in seen]), abs=0.01)


def test_weights_of_all_paths_sum_to_one(tables) -> None:
    for rate in (0.001, 0.05, 0.3):
        rows = tables.at_rate(rate).blind.sum(axis=1)
        # Only paths beyond five atoms or three arrivals are left out.
        assert rows[:4] == pytest.approx(np.ones(4), abs=0.003)
        assert np.all(rows <= 1.0 + 1e-12)


def test_likelihood_and_posterior_agree_with_the_sum_over_all_paths(tables) -> None:
    rate = 0.2
    signals, lost = np.array([5.0, 130.0, 250.0]), np.array([0, 0, 2])
    chain, made = AtomChain(tables, rate, DWELL), tables.at_rate(rate)

    def frame(table, signal):
        position = (signal - tables.first_electrons) / tables.step_electrons
        low = int(position)
        return (1 - position + low) * table[low] + (position - low) * table[low + 1]

    seen = [frame(made.transitions, s) for s in signals]
    born = [frame(made.births, s) for s in signals]
    gap = made.blind @ made.blind
    prior = poisson_prior(rate * DWELL)
    total = prior @ seen[0] @ seen[1] @ gap @ seen[2] @ np.ones(MAX_ATOMS + 1)
    assert chain.log_likelihood(signals, lost) == pytest.approx(np.log(total), rel=1e-9)
    middle = prior @ seen[0] @ born[1] @ gap @ seen[2] @ np.ones(MAX_ATOMS + 1)
    _, arrivals = chain.smoothed(signals, lost)
    assert arrivals[1] == pytest.approx(middle / total, rel=1e-9)


def test_arrivals_come_with_times_within_the_exposure(tables) -> None:
    rng = np.random.default_rng(7)
    # An atom that comes 0.7 into frame 10 and stays to the middle of frame 20.
    atoms = np.zeros(40)
    atoms[10], atoms[11:20], atoms[20] = 0.3, 1.0, 0.5
    found = AtomChain(tables, 0.02, DWELL).arrivals(MODEL.sample(atoms, rng))
    assert found.frame.tolist() == [10]
    assert found.fraction[0] == pytest.approx(0.7, abs=0.15)


def test_atoms_at_the_start_and_after_a_gap_are_no_arrivals(tables) -> None:
    rng = np.random.default_rng(8)
    chain = AtomChain(tables, 0.02, DWELL)
    atoms = np.zeros(30)
    atoms[:4] = 1.0
    atoms[15:25] = 1.0
    signals, lost = MODEL.sample(atoms, rng), np.zeros(30, dtype=np.int64)
    assert chain.arrivals(signals, lost).frame.tolist() == [15]
    lost[15] = 3
    assert chain.arrivals(signals, lost).count == 0
    # It may have come in the first tenth of the frame after the gap, but hardly.
    _, arrivals = chain.smoothed(signals, lost)
    assert arrivals[14:17].sum() < 0.2


def test_two_atoms_at_once_are_two_arrivals(tables) -> None:
    rng = np.random.default_rng(9)
    atoms = np.repeat([0.0, 2.0, 2.5, 3.0, 1.0, 0.0], [10, 4, 1, 3, 4, 10])
    found = AtomChain(tables, 0.02, DWELL).arrivals(MODEL.sample(atoms, rng))
    assert sorted(found.frame.tolist()) == [10, 10, 14]


def test_one_absurd_frame_does_not_break_the_chain(tables) -> None:
    signals = MODEL.sample(np.zeros(50), np.random.default_rng(10))
    signals[20], signals[30] = -5e4, 1e6
    chain = AtomChain(tables, 0.02, DWELL)
    assert np.isfinite(chain.log_likelihood(signals))
    assert np.all(np.isfinite(chain.smoothed(signals)[1]))


@pytest.mark.parametrize("mean_atoms", [0.1, 0.55, 1.2])
def test_most_likely_rate_is_unbiased_and_its_information_is_its_variance(
    tables, mean_atoms: float
) -> None:
    rng, rate, frames = np.random.default_rng(11), mean_atoms / DWELL, 3000
    pulls, ratios = [], []
    for _ in range(30):
        made = simulate_signals(MODEL, rate, DWELL, frames, rng)
        found = most_likely_rate(tables, DWELL, made.signals)
        pulls.append((found.arrivals_per_exposure / rate - 1.0) * np.sqrt(found.information))
        ratios.append(found.arrivals_per_exposure * frames / made.arrivals.size)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)
    assert 0.7 < np.std(pulls) < 1.35


def test_the_rate_holds_the_arrivals_of_live_frames_only(tables) -> None:
    rng, frames, rate = np.random.default_rng(13), 20_000, 0.06
    made = simulate_signals(MODEL, rate, DWELL, frames, rng)
    kept = np.sort(rng.choice(frames, frames // 2, replace=False))
    lost = np.diff(kept, prepend=-1) - 1
    found = most_likely_rate(tables, DWELL, made.signals[kept], lost)
    frame = np.floor(made.arrivals).astype(np.int64)
    # Half of the frames is gone: an atom counts if the frame that it came in was kept.
    live = np.isin(frame, kept).sum()
    assert found.arrivals_per_exposure * kept.size == pytest.approx(live, rel=0.06)
    assert found.information < 0.9 * live


def test_a_rate_of_nothing_is_nothing(tables) -> None:
    made = MODEL.sample(np.zeros(600), np.random.default_rng(12))
    assert most_likely_rate(tables, DWELL, made).arrivals_per_exposure * 600 < 0.2


def test_impossible_parameters_are_refused(tables) -> None:
    with pytest.raises(ValueError, match="dwell time"):
        emission(MODEL, 0.0)
    with pytest.raises(ValueError, match="arrival rate"):
        AtomChain(tables, 0.0, DWELL)
    with pytest.raises(ValueError, match="one number of lost frames"):
        AtomChain(tables, 0.1, DWELL).arrivals(np.zeros(5), np.zeros(4, dtype=np.int64))
