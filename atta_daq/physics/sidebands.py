"""Phase-modulation sidebands of the electro-optical modulator."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

LOAD_OHM = 50.0
LEAST_SAMPLES = 64
"""Of the phase over one period of the modulation."""


@dataclass(frozen=True)
class Sidebands:
    """Carrier and sidebands up to second order of phase-modulated light.

    `depth` is the modulation index beta in rad. Power in line n is J_n(beta)^2 of the whole; what
    third and higher orders hold (below 0.8 % for beta up to 1) is left out. Raises ValueError for
    a negative frequency or depth.
    """

    frequency_mhz: float
    depth: float

    def __post_init__(self) -> None:
        if self.frequency_mhz < 0.0 or self.depth < 0.0:
            raise ValueError("sideband frequency and depth must not be negative")

    @cached_property
    def offsets_mhz(self) -> NDArray[np.float64]:
        """Positions of the five lines from the carrier, ascending."""
        return self.frequency_mhz * np.arange(-2.0, 3.0)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Power of the five lines as a share of the whole: J2^2, J1^2, J0^2, J1^2, J2^2."""
        # The Fourier series of exp(i beta sin(phi)) has the coefficients J_n(beta): to rounding, as
        # long as the samples are many more than the lines that the depth fills. Bessel functions
        # of scipy would hold up the start of every window by a quarter of a second.
        samples = LEAST_SAMPLES + 4 * math.ceil(self.depth)
        phase = 2.0 * np.pi / samples * np.arange(samples)
        lines = np.fft.fft(np.exp(1j * self.depth * np.sin(phase))) / samples
        return np.abs(lines[[2, 1, 0, 1, 2]]) ** 2


def depth_from_power_dbm(power_dbm: float, v_pi_v: float) -> float:
    """Modulation index from RF power into 50 ohm.

    P = V^2/(2 x 50 ohm) with V the amplitude, beta = pi V / V_pi. Raises ValueError unless V_pi
    is positive.
    """
    if v_pi_v <= 0.0:
        raise ValueError(f"half-wave voltage must be positive, got {v_pi_v} V")
    power_w = 1e-3 * 10.0 ** (power_dbm / 10.0)
    return math.pi * math.sqrt(2.0 * LOAD_OHM * power_w) / v_pi_v


def power_dbm_from_depth(depth: float, v_pi_v: float) -> float:
    """Inverse of `depth_from_power_dbm`. Raises ValueError unless both are positive."""
    if depth <= 0.0 or v_pi_v <= 0.0:
        raise ValueError("modulation depth and half-wave voltage must be positive")
    amplitude_v = depth * v_pi_v / math.pi
    return 10.0 * math.log10(amplitude_v**2 / (2.0 * LOAD_OHM) / 1e-3)
