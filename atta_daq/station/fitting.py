"""Fits of a run as its scan and its rig file ask for them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from atta_daq.analysis.ensemble import Ensemble, Kind
from atta_daq.analysis.fit_run import fit_run, normalised
from atta_daq.analysis.options import Axis, FitOptions
from atta_daq.analysis.points import has_signal
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.records import Segment
from atta_daq.analysis.results import FitResult
from atta_daq.rig.config import RigConfig
from atta_daq.scans.definition import Part, ScanDefinition
from atta_daq.scans.selection import part_name, segments_of
from atta_daq.station.points import RATE_UNIT

log = logging.getLogger(__name__)

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
    segments: Sequence[Segment],
    request: FitRequest,
    *,
    minos: bool,
    unusable: dict[str, str] | None = None,
) -> dict[str, FitResult]:
    """One fit for each part of the scan that has data, named '<isotope>Kr' or '<isotope>Kr-<n>'.

    Parts on 83Kr and 84Kr come first: an 83Kr spectrum of the same run constrains scale and width
    of the rare isotopes, with its covariance. A part that cannot be fitted yet is left out; with
    `minos`, at the end, `unusable` is given the reason by its name, if something was taken of it.
    """
    fitted = _fitted(segments, request, minos=minos, unusable=unusable)
    return {one.name: one.result for one in fitted}


def fit_finally(segments: Sequence[Segment], request: FitRequest) -> dict[str, FitResult]:
    """`fit_all` with MINOS intervals, for a process that is given a function and its arguments."""
    return fit_all(segments, request, minos=True)


def ensembles(
    segments: Sequence[Segment], request: FitRequest, kind: Kind, seed: int
) -> dict[str, Ensemble]:
    """For each fit of `fit_all` the ensemble that tells how it scatters."""
    return {
        fitted.name: Ensemble(
            kind,
            normalised(fitted.segments, fitted.options),
            fitted.options,
            fitted.prior,
            fitted.result,
            seed,
        )
        for fitted in _fitted(segments, request, minos=False)
    }


@dataclass(frozen=True)
class _Fitted:
    name: str
    segments: Sequence[Segment]
    options: FitOptions
    prior: Prior | None
    result: FitResult


def _fitted(
    segments: Sequence[Segment],
    request: FitRequest,
    *,
    minos: bool,
    unusable: dict[str, str] | None = None,
) -> Iterator[_Fitted]:
    """Every part that can be fitted, with what its fit was given."""
    parts = sorted(enumerate(request.definition.parts), key=lambda item: item[1].isotope in RARE)
    results: dict[str, FitResult] = {}
    for number, part in parts:
        name = part_name(request.definition, number)
        mine = segments_of(request.definition, number, segments)
        options = fit_options(part, request, minos=minos)
        prior = part_prior(part, request, results)
        try:
            result = fit_run(mine, options, prior)
        except ValueError as error:
            # Too little data yet: a fit is shown as soon as there is one. At the end it is said.
            if minos and has_signal(mine, part.isotope):
                log.warning("%s is not fitted: %s", name, error)
                if unusable is not None:
                    unusable[name] = str(error)
            continue
        results[name] = result
        yield _Fitted(name, mine, options, prior, result)


def part_prior(part: Part, request: FitRequest, results: Mapping[str, FitResult]) -> Prior | None:
    """What constrains scale and width of a part's fit; `results`: of the scan's other parts."""
    if part.isotope not in RARE or not part.axes or request.free_width:
        return None
    if request.prior is not None:
        return request.prior
    definition = request.definition
    for number, other in reversed(list(enumerate(definition.parts))):
        result = results.get(part_name(definition, number))
        if result is not None and other.isotope == 83 and _is_spectrum(other):
            return Prior.from_fit(result, source="the 83Kr spectrum of this run")
    return rig_prior(request.config)


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
        rate_unit=RATE_UNIT,
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
