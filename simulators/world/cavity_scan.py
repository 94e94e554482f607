"""The scanned cavity on a digitiser board: OUT1 drives its piezo, OUT2 the laser's, the inputs are
the photodiodes of master (IN1) and slave (IN2)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from simulators.world.peaks import SLAVE_ORDER, SLAVE_OVER_MASTER
from simulators.world.piezo import HystereticPiezo

if TYPE_CHECKING:
    from simulators.world.world import World

FloatArray = NDArray[np.float64]

AT_REST_V = 0.5 / 8192
"""Nearer than this to 0 V, half a step of the converter, the actuator of the laser was set to its
offset, where the diode falls back to its first mode. Wider, a lock that regulates about the offset
would cure a hop before it sees it."""


@dataclass(frozen=True)
class Triangle:
    """What OUT1 plays: `cycles` periods of offset + amplitude (2/pi) asin(sin(2 pi f t)) from
    `start_s` on, as the board's generator makes it; else it rests at the offset."""

    start_s: float
    frequency_hz: float
    amplitude_v: float
    offset_v: float
    cycles: float

    def position(self, times_s: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Triangle from -1 to 1 at rig times, and where it rises."""
        phase = (times_s - self.start_s) * self.frequency_hz
        played = (phase >= 0.0) & (phase < self.cycles)
        inside = phase - np.floor(phase)
        rising = (inside < 0.25) | (inside >= 0.75)
        up = np.where(inside < 0.25, 4.0 * inside, 4.0 * inside - 4.0)
        value = np.where(rising, up, 2.0 - 4.0 * inside)
        return np.where(played, value, 0.0), rising | ~played


class CavityScan:
    """What a board sees and moves; the cavity's controller once `take_over` was called.

    Call it with `world.lock` held. The three faults of the wiring are plain switches.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._truth = world.truth.cavity
        self._piezo = HystereticPiezo(self._truth.actuator_hysteresis)
        self._noise = world.streams["cavity photodiodes"]
        self._jitter = world.streams["cavity scan jitter"]
        self.pickoff_after_eom = False
        self.swapped_photodiodes = False
        self.inverted_ramp = False

    def take_over(self) -> None:
        """The board's outputs move the laser from now on, and its ramp the cavity."""
        cavity = self._world.cavity
        cavity.advance()
        cavity.controller = self

    def mend(self) -> None:
        """The wiring as it should be."""
        self.pickoff_after_eom = self.swapped_photodiodes = self.inverted_ramp = False

    # --- the controller of the cavity -------------------------------------------------------------

    @property
    def laser_mhz(self) -> float:
        return self._piezo.output_mhz

    @property
    def length_mhz(self) -> float:
        """The ramp is counted at each sample of a trace, not here."""
        return 0.0

    @property
    def stopped(self) -> bool:
        return False

    def advance(self, step_s: float) -> None:
        """The outputs hold their levels."""

    def set_laser(self, volts: float) -> None:
        """OUT2 took this level."""
        cavity = self._world.cavity
        cavity.advance()
        self._piezo.set(self._truth.board_laser_mhz_per_v * volts)
        if abs(volts) < AT_REST_V:
            cavity.laser.return_to_first_mode()

    # --- what the photodiodes see -----------------------------------------------------------------

    def traces_v(self, times_s: FloatArray, ramp: Triangle) -> tuple[FloatArray, FloatArray]:
        """Voltages at IN1 and IN2 at rig times (s), both (n,), before the converter.

        Laser and cavity jitter from one pass of the ramp to the next; within a pass they stand.
        """
        t, cavity = self._truth, self._world.cavity
        cavity.advance()
        position, rising = ramp.position(times_s)
        # The piezo lags: its branches enclose a lens.
        lag = t.hysteresis * (1.0 - position**2)
        volts = ramp.offset_v + ramp.amplitude_v * (position + np.where(rising, -lag, lag))
        passes = np.concatenate([[0], np.cumsum(rising[1:] != rising[:-1])])
        count = int(passes[-1]) + 1
        cavity_mhz = t.cavity_jitter_mhz * self._jitter.standard_normal(count)
        laser_mhz = t.laser_jitter_mhz * self._jitter.standard_normal(count)
        polarity = -1.0 if self.inverted_ramp else 1.0
        ramp_mhz = polarity * t.board_ramp_mhz_per_v * volts
        order = 0.5 + (ramp_mhz - cavity.length_mhz() - cavity_mhz[passes]) / t.fsr_mhz
        slave = cavity.ratio_total(cavity.mean_mhz()) + (
            t.ratio_sign * laser_mhz[passes] / (t.fsr_mhz * SLAVE_OVER_MASTER)
        )
        coefficient = (2.0 * t.finesse / math.pi) ** 2
        noise = t.photodiode_noise_v * self._noise.standard_normal((2, times_s.size))
        masters = t.photodiode_offset_v + noise[0]
        slaves = t.photodiode_offset_v + noise[1]
        _add_airy(masters, order, 1.0, t.master_peak_v, coefficient)
        for shift, share in self._slave_lines():
            height_v = t.slave_peak_v * self._slave_brightness() * share
            if height_v > 0.0:
                _add_airy(slaves, order - slave - shift, SLAVE_ORDER, height_v, coefficient)
        return (slaves, masters) if self.swapped_photodiodes else (masters, slaves)

    def _slave_brightness(self) -> float:
        """Over nominal: the seed's power, and how much of it is on one mode."""
        light = self._world.truth.light
        nominal_mw = light.seed_slope_mw_per_ma * (light.seed_current_ma - light.seed_threshold_ma)
        power = max(self._world.light.diode_power_mw(), 0.0) / nominal_mw
        return power * (0.15 if self._world.cavity.laser.multimode else 1.0)

    def _slave_lines(self) -> list[tuple[float, float]]:
        """Shift (in orders of the master) and share of the power, of carrier and sidebands."""
        field = self._world.light.field()
        if not self.pickoff_after_eom or field.sideband_depth <= 0.0:
            return [(0.0, 1.0)]
        shift = field.sideband_frequency_mhz / (self._truth.fsr_mhz * SLAVE_OVER_MASTER)
        return [(k * shift, _bessel(abs(k), field.sideband_depth) ** 2) for k in range(-2, 3)]


def _bessel(order: int, x: float) -> float:
    """J_n(x) by its integral over one period, exact to rounding for the few orders in use."""
    angle = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    return float(np.mean(np.cos(order * angle - x * np.sin(angle))))


@numba.njit(cache=True, fastmath=True)
def _add_airy(
    volts: FloatArray, order: FloatArray, period: float, height: float, coefficient: float
) -> None:
    """Add an Airy comb with peaks at whole multiples of `period`."""
    for i in range(order.size):
        s = math.sin(math.pi * order[i] / period)
        volts[i] += height / (1.0 + coefficient * s * s)
