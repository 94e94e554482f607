"""Where the peaks of master and slave stand on the ramp, and what the firmware makes of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.truth import Cavity

TICKS_PER_US = 84
RAMP_DELAY_US = 380.0
"""The firmware ignores peaks within this time of the trigger, so that m1 is the first it sees. A
compile-time value; with it the slave may stand from 0.07 to 0.93 of the way from m1 to m2."""
FIRST_PEAK_US = 550.0
"""Where m1 stands with the cavity at its mean length and the ramp at its offset."""
OUT_OF_REACH = 1e9
SLAVE_OVER_MASTER = 0.9906
"""f_slave/f_master: a length scan moves the slave's comb less than the master's."""
SLAVE_ORDER = 1.0 / SLAVE_OVER_MASTER
"""Distance of two peaks of the slave over that of the masters: half a wavelength each."""


@dataclass(frozen=True)
class Peaks:
    """One line of the firmware's `p6`: times and errors in ticks of 84 MHz, outputs as words.

    Rising ramp m1, slave, m2; falling ramp m2, slave, m1.
    """

    times: tuple[int, ...]
    laser_error: int
    laser_word: int
    ramp_error: int
    ramp_word: int

    @classmethod
    def measured(
        cls,
        times_us: NDArray[np.float64],
        averaged_us: NDArray[np.float64],
        *,
        target: float,
        ramp_set_us: float,
        laser_word: int,
        ramp_word: int,
    ) -> "Peaks":
        """`averaged_us` are the means of the last ramps, from which the firmware takes its errors:
        the mean of (t1-t0) - (t2-t0) target and of the mirrored term of the falling ramp."""
        t = averaged_us
        rising_us = (t[1] - t[0]) - (t[2] - t[0]) * target
        falling_us = (t[5] - t[4]) - (t[5] - t[3]) * target
        return cls(
            times=tuple(round(x * TICKS_PER_US) for x in times_us.tolist()),
            laser_error=round((rising_us + falling_us) / 2.0 * TICKS_PER_US),
            laser_word=laser_word,
            ramp_error=round((t[0] - ramp_set_us) * TICKS_PER_US),
            ramp_word=ramp_word,
        )


class RampGeometry:
    """Times on a triangular ramp. Positions are times on the rising half (us)."""

    def __init__(self, truth: Cavity) -> None:
        self._truth = truth
        self.half_us = 0.5e6 / truth.ramp_hz
        self.spacing_us = truth.spacing_fraction * self.half_us
        self.us_per_mhz = self.spacing_us / truth.fsr_mhz
        self.ramp_mhz = self.half_us / self.us_per_mhz
        """Travel of one ramp, on the master's scale."""

    def first_peak_us(self, offset_mhz: float) -> float:
        """Position of the first master peak that the firmware sees, cavity longer by
        `offset_mhz`: one order further on replaces a peak that leaves the window."""
        position_us = FIRST_PEAK_US + offset_mhz * self.us_per_mhz
        return RAMP_DELAY_US + (position_us - RAMP_DELAY_US) % self.spacing_us

    def peak_times_us(self, ratio: float, first_us: float) -> NDArray[np.float64]:
        """The six peaks, (6,): the piezo bends both ramps oppositely and lags on the falling."""
        bend = self._truth.hysteresis * ratio * (1.0 - ratio)
        lag_us = self._truth.hysteresis * self.half_us
        rising = first_us + self.spacing_us * np.array([0.0, ratio + bend, 1.0])
        falling = first_us + self.spacing_us * np.array([1.0, ratio - bend, 0.0])
        return np.concatenate([rising, 2.0 * self.half_us + lag_us - falling])

    def error_code(self, ratio: float, first_us: float, slave_visible: bool) -> int:
        """0, -10-i: fewer than six peaks, i of them found; -31: a second slave peak."""
        last_us = first_us + self.spacing_us
        masters = 2 if last_us < self.half_us else 1
        if not slave_visible:
            return -10 - 2 * masters
        if masters == 1:
            return -12
        before_us = first_us + (ratio - SLAVE_ORDER) * self.spacing_us
        after_us = first_us + (ratio + SLAVE_ORDER) * self.spacing_us
        if ratio >= 1.0 or before_us > RAMP_DELAY_US or after_us < self.half_us:
            return -31
        return 0

    def airy(
        self,
        times_us: NDArray[np.float64],
        ratio_total: float,
        first_us: float,
        slave_height: float,
    ) -> NDArray[np.float64]:
        """Airy transmission of both combs at times after the trigger (us), rising and falling.

        Height 1 for the master, `slave_height` for the slave. The finesse sets the width.
        """
        period_us = 2.0 * self.half_us
        phase_us = np.asarray(times_us, dtype=np.float64) % period_us
        rising = phase_us < self.half_us
        lag_us = self._truth.hysteresis * self.half_us
        position_us = np.where(rising, phase_us, period_us + lag_us - phase_us)
        order = (position_us - first_us) / self.spacing_us
        fraction = ratio_total % SLAVE_ORDER
        bend = self._truth.hysteresis * fraction * (1.0 - fraction)
        slave_order = order - fraction - np.where(rising, bend, -bend)
        coefficient = (2.0 * self._truth.finesse / np.pi) ** 2
        master = 1.0 / (1.0 + coefficient * np.sin(np.pi * order) ** 2)
        slave = slave_height / (1.0 + coefficient * np.sin(np.pi * slave_order / SLAVE_ORDER) ** 2)
        return master + slave
