import math
import threading

import numpy as np
import pytest

from simulators.clock import RigClock
from simulators.truth import Loading, Source, Truth
from simulators.world.atoms import Atoms
from simulators.world.light_field import LightField
from simulators.world.loading import Recording
from simulators.world.quench import PulseTrain
from simulators.world.streams import Streams

STEADY = Source(walk_per_root_h=0.0, drift_per_h=0.0, steps_per_night=0.0)
DT_S = 65536 / 125e6
LOADED = 0.5 * (1.0 - math.exp(-1.0 / 0.5))
"""Effective loading time (s) of a cloud that lives 0.5 s, after 1 s."""


class FakeWorld:
    def __init__(self, loading: Loading, seed: int = 1) -> None:
        self.wall_s = 1.7e9
        self.truth = Truth(source=STEADY, loading=loading)
        self.clock = RigClock(1.0, lambda: self.wall_s)
        self.lock = threading.RLock()
        self.streams = Streams(seed)
        self.light = self
        self.atoms = Atoms(self)  # pyright: ignore[reportArgumentType]
        self.power_mw = 0.0

    def field(self) -> LightField:
        # on the closed line of 83Kr, co-propagating
        return LightField(-293.2 + 266.0, self.power_mw, 230.0, 0.0)

    def trap(self, offset_mhz: float, odd: bool) -> None:
        self.atoms.set_trap_light(True)
        self.atoms.set_odd(odd)
        self.atoms.set_offset(offset_mhz)
        self.wall_s += 6.0
        self.atoms.advance()

    def bursts(self, count: int, load_s: float = 1.0, quench_s: float = 0.05) -> Recording:
        """`count` + 1 pulses; the recording starts with the first edge."""
        now_s = self.atoms.set_quench(PulseTrain(0.0, load_s + quench_s, quench_s, count + 1))
        recording = Recording(now_s, DT_S, 16384)
        self.atoms.record(recording)
        while recording.volts is None:
            self.wall_s += 0.4
            self.atoms.advance()
        return recording


def areas(recording: Recording, count: int) -> np.ndarray:
    """Integral (V s) of each burst but the clearing one, over the background."""
    assert recording.volts is not None
    first = [int(k * 1.05 / DT_S) for k in range(1, count + 1)]
    return np.array([(recording.volts[0][f : f + 80] - 0.05).sum() * DT_S for f in first])


def peaks(recording: Recording, count: int) -> np.ndarray:
    """First sample of each burst but the clearing one, over the background."""
    assert recording.volts is not None
    first = [math.ceil(k * 1.05 / DT_S) for k in range(1, count + 1)]
    return recording.volts[0][first] - 0.05


def quiet(**changes: float) -> Loading:
    return Loading(**{"burst_noise": 0.0, "voltage_noise_v": 0.0, **changes})


def test_burst_height_is_what_was_loaded():
    world = FakeWorld(quiet())
    world.trap(-180.0, True)
    heights = peaks(world.bursts(5), 5)
    # the quench begins at the edge, the sample comes up to one interval later
    decay = [math.exp(-(math.ceil(k * 1.05 / DT_S) * DT_S - k * 1.05) / 0.005) for k in range(1, 6)]
    decay = np.array(decay) * (1 - math.exp(-DT_S / 0.005)) * 0.005 / DT_S
    assert heights / decay == pytest.approx(np.full(5, 1e-10 * 6.9e9 * LOADED), rel=0.02)


def test_area_of_a_burst_does_not_depend_on_where_the_samples_lie():
    world = FakeWorld(quiet())
    world.trap(-180.0, True)
    loss = 1 / 0.5 + 1 / 0.005
    floor = 6.9e9 / loss
    expected = 1e-10 * ((6.9e9 * LOADED - floor) / loss + floor * 0.042)
    found = areas(world.bursts(5), 5)
    assert found == pytest.approx(np.full(5, expected), rel=0.01)
    assert found.std() / found.mean() < 1e-3


def test_burst_decays_with_the_quench_time():
    world = FakeWorld(quiet())
    world.trap(-180.0, True)
    recording = world.bursts(1)
    assert recording.volts is not None
    start = math.ceil(1.05 / DT_S)
    burst = recording.volts[0][start : start + 40] - 0.05
    floor = 1e-10 * 6.9e9 / (1 / 0.5 + 1 / 0.005)
    rate = -np.polyfit(np.arange(30) * DT_S, np.log(burst[:30] - floor), 1)[0]
    assert rate == pytest.approx(1 / 0.005 + 1 / 0.5, rel=1e-3)
    between = recording.volts[0][start - 200 : start - 2]
    assert between == pytest.approx(np.full(198, 0.05))


def test_technical_noise_is_one_factor_for_a_burst():
    world = FakeWorld(quiet(burst_noise=0.02))
    world.trap(-180.0, True)
    heights = []
    for _ in range(40):
        heights.extend(peaks(world.bursts(5), 5) / peaks_quiet())
    assert np.std(heights) == pytest.approx(0.02, rel=0.2)
    assert np.mean(heights) == pytest.approx(1.0, abs=0.01)


def peaks_quiet() -> np.ndarray:
    world = FakeWorld(quiet())
    world.trap(-180.0, True)
    return peaks(world.bursts(5), 5)


def test_burst_scales_with_the_pumping_light_if_the_shutter_is_open():
    world = FakeWorld(quiet())
    world.trap(-180.0, True)
    dark = peaks(world.bursts(3), 3)
    world.power_mw = 500.0
    assert peaks(world.bursts(3), 3) == pytest.approx(dark, rel=1e-6)
    world.atoms.set_pumping_light(True)
    world.wall_s += 5.0
    increase = world.atoms.status().increase
    assert increase > 0.4
    assert peaks(world.bursts(3), 3) / dark == pytest.approx(np.full(3, 1 + increase), rel=1e-6)


def test_fluorescence_of_84kr_rises_with_the_loading_rate_after_clearing():
    world = FakeWorld(quiet())
    world.trap(0.0, False)
    recording = world.bursts(0, load_s=3.0, quench_s=0.2)
    assert recording.volts is not None
    times_s = np.arange(16384) * DT_S
    rising = (times_s > 0.202) & (times_s < 0.25)
    slope = np.polyfit(times_s[rising], recording.volts[1][rising], 1)[0]
    # mean slope over the stretch, which decays with the cloud's lifetime
    expected = 2e-11 * 3.4e10 * math.exp(-0.026 / 0.5)
    assert slope == pytest.approx(expected, rel=0.02)
    falling = 0.005 / DT_S * (1 - math.exp(-DT_S / 0.005))
    assert recording.volts[1][0] == pytest.approx(0.05 + 2e-11 * 1.7e10 * falling, rel=0.01)


def test_electronic_noise_and_background_without_atoms():
    world = FakeWorld(Loading())
    world.trap(-230.0, True)
    recording = world.bursts(3)
    assert recording.volts is not None
    for volts in recording.volts:
        assert volts.mean() == pytest.approx(0.05, abs=1e-5)
        assert volts.std() == pytest.approx(2e-4, rel=0.05)


def test_a_recording_is_right_however_late_it_is_asked_for():
    prompt, late = FakeWorld(quiet()), FakeWorld(quiet())
    prompt.trap(-180.0, True)
    late.trap(-180.0, True)
    now_s = late.atoms.set_quench(PulseTrain(0.0, 1.05, 0.05, 6))
    recording = Recording(now_s, DT_S, 16384)
    late.atoms.record(recording)
    late.wall_s += 5000.0
    late.atoms.advance()
    assert recording.volts is not None
    reference = prompt.bursts(5).volts
    assert reference is not None
    # rig time resolves 0.2 us of the 0.5 ms of a sample
    assert recording.volts[0] == pytest.approx(reference[0], rel=1e-3)
