"""Fits of the pumping model with velocities: spectra, sideband scans, full saturation curves."""

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.goodness import goodness
from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.minimise import minimise
from atta_daq.analysis.options import FitOptions, light_of
from atta_daq.analysis.points import NormalisedData
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.results import FitResult
from atta_daq.analysis.spectrum_derived import derived_from_spectrum
from atta_daq.analysis.spectrum_model import Light, SpectrumModel
from atta_daq.analysis.spectrum_start import spectrum_start

FloatArray = NDArray[np.float64]

CURVE_POINTS = 240


def fit_spectrum(
    data: NormalisedData, options: FitOptions, prior: Prior | None = None
) -> FitResult:
    """Fit of background, amplitude, position, Rabi scale and Doppler width to normalised points.

    Poisson likelihood for counts, Gaussian for loading rates, unpumped points included. Rabi
    scale and width are constrained by `prior` where it names them, free where `options.free` says
    so, else held at `options.start` or the shape's own numbers, and a note says which. The model
    is described in `SpectrumModel`; amplitude and position are as set in the lab.
    Raises ValueError when a pumped point lacks its detuning or power.
    """
    light = light_of(data, options)
    model = spectrum_model(data, options)
    used_prior = prior.only(model.names[1:]) if prior else None
    start, notes = spectrum_start(data, model, options, used_prior)
    deviance = Deviance(data, model, used_prior)
    minimum = minimise(deviance, start, minos=options.minos)
    rng = np.random.default_rng(options.seed)
    quality = goodness(deviance, minimum.values, minimum.free, toys=options.toys, rng=rng)
    derived, feature_notes = derived_from_spectrum(model, minimum, options, prior)
    axis, x, curve_light = _curve_light(light, options)
    curve_model = model.on(curve_light)
    curve = minimum.curve(axis, x, lambda p: p[0] * (1.0 + curve_model.increase(p[1:])))
    if used_prior is not None:
        source = f" of {used_prior.source}" if used_prior.source else ""
        notes.append(f"{', '.join(used_prior.names)} constrained by the fit{source}")
    return FitResult(
        model=f"{options.pumping_model} spectrum",
        isotope=data.isotope,
        parameters=minimum.parameters,
        covariance=minimum.covariance,
        goodness=quality,
        valid=minimum.valid,
        message=minimum.message,
        last_block=data.last_block,
        curve=curve,
        derived=tuple(derived),
        notes=(*data.notes, *notes, *feature_notes),
        settings={
            "geometry": options.geometry,
            "pumping_model": options.pumping_model,
            "doppler_shape": options.doppler.kind,
            "rest_mhz": model.rest_mhz,
            "intensity_w_m2": model.reference[0],
            "sideband_frequency_mhz": model.reference[1],
            "sideband_depth": model.reference[2],
            "mean_83kr_rate": data.normaliser.mean_rate,
            "rate_unit": data.unit,
        },
    )


def spectrum_model(data: NormalisedData, options: FitOptions) -> SpectrumModel:
    """The model at the points of the data. Raises ValueError as `fit_spectrum`."""
    light = light_of(data, options)
    if not light.pumping.any():
        raise ValueError(f"{data.isotope}Kr: no point with pumping light yet")
    return SpectrumModel(
        data.isotope,
        light,
        options.geometry,
        pumping_model=options.pumping_model,
        doppler=options.doppler,
        asymptotic="power_mw" in options.axes and options.saturation == "velocity",
    )


def _curve_light(light: Light, options: FitOptions) -> tuple[str, FloatArray, Light]:
    """Axis name, its values, and the light along the first swept axis.

    What else was swept stands at its highest power and at its mean.
    """
    axis = options.axes[0]
    pumped = light.pumping
    unit = options.intensity_w_m2(1.0)
    columns = {
        "detuning_mhz": light.detuning_mhz[pumped],
        "power_mw": light.intensity_w_m2[pumped] / unit,
        "sideband_frequency_mhz": light.sideband_frequency_mhz[pumped],
        "sideband_depth": light.sideband_depth[pumped],
    }
    low, high = float(columns[axis].min()), float(columns[axis].max())
    margin = 0.04 * (high - low)
    first = low - margin if axis == "detuning_mhz" else max(low - margin, 0.0)
    x = np.linspace(0.0 if axis == "power_mw" else first, high + margin, CURVE_POINTS)
    along = {name: np.full(CURVE_POINTS, float(values.mean())) for name, values in columns.items()}
    along["power_mw"][:] = float(columns["power_mw"].max())
    along[axis] = x
    return (
        axis,
        x,
        Light(
            np.ones(CURVE_POINTS, dtype=np.bool_),
            along["detuning_mhz"],
            along["power_mw"] * unit,
            along["sideband_frequency_mhz"],
            along["sideband_depth"],
        ),
    )
