"""What follows from a fitted spectrum: peak, supply ratio, Doppler shift, positions at rest."""

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.features import describe
from atta_daq.analysis.minimise import Minimum
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.results import FitResult, Parameter
from atta_daq.analysis.spectrum_model import SpectrumModel

FloatArray = NDArray[np.float64]


def derived_from_spectrum(
    model: SpectrumModel, minimum: Minimum, options: FitOptions, prior: Prior | None
) -> tuple[list[Parameter], list[str]]:
    """Peak, supply ratio, Doppler shift or rest position; notes on what the peak sits on."""
    at = minimum.values[1:]
    reach = np.arange(-1400.0, 1800.0, 4.0) + float(at[1]) - model.rest_mhz
    wide = model.on(model.reference_light(reach))

    def peak(p: FloatArray) -> FloatArray:
        return np.array(_vertex(reach, wide.increase(np.array([1.0, *p[2:]])))) * [1.0, p[1]]

    (peak_mhz, peak_increase), errors, _ = minimum.spread(peak)
    ratio, ratio_error, _ = minimum.spread(lambda p: np.array([model.supply_ratio(p[1:])]))
    found = [
        Parameter("peak_increase", peak_increase, errors[1], meaning="at the strongest feature"),
        Parameter("peak_mhz", peak_mhz, errors[0], "MHz", meaning="strongest feature as set"),
        Parameter("supply_ratio", ratio[0], ratio_error[0], meaning="supply of 1s4 over 1s5"),
    ]
    shift = model.doppler_shift_mhz(float(at[1]))
    position = minimum.parameters[2]
    if not position.fixed:
        found.append(
            Parameter(
                "doppler_shift_mhz",
                shift,
                position.error,
                "MHz",
                meaning="most probable, if the tabulated rest position holds",
            )
        )
    if prior is not None and "doppler_shift_mhz" in prior.names and not position.fixed:
        found += _at_rest(model, minimum, options, prior)
    peak_at_rest = peak_mhz - float(at[1]) + model.rest_mhz
    where = describe(model.isotope, peak_at_rest)
    notes = [f"strongest feature at {peak_mhz:.0f} MHz as set: {where}"]
    return found, notes


def _vertex(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Place and height of the highest point: parabola through three."""
    top = int(np.clip(np.argmax(y), 1, y.size - 2))
    left, middle, right = y[top - 1 : top + 2]
    bend = left - 2.0 * middle + right
    offset = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
    return float(x[top] + offset * (x[1] - x[0])), float(middle - 0.25 * (left - right) * offset)


def _at_rest(
    model: SpectrumModel, minimum: Minimum, options: FitOptions, prior: Prior
) -> list[Parameter]:
    """Rest position of the closed line with the Doppler shift of another isotope's fit.

    The shift in the prior is correlated with scale and width, which this fit has moved: it is
    conditioned on them, and its covariance with this fit's position is kept.
    """
    names = [minimum.parameters[i].name for i in minimum.free]
    known = [name for name in prior.names if name in names and name != "position_mhz"]
    rows = [names.index(name) for name in known]
    values = np.array([minimum.parameters[minimum.free[r]].value for r in rows])
    shift, variance, sensitivity = prior.given(
        "doppler_shift_mhz", known, values, minimum.covariance[np.ix_(rows, rows)]
    )
    i = names.index("position_mhz")
    position = float(minimum.values[2])
    sign = model.sign  # counter: rest = set + shift; co: rest = set - shift
    covariance = float(minimum.covariance[i, rows] @ sensitivity) if rows else 0.0
    total = minimum.covariance[i, i] + variance + 2.0 * sign * covariance
    rest = position + sign * shift
    error = float(np.sqrt(max(total, 0.0)))
    return [
        Parameter(
            "rest_position_mhz",
            rest,
            error,
            "MHz",
            meaning="closed line at rest, with the Doppler shift of the constraining fit "
            f"({shift:.1f} MHz); statistical",
        ),
        Parameter(
            "rest_position_systematic_mhz",
            options.doppler_systematic_mhz,
            0.0,
            "MHz",
            meaning="that both isotopes have the same Doppler shift",
        ),
        Parameter(
            "isotope_shift_offset_mhz",
            rest - model.rest_mhz,
            error,
            "MHz",
            meaning="measured minus tabulated rest position",
        ),
    ]


def rest_from_both_geometries(co: FitResult, counter: FitResult) -> tuple[Parameter, Parameter]:
    """Rest position and Doppler shift of one isotope without an assumption on the latter.

    As set, co-propagating lies at rest + shift, counter-propagating at rest - shift. Raises
    ValueError unless the fits are of one isotope and of the two geometries.
    """
    pair = (co.settings.get("geometry"), counter.settings.get("geometry"))
    if pair != ("co", "counter") or co.isotope != counter.isotope:
        raise ValueError(f"need both geometries of one isotope, got {pair}")
    first, second = co["position_mhz"], counter["position_mhz"]
    error = 0.5 * float(np.hypot(first.error, second.error))
    return (
        Parameter("rest_position_mhz", 0.5 * (first.value + second.value), error, "MHz"),
        Parameter("doppler_shift_mhz", 0.5 * (first.value - second.value), error, "MHz"),
    )
