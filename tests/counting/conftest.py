"""A small EMCCD, written for the tests: nothing here comes from the counting."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

EXPOSURE_S = 0.1
SHAPE = (24, 26)
ROW_PX, COLUMN_PX, SIGMA_PX = 11.4, 13.2, 1.5

Expose = Callable[..., NDArray[np.uint16]]


def _shares() -> NDArray[np.float64]:
    def integral(size: int, centre: float) -> NDArray[np.float64]:
        edges = (np.arange(size + 1) - 0.5 - centre) / (math.sqrt(2.0) * SIGMA_PX)
        return np.diff([0.5 * math.erf(e) for e in edges])

    return np.outer(integral(SHAPE[0], ROW_PX), integral(SHAPE[1], COLUMN_PX))


@pytest.fixture(scope="session")
def expose() -> Expose:
    """Frames (n, rows, columns) from mean atoms per exposure (n,): gain 200, 5 e-/ADU, bias 200,
    read noise 50 e-, background with 2 % power noise."""

    def make(
        atoms: NDArray[np.float64],
        rng: np.random.Generator,
        *,
        electrons: float = 240.0,
        background: float = 5.0,
        power_noise: float = 0.02,
    ) -> NDArray[np.uint16]:
        power = 1.0 + power_noise * rng.standard_normal(atoms.size)
        mean = background * power[:, None, None] + electrons * atoms[:, None, None] * _shares()
        primary = rng.poisson(mean)
        multiplied = np.where(primary > 0, rng.standard_gamma(np.maximum(primary, 1)), 0.0) * 200.0
        adu = 200.0 + (multiplied + 50.0 * rng.standard_normal(mean.shape)) / 5.0
        return np.clip(np.rint(adu), 0, 65535).astype(np.uint16)

    return make


@pytest.fixture(scope="session")
def trap() -> Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Atoms of a rate and a dwell: (mean atoms in each exposure, arrival times in s)."""

    def run(rate_per_s: float, dwell_s: float, frames: int, rng: np.random.Generator):
        span = frames * EXPOSURE_S
        arrivals = np.sort(rng.uniform(0.0, span, rng.poisson(rate_per_s * span)))
        occupation = np.zeros(frames)
        for begin, stay in zip(arrivals, rng.exponential(dwell_s, arrivals.size), strict=True):
            edges = np.clip(np.arange(frames + 1) * EXPOSURE_S, begin, begin + stay)
            occupation += np.diff(edges) / EXPOSURE_S
        return occupation, arrivals

    return run
