"""The scanned transfer cavity and the 819-nm laser on it.

The cavity's length is ramped; the 811-nm master (m1, m2, one free spectral range apart) and the
819-nm slave show as peaks. With R = ratio_at_zero + sign delta/(FSR 0.9906) a peak of the slave
lies at R of the way from m1 to m2, and others 1/0.9906 of the masters' spacing apart, since half a
wavelength of the slave is longer: the order that the slave is in cannot be seen. Who moves length
and laser is the controller: the lock's firmware, or a board that a driver commands.
"""

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.world.firmware_lock import FirmwareLock
from simulators.world.laser import FreeLaser
from simulators.world.peaks import SLAVE_OVER_MASTER, RampGeometry
from simulators.world.processes import wander

if TYPE_CHECKING:
    from simulators.world.world import World


class Controller(Protocol):
    """What moves the cavity's length and the laser."""

    @property
    def laser_mhz(self) -> float:
        """What its actuator adds to the free laser's frequency."""
        ...

    @property
    def length_mhz(self) -> float:
        """What it adds to the cavity's length, on the master's scale."""
        ...

    @property
    def stopped(self) -> bool:
        """Nothing moves until the next change."""
        ...

    def advance(self, step_s: float) -> None:
        """Bring the outputs to the cavity's time, `step_s` after the last one."""
        ...


class Cavity:
    """Call it with `world.lock` held; every change of an input goes through a method."""

    def __init__(self, world: "World") -> None:
        self._world = world
        truth = world.truth.cavity
        self._truth = truth
        self._clock = world.clock
        self._start_s = self._time_s = world.clock.now_s()
        streams = world.streams
        self.laser = FreeLaser(
            truth,
            wander(
                truth.laser_drift_mhz_per_min,
                truth.drift_time_s,
                self._start_s,
                streams["819-nm laser drift"],
            ),
        )
        self._length = wander(
            truth.drift_mhz_per_min, truth.drift_time_s, self._start_s, streams["cavity drift"]
        )
        self._jumped_mhz = 0.0
        self._jitter = streams["819-nm laser jitter"]
        self.geometry = RampGeometry(truth)
        self.firmware = FirmwareLock(self, world)
        self.controller: Controller = self.firmware
        self._jitter_ramp = -1
        self._jitter_mhz = 0.0

    # --- the laser --------------------------------------------------------------------------

    def detuning_mhz(self) -> float:
        """True detuning of the 819-nm laser now, from the 84Kr line (MHz, red negative)."""
        self.advance()
        ramp = math.floor(self.elapsed_s * self._truth.ramp_hz)
        if ramp != self._jitter_ramp:
            self._jitter_ramp = ramp
            self._jitter_mhz = self._truth.laser_jitter_mhz * float(self._jitter.standard_normal())
        return self.mean_mhz() + self._jitter_mhz

    def detunings_mhz(self, ramps: int) -> NDArray[np.float64]:
        """Detunings during the last `ramps` ramps, (ramps,) MHz: each with its own jitter."""
        self.advance()
        jitter = self._truth.laser_jitter_mhz * self._jitter.standard_normal(ramps)
        return self.mean_mhz() + jitter

    def ratio_total(self, detuning_mhz: float) -> float:
        """R: the order plus the fraction r of the slave between two master peaks."""
        t = self._truth
        return t.ratio_at_zero + t.ratio_sign * detuning_mhz / (t.fsr_mhz * SLAVE_OVER_MASTER)

    def detuning_of(self, ratio_total: float) -> float:
        """Inverse of `ratio_total` (MHz)."""
        t = self._truth
        return t.ratio_sign * (ratio_total - t.ratio_at_zero) * t.fsr_mhz * SLAVE_OVER_MASTER

    def seed_switched_off(self) -> None:
        """The diode starts on its first mode again."""
        self.advance()
        self.laser.return_to_first_mode()

    def set_piezo(self, volts: float) -> None:
        """The laser's own piezo, as its control box drives it (V)."""
        self.advance()
        self.laser.piezo_v = volts

    # --- what is seen of it -------------------------------------------------------------------

    def slave_height(self) -> float:
        """Height of the slave's peaks over the master's."""
        if not self._world.light.diode_power_mw() > 0.0:
            return 0.0
        return 0.1 if self.laser.multimode else 0.7

    def transmission(self, times_us: NDArray[np.float64]) -> NDArray[np.float64]:
        """Light behind the cavity at `times_us` after the start of a ramp, peaks near 1: two Airy
        combs, the slave's only while its diode emits on one mode."""
        detuning_mhz = self.detuning_mhz()
        first_us = self.geometry.first_peak_us(self.length_mhz())
        ratio = self.ratio_total(detuning_mhz)
        return self.geometry.airy(times_us, ratio, first_us, self.slave_height())

    # --- faults -----------------------------------------------------------------------------

    def hop(self, jump_mhz: float | None = None, multimode: bool = True) -> None:
        """The laser jumps to another mode, by default a mode spacing away and on two modes."""
        self.advance()
        self.laser.hop(self._truth.mode_spacing_mhz if jump_mhz is None else jump_mhz, multimode)

    def jump(self, mhz: float) -> None:
        """The cavity's length jumps: every peak moves by `mhz` of the master's scale."""
        self.advance()
        self._jumped_mhz += mhz

    def realign(self) -> None:
        """Cavity and laser as somebody would leave them after a look at the oscilloscope."""
        self.advance()
        self._jumped_mhz = 0.0
        self.laser.return_to_first_mode()

    # --- time -------------------------------------------------------------------------------

    def advance(self) -> None:
        """Bring laser and cavity to the present rig time."""
        now_s = self._clock.now_s()
        step_s = now_s - self._time_s
        if step_s <= 0.0:
            return
        stopped = self.controller.stopped
        self._time_s = now_s
        if not stopped:
            self.controller.advance(step_s)

    @property
    def time_s(self) -> float:
        """Rig time to which the cavity was brought."""
        return self._time_s

    @property
    def elapsed_s(self) -> float:
        """Rig time since the start."""
        return self._time_s - self._start_s

    def free_mhz(self) -> float:
        """Detuning of the laser without the controller's actuator (MHz)."""
        return self.laser.detuning_mhz(self._time_s)

    def mean_mhz(self) -> float:
        """Detuning without the jitter of single ramps (MHz)."""
        return self.free_mhz() + self.controller.laser_mhz

    def length_mhz(self) -> float:
        """How much longer than at its mean the cavity is, on the master's scale (MHz)."""
        drifted_mhz = self._length.at(self._time_s) + self._jumped_mhz
        return drifted_mhz + self.controller.length_mhz

    def slave_visible(self) -> bool:
        """The diode emits, and on one mode."""
        return self._world.light.diode_power_mw() > 0.0 and not self.laser.multimode
