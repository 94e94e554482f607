"""The cavity's fit against the world's cell; pulls over many seeds are in tests/benchmarks."""

from types import SimpleNamespace

import numpy as np
import pytest

from atta_daq.calibration.axis import SLAVE_OVER_MASTER
from atta_daq.calibration.cavity import fit_cavity
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
