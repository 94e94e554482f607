import numpy as np
import pytest

from simulators.truth import Truth

ZERO_RATIO = Truth().cavity.ratio_at_zero

SCALE_MHZ = 3000.0 * 0.9906
QUIET = {
    "laser_jitter_mhz": 0.0,
    "peak_noise_us": 0.0,
    "cavity_jitter_mhz": 0.0,
    "drift_mhz_per_min": 0.0,
    "laser_drift_mhz_per_min": 0.0,
    "proportional_gain": 0.0,
}


def running(world):
    world.light.set_seed(enabled=True)
    world.cavity.firmware.end_startup()
    return world.cavity


def settled(world, wall, setpoint_us=960.0):
    cavity = running(world)
    cavity.firmware.change(laser_set_us=setpoint_us)
    wall.pass_(20.0)
    assert cavity.firmware.error_code() == 0
    return cavity


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("setpoint_us", [400.0, 960.0, 2000.0])
def test_the_laser_goes_where_the_ratio_says(make_world, wall, sign, setpoint_us) -> None:
    cavity = settled(make_world(cavity={**QUIET, "ratio_sign": sign}), wall, setpoint_us)
    expected_mhz = sign * (setpoint_us / 2400.0 - ZERO_RATIO) * SCALE_MHZ
    assert cavity.detuning_mhz() == pytest.approx(expected_mhz, abs=1e-6)


def test_it_relaxes_with_the_time_constant_of_the_loop(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.firmware.change(laser_set_us=1200.0)
    for _ in range(3):
        wall.pass_(0.25)
        cavity.advance()
    assert cavity.detuning_mhz() == pytest.approx(0.1 * SCALE_MHZ * (1 - np.exp(-3.0)), rel=1e-6)


def test_half_the_integral_gain_takes_twice_as_long(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.firmware.change(laser_set_us=1200.0, laser_ki=15)
    wall.pass_(0.5)
    assert cavity.detuning_mhz() == pytest.approx(0.1 * SCALE_MHZ * (1 - np.exp(-1.0)), rel=1e-6)


def test_proportional_gain_alone_leaves_an_error(make_world, wall) -> None:
    cavity = settled(make_world(cavity={**QUIET, "proportional_gain": 1.0}), wall)
    cavity.firmware.change(laser_set_us=1200.0, laser_ki=0)
    wall.pass_(100.0)
    assert cavity.detuning_mhz() == pytest.approx(0.05 * SCALE_MHZ, rel=1e-6)


def test_the_hold_after_the_start_ends_by_itself_with_all_peaks_there(make_world, wall) -> None:
    world = make_world(cavity=QUIET)
    cavity = world.cavity
    wall.pass_(100.0)
    cavity.advance()
    assert not cavity.firmware.running, "without light the hold does not count"
    free_mhz = cavity.detuning_mhz()
    world.light.set_seed(enabled=True)
    wall.pass_(4.9)
    assert cavity.detuning_mhz() == free_mhz
    wall.pass_(10.0)
    cavity.advance()
    assert cavity.firmware.running
    assert cavity.detuning_mhz() == pytest.approx((1230 / 2400 - ZERO_RATIO) * SCALE_MHZ, abs=1e-6)


def test_jitter_is_new_on_every_ramp_and_of_its_size(make_world, wall) -> None:
    cavity = settled(make_world(cavity={**QUIET, "laser_jitter_mhz": 0.5}), wall)
    assert cavity.detuning_mhz() == cavity.detuning_mhz()
    values = []
    for _ in range(2000):
        wall.pass_(1.0 / 162.0)
        values.append(cavity.detuning_mhz())
    assert np.std(values) == pytest.approx(0.5, rel=0.08)
    assert np.mean(values) == pytest.approx(0.0, abs=0.06)


def test_the_actuator_makes_up_for_drift_and_a_frozen_laser_drifts(make_world, wall) -> None:
    truth = {**QUIET, "laser_drift_mhz_per_min": 20.0}
    cavity = settled(make_world(cavity=truth), wall)
    locked, words = [], []
    for _ in range(120):
        wall.pass_(60.0)
        locked.append(cavity.detuning_mhz())
        words.append(cavity.firmware.laser_word())
    assert np.ptp(words) > 50
    assert np.abs(locked).max() < 1.0
    cavity.firmware.change(laser_ki=0, laser_kp=0)
    frozen = []
    for _ in range(120):
        wall.pass_(60.0)
        frozen.append(cavity.detuning_mhz())
    assert cavity.firmware.laser_word() == words[-1]
    assert np.ptp(frozen) > 50.0


def test_the_same_seed_gives_the_same_world(make_world, wall) -> None:
    first, second = make_world(seed=5), make_world(seed=5)
    for world in (first, second):
        running(world)
    for _ in range(5):
        wall.pass_(1.0)
        assert first.cavity.detuning_mhz() == second.cavity.detuning_mhz()


def test_peaks_stand_where_the_transmission_has_its_maxima(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall, 800.0)
    times_us = np.arange(381.0, 2 * cavity.geometry.half_us, 0.25)
    light = cavity.transmission(times_us)
    inner = light[1:-1]
    tops = times_us[1:-1][(inner > light[:-2]) & (inner >= light[2:]) & (inner > 0.4)]
    peaks = cavity.firmware.peaks()
    assert peaks is not None
    assert np.array(peaks.times) / 84.0 == pytest.approx(tops[:6], abs=0.5)


def test_hysteresis_cancels_in_the_mean_of_both_ramps(make_world, wall) -> None:
    cavity = settled(make_world(cavity={**QUIET, "hysteresis": 0.04}), wall, 1200.0)
    peaks = cavity.firmware.peaks()
    assert peaks is not None
    t = np.array(peaks.times, dtype=float)
    rising = (t[1] - t[0]) / (t[2] - t[0])
    falling = (t[5] - t[4]) / (t[5] - t[3])
    assert rising == pytest.approx(0.51, abs=1e-4)
    assert falling == pytest.approx(0.49, abs=1e-4)
    assert abs(peaks.laser_error) <= 1
    assert abs(peaks.ramp_error) <= 1


def test_without_seed_light_the_slave_is_missing_and_the_outputs_hold(make_world, wall) -> None:
    world = make_world(cavity=QUIET)
    cavity = settled(world, wall)
    word = cavity.firmware.laser_word()
    world.light.set_seed(enabled=False)
    cavity.firmware.change(laser_set_us=1232.0)
    wall.pass_(10.0)
    assert cavity.firmware.error_code() == -14
    assert cavity.firmware.peaks() is None
    assert cavity.firmware.laser_word() == word


def test_a_hop_to_two_modes_loses_the_lock_until_the_outputs_are_reset(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.hop()
    wall.pass_(5.0)
    assert cavity.firmware.error_code() == -14
    assert cavity.detuning_mhz() == pytest.approx(5000.0)
    cavity.firmware.reset_outputs()
    wall.pass_(20.0)
    assert cavity.firmware.error_code() == 0
    assert cavity.detuning_mhz() == pytest.approx(0.0, abs=1e-6)


def test_a_hop_to_one_other_mode_locks_in_a_wrong_order_unseen(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.hop(jump_mhz=5000.0, multimode=False)
    wall.pass_(20.0)
    peaks = cavity.firmware.peaks()
    assert peaks is not None
    assert abs(peaks.laser_error) <= 1
    assert cavity.detuning_mhz() == pytest.approx(2 * 3000.0, abs=1e-6)


def test_switching_the_seed_off_and_on_finds_the_first_mode(make_world, wall) -> None:
    world = make_world(cavity=QUIET)
    cavity = settled(world, wall)
    cavity.hop()
    world.light.set_seed(enabled=False)
    world.light.set_seed(enabled=True)
    wall.pass_(20.0)
    assert cavity.firmware.error_code() == 0
    assert cavity.detuning_mhz() == pytest.approx(0.0, abs=1e-6)


def test_a_small_jump_of_the_cavity_is_followed_a_large_one_needs_a_hand(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.jump(100.0)
    peaks = cavity.firmware.peaks()
    assert peaks is not None
    us_per_mhz = cavity.geometry.spacing_us / 3000.0
    assert peaks.ramp_error == pytest.approx(100.0 * us_per_mhz * 84.0, abs=1.5)
    wall.pass_(10.0)
    peaks = cavity.firmware.peaks()
    assert peaks is not None
    assert abs(peaks.ramp_error) <= 1
    cavity.jump(1000.0)
    assert cavity.firmware.error_code() == -12
    wall.pass_(100.0)
    assert cavity.firmware.error_code() == -12
    cavity.realign()
    assert cavity.firmware.error_code() == 0


@pytest.mark.parametrize(("setpoint_us", "rail"), [(2500.0, 4095), (float(2**32 - 5), 4095)])
def test_a_setpoint_beyond_the_master_peak_runs_to_the_rail(make_world, wall, setpoint_us, rail):
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.firmware.change(laser_set_us=setpoint_us)
    wall.pass_(10.0)
    cavity.advance()
    assert cavity.firmware.laser_word() == rail


def test_a_slave_near_a_master_peak_shows_twice(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.firmware.change(laser_set_us=2390.0)
    wall.pass_(20.0)
    assert cavity.firmware.error_code() == -31


def test_a_halted_program_feeds_nothing_back(make_world, wall) -> None:
    cavity = settled(make_world(cavity=QUIET), wall)
    cavity.firmware.halt(True)
    cavity.firmware.change(laser_set_us=1232.0)
    wall.pass_(10.0)
    assert cavity.detuning_mhz() == pytest.approx(0.0, abs=1e-6)
    cavity.firmware.halt(False)
    wall.pass_(10.0)
    assert cavity.detuning_mhz() == pytest.approx(272 / 2400 * SCALE_MHZ, abs=1e-6)


def test_the_piezo_of_the_laser_tunes_it(make_world, wall) -> None:
    world = make_world(cavity=QUIET)
    before_mhz = world.cavity.detuning_mhz()
    world.cavity.set_piezo(71.5)
    assert world.cavity.detuning_mhz() - before_mhz == pytest.approx(150.0)
