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


def efficiency_at_rate(rate_s: NDArray[np.float64], rates: PumpingRates) -> NDArray[np.float64]:
    """Eq. 2 as a function of the excitation rate R (1/s).

    A lower level that never decays (1s3) keeps its atoms until they are pumped: every positive
    rate then gives the value at infinite power, and zero rate gives 0.
    """
    return _ratio(rate_s, np.ones_like(rate_s), rates)


def efficiency(
    detuning_mhz: ArrayLike, rabi_mhz: ArrayLike, rates: PumpingRates
) -> NDArray[np.float64]:
    """Eq. 2: share of the atoms that start in the lower level and end in the metastable one.

    Detuning of the light seen by the atom from the line, and Rabi frequency over 2 pi, both in
    MHz, broadcast against each other. The time integral of the linear master equation is exact:
    nothing is eliminated adiabatically.
    """
    delta = TWO_PI_PER_MHZ * np.asarray(detuning_mhz, dtype=float)
    omega = TWO_PI_PER_MHZ * np.asarray(rabi_mhz, dtype=float)
    gamma = rates.coherence
    return _ratio(0.5 * gamma * omega**2, delta**2 + gamma**2, rates)


def _ratio(
    drive: NDArray[np.float64], detune: NDArray[np.float64], rates: PumpingRates
) -> NDArray[np.float64]:
    """Eq. 2 with R = drive/detune, multiplied out so that one division is left."""
    kept = rates.lower_to_ground + rates.upper - rates.upper_to_lower
    total = np.asarray((rates.lower_to_ground * rates.upper) * detune + kept * drive)
    top = rates.upper_to_metastable * drive
    if rates.lower_to_ground > 0.0:
        return np.asarray(top / total)
    return np.divide(top, total, out=np.zeros_like(total), where=total > 0.0)


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
