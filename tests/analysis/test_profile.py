import numpy as np
import pytest
from scipy.optimize import minimize

from atta_daq.analysis.profile import _statistic, profile_deviance


def problem(rng, poisson: bool, n: int = 12, r: int = 4, blanks: int = 2):
    signal = rng.uniform(0.5, 30.0, n)
    live = rng.uniform(50.0, 200.0, n)
    value = rng.poisson(signal).astype(float) if poisson else rng.normal(signal, 1.0)
    blank = rng.integers(-1, blanks, n) if poisson else np.full(n, -1)
    counts = rng.integers(0, 6, blanks).astype(float) if poisson else np.zeros(0)
    return {
        "poisson": poisson,
        "value": value,
        "sigma": np.ones(n),
        "signal": signal,
        "live": live,
        "blank": blank.astype(np.int64),
        "blank_counts": counts,
        "blank_live": np.full(counts.size, 300.0),
        "spread": 0.1 * rng.standard_normal((n, r)),
    }


def profiled(p):
    x = np.concatenate([np.zeros(p["spread"].shape[1]), (p["blank_counts"] + 0.5) / 300.0])
    mu = np.zeros(len(p["value"]))
    return profile_deviance(*p.values(), x, mu), x, mu


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("poisson", [True, False])
def test_least_value_is_that_of_a_general_minimiser(seed, poisson):
    p = problem(np.random.default_rng(seed), poisson)
    least, x, _ = profiled(p)
    r = p["spread"].shape[1]
    mu = np.zeros(len(p["value"]))
    other = minimize(
        lambda y: _statistic(*p.values(), y, mu),
        x + np.concatenate([np.full(r, 0.1), np.full(x.size - r, 0.002)]),
        method="L-BFGS-B",
        bounds=[(None, None)] * r + [(0.0, None)] * (x.size - r),
        options={"ftol": 1e-14, "gtol": 1e-10, "maxiter": 2000},
    )
    assert least <= other.fun + 1e-6
    assert least == pytest.approx(other.fun, abs=1e-3)


def test_without_nuisances_it_is_the_poisson_deviance():
    value, signal = np.array([3.0, 0.0, 7.0]), np.array([2.5, 0.7, 9.0])
    nothing = np.zeros(0)
    least = profile_deviance(
        True,
        value,
        np.ones(3),
        signal,
        np.ones(3),
        np.full(3, -1),
        nothing,
        nothing,
        np.zeros((3, 0)),
        nothing.copy(),
        np.zeros(3),
    )
    expected = 2 * (np.sum(signal - value) + 3 * np.log(3 / 2.5) + 7 * np.log(7 / 9.0))
    assert least == pytest.approx(expected)


def test_a_blank_without_counts_may_vanish():
    """Nothing in the blank, less than expected in the data: its rate goes to zero, not below."""
    least, x, mu = profiled(
        {
            "poisson": True,
            "value": np.array([4.0]),
            "sigma": np.ones(1),
            "signal": np.array([5.0]),
            "live": np.array([100.0]),
            "blank": np.zeros(1, dtype=np.int64),
            "blank_counts": np.zeros(1),
            "blank_live": np.array([300.0]),
            "spread": np.zeros((1, 0)),
        }
    )
    assert x[0] == 0.0
    assert mu[0] == pytest.approx(5.0)
    assert least == pytest.approx(2 * (5 - 4 + 4 * np.log(4 / 5)))


def test_result_does_not_depend_on_where_it_starts():
    p = problem(np.random.default_rng(9), True)
    least, x, _ = profiled(p)
    again = profile_deviance(*p.values(), x + 0.3, np.zeros(len(p["value"])))
    assert again == pytest.approx(least, abs=1e-6)
