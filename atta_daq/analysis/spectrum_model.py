"""Increase of a rate by optical pumping, point by point, as a function of the fit's parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from atta_daq.analysis.doppler_shape import DopplerShape
from atta_daq.physics.fivelevel import infinite_efficiency
from atta_daq.physics.hyperfine import closed_component
from atta_daq.physics.krypton import pumping_rates
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.spectrum import Geometry, ModelName, PumpingSpectrum

FloatArray = NDArray[np.float64]
Condition = tuple[float, float, float]
"""Intensity (W/m2), sideband frequency (MHz), modulation index."""

GRID_STEP_MHZ = 4.0
GRID_MARGIN_MHZ = 900.0
SAME_INTENSITY = 0.005
"""Relative gap below which neighbouring intensities share one spectrum."""
CACHED_SCALES = 6


@dataclass(frozen=True)
class Light:
    """The 819-nm light at each point, arrays of shape (n,)."""

    pumping: NDArray[np.bool_]
    detuning_mhz: FloatArray
    intensity_w_m2: FloatArray
    sideband_frequency_mhz: FloatArray
    sideband_depth: FloatArray

    @classmethod
    def scan(
        cls,
        detuning_mhz: FloatArray,
        intensity_w_m2: float,
        sidebands: Sidebands | None = None,
    ) -> "Light":
        """Pumped points at these detunings, all with one intensity and the same sidebands."""
        ones = np.ones(len(detuning_mhz))
        frequency, depth = (sidebands.frequency_mhz, sidebands.depth) if sidebands else (0.0, 0.0)
        return cls(
            ones.astype(np.bool_),
            np.asarray(detuning_mhz, dtype=np.float64),
            ones * intensity_w_m2,
            ones * frequency,
            ones * depth,
        )


class SpectrumModel:
    """Master-equation spectrum with Doppler spread, for any mixture of settings.

    Parameters, in order: `amplitude`, `position_mhz`, `rabi_scale`, `doppler_rms_mhz`.

    * position_mhz: where the closed (strongest) component stands as set in the lab: at rest plus
      the most probable Doppler shift (co-propagating), at rest minus it (counter-propagating).
      The whole pattern moves with it.
    * amplitude: relative increase with the laser at position_mhz under `reference` conditions:
      the highest intensity of the data; the sidebands of the data if all points have the same,
      else none. With `asymptotic=True` instead the increase at infinite power, supply ratio times
      Eq. 4 (named `asymptote`).
    * rabi_scale multiplies the Rabi frequency of Eq. 3; doppler_rms_mhz is the rms Doppler width.

    The Doppler shift of an atom is mode + rms * x with fixed nodes x of the shape, so the
    efficiency of an atom at rest is computed once per Rabi scale on a grid of detunings and then
    only interpolated (cubic) and summed.
    """

    def __init__(
        self,
        isotope: int,
        light: Light,
        geometry: Geometry,
        *,
        pumping_model: ModelName = "f-level",
        doppler: DopplerShape | None = None,
        asymptotic: bool = False,
        reference: Condition | None = None,
    ) -> None:
        if geometry not in ("co", "counter"):
            raise ValueError(f"geometry is 'co' or 'counter', not {geometry!r}")
        self.isotope = isotope
        self.light = light
        self.geometry: Geometry = geometry
        self.shape = doppler or DopplerShape()
        self.asymptotic = asymptotic
        self.rest_mhz = closed_component(isotope).total_mhz
        self.names = (
            "asymptote" if asymptotic else "amplitude",
            "position_mhz",
            "rabi_scale",
            "doppler_rms_mhz",
        )
        self.pumping_model: ModelName = pumping_model
        self._spectrum = PumpingSpectrum(isotope, model=pumping_model)
        nodes, self._weights = self.shape.nodes(isotope)
        # Atoms see counter-propagating light shifted up, co-propagating light shifted down.
        self.sign = 1.0 if geometry == "counter" else -1.0
        self._nodes = self.sign * nodes
        self._pumped = np.flatnonzero(light.pumping)
        self._conditions, self._group = _conditions(light, self._pumped)
        self.reference = reference or _reference(self._conditions)
        self._detuning = np.ascontiguousarray(light.detuning_mhz[self._pumped])
        self._cache: dict[float, tuple[FloatArray, float]] = {}
        self._asymptotic_efficiency = infinite_efficiency(pumping_rates())

    @property
    def nominal_position_mhz(self) -> float:
        """Position as set for the Doppler shift of the shape: where a fit starts."""
        return self.rest_mhz - self.sign * self.shape.reference(self.isotope).mode_mhz

    @property
    def nominal_rms_mhz(self) -> float:
        """Width of the shape before it is stretched."""
        return self.shape.reference(self.isotope).rms_mhz

    def doppler_shift_mhz(self, position_mhz: float) -> float:
        """Most probable Doppler shift (positive) if the tabulated rest position holds."""
        return -self.sign * (position_mhz - self.rest_mhz)

    def increase(self, parameters: Sequence[float] | FloatArray) -> FloatArray:
        """Relative increase at every point, shape (n,); 0 where the light was blocked."""
        amplitude = float(parameters[0])
        result = np.zeros(self.light.pumping.size)
        efficiency = self.efficiency(parameters)
        result[self._pumped] = amplitude * efficiency / self._unit_efficiency(parameters)
        return result

    def efficiency(self, parameters: Sequence[float] | FloatArray) -> FloatArray:
        """Efficiency eta at the pumped points."""
        _, position, scale, rms = (float(p) for p in parameters)
        table, lowest = self._table(scale)
        offset = self._detuning - position + self.rest_mhz
        return _average(
            table, lowest, GRID_STEP_MHZ, self._group, offset, self._nodes * rms, self._weights
        )

    def supply_ratio(self, parameters: Sequence[float] | FloatArray) -> float:
        """Supply of 1s4 over that of 1s5: rate_on/rate_off = 1 + supply_ratio * eta."""
        return float(parameters[0]) / self._unit_efficiency(parameters)

    def on(self, light: Light) -> "SpectrumModel":
        """The same physics and the same meaning of the amplitude, at other settings."""
        return SpectrumModel(
            self.isotope,
            light,
            self.geometry,
            pumping_model=self.pumping_model,
            doppler=self.shape,
            asymptotic=self.asymptotic,
            reference=self.reference,
        )

    def reference_light(self, detuning_mhz: FloatArray) -> Light:
        """Pumped light at the reference conditions, for curves."""
        intensity, frequency, depth = self.reference
        return Light.scan(detuning_mhz, intensity, Sidebands(frequency, depth))

    def _unit_efficiency(self, parameters: Sequence[float] | FloatArray) -> float:
        if self.asymptotic:
            return self._asymptotic_efficiency
        _, _, scale, rms = (float(p) for p in parameters)
        table, lowest = self._table(scale)
        group = np.array([len(self._conditions)])
        offset = np.array([self.rest_mhz])
        return float(
            _average(table, lowest, GRID_STEP_MHZ, group, offset, self._nodes * rms, self._weights)[
                0
            ]
        )

    def _table(self, scale: float) -> tuple[FloatArray, float]:
        """Efficiency of an atom at rest and the grid's lowest detuning.

        Shape (conditions + 1, grid); the last row is the reference.
        """
        found = self._cache.get(scale)
        if found is not None:
            return found
        detuning = self._detuning if self._detuning.size else np.zeros(1)
        # Positions are tried within the margin around the nominal one; beyond the grid the
        # efficiency is held at its edge value.
        offset = self.rest_mhz - self.nominal_position_mhz
        lowest = min(detuning.min() + offset, self.rest_mhz) - GRID_MARGIN_MHZ
        highest = max(detuning.max() + offset, self.rest_mhz) + GRID_MARGIN_MHZ
        grid = np.arange(lowest, highest + GRID_STEP_MHZ, GRID_STEP_MHZ)
        rows = [
            self._spectrum.efficiency(
                grid,
                intensity_w_m2=intensity,
                rabi_scale=scale,
                doppler=None,
                geometry=self.geometry,
                sidebands=Sidebands(frequency, depth) if depth > 0.0 else None,
            )
            for intensity, frequency, depth in (*self._conditions, self.reference)
        ]
        found = (np.ascontiguousarray(rows), float(lowest))
        if len(self._cache) >= CACHED_SCALES:
            self._cache.pop(next(iter(self._cache)))
        self._cache[scale] = found
        return found


def _reference(conditions: list[Condition]) -> Condition:
    intensity, frequency, depth = max(conditions)
    same = len({condition[1:] for condition in conditions}) == 1
    return (intensity, frequency, depth) if same else (intensity, 0.0, 0.0)


def _conditions(
    light: Light, pumped: NDArray[np.int64]
) -> tuple[list[Condition], NDArray[np.int64]]:
    """Distinct (intensity, sideband frequency, depth), and which of them each pumped point has.

    Read-back noise of the power must not ask for a spectrum of its own at every point.
    """
    if pumped.size == 0:
        return [(0.0, 0.0, 0.0)], np.zeros(0, dtype=np.int64)
    intensity = light.intensity_w_m2[pumped]
    order = np.argsort(intensity)
    gap = np.diff(intensity[order]) > SAME_INTENSITY * intensity[order][1:]
    level = np.empty(pumped.size, dtype=np.int64)
    level[order] = np.concatenate([[0], np.cumsum(gap)])
    depth = light.sideband_depth[pumped]
    frequency = np.where(depth > 0.0, light.sideband_frequency_mhz[pumped], 0.0)
    keys = np.stack([level, np.round(frequency, 1), np.round(depth, 3)], axis=1)
    unique, group = np.unique(keys, axis=0, return_inverse=True)
    conditions = [
        (
            float(intensity[group.ravel() == g].mean()),
            float(frequency[group.ravel() == g].mean()),
            float(depth[group.ravel() == g].mean()),
        )
        for g in range(len(unique))
    ]
    return conditions, group.ravel().astype(np.int64)


@njit(cache=True)
def _average(table, lowest, step, group, offset, shift, weight):
    """Sum over Doppler nodes of the table, cubic (four-point Lagrange) interpolation."""
    n, points = offset.size, table.shape[1]
    result = np.zeros(n)
    for i in range(n):
        row = table[group[i]]
        start = (offset[i] - lowest) / step
        total = 0.0
        for k in range(shift.size):
            place = start + shift[k] / step
            place = min(max(place, 1.0), points - 2.000001)
            j = int(place)
            t = place - j
            a, b, c, d = row[j - 1], row[j], row[j + 1], row[j + 2]
            total += weight[k] * (
                b
                + t
                * (
                    (-2.0 * a - 3.0 * b + 6.0 * c - d) / 6.0
                    + t * ((a - 2.0 * b + c) / 2.0 + t * (-a + 3.0 * b - 3.0 * c + d) / 6.0)
                )
            )
        result[i] = total
    return result
