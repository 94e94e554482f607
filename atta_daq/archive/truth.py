"""What a fit should have found, from the truth.toml of a simulated run.

For the report's truth section, the summary of `run --json` and the pull benchmarks only: no fit
ever reads it.
"""

from typing import Any

import numpy as np

from atta_daq.analysis.points import NormalisedData
from atta_daq.analysis.results import FitResult
from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.doppler import DopplerDistribution
from atta_daq.physics.hyperfine import closed_component
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.spectrum import Geometry, PumpingSpectrum

SEARCH_MHZ = np.arange(-1500.0, 1900.0, 4.0)


class TrueRig:
    """The simulated rig's truth in the terms of a fit of one isotope."""

    def __init__(self, truth: dict[str, Any], isotope: int) -> None:
        pumping, beam = truth["pumping"], truth["beam"]
        parity = "odd" if isotope % 2 else "even"
        offset = float(pumping.get(f"isotope_shift_offset_{isotope}_mhz", 0.0))
        if beam["velocity_model"] == "gaussian":
            self.doppler = DopplerDistribution.gaussian(
                beam[f"gaussian_mean_{parity}_mhz"], beam["gaussian_rms_mhz"]
            )
        else:
            self.doppler = DopplerDistribution.effusive_beam(
                isotope,
                beam["temperature_k"],
                beam[f"selection_exponent_{parity}"],
                beam["capture_velocity_m_s"],
            )
        self.geometry: Geometry = pumping["geometry"]
        self.offset_mhz = offset
        self.rest_mhz = closed_component(isotope, offset).total_mhz
        sign = 1.0 if self.geometry == "co" else -1.0
        self.position_mhz = self.rest_mhz + sign * self.doppler.mode_mhz
        self.rabi_scale = float(pumping["rabi_scale"])
        self.supply_ratio = float(pumping["supply_ratio"])
        self._waist_mm = float(pumping[f"waist_{self.geometry}_mm"])
        self._tube_mm = float(pumping["tube_diameter_mm"])
        self._spectrum = PumpingSpectrum(isotope, pumping["pumping_model"], offset)

    def increase(
        self, detuning_mhz: Any, power_mw: float, sidebands: Sidebands | None = None
    ) -> np.ndarray:
        """Relative increase of the rate at detunings as set, shape as given (at least 1-D)."""
        return self.supply_ratio * self._spectrum.efficiency(
            np.atleast_1d(detuning_mhz),
            intensity_w_m2=mean_intensity_w_m2(power_mw, self._waist_mm, self._tube_mm),
            rabi_scale=self.rabi_scale,
            doppler=self.doppler,
            geometry=self.geometry,
            sidebands=sidebands,
        )


def true_parameters(
    truth: dict[str, Any], fit: FitResult, data: NormalisedData
) -> dict[str, float]:
    """True value of each fitted or derived parameter that has one, by name.

    Phenomenological parameters (the two-parameter saturation fit) and the drifting source's mean
    rate have none. Raises KeyError for a truth of another shape.
    """
    rig = TrueRig(truth, fit.isotope)
    on = [p for p in data.points if p.pumping]
    powers = [p.setting.power_mw for p in on if p.setting.power_mw is not None]
    power = max(powers, default=0.0)
    if fit.model.startswith("on/off"):
        return {"increase": _mean_increase(rig, data, power)} if power else {}
    if fit.model.startswith("two-parameter"):
        return {"increase_at_highest_power": _mean_increase(rig, data, power)} if power else {}
    known = {
        "position_mhz": rig.position_mhz,
        "rabi_scale": rig.rabi_scale,
        "doppler_rms_mhz": rig.doppler.rms_mhz,
        "supply_ratio": rig.supply_ratio,
        "doppler_shift_mhz": rig.doppler.mode_mhz,
        "rest_position_mhz": rig.rest_mhz,
        "isotope_shift_offset_mhz": rig.offset_mhz,
    }
    if power:
        depth = float(fit.settings.get("sideband_depth", 0.0))
        frequency = float(fit.settings.get("sideband_frequency_mhz", 0.0))
        sidebands = Sidebands(frequency, depth) if depth > 0.0 else None
        known["amplitude"] = float(rig.increase(rig.position_mhz, power, sidebands)[0])
        shape = rig.increase(SEARCH_MHZ, power, sidebands)
        known["peak_increase"] = float(shape.max())
        known["peak_mhz"] = float(SEARCH_MHZ[int(shape.argmax())])
    names = {p.name for p in (*fit.parameters, *fit.derived)}
    return {name: value for name, value in known.items() if name in names}


def source_at_start(truth: dict[str, Any], isotope: int) -> float | None:
    """Atoms per hour without pumping when the simulated source started; None for the abundant
    isotopes, whose rate is in the detector's units.

    Stands beside a fitted background for orientation only: the source wanders from here on, and
    its path is not part of the truth, so no pull can be computed from it.
    """
    value = truth["source"].get(f"counts_{isotope}kr_per_h")
    return None if value is None else float(value)


def _mean_increase(rig: TrueRig, data: NormalisedData, power_mw: float) -> float:
    """At the settings of the pumped points with the highest power, weighted like the fit."""
    total, weight = 0.0, 0.0
    for point in data.points:
        setting = point.setting
        detuning = setting.detuning_mhz
        if not point.pumping or detuning is None or setting.power_mw is None:
            continue
        if setting.power_mw < 0.98 * power_mw:
            continue
        depth, frequency = setting.sideband_depth, setting.sideband_frequency_mhz
        sidebands = Sidebands(frequency, depth) if depth > 0.0 else None
        increase = float(rig.increase(detuning, setting.power_mw, sidebands)[0])
        total, weight = total + point.weight * increase, weight + point.weight
    return total / weight if weight else float("nan")
