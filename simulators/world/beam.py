"""Velocities of the atoms along the 819-nm light, as the true beam has them."""

from atta_daq.physics.doppler import DopplerDistribution
from simulators.truth import Beam


def doppler_shifts(isotope: int, truth: Beam) -> DopplerDistribution:
    """Distribution of v/lambda of the atoms that reach the trap (MHz, positive).

    Odd isotopes differ from even ones in how transverse cooling selects slow atoms.
    """
    odd = isotope % 2 == 1
    if truth.velocity_model == "gaussian":
        mean_mhz = truth.gaussian_mean_odd_mhz if odd else truth.gaussian_mean_even_mhz
        return DopplerDistribution.gaussian(mean_mhz, truth.gaussian_rms_mhz)
    return DopplerDistribution.effusive_beam(
        isotope,
        truth.temperature_k,
        truth.selection_exponent_odd if odd else truth.selection_exponent_even,
        truth.capture_velocity_m_s,
    )
