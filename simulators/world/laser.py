"""The 819-nm seed laser's frequency without a lock."""

from simulators.truth import Cavity
from simulators.world.processes import OrnsteinUhlenbeck


class FreeLaser:
    """Detuning of the unlocked laser: a mean, a bounded wander, its own piezo, mode hops.

    A hop may leave the laser on two modes at once: no peak of it then rises above the threshold
    of the lock. The laser falls back to its first mode when its actuator returns to its offset or
    its diode is switched off and on.
    """

    piezo_centre_v = 70.0

    def __init__(self, truth: Cavity, drift: OrnsteinUhlenbeck) -> None:
        self._truth = truth
        self._drift = drift
        self.piezo_v = self.piezo_centre_v
        self.hopped_mhz = 0.0
        self.multimode = False

    def detuning_mhz(self, time_s: float) -> float:
        """Carrier from the 84Kr line, without the lock's actuator and without jitter (MHz)."""
        piezo_mhz = self._truth.piezo_mhz_per_v * (self.piezo_v - self.piezo_centre_v)
        wandered_mhz = self._drift.at(time_s)
        return self._truth.laser_start_mhz + wandered_mhz + piezo_mhz + self.hopped_mhz

    def hop(self, jump_mhz: float, multimode: bool) -> None:
        self.hopped_mhz += jump_mhz
        self.multimode = multimode

    def return_to_first_mode(self) -> None:
        self.hopped_mhz = 0.0
        self.multimode = False
