"""Optical pumping of an atom without hyperfine structure: the paper's closed form, Eqs. 2-4."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from atta_daq.physics.krypton import Line, PumpingRates

PLANCK_J_S = 6.62607015e-34
LIGHT_SPEED_M_S = 299_792_458.0
TWO_PI_PER_MHZ = 2.0e6 * math.pi
"""rad/s in one MHz."""


def rabi_squared(
    wavelength_m: float, decay_rate_s: float, weight_ratio: float, intensity_w_m2: float
) -> float:
    """Eq. 3 with kappa = 1: squared Rabi frequency in (rad/s)^2, averaged over the sublevels.

    `weight_ratio` is (2J_u+1)/(2J_l+1), or the same of F for a hyperfine component.
    """
    return (
        weight_ratio
        * wavelength_m**3
        * decay_rate_s
        * intensity_w_m2
        / (2.0 * math.pi * PLANCK_J_S * LIGHT_SPEED_M_S)
    )


def rabi_frequency(line: Line, intensity_w_m2: ArrayLike, kappa: float = 1.0) -> NDArray:
    """Eq. 3: Rabi frequency over 2 pi in MHz, for H_int = hbar Omega/2.

    kappa multiplies the square of the Rabi frequency; 1 for unpolarised atoms. Raises ValueError
    for a negative intensity or kappa.
    """
    intensity = np.asarray(intensity_w_m2, dtype=float)
    if kappa < 0.0 or np.any(intensity < 0.0):
        raise ValueError("intensity and kappa must not be negative")
    ratio = (2 * line.j_upper + 1) / (2 * line.j_lower + 1)
    unit = rabi_squared(line.wavelength_m, line.decay_rate_s, ratio, 1.0)
    return np.sqrt(kappa * unit * intensity) / TWO_PI_PER_MHZ


def excitation_rate(detuning_mhz: ArrayLike, rabi_mhz: ArrayLike, rates: PumpingRates) -> NDArray:
    """R = Omega^2 gamma / (2 (gamma^2 + Delta^2)) in 1/s; detuning and Rabi frequency broadcast."""
    omega = TWO_PI_PER_MHZ * np.asarray(rabi_mhz, dtype=float)
    delta = TWO_PI_PER_MHZ * np.asarray(detuning_mhz, dtype=float)
    gamma = rates.coherence
    return omega**2 * gamma / (2.0 * (gamma**2 + delta**2))


def efficiency_at_rate(rate_s: NDArray, rates: PumpingRates) -> NDArray:
    """Eq. 2 as a function of the excitation rate R (1/s).

    A lower level that never decays (1s3) keeps its atoms until they are pumped: every positive
    rate then gives the value at infinite power, and zero rate gives 0.
    """
    lost = rates.lower_to_ground * (rate_s + rates.upper)
    pumped = rate_s * (rates.upper - rates.upper_to_lower)
    total = lost + pumped
    return np.divide(
        rates.upper_to_metastable * rate_s, total, out=np.zeros_like(total), where=total > 0.0
    )


def efficiency(detuning_mhz: ArrayLike, rabi_mhz: ArrayLike, rates: PumpingRates) -> NDArray:
    """Eq. 2: share of the atoms that start in the lower level and end in the metastable one.

    Detuning of the light seen by the atom from the line, and Rabi frequency over 2 pi, both in
    MHz, broadcast against each other. The time integral of the linear master equation is exact:
    nothing is eliminated adiabatically.
    """
    rate = np.atleast_1d(excitation_rate(detuning_mhz, rabi_mhz, rates))
    shape = np.broadcast_shapes(np.shape(detuning_mhz), np.shape(rabi_mhz))
    return efficiency_at_rate(rate, rates).reshape(shape)


def infinite_efficiency(rates: PumpingRates) -> float:
    """Eq. 4: the efficiency on resonance at infinite power."""
    return rates.upper_to_metastable / (
        rates.lower_to_ground + rates.upper_to_metastable + rates.upper_to_other
    )


def saturation_rabi_mhz(rates: PumpingRates) -> float:
    """Rabi frequency over 2 pi (MHz) at which Eq. 2 on resonance reaches half of Eq. 4.

    Zero for a lower level that does not decay.
    """
    keep = rates.lower_to_ground + rates.upper - rates.upper_to_lower
    rate = rates.lower_to_ground * rates.upper / keep
    return math.sqrt(2.0 * rates.coherence * rate) / TWO_PI_PER_MHZ
