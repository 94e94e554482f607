"""The scanned transfer cavity, and the firmware that locks the 819-nm laser to it.

The cavity's length is ramped; the 811-nm master (m1, m2, one free spectral range apart) and the
819-nm slave show as peaks in time. With R = ratio_at_zero + sign delta/(FSR 0.9906) the slave lies
at the fraction r = R mod 1 of the way from m1 to m2: the order, floor(R), cannot be seen.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.world.laser import FreeLaser
from simulators.world.peaks import OUT_OF_REACH, Peaks, RampGeometry
from simulators.world.pi_loop import PiLoop
from simulators.world.processes import wander

if TYPE_CHECKING:
    from simulators.world.world import World

SLAVE_OVER_MASTER = 0.9906
"""f_slave/f_master: a length scan moves the slave's comb less than the master's."""
DAC_STEPS = 4096
LASER_OFFSET_WORD = 1861
"""Word of the laser's DAC at rest (1.5 V of 3.3 V)."""
RAMP_OFFSET_WORD = 1351
RAMP_AMPLITUDE_WORDS = 1351
"""The ramp itself takes 0.33 of the converter's range."""
LASER_REFERENCE_US = 2400.0
AVERAGED_RAMPS = 32
STARTUP_S = 5.0


@dataclass
class LockSettings:
    """What the operator can set in the firmware. Gains as the firmware's integers."""

    laser_set_us: float = 1230.0
    ramp_set_us: float = 550.0
    laser_kp: int = 1500
    laser_ki: int = 30
    ramp_kp: int = 500
    ramp_ki: int = 20


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
        self._peak_noise = streams["cavity peaks"]
        self.geometry = RampGeometry(truth)
        self.settings = LockSettings()
        laser_word = truth.actuator_range_mhz / DAC_STEPS
        self._laser_word_mhz = laser_word
        self._laser_loop = PiLoop(
            truth.proportional_gain,
            truth.lock_time_s,
            -LASER_OFFSET_WORD * laser_word,
            (DAC_STEPS - 1 - LASER_OFFSET_WORD) * laser_word,
        )
        self._ramp_word_mhz = self.geometry.ramp_mhz / RAMP_AMPLITUDE_WORDS
        self._ramp_loop = PiLoop(
            0.0,
            truth.ramp_lock_time_s,
            -RAMP_OFFSET_WORD * self._ramp_word_mhz,
            (DAC_STEPS - 1 - RAMP_AMPLITUDE_WORDS - RAMP_OFFSET_WORD) * self._ramp_word_mhz,
        )
        self._startup_left_s = STARTUP_S
        self._halted = False
        self._jitter_ramp = -1
        self._jitter_mhz = 0.0

    # --- the laser --------------------------------------------------------------------------

    def detuning_mhz(self) -> float:
        """True detuning of the 819-nm laser now, from the 84Kr line (MHz, red negative)."""
        self.advance()
        ramp = self.ramp_index()
        if ramp != self._jitter_ramp:
            self._jitter_ramp = ramp
            self._jitter_mhz = self._truth.laser_jitter_mhz * float(self._jitter.standard_normal())
        return self._mean_mhz() + self._jitter_mhz

    def detunings_mhz(self, ramps: int) -> NDArray[np.float64]:
        """Detunings during the last `ramps` ramps, (ramps,) MHz: each with its own jitter."""
        self.advance()
        jitter = self._truth.laser_jitter_mhz * self._jitter.standard_normal(ramps)
        return self._mean_mhz() + jitter

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

    # --- the firmware -----------------------------------------------------------------------

    def change(self, **settings: float) -> None:
        """Change fields of `settings`; the loops follow from now on."""
        self.advance()
        for name, value in settings.items():
            setattr(self.settings, name, value)
        s, default = self.settings, LockSettings()
        self._laser_loop.proportional = s.laser_kp / default.laser_kp
        self._laser_loop.integral = s.laser_ki / default.laser_ki
        self._ramp_loop.proportional = s.ramp_kp / default.ramp_kp
        self._ramp_loop.integral = s.ramp_ki / default.ramp_ki

    def end_startup(self) -> None:
        """Any command ends the hold after the start: the loops run."""
        self.advance()
        self._startup_left_s = 0.0

    def halt(self, halted: bool) -> None:
        """A command that has begun and not ended stops the whole program, feedback too."""
        self.advance()
        self._halted = halted

    @property
    def running(self) -> bool:
        """The hold after the start is over."""
        return self._startup_left_s <= 0.0

    def set_laser_word(self, word: int) -> None:
        self.advance()
        self._laser_loop.preset((word - LASER_OFFSET_WORD) * self._laser_word_mhz)

    def set_ramp_word(self, word: int) -> None:
        self.advance()
        self._ramp_loop.preset((word - RAMP_OFFSET_WORD) * self._ramp_word_mhz)

    def reset_outputs(self) -> None:
        """Both outputs to their offsets; the laser finds back to its first mode."""
        self.set_laser_word(LASER_OFFSET_WORD)
        self.set_ramp_word(RAMP_OFFSET_WORD)
        self.laser.return_to_first_mode()

    def restart_firmware(self) -> None:
        """The board's power goes off and on: compiled-in settings, outputs at their offsets, and
        the hold after a start. Both loops begin anew, so the laser may land in another order."""
        self.change(**vars(LockSettings()))
        self.set_laser_word(LASER_OFFSET_WORD)
        self.set_ramp_word(RAMP_OFFSET_WORD)
        self._startup_left_s = STARTUP_S
        self._halted = False

    def laser_word(self) -> int:
        """Word of the laser's converter now, 0 to 4095."""
        self.advance()
        return LASER_OFFSET_WORD + round(self._laser_loop.output / self._laser_word_mhz)

    def ramp_word(self) -> int:
        """Word of the ramp's lowest point now, 0 to 2744."""
        self.advance()
        return RAMP_OFFSET_WORD + round(self._ramp_loop.output / self._ramp_word_mhz)

    def error_code(self) -> int:
        """What stops the firmware now: 0 nothing, negative as it prints them."""
        self.advance()
        return self._error_code(self._mean_mhz())

    def ramp_index(self) -> int:
        """Number of whole ramp periods since the start."""
        return math.floor((self._time_s - self._start_s) * self._truth.ramp_hz)

    def until_next_ramp_s(self) -> float:
        """Rig time until the present ramp period ends (s)."""
        self.advance()
        period_s = 1.0 / self._truth.ramp_hz
        return self._start_s + (self.ramp_index() + 1) * period_s - self._time_s

    def peaks(self) -> Peaks | None:
        """What the firmware measured in the last ramp; None while peaks are missing."""
        if self.error_code():
            return None
        detuning_mhz = self.detuning_mhz()
        noise_us = self._truth.peak_noise_us * self._peak_noise.standard_normal(6)
        jitter_mhz = self._truth.cavity_jitter_mhz * float(self._peak_noise.standard_normal())
        times_us = self.geometry.peak_times_us(
            self.ratio_total(detuning_mhz) % 1.0, self._first_peak_us(jitter_mhz)
        )
        averaged_us = self.geometry.peak_times_us(
            self.ratio_total(self._mean_mhz()) % 1.0, self._first_peak_us(0.0)
        ) + self._truth.peak_noise_us / math.sqrt(AVERAGED_RAMPS) * (
            self._peak_noise.standard_normal(6)
        )
        return Peaks.measured(
            times_us + noise_us,
            averaged_us,
            target=self.settings.laser_set_us / LASER_REFERENCE_US,
            ramp_set_us=self.settings.ramp_set_us,
            laser_word=self.laser_word(),
            ramp_word=self.ramp_word(),
        )

    def transmission(self, times_us: NDArray[np.float64]) -> NDArray[np.float64]:
        """Light behind the cavity at `times_us` after the start of a ramp, peaks near 1: two Airy
        combs, the slave's only while its diode emits on one mode."""
        detuning_mhz = self.detuning_mhz()
        bright = self._world.light.diode_power_mw() > 0.0
        height = 0.0 if not bright else (0.1 if self.laser.multimode else 0.7)
        return self.geometry.airy(
            times_us, self.ratio_total(detuning_mhz), self._first_peak_us(0.0), height
        )

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
        stopped = self._halted or self._error_code(self._mean_mhz()) != 0
        self._time_s = now_s
        if stopped:
            return
        step_s -= self._startup_left_s
        self._startup_left_s = max(0.0, -step_s)
        if step_s <= 0.0:
            return
        if self._laser_loop.closed:
            needed_mhz = self._laser_target_mhz() - self.laser.detuning_mhz(now_s)
            self._laser_loop.advance(needed_mhz, step_s)
        if self._ramp_loop.closed:
            error_us = self.settings.ramp_set_us - self._first_peak_us(0.0)
            needed_mhz = self._ramp_loop.output + error_us / self.geometry.us_per_mhz
            self._ramp_loop.advance(needed_mhz, step_s)

    def _mean_mhz(self) -> float:
        return self.laser.detuning_mhz(self._time_s) + self._laser_loop.output

    def _laser_target_mhz(self) -> float:
        """The firmware pulls towards its ratio within the order that the laser is in.

        A setpoint outside (0, 1) is never reached: the actuator runs to its rail.
        """
        ratio = self.settings.laser_set_us / LASER_REFERENCE_US
        if not 0.0 < ratio < 1.0:
            return self._truth.ratio_sign * math.copysign(OUT_OF_REACH, ratio - 0.5)
        return self.detuning_of(math.floor(self.ratio_total(self._mean_mhz())) + ratio)

    def _first_peak_us(self, extra_mhz: float) -> float:
        offset_mhz = self._length.at(self._time_s) + self._jumped_mhz + self._ramp_loop.output
        return self.geometry.first_peak_us(offset_mhz + extra_mhz)

    def _error_code(self, detuning_mhz: float) -> int:
        slave_visible = self._world.light.diode_power_mw() > 0.0 and not self.laser.multimode
        ratio = self.ratio_total(detuning_mhz) % 1.0
        return self.geometry.error_code(ratio, self._first_peak_us(0.0), slave_visible)
