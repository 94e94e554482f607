import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.doppler import DopplerDistribution
from atta_daq.physics.hyperfine import closed_component
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.spectrum import PumpingSpectrum
from simulators.clock import RigClock
from simulators.truth import Beam, Pumping, Source, Trap, Truth
from simulators.world.atoms import Atoms
from simulators.world.light_field import LightField
from simulators.world.pumping import ISOTOPES
from simulators.world.pumping import Pumping as PumpingCache
from simulators.world.quench import PulseTrain
from simulators.world.streams import Streams

DARK = LightField(0.0, 0.0, 230.0, 0.0)
STEADY = Source(walk_per_root_h=0.0, drift_per_h=0.0, steps_per_night=0.0)


class FakeLight:
    def __init__(self, field: LightField) -> None:
        self.now = field

    def field(self) -> LightField:
        return self.now


class FakeWorld:
    """Truth, a clock that is turned by hand, streams, and a light that is set."""

    def __init__(self, truth: Truth, field: LightField = DARK, seed: int = 1) -> None:
        self.wall_s = 1.7e9
        self.truth = truth
        self.clock = RigClock(1.0, lambda: self.wall_s)
        self.lock = threading.RLock()
        self.streams = Streams(seed)
        self.light = FakeLight(field)
        self.atoms = Atoms(self)  # pyright: ignore[reportArgumentType]

    def wait(self, seconds: float, step_s: float = 10.0) -> None:
        for _ in range(math.ceil(seconds / step_s)):
            self.wall_s += min(step_s, seconds)
            self.atoms.advance()


def truth(**groups: Any) -> Truth:
    return Truth(**{"source": STEADY, **groups})


def trapping(made: Truth, offset_mhz: float, odd: bool, field: LightField = DARK) -> FakeWorld:
    world = FakeWorld(made, field)
    world.atoms.set_trap_light(True)
    world.atoms.set_odd(odd)
    world.atoms.set_offset(offset_mhz)
    world.wait(2.0)
    return world


def count(world: FakeWorld, seconds: float) -> int:
    before = world.atoms.single.wanted_total
    world.wait(seconds)
    return world.atoms.single.wanted_total - before


def closed_line(isotope: int, made: Truth, pumping: PumpingCache) -> LightField:
    """Full power, co-propagating, as set on the closed line of the moving atoms."""
    position = closed_component(isotope).total_mhz + pumping.doppler[isotope].mode_mhz
    return LightField(position, 500.0, 230.0, 0.0)


# --- pumping ------------------------------------------------------------------------------------


@pytest.mark.parametrize("isotope", ISOTOPES)
@pytest.mark.parametrize("geometry", ["co", "counter"])
def test_increase_is_that_of_the_physics(isotope: int, geometry: str):
    made = truth(pumping=Pumping(geometry=geometry, isotope_shift_offset_85_mhz=7.0))
    cache = PumpingCache(made)
    spectrum = PumpingSpectrum(
        isotope, "f-level", isotope_shift_offset_mhz=7.0 if isotope == 85 else 0.0
    )
    doppler = DopplerDistribution.effusive_beam(isotope, 293.0, 1.3 if isotope % 2 else 1.0, 350.0)
    waist_mm = 7.5 if geometry == "co" else 16.0
    stream = np.random.default_rng(isotope)
    for _ in range(30):
        detuning = stream.uniform(-1200.0, 1500.0)
        power = stream.uniform(1.0, 500.0)
        depth = float(stream.choice([0.0, 0.4]))
        eta = spectrum.efficiency(
            np.array([detuning]),
            intensity_w_m2=mean_intensity_w_m2(power, waist_mm, 9.0),
            rabi_scale=4.0,
            doppler=doppler,
            geometry=geometry,
            sidebands=Sidebands(230.0, depth) if depth else None,
        )[0]
        found = cache.increase(isotope, LightField(detuning, power, 230.0, depth))
        assert found == pytest.approx(10.2 * eta, rel=3e-3, abs=1e-4)


def test_interpolation_holds_without_any_doppler_spread():
    made = truth(beam=Beam(velocity_model="gaussian", gaussian_rms_mhz=0.5))
    cache = PumpingCache(made)
    detunings = np.linspace(150.0, 420.0, 301)
    exact = 10.2 * cache.exact_efficiency(84, detunings, 100.0, 230.0, 0.0)
    found = [cache.increase(84, LightField(float(d), 100.0, 230.0, 0.0)) for d in detunings]
    assert np.max(np.abs(found - exact)) < 3e-3 * exact.max()


def test_dark_light_pumps_nothing():
    cache = PumpingCache(truth())
    assert cache.increase(84, LightField(280.0, 0.0, 230.0, 0.4)) == 0.0


@pytest.mark.parametrize(
    ("isotope", "offset_mhz", "expected"),
    [(84, 0.0, 0.83), (83, -180.0, 0.56), (85, -265.0, 0.54), (81, -96.0, 0.64)],
)
def test_increase_in_the_trap_on_the_closed_line(isotope: int, offset_mhz: float, expected: float):
    """Figures of the default truth; the beam's velocities stand in place of a Gaussian."""
    made = truth()
    world = trapping(made, offset_mhz, isotope % 2 == 1)
    world.light.now = closed_line(isotope, made, world.atoms.pumping)
    assert world.atoms.status().isotope == isotope
    assert world.atoms.status().increase == 0.0
    world.atoms.set_pumping_light(True)
    world.wait(1.0)
    status = world.atoms.status()
    assert status.increase == pytest.approx(expected, abs=0.09)
    assert status.increase == pytest.approx(
        world.atoms.pumping.increase(isotope, world.light.now), rel=1e-9
    )


# --- single atoms -------------------------------------------------------------------------------


def test_counted_rate_without_and_with_pumping_light():
    made = truth(source=replace_source(counts_85kr_per_h=3600.0))
    world = trapping(made, -265.0, True)
    world.light.now = closed_line(85, made, world.atoms.pumping)
    dark = count(world, 10_000.0)
    world.atoms.set_pumping_light(True)
    bright = count(world, 10_000.0)
    increase = world.atoms.status().increase
    assert dark == pytest.approx(10_000, abs=4 * 100)
    assert bright == pytest.approx(10_000 * (1 + increase), abs=4 * 100 * math.sqrt(1 + increase))


def replace_source(**changes: float) -> Source:
    return STEADY.model_copy(update=changes)


def test_trap_off_every_isotope_gives_a_blank_with_false_events():
    made = truth(source=replace_source(counts_85kr_per_h=1e5), trap=Trap(false_counts_per_h=3600.0))
    world = trapping(made, -230.0, True)
    before = world.atoms.single.false_total
    assert count(world, 1000.0) == 0
    assert world.atoms.single.false_total - before == pytest.approx(1000, abs=130)


@pytest.mark.parametrize("spoil", ["offset", "repumpers", "light", "rf", "width"])
def test_trap_needs_everything_right(spoil: str):
    made = truth(source=replace_source(counts_85kr_per_h=1e5))
    world = trapping(made, -265.0 if spoil != "width" else -259.5, True)
    if spoil == "width":
        assert world.atoms.status().isotope is None
        return
    assert count(world, 100.0) > 1000
    if spoil == "offset":
        world.atoms.set_offset(-250.0)
    elif spoil == "repumpers":
        world.atoms.set_odd(False)
    elif spoil == "light":
        world.atoms.set_trap_light(False)
    else:
        world.atoms.set_offset(None)
    world.wait(5.0)
    assert count(world, 100.0) == 0
    assert world.atoms.single.present == 0


def test_switching_takes_its_time_and_loses_what_was_trapped():
    made = truth(source=replace_source(counts_85kr_per_h=3.6e5))
    world = trapping(made, -265.0, True)
    world.wait(10.0)
    assert world.atoms.single.present > 10
    world.atoms.set_offset(-265.5)
    assert world.atoms.single.present == 0
    assert not world.atoms.lasers_locked()
    world.wall_s += 0.99
    assert not world.atoms.lasers_locked()
    world.wall_s += 0.02
    assert world.atoms.lasers_locked()
    assert world.atoms.status().isotope is None
    world.wall_s += 0.5
    assert world.atoms.status().isotope == 85


def test_setting_the_same_again_does_not_disturb_the_locks():
    world = trapping(truth(), -265.0, True)
    world.atoms.set_offset(-265.0)
    world.atoms.set_odd(True)
    assert world.atoms.lasers_locked()


def test_source_is_common_to_all_isotopes():
    drifting = truth(source=Source(walk_per_root_h=0.3))
    world = trapping(drifting, -265.0, True)
    world.wait(3600.0)
    first = world.atoms.status()
    assert first.rate_per_s == pytest.approx(2500 / 3600 * first.strength)
    world.atoms.set_offset(-180.0)
    world.wait(3.0)
    second = world.atoms.status()
    assert second.rate_per_s == pytest.approx(6.9e9 * second.strength)
    assert abs(first.strength - 1.0) > 0.01


def test_a_long_silence_costs_nothing_and_the_trap_is_full_again_afterwards():
    made = truth(source=replace_source(counts_85kr_per_h=3.6e5))
    world = trapping(made, -265.0, True)
    before = world.atoms.single.wanted_total
    world.wall_s += 1e7
    assert world.atoms.status().trapped_atoms == pytest.approx(50, abs=30)
    assert world.atoms.single.wanted_total - before < 10_000


# --- what the camera sees -------------------------------------------------------------------------


def expose(world: FakeWorld, frames: int, em_gain: int = 200) -> None:
    camera = world.atoms.camera
    camera.setup = replace(
        camera.setup, min_x=236, min_y=236, size_x=40, size_y=40, em_gain=em_gain
    )
    world.atoms.set_camera_shutter(True)
    world.atoms.start_camera(None)
    world.wait(0.1 * frames + 0.05, step_s=0.37)
    world.atoms.stop_camera()


def test_atoms_in_the_exposures_are_those_that_were_there():
    made = truth(source=replace_source(counts_85kr_per_h=7200.0))
    world = trapping(made, -265.0, True)
    world.wait(5.0)
    expose(world, 600)
    for exposure in world.atoms.camera.exposures:
        begin_s, end_s = exposure.end_s - 0.1, exposure.end_s
        expected = sum(
            max(0.0, min(a.leaves_s, end_s) - max(a.rig_time_s, begin_s))
            for a in world.atoms.single.log
        )
        assert exposure.light.atom_s == pytest.approx(expected, abs=2e-6)


def test_leak_only_through_the_open_shutter_and_in_proportion_to_the_power():
    world = trapping(truth(), -230.0, True)
    light = []
    for power, opened in ((499.8, False), (499.8, True), (249.9, True), (0.0, True)):
        world.light.now = LightField(0.0, power, 230.0, 0.0)
        world.atoms.set_pumping_light(opened)
        world.wait(5.0)
        world.atoms.camera.exposures.clear()
        expose(world, 3)
        light.append(world.atoms.camera.exposures[-1].light.pixel_electrons)
    assert light == pytest.approx([5.0, 6.0, 5.5, 5.0], abs=1e-3)


def test_without_trap_light_only_the_glow_is_left():
    world = trapping(truth(), -230.0, True)
    world.atoms.set_trap_light(False)
    expose(world, 2)
    light = world.atoms.camera.exposures[-1].light
    assert light.pixel_electrons == pytest.approx(1.0)
    assert light.noisy_electrons == 0.0


def test_residual_light_after_a_switch_decays_and_sums_up_to_the_truth():
    world = trapping(truth(), -230.0, True)
    world.wait(20.0)
    world.atoms.set_offset(-231.0)
    world.wait(1.0)
    expose(world, 30)
    extra = np.array([e.light.pixel_electrons - 5.0 for e in world.atoms.camera.exposures])
    assert extra.sum() == pytest.approx(20.0, rel=1e-3)
    assert extra[1] / extra[0] == pytest.approx(math.exp(-0.1 / 0.15), rel=1e-3)


def test_residual_light_of_two_switches_adds_up():
    world = trapping(truth(), -230.0, True)
    world.wait(20.0)
    for offset_mhz in (-231.0, -232.0):
        world.atoms.set_offset(offset_mhz)
    world.wait(1.0)
    expose(world, 30)
    extra = sum(e.light.pixel_electrons - 5.0 for e in world.atoms.camera.exposures)
    assert extra == pytest.approx(40.0, rel=1e-3)


def test_an_abundant_isotope_saturates_the_camera_and_is_noted():
    world = trapping(truth(), -180.0, True)
    world.wait(3.0)
    expose(world, 3)
    frame = world.atoms.camera.frame(world.atoms.camera.exposures[-1])
    assert np.all(frame == 65535)
    assert world.atoms.status().overexposed_s == pytest.approx(0.35, abs=0.02)


def test_quench_light_clears_single_atoms_too():
    made = truth(source=replace_source(counts_85kr_per_h=3.6e5))
    world = trapping(made, -265.0, True)
    world.wait(5.0)
    world.atoms.set_quench(PulseTrain(0.0, 1.0, 0.05, 1))
    world.wall_s += 0.05
    assert world.atoms.status().trapped_atoms < 8
