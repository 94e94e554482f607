"""Modulation-transfer spectroscopy of the stable krypton isotopes in a reference cell."""

import math
from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from atta_daq.physics.hyperfine import components

if TYPE_CHECKING:
    from simulators.world.world import World

NOISE_REFERENCE_S = 0.01
"""The truth gives the signal to noise of a mean over this time."""


class ReferenceCell:
    """Error signal of atoms at rest: one dispersive line for each component.

    A line is the derivative of a Lorentzian, positive on its blue side, with its extrema half of
    `width_mhz` from its centre; its height is the isotope's abundance times the strength of the
    component over the abundance of 84Kr. The light is picked off in front of modulator and
    amplifier: no sidebands. Call it with `world.lock` held.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        truth = world.truth.reference_cell
        self._truth = truth
        pumping = world.truth.pumping
        lines = [
            (truth.isotope_shift_82_mhz, truth.abundance_82),
            (0.0, truth.abundance_84),
            (truth.isotope_shift_86_mhz, truth.abundance_86),
        ]
        lines += [
            (c.total_mhz, truth.abundance_83 * c.strength)
            for c in components(83, pumping.isotope_shift_offset_83_mhz)
        ]
        self.centres_mhz = np.array([centre for centre, _ in lines])
        """Line centres from the 84Kr line (MHz)."""
        self.heights = np.array([height for _, height in lines]) / truth.abundance_84
        """Heights over that of 84Kr."""
        self._noise = world.streams["reference cell"]

    def spectrum_v(self, detuning_mhz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Noise-free signal (V) at each detuning, at the seed's nominal power."""
        t = self._truth
        half_mhz = t.width_mhz / 2.0
        # x / (1 + x^2/3)^2 has its extrema at |x| = 1, of size 9/16.
        x = (np.asarray(detuning_mhz)[..., None] - self.centres_mhz - t.zero_error_mhz) / half_mhz
        shape = 16.0 / 9.0 * x / (1.0 + x**2 / 3.0) ** 2
        return t.amplitude_v * (shape @ self.heights)

    def error_signal_v(self, n_samples: int, dt_s: float) -> NDArray[np.float64]:
        """The last `n_samples` of the error signal, `dt_s` apart, ending now (V).

        The laser jitters from ramp to ramp of the cavity; noise is white up to the response of
        the demodulator. Without seed light only noise is left.
        """
        ramp_hz = self._world.truth.cavity.ramp_hz
        ramp = np.floor(np.arange(n_samples) * dt_s * ramp_hz).astype(int)
        detunings_mhz = self._world.cavity.detunings_mhz(int(ramp[-1]) + 1)
        signal_v = self.spectrum_v(detunings_mhz)[ramp]
        return signal_v * self._relative_power() + self._noise_v(n_samples, dt_s)

    def monitor_v(self) -> float:
        """Photodiode behind the cell: 1 V at the seed's nominal power."""
        return self._relative_power()

    def _relative_power(self) -> float:
        light = self._world.truth.light
        nominal_mw = light.seed_slope_mw_per_ma * (light.seed_current_ma - light.seed_threshold_ma)
        return self._world.light.diode_power_mw() / nominal_mw

    def _noise_v(self, n_samples: int, dt_s: float) -> NDArray[np.float64]:
        """First-order low-passed noise, whose mean over 10 ms has the rms of the truth."""
        t = self._truth
        ratio = NOISE_REFERENCE_S / t.noise_time_s
        # Variance of the mean of a process with exponential correlation, over its own variance.
        averaged = 2.0 / ratio * (1.0 - (1.0 - math.exp(-ratio)) / ratio)
        rms_v = t.amplitude_v / t.signal_to_noise / math.sqrt(averaged)
        decay = math.exp(-dt_s / t.noise_time_s)
        kicks = self._noise.standard_normal(n_samples) * math.sqrt(1.0 - decay**2)
        kicks[0] = self._noise.standard_normal()
        return rms_v * _low_passed(kicks, decay)


@numba.njit(cache=True)
def _low_passed(kicks: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """y[i] = decay y[i - 1] + kicks[i]; scipy.signal would add a second to every start."""
    out = kicks.copy()
    for i in range(1, out.size):
        out[i] += decay * out[i - 1]
    return out
