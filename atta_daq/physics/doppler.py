"""Distributions of the Doppler shift v/lambda along the laser."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from atta_daq.physics.krypton import PUMPING_LINE, line
from atta_daq.physics.krypton import isotope as isotope_data

BOLTZMANN_J_K = 1.380649e-23
CAPTURE_POWER = 10
"""Steepness of the capture cut-off exp(-(v/v_c)^10); assumed."""
_CLASSES = 240
_GAUSSIAN_REACH = 6.0


@dataclass(frozen=True, eq=False)
class DopplerDistribution:
    """Weights of the Doppler shifts v/lambda of the atoms that are counted.

    `shift_mhz` is a uniform ascending grid, v along the source beam positive; `weight` sums to 1.
    The sign with which a shift acts belongs to the geometry: see `spectrum`.
    """

    shift_mhz: NDArray[np.float64]
    weight: NDArray[np.float64]

    def __post_init__(self) -> None:
        steps = np.diff(self.shift_mhz)
        if self.shift_mhz.shape != self.weight.shape or len(steps) < 2 or steps[0] <= 0.0:
            raise ValueError("a Doppler distribution needs an ascending grid of 3 or more shifts")
        if not np.allclose(steps, steps[0], rtol=1e-6, atol=0.0):
            raise ValueError("the grid of Doppler shifts must be uniform")
        if np.any(self.weight < 0.0) or abs(float(self.weight.sum()) - 1.0) > 1e-9:
            raise ValueError("weights of a Doppler distribution must be positive and sum to 1")

    @cached_property
    def mean_mhz(self) -> float:
        """Mean Doppler shift."""
        return float(self.weight @ self.shift_mhz)

    @cached_property
    def rms_mhz(self) -> float:
        """Root-mean-square width about the mean."""
        return math.sqrt(float(self.weight @ (self.shift_mhz - self.mean_mhz) ** 2))

    @cached_property
    def mode_mhz(self) -> float:
        """Most probable Doppler shift: vertex of the parabola through the highest three."""
        top = int(np.clip(np.argmax(self.weight), 1, len(self.weight) - 2))
        left, middle, right = self.weight[top - 1 : top + 2]
        bend = left - 2.0 * middle + right
        fraction = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
        return float(self.shift_mhz[top] + fraction * (self.shift_mhz[1] - self.shift_mhz[0]))

    def shifted(self, offset_mhz: float) -> "DopplerDistribution":
        """The same shape, moved."""
        return DopplerDistribution(self.shift_mhz + offset_mhz, self.weight)

    def reshaped(self, mode_mhz: float, rms_mhz: float) -> "DopplerDistribution":
        """The same shape, moved and stretched to this mode and rms width.

        An affine map of the grid, so every quantity is smooth in both parameters: meant for fits.
        Raises ValueError unless the width is positive.
        """
        if rms_mhz <= 0.0:
            raise ValueError(f"rms width must be positive, got {rms_mhz} MHz")
        stretch = rms_mhz / self.rms_mhz
        return DopplerDistribution(
            mode_mhz + stretch * (self.shift_mhz - self.mode_mhz), self.weight
        )

    @classmethod
    def gaussian(cls, mean_mhz: float, rms_mhz: float) -> "DopplerDistribution":
        """Normal distribution, cut at six standard deviations. ValueError unless rms > 0."""
        if rms_mhz <= 0.0:
            raise ValueError(f"rms width must be positive, got {rms_mhz} MHz")
        unit = np.linspace(-_GAUSSIAN_REACH, _GAUSSIAN_REACH, _CLASSES + 1)
        weight = np.exp(-0.5 * unit**2)
        return cls(mean_mhz + rms_mhz * unit, weight / weight.sum())

    @classmethod
    def effusive_beam(
        cls,
        isotope: int,
        temperature_k: float = 293.0,
        selection_exponent: float | None = None,
        capture_velocity_m_s: float = 350.0,
    ) -> "DopplerDistribution":
        """Atoms of an effusive beam that were collimated and captured.

        w(v) = v^(3 - e) exp(-v^2/u^2) exp(-(v/v_c)^10), u^2 = 2 k T/m: the flux of an effusive
        beam, transverse cooling that favours slow atoms as v^-e, and a smooth loss of what is
        faster than the capture velocity v_c. e = 1.0 for even and 1.3 for odd isotopes unless
        given (the paper sees odd isotopes shifted less; exponents and capture velocity are
        assumed). Defaults give modes of 282 (84Kr) and 266 MHz (83Kr), rms 91 and 94 MHz. Raises
        KeyError for an unknown isotope, ValueError for parameters without a distribution.
        """
        atom = isotope_data(isotope)
        exponent = selection_exponent
        if exponent is None:
            exponent = 1.3 if atom.nuclear_spin else 1.0
        if temperature_k <= 0.0 or capture_velocity_m_s <= 0.0 or exponent >= 3.0:
            raise ValueError("need temperature and capture velocity above 0, exponent below 3")
        u = math.sqrt(2.0 * BOLTZMANN_J_K * temperature_k / atom.mass_kg)
        fastest = min(5.0 * u, 1.4 * capture_velocity_m_s)
        velocity = np.linspace(0.0, fastest, _CLASSES + 1)
        weight = velocity ** (3.0 - exponent) * np.exp(
            -((velocity / u) ** 2) - (velocity / capture_velocity_m_s) ** CAPTURE_POWER
        )
        per_mhz = 1e6 * line(*PUMPING_LINE).wavelength_m
        return cls(velocity / per_mhz, weight / weight.sum())
