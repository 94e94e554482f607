"""The calibration finds what the frames were made with."""

import json

import numpy as np
import pytest

from atta_daq.counting.calibrate import calibrate
from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.measured import CalibrationError, covariance_of_minimum
from atta_daq.counting.register import fit_register, pixel_probabilities


@pytest.fixture(scope="module")
def calibration(expose, trap) -> CountingCalibration:
    rng = np.random.default_rng(21)
    occupation, _ = trap(0.7, 0.5, 2400, rng)
    return calibrate(expose(occupation, rng), 0.1)


def test_every_value_is_found_within_its_error(calibration: CountingCalibration) -> None:
    truth = {
        "spot_row_px": 11.4,
        "spot_column_px": 13.2,
        "spot_sigma_px": 1.5,
        "adu_per_electron": 40.0,
        "bias_adu": 200.0,
        "read_noise_adu": 10.0,
        "background_electrons": 5.0,
        "electrons_per_atom": 240.0,
        "zero_electrons": 0.0,
        "dwell_s": 0.5,
        "arrivals_per_s": 0.7,
    }
    pulls = {}
    for name, value in truth.items():
        found = getattr(calibration, name)
        pulls[name] = (found.value - value) / found.error
    assert max(abs(p) for p in pulls.values()) < 4.0, pulls
    assert np.sqrt(np.mean(np.square(list(pulls.values())))) < 1.7, pulls


def test_errors_are_small_enough_to_count_with(calibration: CountingCalibration) -> None:
    assert calibration.electrons_per_atom.error < 0.02 * calibration.electrons_per_atom.value
    assert calibration.dwell_s.error < 0.15 * calibration.dwell_s.value
    assert calibration.adu_per_electron.error < 0.005 * calibration.adu_per_electron.value
    assert calibration.frames == 2400


def test_calibration_survives_json(calibration: CountingCalibration) -> None:
    text = json.dumps(calibration.to_dict())
    assert CountingCalibration.from_dict(json.loads(text)) == calibration


def test_noise_follows_the_stray_light_of_a_segment(calibration, expose) -> None:
    frames = expose(np.zeros(2000), np.random.default_rng(22), background=7.0)
    signals, levels = calibration.spot_filter.with_background(frames)
    level = levels.mean() - calibration.bias_adu.value
    background = level / calibration.adu_per_electron.value
    assert background == pytest.approx(7.0, rel=0.02)
    expected = calibration.signal_model(background).noise_electrons
    assert signals.std() == pytest.approx(expected, rel=0.06)
    assert expected > 1.1 * calibration.noise_electrons.value


def test_nominal_values_predict_the_calibrated_noise(calibration) -> None:
    nominal = CountingCalibration.nominal(
        shape=(24, 26), exposure_s=0.1, spot_row_px=11.4, spot_column_px=13.2, spot_sigma_px=1.5,
        em_gain=200.0, electrons_per_adu=5.0, bias_adu=200.0, read_noise_electrons=50.0,
        background_electrons=5.0, electrons_per_atom=240.0, dwell_s=0.5,
    )  # fmt: skip
    assert nominal.adu_per_electron.value == 40.0
    assert nominal.noise_electrons.value == pytest.approx(
        calibration.noise_electrons.value, rel=0.06
    )


def test_pixel_distribution_has_the_moments_of_the_register() -> None:
    p = pixel_probabilities(1 << 14, 40.0, 200.0, 10.0, 5.0)
    x = np.arange(p.size)
    mean = p @ x
    assert p.sum() == pytest.approx(1.0, abs=1e-9)
    assert p.min() > -1e-9
    assert mean == pytest.approx(400.0, abs=1e-3)
    assert p @ (x - mean) ** 2 == pytest.approx(2 * 40.0**2 * 5 + 100.0 + 1 / 12, rel=1e-4)


def test_register_at_faint_light_and_at_another_gain() -> None:
    rng = np.random.default_rng(23)
    electrons = rng.poisson(0.4, 400_000)
    output = np.where(electrons > 0, rng.standard_gamma(np.maximum(electrons, 1)), 0.0) * 500.0
    readings = np.rint(150.0 + (output + 40.0 * rng.standard_normal(output.size)) / 8.0)
    found = fit_register(np.clip(readings, 0, 65535).astype(np.uint16))
    for measured, truth in (
        (found.adu_per_electron, 62.5),
        (found.bias_adu, 150.0),
        (found.read_noise_adu, 5.0),
        (found.background_electrons, 0.4),
    ):
        assert abs(measured.value - truth) < 4.5 * measured.error
        assert measured.error < 0.02 * truth


def test_frames_without_what_is_needed_are_refused_with_a_reason(expose) -> None:
    rng = np.random.default_rng(24)
    with pytest.raises(CalibrationError, match="at least 300 frames"):
        calibrate(expose(np.zeros(50), rng), 0.1)
    with pytest.raises(CalibrationError, match="no spot stands out"):
        calibrate(expose(np.zeros(600), rng), 0.1)
    with pytest.raises(CalibrationError, match="saturated"):
        calibrate(np.full((400, 24, 26), 65535, dtype=np.uint16), 0.1)
    with pytest.raises(CalibrationError, match="saturated"):
        calibrate(np.full((400, 24, 26), 16383, dtype=np.uint16), 0.1, saturated_adu=16383)
    with pytest.raises(CalibrationError, match="no tail of multiplied electrons"):
        fit_register(np.clip(200 - rng.poisson(5, 50_000), 0, None).astype(np.uint16))


def test_covariance_of_a_parabola_and_of_a_valley() -> None:
    hessian = np.array([[4.0, 1.0], [1.0, 2.0]])
    covariance = covariance_of_minimum(
        lambda p: float(0.5 * p @ hessian @ p), np.zeros(2), np.array([0.1, 0.2])
    )
    assert covariance == pytest.approx(np.linalg.inv(hessian))
    with pytest.raises(CalibrationError, match="do not fix"):
        covariance_of_minimum(lambda p: float(p[0] ** 2), np.zeros(2), np.full(2, 0.1))


@pytest.mark.parametrize("seed", [3, 4])
def test_a_burst_that_fools_the_moments_does_not_fool_the_fit(expose, trap, seed: int) -> None:
    rng = np.random.default_rng(seed)
    occupation, _ = trap(0.5, 0.5, 1000, rng)
    occupation[500:508] += 4.0
    found = calibrate(expose(occupation, rng), 0.1)
    assert found.electrons_per_atom.value == pytest.approx(240.0, rel=0.04)
    assert found.spot_row_px.value == pytest.approx(11.4, abs=0.1)


def test_light_that_is_not_single_atoms_is_refused(expose, trap) -> None:
    rng = np.random.default_rng(2)
    occupation, _ = trap(0.5, 0.5, 1000, rng)
    occupation[500:508] += 8.0
    with pytest.raises(CalibrationError, match="does not come and go like single atoms"):
        calibrate(expose(occupation, rng), 0.1)
