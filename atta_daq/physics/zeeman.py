"""Optical pumping between magnetic sublevels, for linearly polarised light.

Quantisation along the polarisation: light drives m to m only, spontaneous decay reaches m and
m +- 1. The populations of m and -m are equal throughout, so they are added (|m| classes). Within
a class up to three lower levels F meet up to five upper levels F'; the upper ones are eliminated
exactly from the time integral, which leaves 3x3 blocks. Recycling couples a class to itself and
to its two neighbours, a block-tridiagonal system that is solved by block elimination. Coherences
between hyperfine levels are left out; `hyperfine_lindblad` keeps them.
"""

import math
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from atta_daq.physics.angular import branching, coupled_values, dipole_amplitude, zeeman_share
from atta_daq.physics.fivelevel import rabi_squared
from atta_daq.physics.hyperfine import components
from atta_daq.physics.krypton import PUMPING_LINE, isotope, line, pumping_rates

_LANES = 16
"""Detunings treated side by side, so that the inner loops become vector instructions."""


@dataclass(frozen=True, eq=False)
class ZeemanModel:
    """Rate equations of one isotope in |m| classes. Rates in 1/us, frequencies in MHz.

    Lower level i (by F) couples to upper level i + k, k = 0, 1, 2; what does not exist has rate
    zero.
    """

    centre_mhz: NDArray[np.float64]
    """(3, 3): position of component i, k from the 84Kr line."""
    rate_unit: NDArray[np.float64]
    """(classes, 3, 3): excitation rate at the centre for 1 W/m2 and Rabi scale 1."""
    recycling: NDArray[np.float64]
    """(classes, 3, 3, 3): decay rate of upper level i + k in a class to lower level i in the
    class below, the same, the class above (last index)."""
    start: NDArray[np.float64]
    """(classes, 3): statistical start."""
    half_width_mhz: float
    decay: NDArray[np.float64]
    """Lower to ground, upper to metastable, upper in all."""

    def efficiency(
        self,
        atom_detuning_mhz: NDArray[np.float64],
        intensity_w_m2: float,
        rabi_scale: float,
        offsets_mhz: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """As `FLevelModel.efficiency`."""
        return _solve(
            np.ascontiguousarray(atom_detuning_mhz, dtype=np.float64),
            self.centre_mhz,
            self.rate_unit * (intensity_w_m2 * rabi_scale**2),
            self.recycling,
            self.start,
            self.half_width_mhz,
            self.decay,
            offsets_mhz,
            weights,
        )


@cache
def zeeman_model(mass_number: int, isotope_shift_offset_mhz: float = 0.0) -> ZeemanModel:
    """The model of 81, 83, 84 or 85Kr. Raises KeyError for other isotopes."""
    atom = isotope(mass_number)
    pumped, rates = line(*PUMPING_LINE), pumping_rates()
    j_lower, j_upper, spin = float(pumped.j_lower), float(pumped.j_upper), atom.nuclear_spin
    lower, upper = coupled_values(j_lower, spin), coupled_values(j_upper, spin)
    lowest_m = min(f % 1.0 for f in lower)
    classes = round(lower[-1] - lowest_m) + 1
    ratio = (2.0 * j_upper + 1.0) / (2.0 * j_lower + 1.0)
    omega2 = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s, ratio, 1.0)
    # Normalised so that the squared Rabi frequencies average to Eq. 3 over the lower sublevels.
    mean = 3.0 * (2.0 * j_lower + 1.0)
    centre, unit = np.zeros((3, 3)), np.zeros((classes, 3, 3))
    recycling, start = np.zeros((classes, 3, 3, 3)), np.zeros((classes, 3))
    for component in components(mass_number, isotope_shift_offset_mhz):
        f_lower, f_upper = component.f_lower, component.f_upper
        i = lower.index(f_lower)
        # Even isotopes have a single upper level, odd ones start at F' = F - 1.
        k = upper.index(f_upper) - i
        centre[i, k] = component.total_mhz
        share = branching(j_lower, f_lower, j_upper, f_upper, spin)
        for c in range(classes):
            m = lowest_m + c
            if m <= f_lower:
                start[c, i] = (2.0 if m > 0.0 else 1.0) / (
                    (2.0 * j_lower + 1.0) * (2.0 * spin + 1.0)
                )
            if m <= min(f_lower, f_upper):
                weight = dipole_amplitude(j_lower, f_lower, m, j_upper, f_upper, m, spin)
                unit[c, i, k] = 1e-6 * omega2 * mean * weight**2 / (2.0 * rates.coherence)
            if m > f_upper:
                continue
            for final in (m - 1.0, m, m + 1.0):
                target = round(abs(final) - lowest_m) - c
                if abs(final) <= f_lower and c + target < classes:
                    recycling[c, i, k, target + 1] += (
                        1e-6
                        * rates.upper_to_lower
                        * share
                        * zeeman_share(f_lower, final, f_upper, m)
                    )
    return ZeemanModel(
        centre_mhz=centre,
        rate_unit=unit,
        recycling=recycling,
        start=start,
        half_width_mhz=1e-6 * rates.coherence / (2.0 * math.pi),
        decay=1e-6 * np.array((rates.lower_to_ground, rates.upper_to_metastable, rates.upper)),
    )


@numba.njit(cache=True, error_model="numpy")
def _solve(
    detuning, centre, peak, recycling, start, half_width, decay, offsets, weights
):  # pragma: no cover - compiled
    """Time integral of the rate equations; arguments as in `ZeemanModel`.

    Lower classes n_c obey D_c n_c - (recycling from c - 1 and c + 1) = start_c, and the efficiency
    is the sum of p_c n_c. Classes are eliminated one after the other, carrying p along, so no back
    substitution is needed. Every array has the detunings of one batch in its last index.
    """
    classes, count = peak.shape[0], detuning.size
    out = np.empty(count)
    lost, metastable, upper = decay
    shape = np.zeros((3, 3, _LANES))
    rate = np.zeros((3, 3, _LANES))
    level = np.zeros((5, _LANES))
    # Upper population j per lower population i, and blocks to the class below, same, above.
    transfer = np.zeros((5, 3, _LANES))
    block = np.zeros((3, 3, 3, _LANES))
    # Carried from class to class: corrected diagonal, start and p of the class just treated.
    diagonal = np.zeros((3, 3, _LANES))
    source = np.zeros((3, _LANES))
    gain = np.zeros((3, _LANES))
    inverse = np.zeros((3, 3, _LANES))
    above = np.zeros((3, 3, _LANES))
    factor = np.zeros((3, 3, _LANES))
    seen = np.zeros((3, _LANES))
    x = np.zeros(_LANES)
    eta = np.zeros(_LANES)
    for first in range(0, count, _LANES):
        lanes = min(_LANES, count - first)
        x[:lanes] = detuning[first : first + lanes]
        x[lanes:] = detuning[first]
        eta[:] = 0.0
        for i in range(3):
            for k in range(3):
                shape[i, k, :] = 0.0
                for s in range(offsets.size):
                    for n in range(_LANES):
                        y = (x[n] + (offsets[s] - centre[i, k])) / half_width
                        shape[i, k, n] += weights[s] / (1.0 + y * y)
        for c in range(classes):
            for j in range(5):
                level[j, :] = upper
            transfer[:] = 0.0
            for i in range(3):
                for k in range(3):
                    for n in range(_LANES):
                        rate[i, k, n] = peak[c, i, k] * shape[i, k, n]
                        level[i + k, n] += rate[i, k, n]
            for j in range(5):
                for n in range(_LANES):
                    level[j, n] = 1.0 / level[j, n]
            for i in range(3):
                for k in range(3):
                    for n in range(_LANES):
                        transfer[i + k, i, n] = rate[i, k, n] * level[i + k, n]
            block[:] = 0.0
            for i in range(3):
                for k in range(3):
                    for to in range(max(0, i + k - 2), min(3, i + k + 1)):
                        for n in range(_LANES):
                            t = transfer[i + k, i, n]
                            back = rate[to, i + k - to, n] + recycling[c, to, i + k - to, 1]
                            block[0, to, i, n] += recycling[c, to, i + k - to, 0] * t
                            block[1, to, i, n] -= back * t
                            block[2, to, i, n] += recycling[c, to, i + k - to, 2] * t
                    for n in range(_LANES):
                        block[1, i, i, n] += rate[i, k, n]
                for n in range(_LANES):
                    block[1, i, i, n] += lost
            if c == 0:
                diagonal[:] = block[1]
                for i in range(3):
                    source[i, :] = start[0, i]
                    for n in range(_LANES):
                        gain[i, n] = transfer[i, i, n] + transfer[i + 1, i, n]
                        gain[i, n] += transfer[i + 2, i, n]
            else:
                # factor = (recycling into this class) times the inverse of the one before.
                for i in range(3):
                    for j in range(3):
                        for n in range(_LANES):
                            factor[i, j, n] = (
                                above[i, 0, n] * inverse[0, j, n]
                                + above[i, 1, n] * inverse[1, j, n]
                                + above[i, 2, n] * inverse[2, j, n]
                            )
                for i in range(3):
                    for j in range(3):
                        for n in range(_LANES):
                            diagonal[i, j, n] = block[1, i, j, n] - (
                                factor[i, 0, n] * block[0, 0, j, n]
                                + factor[i, 1, n] * block[0, 1, j, n]
                                + factor[i, 2, n] * block[0, 2, j, n]
                            )
                    for n in range(_LANES):
                        gain[i, n] = (
                            transfer[i, i, n]
                            + transfer[i + 1, i, n]
                            + transfer[i + 2, i, n]
                            + seen[0, n] * block[0, 0, i, n]
                            + seen[1, n] * block[0, 1, i, n]
                            + seen[2, n] * block[0, 2, i, n]
                        )
                for n in range(_LANES):
                    s0, s1, s2 = source[0, n], source[1, n], source[2, n]
                    for i in range(3):
                        source[i, n] = (
                            start[c, i]
                            + factor[i, 0, n] * s0
                            + factor[i, 1, n] * s1
                            + factor[i, 2, n] * s2
                        )
            for n in range(_LANES):
                a, b, d = diagonal[0, 0, n], diagonal[0, 1, n], diagonal[0, 2, n]
                e, f, g = diagonal[1, 0, n], diagonal[1, 1, n], diagonal[1, 2, n]
                h, p, q = diagonal[2, 0, n], diagonal[2, 1, n], diagonal[2, 2, n]
                k0, k1, k2 = f * q - g * p, g * h - e * q, e * p - f * h
                scale = 1.0 / (a * k0 + b * k1 + d * k2)
                inverse[0, 0, n] = k0 * scale
                inverse[1, 0, n] = k1 * scale
                inverse[2, 0, n] = k2 * scale
                inverse[0, 1, n] = (d * p - b * q) * scale
                inverse[1, 1, n] = (a * q - d * h) * scale
                inverse[2, 1, n] = (b * h - a * p) * scale
                inverse[0, 2, n] = (b * g - d * f) * scale
                inverse[1, 2, n] = (d * e - a * g) * scale
                inverse[2, 2, n] = (a * f - b * e) * scale
            for i in range(3):
                for n in range(_LANES):
                    seen[i, n] = (
                        gain[0, n] * inverse[0, i, n]
                        + gain[1, n] * inverse[1, i, n]
                        + gain[2, n] * inverse[2, i, n]
                    )
                    eta[n] += seen[i, n] * source[i, n]
            above[:] = block[2]
        for n in range(lanes):
            out[first + n] = metastable * eta[n]
    return out
