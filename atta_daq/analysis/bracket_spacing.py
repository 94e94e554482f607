"""What a spacing of the 83Kr brackets costs, and the one that costs least.

Long intervals leave the source alone for long, short ones give the time of counting to brackets.
Both are put in the same unit: the factor by which the variance of a normalised rate exceeds that
of counting all the time with a perfect normaliser,

    (L + c) / L + V(L) / p

with the counting L between two brackets, the time c that a bracket takes with its switches, the
relative variance p of the counting, and that of the normaliser V. For short dwells V is about
q L / 6 + 5 / 6 of a bracket's variance, so that without other bounds L = sqrt(6 c p / q).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from atta_daq.analysis.drift_spectrum import DriftSpectrum


@dataclass(frozen=True)
class Look:
    """A segment between two brackets."""

    length_s: float
    """Rig time with its settling."""
    variance: float
    """Relative variance of what it measures, without the normaliser."""


@dataclass(frozen=True)
class BracketCost:
    """One bracket."""

    length_s: float
    """Rig time with the switches of the isotope before and after it."""
    variance: float
    """Relative variance of its rate, by itself."""


def smoothed_bracket(gap_s: float, variance: float, walk_per_s: float) -> tuple[float, float]:
    """Variance of a bracket amid many, `gap_s` apart and smoothed, and covariance of neighbours.

    Steady state of the local level model: the inverse of 1/variance + Laplacian/(q gap) is
    A rho^|i - j| with 2 cosh(ln rho) = 2 + kappa, kappa = q gap / variance,
    A = variance kappa / sqrt(kappa^2 + 4 kappa).
    """
    kappa = walk_per_s * gap_s / variance
    root = math.sqrt(kappa * kappa + 4.0 * kappa)
    own = variance * kappa / root
    return own, own * (0.5 * (2.0 + kappa - root))


def normaliser_variance(
    start_s: float, end_s: float, gap_s: float, variance: float, walk_per_s: float
) -> float:
    """Relative variance of the mean normaliser from `start_s` to `end_s` after one of many
    brackets that are `gap_s` apart and have `variance` each."""
    own, shared = smoothed_bracket(gap_s, variance, walk_per_s)
    after = 0.5 * (start_s + end_s)
    late = after / gap_s
    nodes = own * ((1.0 - late) ** 2 + late**2) + 2.0 * shared * late * (1.0 - late)
    return nodes + walk_per_s * (after * (1.0 - late) - (end_s - start_s) / 6.0)


def mean_variance(gap_s: float, variance: float, walk_per_s: float) -> float:
    """Relative variance of the normaliser at a moment, averaged over an interval."""
    own, shared = smoothed_bracket(gap_s, variance, walk_per_s)
    return (2.0 * own + shared) / 3.0 + walk_per_s * gap_s / 6.0


def price(blocks: Sequence[Sequence[Look]], bracket: BracketCost, drift: DriftSpectrum) -> float:
    """Mean over all looks of the factor in the module's docstring; at least 1."""
    variance = max(bracket.variance + drift.excess_noise**2, 1e-12)
    total, looks = 0.0, 0
    for block in blocks:
        length = sum(look.length_s for look in block)
        gap_s = length + bracket.length_s
        at = 0.5 * bracket.length_s
        for look in block:
            share = normaliser_variance(at, at + look.length_s, gap_s, variance, drift.walk_per_s)
            total += gap_s / length + share / look.variance
            at += look.length_s
            looks += 1
    return total / looks
