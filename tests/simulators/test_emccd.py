import math

import numpy as np
import pytest
from scipy import stats

from simulators.truth import Camera
from simulators.world.camera import CameraSetup, Cooler, Emccd, SensorLight
from simulators.world.emccd import (
    FrameSampler,
    Readout,
    Spot,
    exact_frame,
    output_quantiles,
    spot_map,
)

SHAPE = (40, 40)
READOUT = Readout(200.0, 50.0, 5.0, 200.0, 1.8e5)
DARK = Spot(0.0, 20.0, 20.0, 1.5, 1.5)
ATOM = Spot(240.0, 19.3, 20.1, 1.5, 1.5)


def sampler_frames(count: int, background: float, spot: Spot, readout: Readout) -> np.ndarray:
    sampler = FrameSampler(np.random.default_rng(7))
    return np.array([sampler.frame(background, spot, SHAPE, readout) for _ in range(count)])


def exact_frames(count: int, background: float, spot: Spot, readout: Readout) -> np.ndarray:
    stream = np.random.default_rng(8)
    mean = background + spot_map(spot, SHAPE)
    return np.array([exact_frame(mean, readout, stream) for _ in range(count)])


@pytest.mark.parametrize("mean", [0.1, 1.0, 5.0, 20.0])
def test_excess_noise_factor_is_two(mean: float):
    readout = Readout(200.0, 0.0, 1.0, 1000.0, 1.8e5)
    pixels = exact_frame(np.full((400, 500), mean), readout, np.random.default_rng(2)) - 1000.0
    assert pixels.mean() / 200.0 == pytest.approx(mean, rel=0.03)
    assert pixels.var() / (200.0**2 * mean) == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize(
    ("background", "readout"),
    [
        (5.01, READOUT),
        (0.01, READOUT),
        (20.0, Readout(1000.0, 50.0, 5.0, 200.0, 1.8e5)),
        (5.0, Readout(1.0, 50.0, 5.0, 200.0, 1.8e5)),
        (60.0, Readout(30.0, 8.0, 5.0, 200.0, 1.8e5)),
    ],
)
def test_fast_sampler_draws_the_same_pixels_as_the_exact_one(background: float, readout: Readout):
    fast = sampler_frames(60, background, DARK, readout).ravel().astype(float)
    exact = exact_frames(60, background, DARK, readout).ravel().astype(float)
    # counts are whole numbers: spread them out, or ties spoil the test
    dither = np.random.default_rng(1).random((2, fast.size))
    assert stats.ks_2samp(fast + dither[0], exact + dither[1]).pvalue > 1e-3
    error = math.sqrt(2 * exact.var() / exact.size)
    assert abs(fast.mean() - exact.mean()) < 4 * error
    assert fast.var() == pytest.approx(exact.var(), rel=0.05)


def test_fast_sampler_draws_the_same_spot_as_the_exact_one():
    fast = sampler_frames(1500, 5.01, ATOM, READOUT)[:, 15:26, 14:25].astype(float)
    exact = exact_frames(1500, 5.01, ATOM, READOUT)[:, 15:26, 14:25].astype(float)
    assert stats.ks_2samp(fast.sum((1, 2)), exact.sum((1, 2))).pvalue > 1e-3
    error = np.sqrt((fast.var(0) + exact.var(0)) / 1500)
    assert np.all(np.abs(fast.mean(0) - exact.mean(0)) < 5 * error)
    centre = fast[:, 5, 5], exact[:, 5, 5]
    assert stats.ks_2samp(*centre).pvalue > 1e-3


def test_pixels_of_a_frame_are_independent():
    frames = sampler_frames(400, 5.01, DARK, READOUT).astype(float)
    neighbours = np.corrcoef(frames[:, 10, 10:30].ravel(), frames[:, 10, 11:31].ravel())[0, 1]
    four_on = np.corrcoef(frames[:, :, :-4].ravel(), frames[:, :, 4:].ravel())[0, 1]
    assert abs(neighbours) < 4 / math.sqrt(8000)
    assert abs(four_on) < 4 / math.sqrt(400 * 40 * 36)


def test_quantiles_have_the_moments_of_the_distribution():
    for multiplies, factor in ((True, 2.0), (False, 1.0)):
        table = output_quantiles(5.0, 0.25, multiplies).astype(float)
        assert table.mean() == pytest.approx(5.0, abs=2e-3)
        assert table.var() == pytest.approx(factor * 5.0 + 0.0625, rel=2e-3)
        assert np.all(np.diff(table) >= 0.0)


def test_strong_light_clips_at_the_converter_and_at_the_full_well():
    cloud = Spot(1e12, 20.0, 20.0, 9.0, 9.0)
    assert np.all(sampler_frames(1, 1e6, cloud, READOUT) == 65535)
    off = Readout(1.0, 50.0, 5.0, 200.0, 1.8e5)
    assert sampler_frames(1, 1e6, cloud, off) == pytest.approx(200 + 1.8e5 / 5, abs=60)


def camera(truth: Camera | None = None, **setup: float) -> Emccd:
    made = Emccd(truth or Camera(), 0.0, np.random.default_rng(3))
    made.setup = CameraSetup(
        **{"min_x": 236, "min_y": 236, "size_x": 40, "size_y": 40, "em_gain": 200, **setup}
    )
    made.shutter_open = True
    return made


def run(made: Emccd, end_s: float, light_per_s: SensorLight | None = None) -> None:
    """Walk from edge to edge as the owner of the atoms does."""
    time_s = 0.0
    while time_s < end_s:
        edge_s = min(made.next_edge_s(time_s), end_s)
        if light_per_s is not None and made.exposing(0.5 * (time_s + edge_s)):
            step_s = edge_s - time_s
            made.expose(SensorLight(light_per_s.pixel_electrons * step_s), step_s)
        made.reach(edge_s)
        time_s = edge_s


def test_exposures_lie_back_to_back_and_carry_their_end():
    made = camera()
    made.start(0.0, None)
    run(made, 2.05, SensorLight(50.0))
    ends = [e.end_s for e in made.exposures]
    assert ends == pytest.approx([0.1 * (k + 1) for k in range(20)])
    assert [e.number for e in made.exposures] == list(range(20))
    assert [e.light.pixel_electrons for e in made.exposures] == pytest.approx([5.0] * 20)


def test_dead_time_between_exposures_collects_no_light():
    made = camera(exposure_s=0.1, period_s=0.15)
    made.start(0.0, 3)
    run(made, 2.0, SensorLight(50.0))
    assert [e.end_s for e in made.exposures] == pytest.approx([0.1, 0.25, 0.4])
    assert [e.light.pixel_electrons for e in made.exposures] == pytest.approx([5.0] * 3)
    assert not made.acquiring


def test_closed_shutter_keeps_the_light_out():
    made = camera()
    made.shutter_open = False
    made.start(0.0, 2)
    run(made, 1.0, SensorLight(50.0))
    assert made.exposures[0].light.pixel_electrons == 0.0


def test_a_reader_that_is_too_late_loses_the_oldest_exposures():
    made = camera(exposure_s=0.001, period_s=0.001)
    made.BUFFER = 100
    made.start(0.0, None)
    run(made, 0.25)
    numbers = [e.number for e in made.exposures]
    assert numbers == list(range(numbers[0], numbers[0] + 100))
    assert made.lost_exposures == numbers[0]


def test_background_power_noise_is_common_to_all_pixels_of_a_frame():
    truth = Camera(background_noise=0.05)
    made = camera(truth)
    light = SensorLight(pixel_electrons=5.0, noisy_electrons=4.0)
    made.start(0.0, 1)
    made.expose(light, 0.1)
    made.reach(0.1)
    means = np.array([made.frame(made.exposures[0]).mean() for _ in range(600)])
    pixel_share = 200.0 / 5.0 * math.sqrt(2 * 5.01 + 0.0625) / 40.0
    expected = math.hypot(200.0 / 5.0 * 4.0 * 0.05, pixel_share)
    assert means.std() == pytest.approx(expected, rel=0.12)
    assert means.mean() == pytest.approx(200.0 + 40.0 * 5.01, rel=0.01)


def test_gain_follows_the_temperature_and_what_was_set():
    truth = Camera(gain_scale=1.1, gain_drift_per_k=-0.02)
    made = camera(truth)
    made.start(0.0, None)
    made.reach(0.1)
    assert made.exposures[-1].readout.gain == pytest.approx(220.0)
    made.cooler.set(0.1, setpoint_c=-60.0)
    run(made, 1000.0)
    assert made.exposures[-1].readout.gain == pytest.approx(220.0 * math.exp(-0.2), rel=1e-3)


def test_gain_zero_does_not_multiply():
    made = camera(em_gain=0)
    made.start(0.0, 1)
    made.expose(SensorLight(100.0), 0.1)
    made.reach(0.1)
    frame = made.frame(made.exposures[0]).astype(float)
    assert frame.mean() == pytest.approx(200 + 100.0 / 5.0, abs=1.5)
    assert frame.std() == pytest.approx(math.hypot(50.0, 10.0) / 5.0, rel=0.1)


def test_binning_gathers_light_and_moves_the_spot():
    made = camera(bin_x=2, bin_y=2)
    made.start(0.0, 1)
    made.expose(SensorLight(pixel_electrons=2.0, atom_s=100.0), 0.1)
    made.reach(0.1)
    frame = made.frame(made.exposures[0]).astype(float)
    assert frame.shape == (20, 20)
    assert np.median(frame[:5]) == pytest.approx(200 + 40 * 8, rel=0.1)
    signal = frame - np.median(frame)
    rows, columns = np.indices(frame.shape)
    # trap at (255.3, 256.1) on the sensor
    assert (signal * columns).sum() / signal.sum() == pytest.approx((19.3 + 0.5) / 2 - 0.5, abs=0.1)
    assert (signal * rows).sum() / signal.sum() == pytest.approx((20.1 + 0.5) / 2 - 0.5, abs=0.1)


def test_cooler_relaxes_and_speaks_like_the_camera():
    cooler = Cooler(60.0, cold=True, start_s=0.0)
    assert cooler.status(1.0) == "Stabilized at set point"
    cooler.set(10.0, setpoint_c=-80.0)
    assert cooler.status(11.0) == "Not reached setpoint"
    assert cooler.temperature_c(70.0) == pytest.approx(-80.0 + 10.0 * math.exp(-1.0))
    assert cooler.status(400.0) == "Stabilized at set point"
    cooler.fail(400.0, True)
    assert cooler.status(500.0) == "Stabilized but drifted"
    assert cooler.temperature_c(1000.0) > 15.0
    cooler.set(1000.0, on=False)
    assert cooler.status(1001.0) == "Cooler is OFF"
