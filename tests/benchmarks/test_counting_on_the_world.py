"""Counting against the simulated world: true arrivals, real frames, no wire.

The world knows every arrival; the counter sees frames only and calibrates itself from them.

    pytest -m bench tests/benchmarks/test_counting_on_the_world.py -s
"""

from dataclasses import replace

import numpy as np
import pytest

from atta_daq.counting.calibrate import calibrate
from atta_daq.counting.efficiency import efficiency_curve
from atta_daq.counting.segment import SegmentCounter
from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.world import World

pytestmark = pytest.mark.bench

ROI = 40
EXPOSURE_S = 0.1


class Watched:
    """A world with its camera on 85Kr, stepped exposure by exposure on an injected clock."""

    def __init__(self, counts_per_h: float, seed: int) -> None:
        truth = Truth.model_validate(
            {"source": {"counts_85kr_per_h": counts_per_h, "walk_per_root_h": 0.0,
                        "drift_per_h": 0.0, "step_rms": 0.0}}
        )  # fmt: skip
        self._wall_s = 1.7e9
        self.world = World(truth, RigClock(1.0, lambda: self._wall_s), seed)
        atoms = self.world.atoms
        atoms.set_trap_light(True)
        atoms.set_odd(True)
        atoms.set_offset(truth.trap.offset_85_mhz)
        self._wall_s += 10.0
        camera = atoms.camera
        camera.setup = replace(
            camera.setup, min_x=235, min_y=236, size_x=ROI, size_y=ROI,
            exposure_s=EXPOSURE_S, em_gain=200,
        )  # fmt: skip
        atoms.set_camera_shutter(True)

    def frames(self, number: int) -> tuple[np.ndarray, int]:
        """So many frames, and the arrivals in their time, false ones included."""
        atoms, camera = self.world.atoms, self.world.atoms.camera
        atoms.start_camera(None)
        before = atoms.single.wanted_total + atoms.single.false_total
        images = []
        while len(images) < number:
            self._wall_s += EXPOSURE_S
            atoms.advance()
            while camera.exposures:
                images.append(camera.frame(camera.exposures.popleft()))
        after = atoms.single.wanted_total + atoms.single.false_total
        atoms.stop_camera()
        return np.stack(images[:number]), after - before


def count(setup: tuple, images: np.ndarray) -> tuple[int, float]:
    counter = SegmentCounter(*setup)
    counter.arm(-np.inf)
    for i, image in enumerate(images):
        counter.add(image, i, EXPOSURE_S * i)
    result = counter.finish()
    return result.counts, result.efficiency


@pytest.fixture(scope="module")
def setup() -> tuple:
    images, _ = Watched(4000.0, seed=99).frames(6000)
    calibration = calibrate(images, EXPOSURE_S)
    return calibration, efficiency_curve(calibration)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mean_atoms", [0.05, 0.2, 0.6, 1.2])
def test_counting_is_linear(setup: tuple, mean_atoms: float) -> None:
    per_h = mean_atoms / 0.5 * 3600.0
    true = counted = 0.0
    for seed in range(max(1, int(0.8 / mean_atoms)) * 3):
        images, arrivals = Watched(per_h, seed=seed).frames(12_000)
        counts, efficiency = count(setup, images)
        true += arrivals
        counted += counts / efficiency
    # Counting noise that the truth does not share: what is missed, and what overlaps.
    print(f"\n{mean_atoms:.2f} atoms: counted/true {counted / true:.4f} of {true:.0f} atoms")
    assert counted / true == pytest.approx(1.0, abs=0.02)
