"""Angular-momentum algebra of hyperfine transitions, from sympy's Wigner symbols.

sympy takes a good part of a second to import, so it is imported at the first call; every value
is cached.
"""

import math
from functools import cache


@cache
def wigner_3j(j1: float, j2: float, j3: float, m1: float, m2: float, m3: float) -> float:
    """Wigner 3-j symbol; arguments are integers or half-integers as floats."""
    from sympy import Rational
    from sympy.physics.wigner import wigner_3j as exact

    return float(exact(*(Rational(round(2 * x), 2) for x in (j1, j2, j3, m1, m2, m3))))


@cache
def wigner_6j(j1: float, j2: float, j3: float, j4: float, j5: float, j6: float) -> float:
    """Wigner 6-j symbol; arguments are integers or half-integers as floats."""
    from sympy import Rational
    from sympy.physics.wigner import wigner_6j as exact

    return float(exact(*(Rational(round(2 * x), 2) for x in (j1, j2, j3, j4, j5, j6))))


def coupled_values(j: float, spin: float) -> tuple[float, ...]:
    """F = |J - I| ... J + I, ascending."""
    count = round(j + spin - abs(j - spin)) + 1
    return tuple(abs(j - spin) + step for step in range(count))


def branching(j_lower: float, f_lower: float, j_upper: float, f_upper: float, spin: float) -> float:
    """Share of the decays J' F' -> J that end in F; sums to 1 over F.

    (2J'+1)(2F+1) {J F I; F' J' 1}^2 (Axner et al., Spectrochim. Acta B 59, 1 (2004)). Zero when
    dipole selection forbids the component.
    """
    if abs(f_lower - f_upper) > 1.0:
        return 0.0
    symbol = wigner_6j(j_lower, f_lower, spin, f_upper, j_upper, 1.0)
    return (2.0 * j_upper + 1.0) * (2.0 * f_lower + 1.0) * symbol**2


def relative_strength(
    j_lower: float, f_lower: float, j_upper: float, f_upper: float, spin: float
) -> float:
    """Strength of a component F -> F' as a share of the whole line J -> J'; sums to 1."""
    total = (2.0 * j_upper + 1.0) * (2.0 * spin + 1.0)
    return branching(j_lower, f_lower, j_upper, f_upper, spin) * (2.0 * f_upper + 1.0) / total


def zeeman_share(f_lower: float, m_lower: float, f_upper: float, m_upper: float) -> float:
    """Share of the decays F' m' -> F that end in m; sums to 1 over m.

    (2F'+1) (F 1 F'; -m q m')^2 with q = m - m'.
    """
    q = m_lower - m_upper
    if abs(q) > 1.0 or abs(f_lower - f_upper) > 1.0:
        return 0.0
    symbol = wigner_3j(f_lower, 1.0, f_upper, -m_lower, q, m_upper)
    return (2.0 * f_upper + 1.0) * symbol**2


def dipole_amplitude(
    j_lower: float,
    f_lower: float,
    m_lower: float,
    j_upper: float,
    f_upper: float,
    m_upper: float,
    spin: float,
) -> float:
    """<F m| d_q |F' m'> over the reduced element <J||d||J'>, signs included.

    Squared and summed over F, m it gives 1/(2J'+1) for every F' m'.
    """
    q = m_lower - m_upper
    if abs(q) > 1.0 or abs(f_lower - f_upper) > 1.0:
        return 0.0
    phase = round(f_lower - m_lower + j_lower + spin + f_upper + 1.0)
    return (
        (-1.0 if phase % 2 else 1.0)
        * math.sqrt((2.0 * f_lower + 1.0) * (2.0 * f_upper + 1.0))
        * wigner_6j(j_lower, f_lower, spin, f_upper, j_upper, 1.0)
        * wigner_3j(f_lower, 1.0, f_upper, -m_lower, q, m_upper)
    )
