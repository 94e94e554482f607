"""Wigner symbols against sympy's, which are exact but slow to import."""

import random

import pytest
from sympy import Rational
from sympy.physics.wigner import wigner_3j as exact_3j
from sympy.physics.wigner import wigner_6j as exact_6j

from atta_daq.physics.angular import wigner_3j, wigner_6j


def _exact(symbol: object, values: list[float]) -> float:
    try:
        return float(symbol(*(Rational(round(2 * x), 2) for x in values)))  # type: ignore[operator]
    except ValueError:  # sympy refuses what is no triangle
        return 0.0


def test_wigner_symbols_are_those_of_sympy() -> None:
    rng = random.Random(2)
    others_than_zero = 0
    for _ in range(400):
        momenta = [rng.randrange(14) / 2.0 for _ in range(6)]
        six = _exact(exact_6j, momenta)
        assert wigner_6j(*momenta) == pytest.approx(six, abs=1e-14)
        m = [rng.choice([k - j for k in range(int(2 * j) + 1)]) for j in momenta[:2]]
        arguments = [*momenta[:3], *m, -sum(m)]
        three = _exact(exact_3j, arguments)
        assert wigner_3j(*arguments) == pytest.approx(three, abs=1e-14)
        others_than_zero += (six != 0.0) + (three != 0.0)
    assert others_than_zero > 50
