"""Photon transfer against the world's EMCCD, whose truth it must find."""

import numpy as np
import pytest

from atta_daq.calibration.photon_transfer import fit_photon_transfer, measure_level
from simulators.world.emccd import Readout, exact_frame

GAIN, SCALE, READ, CONVERSION, BIAS = 200, 0.87, 44.0, 5.5, 210.0
PLAIN = ((0.1, 60), (4.0, 24), (8.0, 24))
MULTIPLIED = ((0.05, 100), (0.1, 100), (0.2, 100))
TRUTH = (CONVERSION, READ, BIAS, SCALE)


def level(rng, exposure_s, gain, count, light_per_s=50.0):
    true_gain = gain * SCALE if gain else 1.0
    readout = Readout(true_gain, READ, CONVERSION, BIAS, 1.8e5)
    frames = []
    for _ in range(count):
        flicker = 1.0 + 0.02 * rng.standard_normal()
        mean = np.full((40, 40), light_per_s * exposure_s * flicker)
        frames.append(exact_frame(mean, readout, rng))
    return measure_level(frames, exposure_s, gain)


def transfer(seed):
    rng = np.random.default_rng(seed)
    levels = [level(rng, exposure, 0, count) for exposure, count in PLAIN]
    levels += [level(rng, exposure, GAIN, count) for exposure, count in MULTIPLIED]
    return fit_photon_transfer(levels)


def test_camera_is_found_within_its_errors():
    pulls = []
    for seed in range(6):
        fit = transfer(seed)
        found = (fit.electrons_per_adu, fit.read_noise_electrons, fit.bias_adu, fit.em_gain_scale)
        errors = np.sqrt(np.diag(fit.covariance))
        pulls.append((np.array(found) - TRUTH) / errors)
        assert abs(fit.excess_noise - 2.0) < 4.0 * fit.excess_noise_error < 1.0
        assert fit.em_gain_scale == pytest.approx(SCALE, rel=0.03)
    assert np.abs(pulls).max() < 4.0
    assert 0.4 < np.sqrt(np.mean(np.square(pulls))) < 1.6


def test_darkness_tells_nothing():
    rng = np.random.default_rng(1)
    levels = [level(rng, e, g, 8, 0.0) for g in (0, GAIN) for e in (0.1, 0.2, 0.4)]
    with pytest.raises(ValueError, match="is there light"):
        fit_photon_transfer(levels)


def test_levels_of_two_gains_are_refused():
    rng = np.random.default_rng(1)
    levels = [level(rng, e, g, 8) for g, e in ((0, 0.1), (0, 1.0), (0, 2.0), (50, 0.1),
                                               (100, 0.1), (200, 0.1))]  # fmt: skip
    with pytest.raises(ValueError, match="one gain"):
        fit_photon_transfer(levels)
