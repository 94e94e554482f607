"""Published tables: rates with and without pumping, or increases against power, with errors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.normaliser import Normaliser
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import NormalisedData, NormalisedPoint
from atta_daq.analysis.records import Setting
from atta_daq.analysis.results import FitResult, Parameter
from atta_daq.analysis.saturation import fit_saturation

FloatArray = NDArray[np.float64]


def increase_from_rates(
    off: float, off_error: float, on: float, on_error: float, name: str = "increase"
) -> Parameter:
    """Relative increase on/off - 1 of two rates with independent errors.

    First order in the errors; what `compare_on_off` gives for two segments. Raises ValueError
    unless the rates are positive and the errors not negative.
    """
    if off <= 0.0 or on <= 0.0 or off_error < 0.0 or on_error < 0.0:
        raise ValueError(f"rates {off} ± {off_error} and {on} ± {on_error} give no increase")
    ratio = on / off
    return Parameter(name, ratio - 1.0, ratio * float(np.hypot(off_error / off, on_error / on)), "")


def data_from_rates(
    isotope: int,
    rate: Sequence[float] | FloatArray,
    error: Sequence[float] | FloatArray,
    settings: Sequence[Setting],
    pumping: Sequence[bool],
    unit: str = "",
) -> NormalisedData:
    """Normalised data from rates that are already normalised, each with its own error."""
    points = tuple(
        NormalisedPoint(
            index=i,
            pumping=on,
            setting=setting,
            mid_rig_s=float(i),
            live_s=0.0,
            counts=None,
            value=float(value),
            value_error=float(sigma),
            weight=1.0,
            normaliser=1.0,
            normaliser_error=0.0,
            ratio=float(value),
            error=float(sigma),
            extrapolated=False,
            segments=(i,),
        )
        for i, (value, sigma, setting, on) in enumerate(
            zip(rate, error, settings, pumping, strict=True)
        )
    )
    nothing = Normaliser.from_brackets([])
    n = len(points)
    return NormalisedData(isotope, points, np.zeros((n, n)), (), nothing, unit, -1, ())


def fit_increases(
    isotope: int,
    power_mw: FloatArray,
    increase: FloatArray,
    error: FloatArray,
    options: FitOptions | None = None,
) -> FitResult:
    """The paper's two-parameter saturation fit to increases against power.

    With the increases of a noise-free curve and the errors of a measurement it answers what the
    same fit, same weights, would have found without noise.
    """
    settings = [Setting(power_mw=float(p)) for p in power_mw]
    data = data_from_rates(isotope, 1.0 + increase, error, settings, [True] * len(settings))
    base = options or FitOptions(isotope, axes=("power_mw",))
    held = FitOptions(
        isotope,
        axes=("power_mw",),
        geometry=base.geometry,
        waist_mm=base.waist_mm,
        tube_diameter_mm=base.tube_diameter_mm,
        start={**base.start, "background": 1.0},
        minos=base.minos,
        toys=base.toys,
        seed=base.seed,
    )
    return fit_saturation(data, held)
