"""What follows from the truth: the figures that a fit should find."""

from typing import Any

import numpy as np

from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.hyperfine import components
from simulators.world.world import World

ISOTOPES = (81, 83, 84, 85)
GRID_MHZ = np.arange(-1500.0, 1500.5, 1.0)


def derived_truth(world: World) -> dict[str, Any]:
    """Derived truths as plain numbers; detunings from the 84Kr line, as set or at rest (MHz).

    Spectra are at full power (all current, nominal seed, through the fibre) and without RF.
    Increases are relative: rate with light over rate without it, minus 1.
    """
    truth = world.truth
    light, pumping = truth.light, truth.pumping
    above_a = light.amplifier_maximum_a - light.amplifier_threshold_a
    full_power_mw = 1e3 * light.amplifier_slope_w_per_a * above_a * light.transmission
    co = pumping.geometry == "co"
    waist_mm = pumping.waist_co_mm if co else pumping.waist_counter_mm
    return {
        "supply_ratio": pumping.supply_ratio,
        "rabi_scale": pumping.rabi_scale,
        "geometry": pumping.geometry,
        "full_power_mw": full_power_mw,
        "full_intensity_w_m2": mean_intensity_w_m2(
            full_power_mw, waist_mm, pumping.tube_diameter_mm
        ),
        "isotopes": {str(n): _isotope(world, n, full_power_mw) for n in ISOTOPES},
    }


def _isotope(world: World, isotope: int, full_power_mw: float) -> dict[str, float]:
    pumping = world.truth.pumping
    offset_mhz = 0.0
    if isotope != 84:
        offset_mhz = float(getattr(pumping, f"isotope_shift_offset_{isotope}_mhz"))
    strongest = max(components(isotope, offset_mhz), key=lambda c: c.strength)
    doppler = world.atoms.pumping.doppler[isotope]
    sign = 1.0 if pumping.geometry == "co" else -1.0
    efficiency = world.atoms.pumping.exact_efficiency(isotope, GRID_MHZ, full_power_mw, 0.0, 0.0)
    peak = int(np.argmax(efficiency))
    return {
        "doppler_mode_mhz": doppler.mode_mhz,
        "doppler_mean_mhz": doppler.mean_mhz,
        "doppler_rms_mhz": doppler.rms_mhz,
        "strongest_rest_mhz": strongest.total_mhz,
        "strongest_strength": strongest.strength,
        "strongest_as_set_mhz": strongest.total_mhz + sign * doppler.mode_mhz,
        "spectrum_peak_as_set_mhz": float(GRID_MHZ[peak]),
        "spectrum_peak_increase": pumping.supply_ratio * float(efficiency[peak]),
        "trap_offset_mhz": float(getattr(world.truth.trap, f"offset_{isotope}_mhz")),
    }
