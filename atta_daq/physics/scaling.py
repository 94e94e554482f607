"""Scaling of hyperfine constants and isotope shifts between isotopes (Eqs. 5-7).

A cross-check of the tabulated constants, not their source: nuclear moments and charge radii are
literature values whose own errors, and the hyperfine anomaly, leave a few MHz.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from atta_daq.physics.angular import coupled_values
from atta_daq.physics.hyperfine import components, hyperfine_energy_mhz
from atta_daq.physics.krypton import (
    PUMPING_LINE,
    REFERENCE_ISOTOPE,
    HyperfineConstants,
    charge_radius_fm,
    isotope,
    line,
    mass_u,
)

TOLERANCE_MHZ = 4.0
"""Largest difference from the tabulated values that still counts as agreement."""
SCALED_FROM = 83


@dataclass(frozen=True)
class ScaledComponent:
    """One hyperfine component by tabulated and by scaled constants."""

    f_lower: float
    f_upper: float
    tabulated_mhz: float
    lower_scaled_mhz: float
    """Hyperfine shift when the constants of the lower level are scaled."""
    both_scaled_mhz: float
    """Hyperfine shift when the constants of both levels are scaled."""


def scaled_constants(mass_number: int, level: str) -> HyperfineConstants:
    """A and B of a level from those of 83Kr by nuclear moments.

    Eq. 5: A1/A2 = (mu1/I1)/(mu2/I2); Eq. 6: B1/B2 = Q1/Q2. Raises ValueError for an isotope
    without nuclear spin, KeyError for a level without constants.
    """
    atom, base = isotope(mass_number), isotope(SCALED_FROM)
    moments = (
        atom.magnetic_moment,
        base.magnetic_moment,
        atom.quadrupole_moment_b,
        base.quadrupole_moment_b,
    )
    if any(moment is None for moment in moments):
        raise ValueError(f"{mass_number}Kr has no nuclear moments to scale with")
    mu, mu_base, quadrupole, quadrupole_base = (float(m) for m in moments if m is not None)
    known = base.hyperfine[level]
    ratio = (mu / atom.nuclear_spin) / (mu_base / base.nuclear_spin)
    return HyperfineConstants(
        known.a_mhz * ratio,
        known.b_mhz * quadrupole / quadrupole_base,
        f"83Kr scaled by nuclear moments ({known.source})",
    )


def scaled_components(mass_number: int) -> tuple[ScaledComponent, ...]:
    """Hyperfine shifts of 81, 83 or 85Kr with scaled constants beside the tabulated ones."""
    atom, pumped = isotope(mass_number), line(*PUMPING_LINE)
    spin = atom.nuclear_spin
    low, high = (scaled_constants(mass_number, name) for name in PUMPING_LINE)

    def energies(constants: HyperfineConstants, j: float) -> dict[float, float]:
        return {
            f: hyperfine_energy_mhz(f, j, spin, constants.a_mhz, constants.b_mhz)
            for f in coupled_values(j, spin)
        }

    lower = energies(low, float(pumped.j_lower))
    upper = energies(high, float(pumped.j_upper))
    upper_known = energies(atom.hyperfine[pumped.upper], float(pumped.j_upper))
    return tuple(
        ScaledComponent(
            c.f_lower,
            c.f_upper,
            c.shift_mhz,
            upper_known[c.f_upper] - lower[c.f_lower],
            upper[c.f_upper] - lower[c.f_lower],
        )
        for c in components(mass_number)
    )


@dataclass(frozen=True)
class ShiftConstants:
    """Constants of the 819-nm line in Eq. 7."""

    mass_mhz_u: float
    """K: mass shift constant, MHz times u."""
    field_mhz_fm2: float
    """F: field shift constant, MHz per fm^2."""

    def shift_mhz(self, mass_number: int) -> float:
        """Eq. 7: K (M' - M)/(M M') + F d<r^2>, from 84Kr to the isotope."""
        mass_term, field_term = _shift_terms(mass_number)
        return self.mass_mhz_u * mass_term + self.field_mhz_fm2 * field_term


def _shift_terms(mass_number: int) -> tuple[float, float]:
    mass, base = mass_u(mass_number), mass_u(REFERENCE_ISOTOPE)
    radius, base_radius = charge_radius_fm(mass_number), charge_radius_fm(REFERENCE_ISOTOPE)
    return (mass - base) / (mass * base), radius**2 - base_radius**2


@cache
def shift_constants(*from_isotopes: int) -> ShiftConstants:
    """K and F by least squares from the isotope shifts of at least two isotopes.

    Called without isotopes it uses 81, 83 and 85Kr. Raises ValueError for fewer than two.
    """
    used = from_isotopes or (81, 83, 85)
    if len(used) < 2:
        raise ValueError("two constants need the shifts of two isotopes")
    terms = np.array([_shift_terms(number) for number in used])
    shifts = np.array([isotope(number).isotope_shift_mhz for number in used])
    # Columns differ by orders of magnitude: scale them before the least squares.
    scale = np.abs(terms).max(axis=0)
    solution = np.linalg.lstsq(terms / scale, shifts, rcond=None)[0] / scale
    return ShiftConstants(float(solution[0]), float(solution[1]))
