"""Family of Doppler distributions that a fit may use: one shape, its place and width free.

The shape of the velocity distribution along the laser is known from the source (an effusive beam,
thinned by the transverse cooling, cut at the capture velocity), its place and width are not well
known. So the known shape is kept and moved and stretched about its mode.
"""

from dataclasses import dataclass
from functools import cache
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

    @cache
    def reference(self, isotope: int) -> DopplerDistribution:
        """The distribution before it is moved and stretched; its numbers start the fit."""
        if self.kind == "gaussian":
            return DopplerDistribution.gaussian(self.gaussian_mean_mhz, self.gaussian_rms_mhz)
        return DopplerDistribution.effusive_beam(
            isotope, self.temperature_k, self.selection_exponent, self.capture_velocity_m_s
        )

    @cache
    def nodes(self, isotope: int) -> tuple[FloatArray, FloatArray]:
        """Standardised shifts (shift - mode)/rms and weights that sum to 1, at most 96 nodes."""
        reference = self.reference(isotope)
        x = (reference.shift_mhz - reference.mode_mhz) / reference.rms_mhz
        kept = reference.weight > 0.0
        chunks = np.array_split(np.flatnonzero(kept), min(MAX_NODES, int(kept.sum())))
        weight = np.array([reference.weight[rows].sum() for rows in chunks])
        centre = np.array([np.average(x[rows], weights=reference.weight[rows]) for rows in chunks])
        return centre, weight / weight.sum()
