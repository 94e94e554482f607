"""The cavity's fit against the world's cell; pulls over many seeds are in tests/benchmarks."""

from types import SimpleNamespace

import numpy as np
import pytest

from atta_daq.calibration.axis import SLAVE_OVER_MASTER
from atta_daq.calibration.cavity import LITERATURE, fit_cavity, positions_mhz
from atta_daq.physics.hyperfine import components
from simulators.truth import Truth
from simulators.world.cell import ReferenceCell

TRUTH = Truth()


def samples(seed, *, fsr_mhz=3010.0, sign=1, zero=0.4, order=0, noise_v=1.6e-3):
    """Ratios and signal of a sweep over a cavity that is known here only."""
    rng = np.random.default_rng(seed)
    world = SimpleNamespace(truth=TRUTH, streams={"reference cell": rng})
    detuning = np.linspace(-720.0, 720.0, 121)
    ratio = zero + sign * (detuning - order * fsr_mhz) / (fsr_mhz * SLAVE_OVER_MASTER)
    seen = ReferenceCell(world).spectrum_v(detuning + rng.normal(0.0, 0.15, 121))
    return ratio, seen + rng.normal(0.0, noise_v, 121)


@pytest.mark.parametrize(("sign", "order"), [(1, 0), (-1, 1)])
def test_cavity_is_found_with_its_sign_and_order(sign, order):
    fit = fit_cavity(*samples(2, sign=sign, order=order), 3000.0)
    assert (fit.sign, fit.order) == (sign, order)
    assert abs(fit.fsr_mhz - 3010.0) < 3.0 * fit.fsr_error_mhz < 20.0
    # The cell's own zero lies 0.3 MHz off the line.
    zero = 0.4 + sign * TRUTH.reference_cell.zero_error_mhz / (3010.0 * SLAVE_OVER_MASTER)
    assert abs(fit.zero_ratio - zero) < 4.0 * fit.zero_error < 4e-4


def test_noise_is_no_cavity():
    ratio, _volts = samples(1)
    volts = np.random.default_rng(5).normal(0.0, 1e-3, ratio.size)
    with pytest.raises(ValueError, match="do not stand out"):
        fit_cavity(ratio, volts, 3000.0)


def test_too_few_samples_are_refused():
    ratio, volts = samples(1)
    with pytest.raises(ValueError, match="too few"):
        fit_cavity(ratio[:20], volts[:20], 3000.0)


@pytest.mark.parametrize("seed", [23, 55])
def test_noise_and_jitter_are_told_apart(seed: int) -> None:
    """Draws in which least squares on the squared residuals found no noise, and the wrong sign."""
    rng = np.random.default_rng(seed)
    fsr, zero = rng.normal(3000.0, 15.0), 0.4001
    corrections = rng.normal(0.0, 1.0, 7) * LITERATURE.errors()
    centre = zero + rng.normal(0.0, 15.0) / 3000.0
    ratio = np.linspace(centre - 0.24, centre + 0.24, 121) + rng.normal(0.0, 1e-4, 121)
    detuning = (ratio - zero) * fsr * SLAVE_OVER_MASTER + rng.normal(0.0, 0.3, 121)
    heights = np.array([0.5, 0.102, 0.152, 0.101])
    volts = np.zeros(121)
    for height, centres in zip(heights, positions_mhz(corrections), strict=True):
        strengths = [c.strength for c in components(83)] if len(centres) > 1 else [1.0]
        for line_mhz, strength in zip(centres, strengths, strict=True):
            x = (detuning - line_mhz) / 22.5
            volts += height * strength * 16.0 / 9.0 * x / (1.0 + x**2 / 3.0) ** 2
    fit = fit_cavity(ratio, volts + rng.normal(0.0, 0.002, 121), 3000.0)
    assert fit.sign == 1
    assert abs(fit.fsr_mhz - fsr) < 4.0 * fit.fsr_error_mhz
    assert fit.noise_v == pytest.approx(0.002, rel=0.4)
    assert fit.jitter_mhz == pytest.approx(0.3, rel=0.7)
    assert fit.chi_square == pytest.approx(121.0, rel=0.1)
