"""Angular-momentum algebra of hyperfine transitions; Wigner symbols by Racah's formulas.

The sums are exact (integers and fractions), so that no cancellation spoils them; sympy agrees, but
takes a second to import, which a window cannot wait for.
"""

import math
from fractions import Fraction
from functools import cache


@cache
def wigner_3j(j1: float, j2: float, j3: float, m1: float, m2: float, m3: float) -> float:
    """Wigner 3-j symbol; arguments are integers or half-integers as floats.

    Racah, Phys. Rev. 62, 438 (1942), in the form of Messiah, Quantum Mechanics II, eq. (C.21).
    Zero when the j's form no triangle, an m exceeds its j, or the m's do not sum to 0.
    """
    momenta = ((j1, m1), (j2, m2), (j3, m3))
    if m1 + m2 + m3 != 0.0 or any(abs(m) > j or (j - m) % 1.0 for j, m in momenta):
        return 0.0
    square = _triangle(j1, j2, j3)
    for j, m in momenta:
        square *= _factorial(j + m) * _factorial(j - m)
    first = max(0.0, j2 - j3 - m1, j1 - j3 + m2)
    last = min(j1 + j2 - j3, j1 - m1, j2 + m2)
    total = Fraction(0)
    for t in range(round(first), round(last) + 1):
        total += (-1) ** t * Fraction(1, math.prod(map(_factorial, (
            t, j3 - j2 + t + m1, j3 - j1 + t - m2, j1 + j2 - j3 - t, j1 - t - m1, j2 - t + m2,
        ))))  # fmt: skip
    return (-1) ** round(j1 - j2 - m3) * math.sqrt(square) * float(total)


@cache
def wigner_6j(j1: float, j2: float, j3: float, j4: float, j5: float, j6: float) -> float:
    """Wigner 6-j symbol; arguments are integers or half-integers as floats.

    Racah's formula, Messiah, Quantum Mechanics II, eq. (C.36). Zero when a triad is no triangle.
    """
    triads = ((j1, j2, j3), (j1, j5, j6), (j4, j2, j6), (j4, j5, j3))
    square = Fraction(1)
    for triad in triads:
        square *= _triangle(*triad)
    if not square:
        return 0.0
    tops = (j1 + j2 + j4 + j5, j2 + j3 + j5 + j6, j3 + j1 + j6 + j4)
    total = Fraction(0)
    for t in range(round(max(map(sum, triads))), round(min(tops)) + 1):
        below = math.prod(_factorial(t - sum(triad)) for triad in triads)
        below *= math.prod(_factorial(top - t) for top in tops)
        total += (-1) ** t * Fraction(_factorial(t + 1), below)
    return math.sqrt(square) * float(total)


def _triangle(a: float, b: float, c: float) -> Fraction:
    """The square of Messiah's triangle coefficient; zero for what is no triangle."""
    if not abs(a - b) <= c <= a + b or (a + b + c) % 1.0:
        return Fraction(0)
    above = _factorial(a + b - c) * _factorial(a - b + c) * _factorial(b + c - a)
    return Fraction(above, _factorial(a + b + c + 1.0))


def _factorial(n: float) -> int:
    return math.factorial(round(n))


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
