"""What a planned scan will know: Fisher forecasts."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.goodness import fisher_matrix
from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.normaliser import Normaliser
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import BlankRate, NormalisedData, NormalisedPoint
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.records import Setting
from atta_daq.analysis.results import Parameter
from atta_daq.analysis.spectrum_model import Light, SpectrumModel

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PlannedSpectrum:
    """A detuning scan that has not been taken."""

    isotope: int
    detuning_mhz: FloatArray
    dwell_s: float
    counts_per_h: float
    """Without pumping, as counted."""
    peak_or_line_increase: float | None = None
    """Increase on the closed line; None: from the supply ratio."""
    supply_ratio: float = 10.2
    rabi_scale: float = 4.0
    power_mw: float = 500.0
    references: int = 0
    """Points of the same dwell without pumping."""
    normaliser_error: float = 0.01
    """Relative, independent from point to point."""
    blank_per_h: float = 0.0
    blank_live_s: float = 600.0


def forecast(
    plan: PlannedSpectrum,
    options: FitOptions,
    free: tuple[str, ...] = ("background", "amplitude", "position_mhz"),
    prior: Prior | None = None,
) -> dict[str, Parameter]:
    """Expected value and one standard error of each free parameter (inverse Fisher information).

    Names as in `SpectrumModel` with `background` in front. Nuisances are part of the information.
    Raises ValueError for a name that is no parameter, LinAlgError when the scan cannot tell the
    free parameters apart.
    """
    n = len(plan.detuning_mhz) + plan.references
    pumping = np.arange(n) < len(plan.detuning_mhz)
    light = Light.scan(
        np.concatenate([plan.detuning_mhz, np.zeros(plan.references)]),
        options.intensity_w_m2(plan.power_mw),
    )
    light = replace(light, pumping=pumping)
    model = SpectrumModel(
        plan.isotope,
        light,
        options.geometry,
        pumping_model=options.pumping_model,
        doppler=options.doppler,
    )
    truth = np.array([1.0, model.nominal_position_mhz, plan.rabi_scale, model.nominal_rms_mhz])
    truth[0] = plan.supply_ratio / model.supply_ratio(truth)
    if plan.peak_or_line_increase is not None:
        truth[0] = plan.peak_or_line_increase
    values = np.concatenate([[plan.counts_per_h], truth])
    hours = plan.dwell_s / 3600.0
    expected = hours * (plan.counts_per_h * (1.0 + model.increase(truth)) + plan.blank_per_h)
    data = _expected_data(plan, light, expected)
    deviance = Deviance(data, model, prior)
    unknown = set(free) - set(deviance.names)
    if unknown:
        raise ValueError(f"no parameters {sorted(unknown)}: choose from {deviance.names}")
    rows = np.array([i for i, name in enumerate(deviance.names) if name in free])
    errors = np.sqrt(np.diag(np.linalg.inv(fisher_matrix(deviance, values, rows))))
    return {
        deviance.names[i]: Parameter(
            deviance.names[i],
            float(values[i]),
            float(error),
            "MHz" if deviance.names[i].endswith("_mhz") else "",
        )
        for i, error in zip(rows, errors, strict=True)
    }


def _expected_data(plan: PlannedSpectrum, light: Light, expected: FloatArray) -> NormalisedData:
    """Data that hold exactly what is expected."""
    points = tuple(
        NormalisedPoint(
            index=i,
            pumping=bool(light.pumping[i]),
            setting=Setting(detuning_mhz=float(light.detuning_mhz[i]), power_mw=plan.power_mw),
            mid_rig_s=float(i),
            live_s=plan.dwell_s,
            counts=round(float(mean)),
            value=float(mean),
            value_error=float(np.sqrt(mean)),
            weight=plan.dwell_s / 3600.0,
            normaliser=1.0,
            normaliser_error=plan.normaliser_error,
            ratio=float(mean) * 3600.0 / plan.dwell_s,
            error=float(np.sqrt(mean)) * 3600.0 / plan.dwell_s,
            extrapolated=False,
            segments=(i,),
        )
        for i, mean in enumerate(expected)
    )
    blanks = ()
    if plan.blank_per_h > 0.0:
        counts = round(plan.blank_per_h * plan.blank_live_s / 3600.0)
        blanks = (BlankRate(False, counts, plan.blank_live_s),)
    covariance = plan.normaliser_error**2 * np.eye(len(points))
    nothing = Normaliser.from_brackets([])
    return NormalisedData(plan.isotope, points, covariance, blanks, nothing, "atoms/h", -1, ())
