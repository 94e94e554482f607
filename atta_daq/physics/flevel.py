"""Optical pumping of an odd isotope on the level of its hyperfine levels F.

Eight levels of the 819-nm line (three F of 1s4, five F' of 2p6) obey rate equations: excitation
on every allowed component, stimulated emission in detailed balance (R g_F/g_F'), spontaneous
decay with its branching, loss of the lower levels to the ground level. Atoms start spread
statistically over F. The upper levels can be eliminated exactly from the time integral, since
they start and end empty, and three linear equations are left for each detuning.
"""

import math
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from atta_daq.physics.angular import branching, coupled_values
from atta_daq.physics.fivelevel import rabi_squared
from atta_daq.physics.hyperfine import components
from atta_daq.physics.krypton import PUMPING_LINE, isotope, line, pumping_rates

LOWER, UPPER, ALLOWED = 3, 5, 3
"""Lower level i couples to the upper levels i, i+1, i+2, and to no other."""


@dataclass(frozen=True, eq=False)
class FLevelModel:
    """F-level rate equations of one odd isotope. Rates in 1/us, frequencies in MHz."""

    centre_mhz: NDArray[np.float64]
    """(3, 3): position of component F_i -> F'_(i+k) from the 84Kr line."""
    rate_unit: NDArray[np.float64]
    """(3, 3): excitation rate at the centre for 1 W/m2 and Rabi scale 1."""
    balance: NDArray[np.float64]
    """(3, 3): g_F/g_F', stimulated emission over excitation."""
    branch: NDArray[np.float64]
    """(3, 3): share of the decays of F'_(i+k) to 1s4 that end in F_i."""
    start: NDArray[np.float64]
    """(3,): statistical start."""
    half_width_mhz: float
    decay: NDArray[np.float64]
    """Lower to ground, upper to lower, upper to metastable, upper in all."""

    def efficiency(
        self,
        atom_detuning_mhz: NDArray[np.float64],
        intensity_w_m2: float,
        rabi_scale: float,
        offsets_mhz: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Share of the atoms that end in the metastable level.

        `atom_detuning_mhz`, 1-D: the carrier as the atom sees it, from the 84Kr line. The light
        has lines at `offsets_mhz` from the carrier with `weights` of the intensity; all of them
        drive each component, so their rates add before the equations are solved.
        """
        return _solve(
            np.ascontiguousarray(atom_detuning_mhz, dtype=np.float64),
            self.centre_mhz,
            self.rate_unit * (intensity_w_m2 * rabi_scale**2),
            self.balance,
            self.branch,
            self.start,
            self.half_width_mhz,
            self.decay,
            offsets_mhz,
            weights,
        )


@cache
def f_level_model(mass_number: int, isotope_shift_offset_mhz: float = 0.0) -> FLevelModel:
    """The model of 81, 83 or 85Kr. Raises ValueError for an even isotope, KeyError for others."""
    atom = isotope(mass_number)
    if atom.nuclear_spin == 0.0:
        raise ValueError(f"{mass_number}Kr has no hyperfine structure: use the five-level form")
    pumped, rates = line(*PUMPING_LINE), pumping_rates()
    j_lower, j_upper, spin = float(pumped.j_lower), float(pumped.j_upper), atom.nuclear_spin
    lower = coupled_values(j_lower, spin)
    upper = coupled_values(j_upper, spin)
    position = {
        (c.f_lower, c.f_upper): c.total_mhz
        for c in components(mass_number, isotope_shift_offset_mhz)
    }
    centre, unit, balance, branch = (np.zeros((LOWER, ALLOWED)) for _ in range(4))
    for i, f_lower in enumerate(lower):
        for k in range(ALLOWED):
            f_upper = upper[i + k]
            share = branching(j_lower, f_lower, j_upper, f_upper, spin)
            ratio = (2.0 * f_upper + 1.0) / (2.0 * f_lower + 1.0)
            omega2 = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s * share, ratio, 1.0)
            centre[i, k] = position[f_lower, f_upper]
            unit[i, k] = 1e-6 * omega2 / (2.0 * rates.coherence)
            balance[i, k] = 1.0 / ratio
            branch[i, k] = share
    degeneracy = np.array([2.0 * f + 1.0 for f in lower])
    decay = (rates.lower_to_ground, rates.upper_to_lower, rates.upper_to_metastable, rates.upper)
    return FLevelModel(
        centre_mhz=centre,
        rate_unit=unit,
        balance=balance,
        branch=branch,
        start=degeneracy / degeneracy.sum(),
        half_width_mhz=1e-6 * rates.coherence / (2.0 * math.pi),
        decay=1e-6 * np.array(decay),
    )


@numba.njit(cache=True, error_model="numpy")
def _solve(
    detuning, centre, peak, balance, branch, start, half_width, decay, offsets, weights
):  # pragma: no cover - compiled
    """Time integral of the rate equations at each detuning; arguments as in `FLevelModel`.

    With n the time integrals of the populations: for an upper level j
        n_j = sum_i R_ij n_i / a_j,  a_j = G_u + sum_i R_ij b_ij,
    and for the lower levels
        start_i = (G_l0 + sum_j R_ij) n_i - sum_j (R_ij b_ij + G_ul p_ij) n_j.
    Solved by Cramer's rule with M in the order of the levels.
    """
    count = detuning.size
    out = np.empty(count)
    rate = np.zeros((9, count))
    inverse_width = 1.0 / half_width
    for i in range(3):
        for k in range(3):
            row = rate[3 * i + k]
            for s in range(offsets.size):
                strength = peak[i, k] * weights[s]
                if strength == 0.0:
                    continue
                origin = (centre[i, k] - offsets[s]) * inverse_width
                for n in range(count):
                    x = detuning[n] * inverse_width - origin
                    row[n] += strength / (1.0 + x * x)
    lost, back, metastable, upper = decay
    b, q = balance.ravel(), back * branch.ravel()
    w0, w1, w2 = start
    r00, r01, r02 = rate[0], rate[1], rate[2]
    r11, r12, r13 = rate[3], rate[4], rate[5]
    r22, r23, r24 = rate[6], rate[7], rate[8]
    for n in range(count):
        a0 = 1.0 / (upper + r00[n] * b[0])
        a1 = 1.0 / (upper + r01[n] * b[1] + r11[n] * b[3])
        a2 = 1.0 / (upper + r02[n] * b[2] + r12[n] * b[4] + r22[n] * b[6])
        a3 = 1.0 / (upper + r13[n] * b[5] + r23[n] * b[7])
        a4 = 1.0 / (upper + r24[n] * b[8])
        # Upper populations per lower population, and their return to each lower level.
        t00, t01, t02 = r00[n] * a0, r01[n] * a1, r02[n] * a2
        t11, t12, t13 = r11[n] * a1, r12[n] * a2, r13[n] * a3
        t22, t23, t24 = r22[n] * a2, r23[n] * a3, r24[n] * a4
        c00, c01, c02 = r00[n] * b[0] + q[0], r01[n] * b[1] + q[1], r02[n] * b[2] + q[2]
        c11, c12, c13 = r11[n] * b[3] + q[3], r12[n] * b[4] + q[4], r13[n] * b[5] + q[5]
        c22, c23, c24 = r22[n] * b[6] + q[6], r23[n] * b[7] + q[7], r24[n] * b[8] + q[8]
        m00 = lost + r00[n] + r01[n] + r02[n] - c00 * t00 - c01 * t01 - c02 * t02
        m11 = lost + r11[n] + r12[n] + r13[n] - c11 * t11 - c12 * t12 - c13 * t13
        m22 = lost + r22[n] + r23[n] + r24[n] - c22 * t22 - c23 * t23 - c24 * t24
        m01 = -c01 * t11 - c02 * t12
        m10 = -c11 * t01 - c12 * t02
        m02 = -c02 * t22
        m20 = -c22 * t02
        m12 = -c12 * t22 - c13 * t23
        m21 = -c22 * t12 - c23 * t13
        p0, p1, p2 = t00 + t01 + t02, t11 + t12 + t13, t22 + t23 + t24
        k00, k01, k02 = m11 * m22 - m12 * m21, m02 * m21 - m01 * m22, m01 * m12 - m02 * m11
        k10, k11, k12 = m12 * m20 - m10 * m22, m00 * m22 - m02 * m20, m02 * m10 - m00 * m12
        k20, k21, k22 = m10 * m21 - m11 * m20, m01 * m20 - m00 * m21, m00 * m11 - m01 * m10
        determinant = m00 * k00 + m01 * k10 + m02 * k20
        n0 = k00 * w0 + k01 * w1 + k02 * w2
        n1 = k10 * w0 + k11 * w1 + k12 * w2
        n2 = k20 * w0 + k21 * w1 + k22 * w2
        out[n] = metastable * (p0 * n0 + p1 * n1 + p2 * n2) / determinant
    return out
