"""Family of Doppler distributions that a fit may use: one shape, its place and width free.

The shape of the velocity distribution along the laser is known from the source (an effusive beam,
thinned by the transverse cooling, cut at the capture velocity), its place and width are not well
known. So the known shape is kept and moved and stretched about its mode.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atta_daq.physics.doppler import DopplerDistribution

FloatArray = NDArray[np.float64]
MAX_NODES = 96


@dataclass(frozen=True)
class DopplerShape:
    """Which shape, and the source that it is computed from."""

    kind: Literal["effusive", "gaussian"] = "effusive"
    temperature_k: float = 293.0
    selection_exponent: float | None = None
    """Transverse cooling favours slow atoms as v^-exponent; None: by isotope, see the physics."""
    capture_velocity_m_s: float = 350.0
    gaussian_mean_mhz: float = 260.0
    gaussian_rms_mhz: float = 90.0

    def reference(self, isotope: int) -> DopplerDistribution:
        """The distribution before it is moved and stretched; its numbers start the fit."""
        return _reference(self, isotope)

    def nodes(self, isotope: int) -> tuple[FloatArray, FloatArray]:
        """Standardised shifts (shift - mode)/rms and weights that sum to 1, at most 96 nodes."""
        return _nodes(self, isotope)


@lru_cache(maxsize=32)
def _reference(shape: DopplerShape, isotope: int) -> DopplerDistribution:
    if shape.kind == "gaussian":
        return DopplerDistribution.gaussian(shape.gaussian_mean_mhz, shape.gaussian_rms_mhz)
    return DopplerDistribution.effusive_beam(
        isotope, shape.temperature_k, shape.selection_exponent, shape.capture_velocity_m_s
    )


@lru_cache(maxsize=32)
def _nodes(shape: DopplerShape, isotope: int) -> tuple[FloatArray, FloatArray]:
    reference = _reference(shape, isotope)
    x = (reference.shift_mhz - reference.mode_mhz) / reference.rms_mhz
    kept = np.flatnonzero(reference.weight > 0.0)
    chunks = np.array_split(kept, min(MAX_NODES, kept.size))
    weight = np.array([reference.weight[rows].sum() for rows in chunks])
    centre = np.array([np.average(x[rows], weights=reference.weight[rows]) for rows in chunks])
    return centre, weight / weight.sum()
