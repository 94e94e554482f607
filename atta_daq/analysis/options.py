"""What a fit needs to know beyond the segments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.doppler_shape import DopplerShape
from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.points import NormalisedData
from atta_daq.analysis.spectrum_model import Light
from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.spectrum import Geometry, ModelName

Axis = Literal["detuning_mhz", "power_mw", "sideband_frequency_mhz", "sideband_depth"]
CONSTRAINED = ("rabi_scale", "doppler_rms_mhz")
"""What a spectrum of few counts cannot give by itself and takes from 83Kr."""


@dataclass(frozen=True)
class FitOptions:
    """Definition of a fit: which isotope, which axes were swept, what the rig file says.

    Empty `axes` mean an on/off comparison.
    """

    isotope: int
    axes: tuple[Axis, ...] = ()
    geometry: Geometry = "co"
    waist_mm: float = 7.5
    """1/e2 radius of the 819-nm beam at the source tube."""
    tube_diameter_mm: float = 9.0
    power_mw: float | None = None
    """Taken where a segment carries no power of its own."""
    pumping_model: ModelName = "f-level"
    doppler: DopplerShape = field(default_factory=DopplerShape)
    saturation: Literal["two-parameter", "velocity"] = "two-parameter"
    """Power scans: the paper's fit (Eqs. 2-3), or the model with velocities."""
    free: tuple[str, ...] | None = None
    """Of position_mhz, rabi_scale, doppler_rms_mhz: fitted without a prior. None: the position if
    the detuning was swept, scale and width as well for loading-rate spectra (83Kr, 84Kr)."""
    start: Mapping[str, float] = field(default_factory=dict)
    """Values where parameters start, or are held when they are not free."""
    doppler_systematic_mhz: float = 10.0
    """That the Doppler shift is the same for all odd isotopes: systematic of rest positions (A)."""
    minos: bool = False
    toys: int = 0
    """For the p-value of the goodness of fit; 0: Wilks' theorem."""
    seed: int = 1
    """Of the toys."""
    pumped_brackets: bool = False
    """Use brackets taken with pumping light: divides the effect out, for tests of that bias."""
    drift: DriftSpectrum = TYPICAL
    """What is known of the source beside the brackets."""
    rate_unit: str = "1/s"
    """Of what is loaded and not counted."""

    def intensity_w_m2(self, power_mw: float) -> float:
        """Mean intensity over the source tube."""
        return mean_intensity_w_m2(power_mw, self.waist_mm, self.tube_diameter_mm)


def light_of(data: NormalisedData, options: FitOptions) -> Light:
    """The light at each point as read back. Raises ValueError where a pumped point lacks it."""

    def column(name: str, default: float | None) -> NDArray[np.float64]:
        values = []
        for point in data.points:
            value = getattr(point.setting, name)
            if value is None:
                value = default
            if value is None and point.pumping:
                raise ValueError(f"point {point.index}: {name} is needed and was not recorded")
            values.append(0.0 if value is None else float(value))
        return np.array(values)

    detuning = column("detuning_mhz", np.nan)
    as_set = column("detuning_set_mhz", np.nan)
    detuning = np.where(np.isnan(detuning), as_set, detuning)
    pumping = np.array([point.pumping for point in data.points])
    missing = np.flatnonzero(pumping & np.isnan(detuning))
    if missing.size:
        raise ValueError(f"point {data.points[missing[0]].index}: no detuning was recorded")
    power = column("power_mw", options.power_mw)
    return Light(
        pumping=pumping,
        detuning_mhz=np.where(np.isnan(detuning), 0.0, detuning),
        intensity_w_m2=np.array([options.intensity_w_m2(p) for p in power]),
        sideband_frequency_mhz=column("sideband_frequency_mhz", 0.0),
        sideband_depth=column("sideband_depth", 0.0),
    )
