"""The simulated world: one clock, one seed, one lock around everything."""

import threading

from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.atoms import Atoms
from simulators.world.cavity import Cavity
from simulators.world.cavity_scan import CavityScan
from simulators.world.cell import ReferenceCell
from simulators.world.light import Light
from simulators.world.power_head import PowerHead
from simulators.world.streams import Streams
from simulators.world.vacuum import Vacuum


class World:
    """Everything that happens on the simulated rig, advanced lazily in rig time.

    Each part brings itself to `clock.now_s()` when it is asked, over a step of any length, so the
    world needs no tick and runs at any speed. Calls from several threads: hold `lock` (re-entrant)
    around every use. `streams` gives each noise source its own generator.

    light   seed, amplifier, EOM, damage: `field()` is the light behind the fibre
    cavity  scanned transfer cavity and the laser on it: `detuning_mhz()`
    scan    the same cavity on a digitiser board, in place of the lock's firmware
    cell    modulation-transfer signal of the stable isotopes
    power_head  photodiode on a pick-off of the light behind the fibre
    atoms   source, pumping, trap, camera, loading detector
    vacuum  pressure, discharge, source temperature
    """

    def __init__(self, truth: Truth, clock: RigClock, seed: int) -> None:
        self.truth = truth
        self.clock = clock
        self.lock = threading.RLock()
        self.streams = Streams(seed)
        self.light = Light(self)
        self.power_head = PowerHead(self)
        self.cavity = Cavity(self)
        self.scan = CavityScan(self)
        self.cell = ReferenceCell(self)
        self.atoms = Atoms(self)
        self.vacuum = Vacuum(self)
