"""Pumping efficiency as a function of the laser's detuning, as the rig sees it.

Detuning in MHz from the 84Kr line, red negative. An atom that moves with the source beam at v
sees counter-propagating light at detuning + v/lambda and co-propagating light at
detuning - v/lambda, so resonances appear, as set, at rest - v/lambda ('counter') and at
rest + v/lambda ('co').
"""

import math
from typing import Literal, Protocol

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from atta_daq.physics.doppler import DopplerDistribution
from atta_daq.physics.fivelevel import efficiency_at_rate, rabi_squared
from atta_daq.physics.flevel import f_level_model
from atta_daq.physics.hyperfine import closed_component
from atta_daq.physics.krypton import PUMPING_LINE, PumpingRates, line, pumping_rates
from atta_daq.physics.krypton import isotope as isotope_data
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.zeeman import zeeman_model

ModelName = Literal["f-level", "zeeman", "five-level"]
Geometry = Literal["co", "counter"]

GRID_STEP_MHZ = 3.0
"""Largest step of the grid on which the efficiency of an atom at rest is evaluated. The narrowest
line has a half width of 21 MHz; with an eighth of the rms Doppler width as the other bound, the
average over velocities is good to 2e-5 of the peak."""
FINEST_STEP_MHZ = 0.5

_CARRIER = (np.zeros(1), np.ones(1))
_SIGN = {"co": -1.0, "counter": 1.0}


class AtomModel(Protocol):
    """Efficiency of one atom; see `FLevelModel.efficiency`."""

    def efficiency(
        self,
        atom_detuning_mhz: NDArray[np.float64],
        intensity_w_m2: float,
        rabi_scale: float,
        offsets_mhz: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> NDArray[np.float64]: ...


class ClosedLineModel:
    """Eq. 2 on one line: the whole line of an even isotope, the closed component of an odd one.

    For the closed component F stands for J in Eq. 3, as the paper fits 83Kr; the other components
    are left out.
    """

    def __init__(self, isotope: int, isotope_shift_offset_mhz: float = 0.0) -> None:
        pumped = line(*PUMPING_LINE)
        component = closed_component(isotope, isotope_shift_offset_mhz)
        ratio = (2.0 * component.f_upper + 1.0) / (2.0 * component.f_lower + 1.0)
        self._rates: PumpingRates = pumping_rates()
        self._centre_mhz = component.total_mhz
        self._half_width_mhz = 1e-6 * self._rates.coherence / (2.0 * math.pi)
        self._rate_unit = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s, ratio, 1.0) / (
            2.0 * self._rates.coherence
        )

    def efficiency(
        self,
        atom_detuning_mhz: NDArray[np.float64],
        intensity_w_m2: float,
        rabi_scale: float,
        offsets_mhz: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """As `FLevelModel.efficiency`."""
        peak = self._rate_unit * intensity_w_m2 * rabi_scale**2
        rate = np.zeros(len(atom_detuning_mhz))
        for offset, weight in zip(offsets_mhz, weights, strict=True):
            x = (atom_detuning_mhz + (offset - self._centre_mhz)) / self._half_width_mhz
            rate += (peak * weight) / (1.0 + x * x)
        return efficiency_at_rate(rate, self._rates)


class PumpingSpectrum:
    """Efficiency of one isotope's 819-nm pumping against detuning.

    Models: 'f-level' (hyperfine rate equations; even isotopes use Eq. 2), 'zeeman' (rate
    equations between magnetic sublevels for linearly polarised light), 'five-level' (Eq. 2 on the
    closed component alone, as the paper fits). Raises KeyError for an isotope without data and
    ValueError for an unknown model.
    """

    def __init__(
        self,
        isotope: int,
        model: ModelName = "f-level",
        isotope_shift_offset_mhz: float = 0.0,
    ) -> None:
        self.isotope = isotope
        self.model = model
        self.isotope_shift_offset_mhz = isotope_shift_offset_mhz
        self._atom = _atom_model(isotope, model, isotope_shift_offset_mhz)

    def efficiency(
        self,
        detuning_mhz: ArrayLike,
        *,
        intensity_w_m2: float,
        rabi_scale: float = 1.0,
        doppler: DopplerDistribution | None = None,
        geometry: Geometry = "co",
        sidebands: Sidebands | None = None,
        position_shift_mhz: float = 0.0,
    ) -> NDArray[np.float64]:
        """Absolute efficiency eta: share of the atoms in 1s4 that end in 1s5.

        Shape of `detuning_mhz` (the carrier, as set). `intensity_w_m2` is the whole intensity,
        sidebands included; `rabi_scale` multiplies the Rabi frequency of Eq. 3;
        `position_shift_mhz` moves the whole spectrum. The loading rate with pumping over the one
        without is 1 + supply_ratio * eta. Raises ValueError for numbers that are not finite,
        negative intensity or scale, or an unknown geometry.
        """
        detuning = np.asarray(detuning_mhz, dtype=np.float64)
        if geometry not in _SIGN:
            raise ValueError(f"geometry must be 'co' or 'counter', got {geometry!r}")
        if not (0.0 <= intensity_w_m2 < math.inf and 0.0 <= rabi_scale < math.inf):
            raise ValueError("intensity and Rabi scale must be finite and not negative")
        flat = detuning.ravel() - position_shift_mhz
        if not np.all(np.isfinite(flat)):
            raise ValueError("detunings must be finite")
        offsets, weights = (
            _CARRIER if sidebands is None else (sidebands.offsets_mhz, sidebands.weights)
        )
        if doppler is None or flat.size == 0:
            eta = self._atom.efficiency(flat, intensity_w_m2, rabi_scale, offsets, weights)
            return eta.reshape(detuning.shape)
        step = min(max(doppler.rms_mhz / 8.0, FINEST_STEP_MHZ), GRID_STEP_MHZ)
        first, kernel = _velocity_kernel(doppler.shift_mhz * _SIGN[geometry], doppler.weight, step)
        low, high = float(flat.min()), float(flat.max())
        nodes = math.ceil((high - low) / step) + 4
        origin = low - step
        grid = (origin + first * step) + step * np.arange(nodes + kernel.size - 1)
        at_rest = self._atom.efficiency(grid, intensity_w_m2, rabi_scale, offsets, weights)
        return _averaged(flat, at_rest, kernel, origin, step).reshape(detuning.shape)


def _atom_model(isotope: int, model: ModelName, offset_mhz: float) -> AtomModel:
    odd = isotope_data(isotope).nuclear_spin > 0.0
    if model == "five-level" or (model == "f-level" and not odd):
        return ClosedLineModel(isotope, offset_mhz)
    if model == "f-level":
        return f_level_model(isotope, offset_mhz)
    if model == "zeeman":
        return zeeman_model(isotope, offset_mhz)
    raise ValueError(f"unknown pumping model {model!r}: use 'f-level', 'zeeman' or 'five-level'")


@numba.njit(cache=True, error_model="numpy")
def _cubic(u):  # pragma: no cover - compiled
    """Lagrange weights of the nodes -1, 0, 1, 2 for a point at 0 <= u < 1."""
    return (
        -u * (u - 1.0) * (u - 2.0) / 6.0,
        (u + 1.0) * (u - 1.0) * (u - 2.0) / 2.0,
        -(u + 1.0) * u * (u - 2.0) / 2.0,
        (u + 1.0) * u * (u - 1.0) / 6.0,
    )


@numba.njit(cache=True, error_model="numpy")
def _velocity_kernel(shift, weight, step):  # pragma: no cover - compiled
    """Velocity average as a filter on a grid: index of its first node, and its taps.

    Row i of the velocity matrix is the same for every grid point, so one vector stands for the
    whole matrix.
    """
    first = math.floor(min(shift[0], shift[-1]) / step) - 1
    last = math.floor(max(shift[0], shift[-1]) / step) + 2
    kernel = np.zeros(last - first + 1)
    for n in range(shift.size):
        place = shift[n] / step
        node = math.floor(place)
        w0, w1, w2, w3 = _cubic(place - node)
        start = int(node) - 1 - first
        kernel[start] += weight[n] * w0
        kernel[start + 1] += weight[n] * w1
        kernel[start + 2] += weight[n] * w2
        kernel[start + 3] += weight[n] * w3
    return first, kernel


@numba.njit(cache=True, error_model="numpy")
def _averaged(detuning, at_rest, kernel, origin, step):  # pragma: no cover - compiled
    """Filter `at_rest` with the kernel, then read it at each detuning by cubic interpolation."""
    nodes = at_rest.size - kernel.size + 1
    smooth = np.empty(nodes)
    for k in range(nodes):
        smooth[k] = np.dot(at_rest[k : k + kernel.size], kernel)
    out = np.empty(detuning.size)
    for n in range(detuning.size):
        place = (detuning[n] - origin) / step
        node = min(max(math.floor(place), 1), nodes - 3)
        w0, w1, w2, w3 = _cubic(place - node)
        out[n] = (
            w0 * smooth[node - 1]
            + w1 * smooth[node]
            + w2 * smooth[node + 1]
            + w3 * smooth[node + 2]
        )
    return out
