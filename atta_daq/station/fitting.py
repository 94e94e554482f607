"""Fits of a run as its scan and its rig file ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.options import Axis, FitOptions
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.records import Segment
from atta_daq.analysis.results import FitResult
from atta_daq.rig.config import RigConfig
from atta_daq.scans.definition import Part, ScanDefinition
from atta_daq.scans.selection import part_name, segments_of

RARE = (81, 85)


@dataclass(frozen=True)
class FitRequest:
    """Everything that the fits of one run need; travels to the fit worker."""

    definition: ScanDefinition
    config: RigConfig | None
    """None for an imported run without a rig file."""
    prior: Prior | None = None
    """From another run, as the scan's `fit_width_from` asks."""
    free_width: bool = False
    """Leave Rabi scale and width free, on request."""


def fit_all(
    segments: Sequence[Segment], request: FitRequest, *, minos: bool
) -> dict[str, FitResult]:
    """One fit for each part of the scan that has data, named '<isotope>Kr' or '<isotope>Kr-<n>'.

    Parts on 83Kr and 84Kr come first: an 83Kr spectrum of the same run constrains scale and width
    of the rare isotopes, with its covariance. A part that cannot be fitted yet is left out.
    """
    results: dict[str, FitResult] = {}
    parts = sorted(enumerate(request.definition.parts), key=lambda item: item[1].isotope in RARE)
    own_prior: Prior | None = None
    for number, part in parts:
        mine = segments_of(request.definition, number, segments)
        options = fit_options(part, request, minos=minos)
        prior = None
        if part.isotope in RARE and part.axes and not request.free_width:
            prior = request.prior or own_prior or rig_prior(request.config)
        try:
            result = fit_run(mine, options, prior)
        except ValueError:
            # Too little data yet: a fit is shown as soon as there is one.
            continue
        results[part_name(request.definition, number)] = result
        if part.isotope == 83 and _is_spectrum(part):
            own_prior = Prior.from_fit(result, source="the 83Kr spectrum of this run")
    return results


def fit_options(part: Part, request: FitRequest, *, minos: bool) -> FitOptions:
    """What the analysis needs to know of a part."""
    axes: tuple[Axis, ...] = tuple(axis.quantity for axis in part.axes)
    config = request.config
    free = None
    if request.free_width and part.isotope in RARE:
        free = ("position_mhz", "rabi_scale", "doppler_rms_mhz")
    if config is None:
        return FitOptions(
            isotope=part.isotope, axes=axes, geometry=request.definition.geometry or "co",
            minos=minos, free=free, power_mw=part.light.power_mw,
        )  # fmt: skip
    pumping = config.calibrations.pumping
    doppler = config.calibrations.doppler
    even = part.isotope % 2 == 0
    return FitOptions(
        isotope=part.isotope,
        axes=axes,
        geometry=config.geometry,
        waist_mm=pumping.waist_mm if config.geometry == "co" else pumping.waist_counter_mm,
        tube_diameter_mm=pumping.tube_diameter_mm,
        power_mw=config.calibrations.fibre_power.full_power_mw,
        free=free,
        start={
            "rabi_scale": pumping.rabi_scale,
            "doppler_rms_mhz": doppler.even_rms_mhz if even else doppler.odd_rms_mhz,
        },
        minos=minos,
        pumped_brackets=request.definition.bracket_pumping,
        drift=config.calibrations.source.spectrum(),
    )


def rig_prior(config: RigConfig | None) -> Prior | None:
    """Rabi scale and odd Doppler width from the rig file's calibrations."""
    if config is None:
        return None
    pumping, doppler = config.calibrations.pumping, config.calibrations.doppler
    return Prior(
        ("rabi_scale", "doppler_rms_mhz"),
        (pumping.rabi_scale, doppler.odd_rms_mhz),
        np.diag([pumping.rabi_scale_error**2, doppler.odd_rms_error_mhz**2]),
        source="the rig file",
    )


def _is_spectrum(part: Part) -> bool:
    return any(axis.quantity == "detuning_mhz" for axis in part.axes)
