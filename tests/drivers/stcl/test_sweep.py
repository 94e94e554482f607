"""Peaks to ratios: passes, orders, errors, hysteresis that no simulation of ours made."""

import numpy as np
import pytest

from drivers.stcl.loss import sidebands_seen
from drivers.stcl.peaks import Peak, lorentzian
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import Pass, ScanTraces, Sweep, analyse, total_ratio

SETTINGS = StclSettings()
ORDER = SETTINGS.slave_order


def peak(position: float, error: float = 1e-6) -> Peak:
    return Peak(position, error, 0.5, 0.002, 0.0026, 1e-5)


def bent(lengths, h: float, skew: float, rising: bool) -> list[float]:
    """Positions on a pass of a piezo whose loop is h (1 - p^2) (1 + skew p) wide on either side;
    lengths and p from -1 to 1, positions from 0 to 1."""
    p = np.array(lengths, dtype=float)
    sign = 1.0 if rising else -1.0
    for _ in range(50):
        p = np.array(lengths) + sign * h * (1.0 - p**2) * (1.0 + skew * p)
    return list(0.5 * (p + 1.0))


def sweep(ratios: list[float], h: float = 0.0, skew: float = 0.0) -> Sweep:
    first, spacing = -0.767, 1.534
    passes = []
    for rising in (True, False):
        m1, m2, *slaves = bent(
            [first, first + spacing, *(first + spacing * r for r in ratios)], h, skew, rising
        )
        passes.append(Pass((peak(m1), peak(m2)), tuple(peak(s) for s in slaves), ()))
    return Sweep(passes[0], passes[1], 0.0, 0.7)


@pytest.mark.parametrize("r", [0.05, 0.4, 0.95])
@pytest.mark.parametrize("order", [-1, 0, 1])
def test_the_order_is_the_one_next_to_what_is_expected(r, order) -> None:
    expected = r + order * ORDER + 0.2
    assert total_ratio(sweep([r]), expected, ORDER).mean == pytest.approx(r + order * ORDER)


def test_of_two_peaks_of_the_slave_the_one_between_the_masters_counts() -> None:
    r = 0.1
    found = total_ratio(sweep([r, r + ORDER]), 0.12, ORDER)
    assert found.mean == pytest.approx(r)
    assert total_ratio(sweep([0.92 - ORDER, 0.92]), 0.9, ORDER).mean == pytest.approx(0.92)


@pytest.mark.parametrize("r", [0.08, 0.3, 0.5, 0.8, 0.92])
def test_rayleighs_loop_is_taken_out(r) -> None:
    found = total_ratio(sweep([r], h=0.03), r, ORDER)
    assert found.mean == pytest.approx(r, abs=1e-7)
    assert abs(found.rising - found.falling) > 1e-3


@pytest.mark.parametrize("r", [0.08, 0.3, 0.5, 0.8, 0.92])
@pytest.mark.parametrize("skew", [-0.3, 0.3])
def test_another_loop_leaves_less_than_600_khz(r, skew) -> None:
    """A crooked loop of the default size; single passes are off by 10 MHz and more."""
    found = total_ratio(sweep([r], h=0.02, skew=skew), r, ORDER)
    assert abs(found.mean - r) * 2971.8 < 0.6


@pytest.mark.parametrize(
    ("ratios", "named"),
    [
        ([0.3, 0.5, 0.7], True),
        ([0.3, 0.5, 0.72], False),
        # Two orders of one mode and another mode in their middle.
        ([0.1, 0.1 + 0.5 * ORDER, 0.1 + ORDER], False),
    ],
)
def test_sidebands_are_a_symmetric_pair_that_is_no_pair_of_orders(ratios, named) -> None:
    seen = sidebands_seen(sweep(ratios, h=0.03), SETTINGS)
    assert (seen is not None) is named


def test_the_error_of_the_ratio_is_its_scatter() -> None:
    rng = np.random.default_rng(3)
    dt_s, period = 128 / 125e6, 1.0 / (75.0 * 128 / 125e6)
    x = np.arange(16384.0)

    def comb(places: list[float]) -> np.ndarray:
        """Peaks at places 0 to 1 of both passes."""
        at = [(0.75 + 0.5 * p) * period for p in places]
        at += [(0.75 - 0.5 * p) * period for p in places]
        return sum((lorentzian(x, c, 0.5, 17.0) for c in at), start=np.zeros_like(x))

    masters, slaves = comb([0.1, 0.87]), comb([0.4])
    found = []
    for _ in range(300):
        noise = 0.005 * rng.standard_normal((2, x.size))
        one = analyse(ScanTraces(masters + noise[0], slaves + noise[1], dt_s, 0.0), SETTINGS)
        found.append(total_ratio(one, 0.4, ORDER))
    means = np.array([r.mean for r in found])
    assert means.mean() == pytest.approx(0.3 / 0.77, abs=5e-6)
    assert np.mean([r.error for r in found]) == pytest.approx(means.std(), rel=0.15)


def test_the_covariance_of_the_three_positions() -> None:
    one = Pass((peak(0.1, 1e-6), peak(0.9, 3e-6)), (peak(0.5, 2e-6),), ())
    covariance = one.covariance(one.slaves[0])
    assert covariance == pytest.approx(np.diag([1e-12, 4e-12, 9e-12]))
    r, spacing = 0.5, 0.8
    gradient = np.array([-(1.0 - r), 1.0, -r]) / spacing
    assert one.ratio_variance(one.slaves[0]) == pytest.approx(gradient @ covariance @ gradient)
