"""The paper's saturation fit: two parameters, Eqs. 2 and 3 on resonance."""

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.goodness import goodness
from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.minimise import Minimum, ParameterStart, minimise
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import NormalisedData
from atta_daq.analysis.results import FitResult, Parameter
from atta_daq.physics.fivelevel import TWO_PI_PER_MHZ, rabi_squared, saturation_rabi_mhz
from atta_daq.physics.hyperfine import closed_component
from atta_daq.physics.krypton import PUMPING_LINE, line, pumping_rates

FloatArray = NDArray[np.float64]
CURVE_POINTS = 200


def saturation_intensity_w_m2(isotope: int, rabi_scale: float = 1.0) -> float:
    """Intensity at which Eq. 2 on resonance reaches half of Eq. 4 (1299 W/m2 for 84Kr, scale 1).

    Odd isotopes: Eq. 3 with F and F' of the closed line in place of J and J', as the paper fits
    83Kr. The scale multiplies the Rabi frequency, so the intensity falls with its square.
    """
    closed = closed_component(isotope)
    pumped = line(*PUMPING_LINE)
    weights = (2.0 * closed.f_upper + 1.0) / (2.0 * closed.f_lower + 1.0)
    unit = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s, weights, 1.0)
    omega = saturation_rabi_mhz(pumping_rates()) * TWO_PI_PER_MHZ
    return omega**2 / unit / rabi_scale**2


class SaturationModel:
    """increase = asymptote P/(P + P_sat); parameters `asymptote`, `rabi_scale`.

    P_sat follows from the Rabi scale through the mean intensity over the tube. It leaves out
    velocities and all but the closed line: its scale is phenomenological.
    """

    names = ("asymptote", "rabi_scale")

    def __init__(
        self, power_mw: FloatArray, pumping: NDArray[np.bool_], unit_saturation_mw: float
    ) -> None:
        self.power_mw = np.where(pumping, power_mw, 0.0)
        self.unit_saturation_mw = unit_saturation_mw

    def increase(self, parameters: FloatArray) -> FloatArray:
        """Relative increase at each point, shape (n,)."""
        asymptote, scale = float(parameters[0]), float(parameters[1])
        return asymptote * self.power_mw / (self.power_mw + self.unit_saturation_mw / scale**2)


def fit_saturation(data: NormalisedData, options: FitOptions) -> FitResult:
    """Asymptote and Rabi scale of a power scan, the paper's way; P_sat derived.

    The power of a pumped point is its read-back one. Raises ValueError where it is missing.
    """
    model = saturation_model(data, options)
    unit = model.unit_saturation_mw
    ratio = data.array("ratio")
    off = ratio[model.power_mw == 0.0]
    background = float(np.mean(off)) if off.size else float(np.min(ratio))
    known = off.size > 0 or "background" in options.start
    start = [
        ParameterStart(
            "background",
            options.start.get("background", background),
            0.02 * background,
            data.unit,
            lower=0.0,
            fixed="background" in options.start,
            meaning="rate without pumping at the run's mean 83Kr rate",
        ),
        ParameterStart(
            "asymptote",
            max(1.2 * float(np.max(ratio)) / background - 1.0, 0.1),
            0.1,
            meaning="relative increase at infinite power",
        ),
        ParameterStart(
            "rabi_scale",
            options.start.get("rabi_scale", 1.0),
            0.1,
            lower=0.02,
            upper=40.0,
            meaning="factor on the Rabi frequency of Eq. 3",
        ),
    ]
    deviance = Deviance(data, model)
    minimum = minimise(deviance, start, minos=options.minos)
    rng = np.random.default_rng(options.seed)
    quality = goodness(deviance, minimum.values, minimum.free, toys=options.toys, rng=rng)
    highest = float(model.power_mw.max())
    x = np.linspace(0.0, 1.04 * highest, CURVE_POINTS)
    curve_model = SaturationModel(x, np.ones(CURVE_POINTS, dtype=np.bool_), unit)
    notes = list(data.notes)
    if not known:
        notes.append("no point without pumping: the background rests on the lowest powers")
    return FitResult(
        model="two-parameter saturation (Eqs. 2-3)",
        isotope=data.isotope,
        parameters=minimum.parameters,
        covariance=minimum.covariance,
        goodness=quality,
        valid=minimum.valid,
        message=minimum.message,
        last_block=data.last_block,
        curve=minimum.curve("power_mw", x, lambda p: p[0] * (1.0 + curve_model.increase(p[1:]))),
        derived=_derived(minimum, unit, highest),
        notes=tuple(notes),
        settings={
            "geometry": options.geometry,
            "unit_saturation_mw": unit,
            "mean_83kr_rate": data.normaliser.mean_rate,
            "rate_unit": data.unit,
        },
    )


def saturation_model(data: NormalisedData, options: FitOptions) -> SaturationModel:
    """The model at the points of the data. Raises ValueError as `fit_saturation`."""
    pumping = np.array([point.pumping for point in data.points])
    power = np.zeros(len(data.points))
    for i, point in enumerate(data.points):
        value = point.setting.power_mw if point.setting.power_mw is not None else options.power_mw
        if value is None and point.pumping:
            raise ValueError(f"point {point.index}: power_mw is needed and was not recorded")
        power[i] = value or 0.0
    unit = saturation_intensity_w_m2(data.isotope) / options.intensity_w_m2(1.0)
    return SaturationModel(power, pumping, unit)


def _derived(
    minimum: Minimum, unit_saturation_mw: float, highest_mw: float
) -> tuple[Parameter, ...]:
    def functions(p: FloatArray) -> FloatArray:
        saturation = unit_saturation_mw / p[2] ** 2
        share = highest_mw / (highest_mw + saturation)
        return np.array([saturation, p[1] * share, share])

    value, error, _ = minimum.spread(functions)
    return (
        Parameter("p_sat_mw", value[0], error[0], "mW", meaning="half of the asymptote"),
        Parameter(
            "increase_at_highest_power",
            value[1],
            error[1],
            meaning=f"fitted, at {highest_mw:.0f} mW",
        ),
        Parameter("share_of_asymptote", value[2], error[2], meaning=f"at {highest_mw:.0f} mW"),
    )


def saturation_power_ratio(first: FitResult, second: FitResult) -> Parameter:
    """P_sat of the first fit over that of the second (the paper: 2.8 for 83Kr over 84Kr)."""
    a, b = first["p_sat_mw"], second["p_sat_mw"]
    ratio = a.value / b.value
    error = ratio * float(np.hypot(a.error / a.value, b.error / b.value))
    return Parameter("p_sat_ratio", ratio, error, meaning="of the saturation powers")
