"""Reference for the rate equations: the master equation with hyperfine and Zeeman coherences.

All magnetic sublevels of 1s4 and 2p6, coherent light polarised along the axis of quantisation,
collective decay (one jump operator for each polarisation of the emitted photon, so coherence
between hyperfine levels is passed on). Light drives m to m, and decay changes both indices of a
coherence alike, so only the coherences between states of equal m are ever reached: 552 elements
for I = 9/2 instead of 6400. Slow; meant for tests and for stating what the fast models leave out.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from atta_daq.physics.angular import coupled_values, dipole_amplitude
from atta_daq.physics.fivelevel import rabi_squared
from atta_daq.physics.hyperfine import hyperfine_energy_mhz
from atta_daq.physics.krypton import PUMPING_LINE, isotope, line, pumping_rates


class _Sublevel(NamedTuple):
    upper: bool
    f: float
    m: float
    energy_mhz: float


def _sublevels(mass_number: int) -> list[_Sublevel]:
    atom, pumped = isotope(mass_number), line(*PUMPING_LINE)
    found = []
    for upper, name, j in (
        (False, pumped.lower, pumped.j_lower),
        (True, pumped.upper, pumped.j_upper),
    ):
        for f in coupled_values(float(j), atom.nuclear_spin):
            energy = 0.0
            if atom.nuclear_spin:
                constants = atom.hyperfine[name]
                energy = hyperfine_energy_mhz(
                    f, float(j), atom.nuclear_spin, constants.a_mhz, constants.b_mhz
                )
            found += [_Sublevel(upper, f, m - f, energy) for m in range(round(2 * f) + 1)]
    return found


class _Generator(NamedTuple):
    """Pieces of the Liouvillian on the elements (a, b) of equal m, in 1/us."""

    fixed: NDArray[np.complex128]
    per_detuning: NDArray[np.complex128]
    per_rabi: NDArray[np.complex128]
    start: NDArray[np.complex128]
    upper_population: NDArray[np.float64]


@cache
def _generator(mass_number: int) -> _Generator:
    atom, pumped, rates = isotope(mass_number), line(*PUMPING_LINE), pumping_rates()
    j_lower, j_upper, spin = float(pumped.j_lower), float(pumped.j_upper), atom.nuclear_spin
    states = _sublevels(mass_number)
    elements = [
        (a, b)
        for a, first in enumerate(states)
        for b, second in enumerate(states)
        if first.m == second.m
    ]
    place = {pair: n for n, pair in enumerate(elements)}
    size = len(elements)
    fixed, coupling = np.zeros((size, size), complex), np.zeros((size, size), complex)
    turning = np.zeros(size, complex)
    amplitude = {
        (a, b): dipole_amplitude(j_lower, low.f, low.m, j_upper, high.f, high.m, spin)
        for a, low in enumerate(states)
        for b, high in enumerate(states)
        if not low.upper and high.upper and abs(low.m - high.m) <= 1.0
    }
    # Mean of the squared Rabi frequency over the lower sublevels is Eq. 3.
    rabi_factor = math.sqrt(3.0 * (2.0 * j_lower + 1.0))
    partners: dict[int, list[tuple[int, float]]] = {n: [] for n in range(len(states))}
    for (a, b), value in amplitude.items():
        if value and states[a].m == states[b].m:
            partners[a].append((b, 0.5 * rabi_factor * value))
            partners[b].append((a, 0.5 * rabi_factor * value))
    loss = {False: 0.5e-6 * rates.lower_to_ground, True: 0.5e-6 * rates.upper}
    decay = 1e-6 * rates.upper_to_lower * (2.0 * j_upper + 1.0)
    for n, (a, b) in enumerate(elements):
        first, second = states[a], states[b]
        frequency = 2.0 * math.pi * (first.energy_mhz - second.energy_mhz)
        fixed[n, n] -= 1j * frequency + loss[first.upper] + loss[second.upper]
        # In the frame of the light the upper levels lie at -detuning.
        turning[n] = 2.0j * math.pi * (float(first.upper) - float(second.upper))
        for c, half_rabi in partners[a]:
            coupling[n, place[c, b]] -= 1j * half_rabi
        for c, half_rabi in partners[b]:
            coupling[n, place[a, c]] += 1j * half_rabi
        if first.upper or second.upper:
            continue
        for source, (c, d) in enumerate(elements):
            if states[c].upper and states[d].upper and abs(first.m - states[c].m) <= 1.0:
                fixed[n, source] += decay * amplitude[a, c] * amplitude[b, d]
    start, population = np.zeros(size, complex), np.zeros(size)
    lower_count = (2.0 * j_lower + 1.0) * (2.0 * spin + 1.0)
    for n, (a, b) in enumerate(elements):
        if a == b:
            start[n] = 0.0 if states[a].upper else 1.0 / lower_count
            population[n] = float(states[a].upper)
    return _Generator(fixed, turning, coupling, start, population)


def efficiency_with_coherence(
    mass_number: int, detuning_mhz: ArrayLike, intensity_w_m2: float, rabi_scale: float = 1.0
) -> NDArray[np.float64]:
    """Share of the atoms that end in the metastable level, atom at rest, one laser frequency.

    `detuning_mhz` (1-D) from the 84Kr line. The time integral of the density matrix solves
    L X = -rho(0) on the pumped levels; the efficiency is G_um times the upper population of X.
    About 20 ms a point for I = 9/2. Raises KeyError for an isotope without data.
    """
    pumped, rates, parts = line(*PUMPING_LINE), pumping_rates(), _generator(mass_number)
    ratio = (2.0 * pumped.j_upper + 1.0) / (2.0 * pumped.j_lower + 1.0)
    omega2 = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s, ratio, intensity_w_m2)
    driven = parts.fixed + parts.per_rabi * (1e-6 * rabi_scale * math.sqrt(omega2))
    origin = isotope(mass_number).isotope_shift_mhz
    result = []
    for detuning in np.atleast_1d(np.asarray(detuning_mhz, dtype=float)):
        generator = driven + np.diag(parts.per_detuning * (detuning - origin))
        integral = np.linalg.solve(generator, -parts.start)
        result.append(1e-6 * rates.upper_to_metastable * (parts.upper_population @ integral).real)
    return np.array(result)
