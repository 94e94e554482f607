"""The one entry: segments of a run in, fit out. Used by the live fit worker and the command."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from atta_daq.analysis.compare import OnOffModel, compare_on_off
from atta_daq.analysis.increases import data_from_rates
from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import NormalisedData, normalise
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.records import Segment, Setting
from atta_daq.analysis.results import FitResult
from atta_daq.analysis.saturation import fit_saturation, saturation_model
from atta_daq.analysis.spectrum_fit import fit_spectrum, spectrum_model


def fit_run(
    segments: Sequence[Segment], options: FitOptions, prior: Prior | None = None
) -> FitResult:
    """Normalises the segments of `options.isotope` and fits the model that the axes ask for.

    No axis: increase, on against off. Power alone: the paper's saturation fit, or the full model
    with `options.saturation = "velocity"`. Everything else: the pumping model with velocities.
    For a live display leave `minos` False and `toys` 0. Raises ValueError when the segments hold
    nothing to fit; a fit that does not converge is returned with valid = False.
    """
    return fit_normalised(normalised(segments, options), options, prior)


def normalised(segments: Sequence[Segment], options: FitOptions) -> NormalisedData:
    """The data that `fit_run` fits. Raises ValueError as `normalise`."""
    return normalise(
        segments,
        options.isotope,
        pumped_brackets=options.pumped_brackets,
        drift=options.drift,
        rate_unit=options.rate_unit,
    )


def fit_normalised(
    data: NormalisedData, options: FitOptions, prior: Prior | None = None
) -> FitResult:
    """As `fit_run`, from normalised data, whose points a display shows beside the fit."""
    if not options.axes:
        return compare_on_off(data, minos=options.minos, toys=options.toys, seed=options.seed)
    if options.axes == ("power_mw",) and options.saturation == "two-parameter":
        return fit_saturation(data, options)
    return fit_spectrum(data, options, prior)


def deviance_of(data: NormalisedData, options: FitOptions, prior: Prior | None = None) -> Deviance:
    """The statistic that `fit_normalised` minimises for the same arguments. Raises ValueError."""
    if not options.axes:
        return Deviance(data, OnOffModel(np.array([p.pumping for p in data.points])))
    if options.axes == ("power_mw",) and options.saturation == "two-parameter":
        return Deviance(data, saturation_model(data, options))
    model = spectrum_model(data, options)
    return Deviance(data, model, prior.only(model.names[1:]) if prior else None)


def warm_up() -> None:
    """Compiles and loads what a first fit needs: seconds, to be spent off the critical path."""
    detuning = np.linspace(-700.0, 300.0, 11)
    settings = [Setting(detuning_mhz=float(d), power_mw=500.0) for d in detuning]
    line = 1.0 + 0.5 * np.exp(-((detuning / 150.0) ** 2))
    options = FitOptions(84, axes=("detuning_mhz",), free=("position_mhz",), minos=True)
    for isotope in (84, 85):
        data = data_from_rates(isotope, line, 0.05 * line, settings, [True] * 11)
        fit_normalised(data, replace(options, isotope=isotope))
