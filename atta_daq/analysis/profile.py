"""Likelihood of normalised data, with its nuisances profiled away, compiled.

    mu_i = weight_i * exp(sum_k L_ik z_k) * rate_i + live_i * beta_b(i)

z are standard normal nuisances: L L^T is the relative covariance of the weights. beta are blank
rates with their own Poisson counts. The statistic is the deviance

    D = sum 2 [mu - n + n ln(n/mu)]  or  sum ((y - mu)/sigma)^2
        + sum z^2 + sum_b 2 [t_b beta - n_b + n_b ln(n_b/(t_b beta))]

minimised over z and beta by Newton's method. Unlike weighted least squares on counts it has no
bias at low counts (Baker and Cousins, NIM 221 (1984) 437).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@njit(cache=True)
def _deviance_term(mu: float, n: float) -> float:
    if n > 0.0:
        return 2.0 * (mu - n + n * math.log(n / mu))
    return 2.0 * mu


@njit(cache=True)
def _statistic(poisson, value, sigma, signal, live, blank, blank_counts, blank_live, spread, x, mu):
    n, r = spread.shape
    total = 0.0
    for k in range(r):
        total += x[k] * x[k]
    for b in range(blank_counts.size):
        total += _deviance_term(max(blank_live[b] * x[r + b], 1e-300), blank_counts[b])
    for i in range(n):
        log_scale = 0.0
        for k in range(r):
            log_scale += spread[i, k] * x[k]
        mu[i] = signal[i] * math.exp(log_scale)
        if poisson:
            if blank[i] >= 0:
                mu[i] += live[i] * x[r + blank[i]]
            total += _deviance_term(max(mu[i], 1e-300), value[i])
        else:
            total += ((value[i] - mu[i]) / sigma[i]) ** 2
    return total


@njit(cache=True)
def _solve(h, g, free):
    """Cholesky solution of h x = g in place, rows with free = False held at 0."""
    m = g.size
    for i in range(m):
        if not free[i]:
            g[i] = 0.0
            for j in range(m):
                h[i, j] = 0.0
                h[j, i] = 0.0
            h[i, i] = 1.0
    for j in range(m):
        for k in range(j):
            h[j, j] -= h[j, k] * h[j, k]
        h[j, j] = math.sqrt(max(h[j, j], 1e-30))
        for i in range(j + 1, m):
            s = h[i, j]
            for k in range(j):
                s -= h[i, k] * h[j, k]
            h[i, j] = s / h[j, j]
    for i in range(m):
        for k in range(i):
            g[i] -= h[i, k] * g[k]
        g[i] /= h[i, i]
    for i in range(m - 1, -1, -1):
        for k in range(i + 1, m):
            g[i] -= h[k, i] * g[k]
        g[i] /= h[i, i]


@njit(cache=True)
def profile_deviance(
    poisson,
    value,
    sigma,
    signal,
    live,
    blank,
    blank_counts,
    blank_live,
    spread,
    x,
    mu,
):
    """Least deviance over the nuisances; `x` (r + blanks) and `mu` (n) are left at the minimum.

    `signal` is weight * rate, must be positive; `blank` names the blank of each row, -1 for none;
    `spread` is L, shape (n, r). `x` on entry is the starting point (warm start).
    """
    n, r = spread.shape
    blanks = blank_counts.size
    m = r + blanks
    current = _statistic(
        poisson, value, sigma, signal, live, blank, blank_counts, blank_live, spread, x, mu
    )
    trial = np.empty(m)
    free = np.ones(m, np.bool_)
    for _ in range(60):
        h = np.zeros((m, m))
        g = np.zeros(m)
        for k in range(r):
            g[k] = -x[k]
            h[k, k] = 1.0
        for b in range(blanks):
            rate = x[r + b]
            g[r + b] = -blank_live[b]
            if rate > 0.0:
                g[r + b] += blank_counts[b] / rate
                h[r + b, r + b] = blank_counts[b] / rate**2
            h[r + b, r + b] += 1e-12 * blank_live[b] ** 2
        for i in range(n):
            b = blank[i] if poisson else -1
            false = live[i] * x[r + b] if b >= 0 else 0.0
            a = mu[i] - false
            safe = max(mu[i], 1e-300)
            if poisson:
                slope = 1.0 - value[i] / safe
                uu = max(a * slope + value[i] * (a / safe) ** 2, 0.0)
                down = -a * slope
            else:
                uu = (a / sigma[i]) ** 2
                down = (value[i] - mu[i]) * a / sigma[i] ** 2
                slope = 0.0
            for k in range(r):
                lk = spread[i, k]
                g[k] += lk * down
                for j in range(k + 1):
                    h[k, j] += uu * lk * spread[i, j]
            if b >= 0:
                t = live[i]
                g[r + b] -= t * slope
                h[r + b, r + b] += value[i] * (t / safe) ** 2
                for k in range(r):
                    h[r + b, k] += spread[i, k] * value[i] * a * t / safe**2
        for b in range(blanks):
            free[r + b] = x[r + b] > 0.0 or g[r + b] > 0.0
        gradient = g.copy()
        _solve(h, g, free)
        decrement = 0.0
        for k in range(m):
            if free[k]:
                decrement += gradient[k] * g[k]
        if decrement < 1e-9:
            break
        step = 1.0
        for _half in range(30):
            for k in range(m):
                trial[k] = x[k] + step * g[k]
            for b in range(blanks):
                # A blank with counts never has rate 0, one without may.
                floor = 0.1 * x[r + b] if blank_counts[b] > 0 else 0.0
                trial[r + b] = max(trial[r + b], floor)
            after = _statistic(
                poisson,
                value,
                sigma,
                signal,
                live,
                blank,
                blank_counts,
                blank_live,
                spread,
                trial,
                mu,
            )
            if after <= current + 1e-12:
                break
            step *= 0.5
        if after > current:
            _statistic(
                poisson, value, sigma, signal, live, blank, blank_counts, blank_live, spread, x, mu
            )
            break
        x[:] = trial
        current = after
    return current
