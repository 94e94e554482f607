"""What the 819-nm light adds to the rate of each isotope."""

import math
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.spectrum import PumpingSpectrum
from simulators.truth import Truth
from simulators.world.beam import doppler_shifts
from simulators.world.light_field import LightField

ISOTOPES = (81, 83, 84, 85)

DARK_MW = 1e-3
"""Below this power the light pumps nothing that could be seen (saturation is at 0.1 W)."""
DETUNING_STEP_MHZ = 2.0
NODES = 64
LOG_POWER_STEP = 0.05


class Pumping:
    """Relative increase of each isotope's rate, cheap enough to be asked at every exposure.

    The efficiency is smooth on the scale of the natural width and of a few per cent in power: it
    is calculated on nodes (2 MHz, 5 % in power), kept, and interpolated linearly between them;
    the error is below 0.3 % of the increase even without any Doppler spread.
    """

    CACHE_LENGTH = 4096

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        pumping = truth.pumping
        offsets = {
            81: pumping.isotope_shift_offset_81_mhz,
            83: pumping.isotope_shift_offset_83_mhz,
            84: 0.0,
            85: pumping.isotope_shift_offset_85_mhz,
        }
        self._spectra = {
            isotope: PumpingSpectrum(
                isotope, pumping.pumping_model, isotope_shift_offset_mhz=offsets[isotope]
            )
            for isotope in ISOTOPES
        }
        self.doppler = {isotope: doppler_shifts(isotope, truth.beam) for isotope in ISOTOPES}
        co = pumping.geometry == "co"
        self._waist_mm = pumping.waist_co_mm if co else pumping.waist_counter_mm
        self._cache: OrderedDict[tuple[int, int, int, float, float], NDArray[np.float64]] = (
            OrderedDict()
        )

    def increase(self, isotope: int, field: LightField) -> float:
        """Rate with the light over rate without it, minus 1."""
        return self._truth.pumping.supply_ratio * self._efficiency(isotope, field)

    def _efficiency(self, isotope: int, field: LightField) -> float:
        if field.power_mw < DARK_MW:
            return 0.0
        place = field.detuning_mhz / DETUNING_STEP_MHZ
        chunk = math.floor(place / NODES)
        within = place - chunk * NODES
        node = min(int(within), NODES - 1)
        right = within - node
        log_power = math.log(field.power_mw) / LOG_POWER_STEP
        level = math.floor(log_power)
        up = log_power - level
        sidebands = (round(field.sideband_frequency_mhz, 3), round(field.sideband_depth, 4))
        values = [
            float(row[node] * (1.0 - right) + row[node + 1] * right)
            for row in (
                self._row(isotope, chunk, level, *sidebands),
                self._row(isotope, chunk, level + 1, *sidebands),
            )
        ]
        return values[0] * (1.0 - up) + values[1] * up

    def _row(
        self, isotope: int, chunk: int, level: int, frequency_mhz: float, depth: float
    ) -> NDArray[np.float64]:
        key = (isotope, chunk, level, frequency_mhz, depth)
        row = self._cache.get(key)
        if row is None:
            first_mhz = chunk * NODES * DETUNING_STEP_MHZ
            row = self.exact_efficiency(
                isotope,
                first_mhz + DETUNING_STEP_MHZ * np.arange(NODES + 1, dtype=np.float64),
                math.exp(level * LOG_POWER_STEP),
                frequency_mhz,
                depth,
            )
            self._cache[key] = row
            if len(self._cache) > self.CACHE_LENGTH:
                self._cache.popitem(last=False)
        return row

    def exact_efficiency(
        self,
        isotope: int,
        detuning_mhz: NDArray[np.float64],
        power_mw: float,
        sideband_frequency_mhz: float,
        sideband_depth: float,
    ) -> NDArray[np.float64]:
        """Pumping efficiency at `detuning_mhz` (carrier from the 84Kr line), not interpolated."""
        pumping = self._truth.pumping
        sidebands = Sidebands(sideband_frequency_mhz, sideband_depth) if sideband_depth else None
        return self._spectra[isotope].efficiency(
            detuning_mhz,
            intensity_w_m2=mean_intensity_w_m2(power_mw, self._waist_mm, pumping.tube_diameter_mm),
            rabi_scale=pumping.rabi_scale,
            doppler=self.doppler[isotope],
            geometry=pumping.geometry,
            sidebands=sidebands,
        )
