"""The simulated cavity as a digitiser board sees it."""

import math

import numpy as np
import pytest
from scipy.signal import find_peaks
from scipy.special import jv

from simulators.servers.redpitaya import RedPitaya
from simulators.world.cavity_scan import Triangle
from simulators.world.piezo import HystereticPiezo

DT_S = 1e-6
QUIET = {
    "laser_jitter_mhz": 0.0,
    "cavity_jitter_mhz": 0.0,
    "drift_mhz_per_min": 0.0,
    "laser_drift_mhz_per_min": 0.0,
    "photodiode_noise_v": 0.0,
}


@pytest.fixture
def scan(make_world):
    """Makes a scan on a quiet world with the seed on and the board in charge."""

    def make(**truth):
        world = make_world(cavity={**QUIET, **truth})
        world.light.set_seed(enabled=True)
        world.scan.take_over()
        return world

    return make


def traces(world, wall, amplitude_v=0.6, offset_v=0.0):
    """From the lowest voltage to the highest of a rising pass: 100 Hz, 5 ms."""
    start_s = wall.now_s - 1.0
    ramp = Triangle(start_s, 100.0, amplitude_v, offset_v, 2.0)
    times_s = start_s + 0.0075 + DT_S * np.arange(5000)
    return world.scan.traces_v(times_s, ramp)


def peaks(volts, least=0.01) -> np.ndarray:
    return find_peaks(volts, height=least)[0] / 5000.0


def test_the_triangle_is_the_boards_own() -> None:
    """(2/pi) asin(sin(2 pi f t)), and at rest at the offset before and after the burst."""
    times_s = np.linspace(-0.01, 0.05, 601) + 1e-7
    position, rising = Triangle(0.0, 50.0, 0.5, 0.1, 2.0).position(times_s)
    expected = 2.0 / math.pi * np.arcsin(np.sin(2.0 * math.pi * 50.0 * times_s))
    playing = (times_s >= 0.0) & (times_s < 0.04)
    assert position[playing] == pytest.approx(expected[playing], abs=1e-6)
    assert (position[~playing] == 0.0).all()
    inner = playing & np.roll(playing, 1)
    slope = np.diff(position, prepend=position[0])
    turning = np.abs(np.abs(position) - 1.0) < 0.03
    assert (rising[inner & ~turning] == (slope[inner & ~turning] > 0.0)).all()


def test_masters_are_one_fsr_apart_and_the_slave_at_its_ratio(scan, wall) -> None:
    world = scan(hysteresis=0.0, laser_start_mhz=-100.0)
    masters, slaves = traces(world, wall)
    first, second = peaks(masters)
    assert second - first == pytest.approx(3000.0 / (2 * 0.6 * 3260.0), abs=4e-4)
    (slave,) = peaks(slaves)
    ratio = (slave - first) / (second - first)
    assert ratio == pytest.approx(0.40 - 100.0 / (3000.0 * 0.9906), abs=5e-4)
    assert masters.max() == pytest.approx(0.71, abs=0.01)
    assert slaves.max() == pytest.approx(0.51, abs=0.01)


def test_the_slaves_comb_is_wider_than_the_masters(scan, wall) -> None:
    """Half a wavelength each: 819.2 nm against 811.5 nm."""
    world = scan(hysteresis=0.0, laser_start_mhz=-1100.0)
    masters, slaves = traces(world, wall)
    first, second = peaks(masters)
    left, right = peaks(slaves)
    assert (right - left) / (second - first) == pytest.approx(1.0 / 0.9906, abs=5e-4)


def test_one_whole_fsr_of_the_laser_looks_the_same(scan, wall) -> None:
    one = traces(scan(laser_start_mhz=100.0), wall)[1]
    other = traces(scan(laser_start_mhz=3100.0), wall)[1]
    assert other == pytest.approx(one, abs=1e-6)


def test_an_offset_of_the_ramp_moves_the_peaks_to_earlier_times(scan, wall) -> None:
    world = scan(hysteresis=0.0)
    before, after = (peaks(traces(world, wall, offset_v=v)[0])[0] for v in (0.0, 0.05))
    assert before - after == pytest.approx(0.05 / 1.2, abs=4e-4)


def test_hysteresis_bends_the_passes_oppositely(scan, wall) -> None:
    world = scan(hysteresis=0.03)
    start_s = wall.now_s - 1.0
    ramp = Triangle(start_s, 100.0, 0.6, 0.0, 2.0)
    ratios = []
    for begin_s, direction in ((0.0075, 1), (0.0025, -1)):
        times_s = start_s + begin_s + DT_S * np.arange(5000)
        masters, slaves = (peaks(v[::direction]) for v in world.scan.traces_v(times_s, ramp))
        ratios.append((slaves[0] - masters[0]) / (masters[1] - masters[0]))
    truth = world.cavity.ratio_total(world.cavity.mean_mhz())
    assert ratios[0] > truth + 0.005
    assert ratios[1] < truth - 0.005
    assert np.mean(ratios) == pytest.approx(truth, abs=5e-4)


def test_swapped_photodiodes_and_an_inverted_ramp(scan, wall) -> None:
    world = scan(hysteresis=0.0, laser_start_mhz=-300.0)
    masters, slaves = traces(world, wall)
    world.scan.swapped_photodiodes = True
    swapped = traces(world, wall)
    assert peaks(swapped[0]) == pytest.approx(peaks(slaves))
    assert peaks(swapped[1]) == pytest.approx(peaks(masters))
    world.scan.mend()
    world.scan.inverted_ramp = True
    assert peaks(traces(world, wall)[1]) == pytest.approx(1.0 - peaks(slaves)[::-1], abs=5e-4)


def test_a_pickoff_behind_the_eom_shows_sidebands(scan, wall) -> None:
    """J_1^2 over J_0^2 at the modulation frequency on both sides."""
    world = scan(hysteresis=0.0)
    world.light.set_rf(230.0, 12.1, on=True)
    assert len(peaks(traces(world, wall)[1])) == 1
    world.scan.pickoff_after_eom = True
    masters, slaves = traces(world, wall)
    first, second = peaks(masters)
    found, properties = find_peaks(slaves, height=0.05)
    left, carrier, right = found / 5000.0
    distance = 230.0 / (3000.0 * 0.9906) * (second - first)
    assert carrier - left == pytest.approx(distance, abs=4e-4)
    assert right - carrier == pytest.approx(distance, abs=4e-4)
    heights = properties["peak_heights"] - 0.01
    beta = world.light.eom.depth
    assert heights[0] / heights[1] == pytest.approx((jv(1, beta) / jv(0, beta)) ** 2, rel=0.03)


def test_light_of_the_seed_sets_the_height(scan, wall) -> None:
    world = scan()
    full = traces(world, wall)[1].max() - 0.01
    light = world.truth.light
    half_ma = 0.5 * (light.seed_current_ma + light.seed_threshold_ma)
    world.light.set_seed(current_ma=half_ma)
    assert traces(world, wall)[1].max() - 0.01 == pytest.approx(0.5 * full, rel=0.02)
    world.light.set_seed(enabled=False)
    assert traces(world, wall)[1].max() == pytest.approx(0.01, abs=1e-9)


def test_a_piezo_lags_more_the_farther_it_goes() -> None:
    piezo = HystereticPiezo(0.04)
    gaps = []
    for stroke in (2.0, 50.0, 400.0):
        outputs = []
        for drive in (-stroke, 0.0, stroke, 0.0):
            piezo.set(drive)
            outputs.append(piezo.output_mhz)
        gaps.append(outputs[3] - outputs[1])
        assert outputs[2] - outputs[0] == pytest.approx(2 * stroke, rel=0.05)
    assert gaps[0] == pytest.approx(0.0, abs=0.1)
    assert gaps[0] < gaps[1] < gaps[2]


def test_the_boards_outputs_move_laser_and_cavity(make_world, wall) -> None:
    world = make_world(cavity={**QUIET, "actuator_hysteresis": 0.0})
    world.light.set_seed(enabled=True)
    before = world.cavity.mean_mhz()
    board = RedPitaya(world, "lock")
    assert world.cavity.mean_mhz() == before
    board.execute(b"SOUR2:FUNC DC;SOUR2:VOLT 0;SOUR2:VOLT:OFFS 0.1;OUTPUT2:STATE ON")
    assert world.cavity.mean_mhz() - before == pytest.approx(220.0)
    board.execute(b"SOUR2:VOLT:OFFS -0.2")
    assert world.cavity.mean_mhz() - before == pytest.approx(-440.0)
    board.execute(b"OUTPUT2:STATE OFF")
    assert world.cavity.mean_mhz() == pytest.approx(before)


def test_a_record_of_the_board_starts_with_its_ramp(make_world, wall) -> None:
    world = make_world(cavity={**QUIET, "hysteresis": 0.0})
    world.light.set_seed(enabled=True)
    board = RedPitaya(world, "lock")
    board.execute(
        b"SOUR1:FUNC TRIANGLE;SOUR1:FREQ:FIX 75;SOUR1:VOLT 0.6;SOUR1:BURS:STAT BURST;"
        b"SOUR1:BURS:NCYC 2;OUTPUT1:STATE ON;ACQ:RST;ACQ:DATA:UNITS RAW;ACQ:DATA:FORMAT BIN;"
        b"ACQ:DEC 128;ACQ:TRIG:DLY 8192"
    )
    board.execute(b"ACQ:START;ACQ:TRIG AWG_PE")
    assert board.execute(b"ACQ:TRIG:STAT?") == b"WAIT"
    board.execute(b"SOUR1:TRIG:INT")
    assert board.execute(b"ACQ:TRIG:STAT?") == b"TD"
    wall.pass_(0.016)
    assert board.execute(b"ACQ:TRIG:FILL?") == b"0"
    wall.pass_(0.001)
    assert board.execute(b"ACQ:TRIG:FILL?") == b"1"
    payload = board.execute(b"ACQ:SOUR1:DATA?")
    counts = np.frombuffer(payload[2 + int(payload[1:2]) :], dtype=">i2")
    found = find_peaks(counts, height=3000, distance=100)[0] * 128 / 125e6 * 75.0
    # Two masters on each pass, mirrored about the turning points at 1/4, 3/4 and 5/4 of a period.
    falling, rising = found[(found > 0.25) & (found < 0.75)], found[(found > 0.75) & (found < 1.25)]
    assert len(falling) == len(rising) == 2
    assert falling + rising[::-1] == pytest.approx([1.5, 1.5], abs=2e-4)


def test_a_hop_is_cured_by_the_way_to_rest_not_by_regulation_about_it(scan) -> None:
    world = scan()
    world.scan.set_laser(1e-3)
    world.cavity.hop()
    hopped_mhz = world.cavity.free_mhz()
    world.scan.set_laser(9e-4)
    assert world.cavity.free_mhz() == hopped_mhz
    assert world.cavity.laser.multimode
    world.scan.set_laser(0.0)
    assert world.cavity.free_mhz() != hopped_mhz
    assert not world.cavity.laser.multimode
