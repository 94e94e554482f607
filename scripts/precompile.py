"""Compile what the program compiles, so that neither the first run nor the first test waits.

The compiled code is kept beside the sources. Without this the first run does it, within its
first half minute.
"""

import math
from dataclasses import replace

import numpy as np

from atta_daq.analysis.fit_run import warm_up
from atta_daq.counting.calibrate import calibrate
from atta_daq.counting.efficiency import efficiency_curve
from atta_daq.counting.segment import SegmentCounter
from drivers.stcl.peaks import compile_fits
from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.world import World

EXPOSURE_S = 0.1
FRAMES = 2000


def frames() -> np.ndarray:
    """Frames of 85Kr of a simulated rig, on a clock of its own."""
    wall_s = 1.7e9
    world = World(Truth(), RigClock(1.0, lambda: wall_s), seed=1)
    atoms = world.atoms
    atoms.set_trap_light(True)
    atoms.set_odd(True)
    atoms.set_offset(Truth().trap.offset_85_mhz)
    wall_s += 10.0  # the abundant isotope leaves the trap
    camera = atoms.camera
    camera.setup = replace(
        camera.setup, min_x=235, min_y=236, size_x=40, size_y=40, exposure_s=EXPOSURE_S,
        em_gain=200,
    )  # fmt: skip
    atoms.set_camera_shutter(True)
    atoms.start_camera(None)
    images: list[np.ndarray] = []
    while len(images) < FRAMES:
        wall_s += EXPOSURE_S
        atoms.advance()
        while camera.exposures:
            images.append(camera.frame(camera.exposures.popleft()))
    world.cell.error_signal_v(10, 1e-3)
    return np.stack(images)


def main() -> None:
    warm_up()
    compile_fits()
    images = frames()
    calibration = calibrate(images, EXPOSURE_S)
    counter = SegmentCounter(calibration, efficiency_curve(calibration))
    counter.arm(-math.inf)
    for number, image in enumerate(images):
        counter.add(image, number, EXPOSURE_S * number)
    counter.finish()


if __name__ == "__main__":
    main()
