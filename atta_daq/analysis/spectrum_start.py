"""Where a fit of the pumping model starts, and what it holds."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from atta_daq.analysis.minimise import ParameterStart
from atta_daq.analysis.options import CONSTRAINED, FitOptions
from atta_daq.analysis.points import NormalisedData
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.spectrum_model import SpectrumModel

SEARCH_MHZ = 240.0
"""The position is searched this far to each side of where the shape's Doppler shift puts it."""
SEARCH_STEP_MHZ = 12.0
SEARCH_SCALES = (0.7, 1.5, 3.0, 5.0)
"""Rabi scales from which a fit that knows nothing about it may start."""

_UNIT = {"position_mhz": "MHz", "rabi_scale": "", "doppler_rms_mhz": "MHz"}
_STEP = {"position_mhz": 10.0, "rabi_scale": 0.3, "doppler_rms_mhz": 10.0}
_MEANING = {
    "background": "rate without pumping at the run's mean 83Kr rate",
    "amplitude": "relative increase on the closed line",
    "asymptote": "relative increase at infinite power",
    "position_mhz": "closed line as set in the lab",
    "rabi_scale": "factor on the Rabi frequency of Eq. 3",
    "doppler_rms_mhz": "rms Doppler width",
}


def spectrum_start(
    data: NormalisedData, model: SpectrumModel, options: FitOptions, prior: Prior | None
) -> tuple[list[ParameterStart], list[str]]:
    """Parameters in the deviance's order, and notes on what is held.

    The start is the best of linear fits (background, amplitude) over a grid of positions and,
    where it is free without a prior, Rabi scales: the likelihood has several minima, one for each
    way to lay the components on the data.
    """
    free = _free(data, model, options)
    known: dict[str, float] = {}
    errors: dict[str, float] = {}
    if prior is not None:
        known = dict(zip(prior.names, prior.values, strict=True))
        errors = dict(zip(prior.names, np.sqrt(np.diag(prior.covariance)).tolist(), strict=True))
    values = {
        "rabi_scale": 1.0,
        "doppler_rms_mhz": model.nominal_rms_mhz,
        "position_mhz": model.nominal_position_mhz,
        **known,
        **options.start,
    }
    positions, scales = [values["position_mhz"]], [values["rabi_scale"]]
    if "position_mhz" in free and "position_mhz" not in options.start:
        offsets = np.arange(-SEARCH_MHZ, SEARCH_MHZ + 1.0, SEARCH_STEP_MHZ)
        positions = list(values["position_mhz"] + offsets)
    if "rabi_scale" in free and not {"rabi_scale"} & {*known, *options.start}:
        scales = list(SEARCH_SCALES)
    background, amplitude, position, scale = _search(data, model, values, positions, scales)
    values["position_mhz"], values["rabi_scale"] = position, scale

    height = model.names[0]
    start = [
        ParameterStart(
            "background",
            background,
            0.02 * background,
            data.unit,
            lower=0.0,
            meaning=_MEANING["background"],
        ),
        ParameterStart(height, options.start.get(height, amplitude), 0.1, meaning=_MEANING[height]),
    ]
    limits = {
        "position_mhz": (position - 500.0, position + 500.0),
        "rabi_scale": (0.02, 40.0),
        "doppler_rms_mhz": (5.0, 400.0),
    }
    notes = []
    for name in model.names[1:]:
        held = name not in free and name not in known
        low, high = limits[name]
        start.append(
            ParameterStart(
                name,
                values[name],
                errors.get(name, _STEP[name]),
                _UNIT[name],
                low,
                high,
                held,
                _MEANING[name],
            )
        )
        if held:
            notes.append(f"{name} held at {values[name]:.4g} {_UNIT[name]}".rstrip())
    return start, notes


def _free(data: NormalisedData, model: SpectrumModel, options: FitOptions) -> tuple[str, ...]:
    if options.free is not None:
        unknown = set(options.free) - set(model.names[1:])
        if unknown:
            raise ValueError(f"cannot free {sorted(unknown)}: choose from {model.names[1:]}")
        return options.free
    if model.asymptotic:
        return ("rabi_scale",)
    if "detuning_mhz" not in options.axes:
        return ()
    return ("position_mhz",) if data.poisson else ("position_mhz", *CONSTRAINED)


def _search(
    data: NormalisedData,
    model: SpectrumModel,
    values: dict[str, float],
    positions: Sequence[float],
    scales: Sequence[float],
) -> tuple[float, float, float, float]:
    """Background, amplitude, position and Rabi scale of the best linear fit."""
    ratio, weight = data.array("ratio"), data.array("weight")
    if data.poisson:
        variance = max(float(np.mean(ratio)), 1e-12) / weight
    else:
        variance = data.array("error") ** 2
    root = 1.0 / np.sqrt(variance)
    best = (np.inf, max(float(np.mean(ratio)), 1e-12), 0.1, positions[0], scales[0])
    for scale, position in product(scales, positions):
        shape = model.increase([1.0, position, scale, values["doppler_rms_mhz"]])
        design = np.column_stack([root, root * shape])
        solution, *_ = np.linalg.lstsq(design, root * ratio, rcond=None)
        chi_square = float(np.sum((root * ratio - design @ solution) ** 2))
        if chi_square < best[0] and solution[0] > 0.0:
            # Never start at zero or a negative increase: the position has no gradient there.
            amplitude = max(float(solution[1] / solution[0]), 0.05)
            best = (chi_square, float(solution[0]), amplitude, float(position), float(scale))
    return best[1:]
