import numpy as np
import pytest

from simulators.truth import Truth

ZERO_RATIO = Truth().cavity.ratio_at_zero

QUIET_CELL = {"zero_error_mhz": 0.0}
ONLY_84 = {"abundance_82": 0.0, "abundance_83": 0.0, "abundance_86": 0.0, **QUIET_CELL}
LOCKED = {
    "laser_jitter_mhz": 0.0,
    "drift_mhz_per_min": 0.0,
    "laser_drift_mhz_per_min": 0.0,
    "proportional_gain": 0.0,
}


def on_ratio(world, wall, detuning_mhz):
    world.light.set_seed(enabled=True)
    world.cavity.firmware.end_startup()
    set_us = 2400.0 * (ZERO_RATIO + detuning_mhz / (3000.0 * 0.9906))
    world.cavity.firmware.change(laser_set_us=set_us)
    wall.pass_(30.0)
    assert world.cavity.detuning_mhz() == pytest.approx(detuning_mhz, abs=1e-6)


def test_a_line_has_its_extrema_width_apart_and_its_height(make_world) -> None:
    cell = make_world(reference_cell=ONLY_84).cell
    detunings_mhz = np.arange(-200.0, 200.0, 0.01)
    signal_v = cell.spectrum_v(detunings_mhz)
    top, bottom = np.argmax(signal_v), np.argmin(signal_v)
    assert detunings_mhz[top] - detunings_mhz[bottom] == pytest.approx(45.0, abs=0.03)
    assert signal_v[top] == pytest.approx(0.5, rel=1e-6)
    assert signal_v[bottom] == pytest.approx(-0.5, rel=1e-6)


def test_the_zero_lies_within_a_megahertz_of_the_84_line(make_world) -> None:
    cell = make_world().cell
    detunings_mhz = np.arange(-10.0, 10.0, 0.01)
    signal_v = cell.spectrum_v(detunings_mhz)
    zero_mhz = detunings_mhz[np.flatnonzero(np.diff(np.sign(signal_v)))]
    assert len(zero_mhz) == 1
    assert abs(zero_mhz[0]) < 1.0


def test_the_zero_moves_with_its_error_and_83_with_its_offset(make_world) -> None:
    shifted = make_world(reference_cell={**ONLY_84, "zero_error_mhz": 0.7}).cell
    assert shifted.spectrum_v(np.array([0.7]))[0] == pytest.approx(0.0, abs=1e-12)
    first = make_world().cell.centres_mhz
    moved = make_world(pumping={"isotope_shift_offset_83_mhz": 12.0}).cell.centres_mhz
    assert np.flatnonzero(moved - first).tolist() == list(range(3, 12))
    assert (moved - first)[3:] == pytest.approx(12.0)


def test_heights_are_abundance_times_strength(make_world) -> None:
    cell = make_world().cell
    assert cell.heights[:3] == pytest.approx([0.116 / 0.57, 1.0, 0.173 / 0.57])
    assert cell.heights[3:].sum() == pytest.approx(0.115 / 0.57)
    closed = np.argmin(abs(cell.centres_mhz + 293.2))
    assert cell.heights[closed] == pytest.approx(0.28 * 0.115 / 0.57, rel=1e-2)


def test_a_mean_over_ten_milliseconds_has_the_noise_of_the_truth(make_world, wall) -> None:
    world = make_world(reference_cell=ONLY_84, cavity=LOCKED)
    on_ratio(world, wall, 22.5)
    means = [world.cell.error_signal_v(1000, 1e-5).mean() for _ in range(400)]
    assert np.mean(means) == pytest.approx(0.5, abs=0.002)
    assert np.std(means) == pytest.approx(0.5 / 100.0, rel=0.15)


@pytest.mark.parametrize("dt_s", [1e-8, 1e-6, 1e-3])
def test_the_noise_is_limited_by_the_demodulator(make_world, dt_s) -> None:
    world = make_world()
    rms = np.std([world.cell.error_signal_v(64, dt_s)[-1] for _ in range(500)])
    expected = 0.5 / 100 / np.sqrt(2e-2 * (1 - 1e-2))
    assert rms == pytest.approx(expected, rel=0.2)


def test_a_dark_cell_shows_noise_alone(make_world, wall) -> None:
    world = make_world(cavity=LOCKED)
    on_ratio(world, wall, 22.5)
    assert world.cell.monitor_v() == pytest.approx(1.0)
    world.light.set_seed(enabled=False)
    assert world.cell.monitor_v() == 0.0
    signal_v = world.cell.error_signal_v(100_000, 1e-4)
    assert abs(signal_v.mean()) < 1e-3
    assert signal_v.std() > 1e-3


def test_jitter_of_the_laser_shows_on_the_slope(make_world, wall) -> None:
    world = make_world(
        reference_cell={**ONLY_84, "signal_to_noise": 1e9},
        cavity={**LOCKED, "proportional_gain": 0},
    )
    on_ratio(world, wall, 0.0)
    quiet = world.cell.error_signal_v(10_000, 1e-3).std()
    jittery = make_world(reference_cell={**ONLY_84, "signal_to_noise": 1e9})
    jittery.light.set_seed(enabled=True)
    jittery.cavity.firmware.end_startup()
    jittery.cavity.firmware.change(laser_set_us=960.0)
    wall.pass_(30.0)
    slope_v_per_mhz = 0.5 * 16 / 9 / 22.5
    noisy = jittery.cell.error_signal_v(10_000, 1e-3).std()
    assert quiet < 1e-6
    assert noisy == pytest.approx(0.5 * slope_v_per_mhz, rel=0.1)
