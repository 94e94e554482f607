"""Reference for the closed form: the five-level master equation (Eq. 13) integrated in time.

Slow and literal: the Liouvillian is built from the Hamiltonian of Eq. 12 and one jump operator
for each decay, and the density matrix is carried forward until no atom is left in the lower or
the upper level. Nothing is shared with `fivelevel` but the meaning of the rates.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm

from atta_daq.physics.krypton import PumpingRates

GROUND, METASTABLE, LOWER, UPPER, OTHER = range(5)
_REMAINING = 1e-14
_DOUBLINGS = 40


def liouvillian(
    hamiltonian: NDArray[np.complex128], jumps: list[NDArray[np.complex128]]
) -> NDArray[np.complex128]:
    """Superoperator L with d vec(rho)/dt = L vec(rho), vec stacking the rows of rho.

    Hamiltonian over hbar and jump operators (square root of rate included) in consistent units.
    """
    one = np.eye(len(hamiltonian))
    result = -1j * (np.kron(hamiltonian, one) - np.kron(one, hamiltonian.T))
    for jump in jumps:
        product = jump.conj().T @ jump
        result += np.kron(jump, jump.conj())
        result -= 0.5 * (np.kron(product, one) + np.kron(one, product.T))
    return result


def five_level_liouvillian(
    detuning_mhz: float, rabi_mhz: float, rates: PumpingRates
) -> NDArray[np.complex128]:
    """Liouvillian of Eq. 13 in 1/us; levels in the order g, m, l, u, o."""
    hamiltonian = np.zeros((5, 5), dtype=complex)
    hamiltonian[UPPER, UPPER] = -2.0 * math.pi * detuning_mhz
    hamiltonian[LOWER, UPPER] = hamiltonian[UPPER, LOWER] = math.pi * rabi_mhz
    decays = (
        (GROUND, LOWER, rates.lower_to_ground),
        (LOWER, UPPER, rates.upper_to_lower),
        (METASTABLE, UPPER, rates.upper_to_metastable),
        (OTHER, UPPER, rates.upper_to_other),
    )
    jumps = []
    for final, initial, rate_s in decays:
        jump = np.zeros((5, 5), dtype=complex)
        jump[final, initial] = math.sqrt(1e-6 * rate_s)
        jumps.append(jump)
    return liouvillian(hamiltonian, jumps)


def _final_population(detuning_mhz: float, rabi_mhz: float, rates: PumpingRates) -> float:
    generator = five_level_liouvillian(detuning_mhz, rabi_mhz, rates)
    step = np.asarray(expm(generator / float(np.abs(generator).sum(axis=0).max())))
    state = np.zeros(25, dtype=complex)
    state[6 * LOWER] = 1.0
    for _ in range(_DOUBLINGS):
        final = step @ state
        if abs(final[6 * LOWER]) + abs(final[6 * UPPER]) < _REMAINING:
            return float(np.real(final[6 * METASTABLE]))
        step = step @ step
    raise ArithmeticError(
        f"the atom does not leave the pumped levels (detuning {detuning_mhz} MHz, "
        f"Rabi frequency {rabi_mhz} MHz): no final population to compare"
    )


def efficiency_by_integration(
    detuning_mhz: ArrayLike, rabi_mhz: ArrayLike, rates: PumpingRates
) -> NDArray[np.float64]:
    """Metastable population after all decays, atom started in the lower level (Eq. 1).

    Arguments and shape as `fivelevel.efficiency`; about a millisecond a point. The propagator of
    one short step is squared, so the time doubles at each turn, until less than 1e-14 of the
    atoms is left. Raises ArithmeticError when they never leave (no light and no decay).
    """
    detuning, rabi = np.broadcast_arrays(
        np.asarray(detuning_mhz, dtype=float), np.asarray(rabi_mhz, dtype=float)
    )
    pairs = zip(detuning.ravel(), rabi.ravel(), strict=True)
    values = [_final_population(float(d), float(r), rates) for d, r in pairs]
    return np.array(values).reshape(detuning.shape)
