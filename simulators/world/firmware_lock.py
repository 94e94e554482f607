"""The program of the scanning-cavity lock (INO-quantum, Arduino Due) in the simulated world."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.world.peaks import OUT_OF_REACH, SLAVE_ORDER, Peaks
from simulators.world.pi_loop import PiLoop

if TYPE_CHECKING:
    from simulators.world.cavity import Cavity
    from simulators.world.world import World

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


class FirmwareLock:
    """Moves length and laser of `cavity`. Call it with `world.lock` held; every change of an input
    goes through a method."""

    def __init__(self, cavity: "Cavity", world: "World") -> None:
        self._cavity = cavity
        self._world = world
        truth = world.truth.cavity
        self._truth = truth
        self._peak_noise = world.streams["cavity peaks"]
        self.settings = LockSettings()
        laser_word = truth.actuator_range_mhz / DAC_STEPS
        self._laser_word_mhz = laser_word
        self._laser_loop = PiLoop(
            truth.proportional_gain,
            truth.lock_time_s,
            -LASER_OFFSET_WORD * laser_word,
            (DAC_STEPS - 1 - LASER_OFFSET_WORD) * laser_word,
        )
        self._ramp_word_mhz = cavity.geometry.ramp_mhz / RAMP_AMPLITUDE_WORDS
        self._ramp_loop = PiLoop(
            0.0,
            truth.ramp_lock_time_s,
            -RAMP_OFFSET_WORD * self._ramp_word_mhz,
            (DAC_STEPS - 1 - RAMP_AMPLITUDE_WORDS - RAMP_OFFSET_WORD) * self._ramp_word_mhz,
        )
        self._startup_left_s = STARTUP_S
        self._halted = False

    def change(self, **settings: float) -> None:
        """Change fields of `settings`; the loops follow from now on."""
        self._cavity.advance()
        for name, value in settings.items():
            setattr(self.settings, name, value)
        s, default = self.settings, LockSettings()
        self._laser_loop.proportional = s.laser_kp / default.laser_kp
        self._laser_loop.integral = s.laser_ki / default.laser_ki
        self._ramp_loop.proportional = s.ramp_kp / default.ramp_kp
        self._ramp_loop.integral = s.ramp_ki / default.ramp_ki

    def end_startup(self) -> None:
        """Any command ends the hold after the start: the loops run."""
        self._cavity.advance()
        self._startup_left_s = 0.0

    def halt(self, halted: bool) -> None:
        """A command that has begun and not ended stops the whole program, feedback too."""
        self._cavity.advance()
        self._halted = halted

    @property
    def running(self) -> bool:
        """The hold after the start is over."""
        return self._startup_left_s <= 0.0

    def set_laser_word(self, word: int) -> None:
        self._cavity.advance()
        self._laser_loop.preset((word - LASER_OFFSET_WORD) * self._laser_word_mhz)

    def set_ramp_word(self, word: int) -> None:
        self._cavity.advance()
        self._ramp_loop.preset((word - RAMP_OFFSET_WORD) * self._ramp_word_mhz)

    def reset_outputs(self) -> None:
        """Both outputs to their offsets; the laser finds back to its first mode."""
        self.set_laser_word(LASER_OFFSET_WORD)
        self.set_ramp_word(RAMP_OFFSET_WORD)
        self._cavity.laser.return_to_first_mode()

    def power_up(self) -> None:
        """The board's power goes off and on: compiled-in settings, outputs at their offsets, and
        the hold after a start. Both loops begin anew, so the laser may land in another order."""
        self.change(**vars(LockSettings()))
        self.set_laser_word(LASER_OFFSET_WORD)
        self.set_ramp_word(RAMP_OFFSET_WORD)
        self._startup_left_s = STARTUP_S
        self._halted = False

    def laser_word(self) -> int:
        """Word of the laser's converter now, 0 to 4095."""
        self._cavity.advance()
        return LASER_OFFSET_WORD + round(self._laser_loop.output / self._laser_word_mhz)

    def ramp_word(self) -> int:
        """Word of the ramp's lowest point now, 0 to 2744."""
        self._cavity.advance()
        return RAMP_OFFSET_WORD + round(self._ramp_loop.output / self._ramp_word_mhz)

    def error_code(self) -> int:
        """What stops the firmware now: 0 nothing, negative as it prints them."""
        self._cavity.advance()
        return self._error_code(self._cavity.mean_mhz())

    def ramp_index(self) -> int:
        """Number of whole ramp periods since the start."""
        return math.floor((self._cavity.elapsed_s) * self._truth.ramp_hz)

    def until_next_ramp_s(self) -> float:
        """Rig time until the present ramp period ends (s)."""
        self._cavity.advance()
        period_s = 1.0 / self._truth.ramp_hz
        return (self.ramp_index() + 1) * period_s - self._cavity.elapsed_s

    def peaks(self) -> Peaks | None:
        """What the firmware measured in the last ramp; None while peaks are missing."""
        if self.error_code():
            return None
        detuning_mhz = self._cavity.detuning_mhz()
        noise_us = self._truth.peak_noise_us * self._peak_noise.standard_normal(6)
        jitter_mhz = self._truth.cavity_jitter_mhz * float(self._peak_noise.standard_normal())
        times_us = self._cavity.geometry.peak_times_us(
            self._cavity.ratio_total(detuning_mhz) % SLAVE_ORDER, self._first_peak_us(jitter_mhz)
        )
        mean_ratio = self._cavity.ratio_total(self._cavity.mean_mhz()) % SLAVE_ORDER
        averaged_us = self._cavity.geometry.peak_times_us(
            mean_ratio,
            self._first_peak_us(0.0),
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

    # --- its part in the world ------------------------------------------------------------------

    @property
    def laser_mhz(self) -> float:
        """What its actuator adds to the laser's frequency (MHz)."""
        return self._laser_loop.output

    @property
    def length_mhz(self) -> float:
        """What its ramp's offset adds to the cavity's length (MHz)."""
        return self._ramp_loop.output

    @property
    def stopped(self) -> bool:
        """A command that has not ended, or a missing peak, stops both loops."""
        return self._halted or self._error_code(self._cavity.mean_mhz()) != 0

    def advance(self, step_s: float) -> None:
        """Both loops over `step_s`, to the cavity's time."""
        step_s -= self._startup_left_s
        self._startup_left_s = max(0.0, -step_s)
        if step_s <= 0.0:
            return
        if self._laser_loop.closed:
            needed_mhz = self._laser_target_mhz() - self._cavity.free_mhz()
            self._laser_loop.advance(needed_mhz, step_s)
        if self._ramp_loop.closed:
            error_us = self.settings.ramp_set_us - self._first_peak_us(0.0)
            needed_mhz = self._ramp_loop.output + error_us / self._cavity.geometry.us_per_mhz
            self._ramp_loop.advance(needed_mhz, step_s)

    def _laser_target_mhz(self) -> float:
        """The firmware pulls towards its ratio within the order that the laser is in.

        A setpoint outside (0, 1) is never reached: the actuator runs to its rail.
        """
        ratio = self.settings.laser_set_us / LASER_REFERENCE_US
        if not 0.0 < ratio < 1.0:
            return self._truth.ratio_sign * math.copysign(OUT_OF_REACH, ratio - 0.5)
        order = math.floor(self._cavity.ratio_total(self._cavity.mean_mhz()) / SLAVE_ORDER)
        return self._cavity.detuning_of(order * SLAVE_ORDER + ratio)

    def _first_peak_us(self, extra_mhz: float) -> float:
        return self._cavity.geometry.first_peak_us(self._cavity.length_mhz() + extra_mhz)

    def _error_code(self, detuning_mhz: float) -> int:
        ratio = self._cavity.ratio_total(detuning_mhz) % SLAVE_ORDER
        return self._cavity.geometry.error_code(
            ratio, self._first_peak_us(0.0), self._cavity.slave_visible()
        )
