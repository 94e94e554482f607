"""With and without pumping light: the increase, from counts or loading rates."""

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.goodness import goodness
from atta_daq.analysis.likelihood import Deviance
from atta_daq.analysis.minimise import ParameterStart, minimise
from atta_daq.analysis.points import NormalisedData
from atta_daq.analysis.results import FitResult, Parameter

FloatArray = NDArray[np.float64]


class OnOffModel:
    """One increase for every point with pumping light."""

    names = ("increase",)

    def __init__(self, pumping: NDArray[np.bool_]) -> None:
        self._pumping = pumping.astype(np.float64)

    def increase(self, parameters: FloatArray) -> FloatArray:
        """Relative increase at each point, shape (n,)."""
        return float(parameters[0]) * self._pumping


def compare_on_off(
    data: NormalisedData, *, minos: bool = False, toys: int = 0, seed: int = 1
) -> FitResult:
    """Rate without light (`background`) and relative `increase` with it, with combined error.

    Counts with Poisson errors, loading rates with Gaussian ones; errors of normalisers, counting
    efficiency and blanks included, those common to both states cancelling as they should. An ABBA
    pattern cancels a linear drift that the normaliser leaves. Raises ValueError unless the data
    hold both states.
    """
    pumping = np.array([point.pumping for point in data.points])
    if pumping.all() or not pumping.any():
        state = "with" if pumping.all() else "without"
        raise ValueError(f"{data.isotope}Kr: every segment was taken {state} pumping light")
    ratio, weight = data.array("ratio"), data.array("weight")
    if not data.poisson:
        weight = 1.0 / data.array("error") ** 2
    off = float(np.average(ratio[~pumping], weights=weight[~pumping]))
    on = float(np.average(ratio[pumping], weights=weight[pumping]))
    off = off if off > 0.0 else max(on, 1e-9)
    start = [
        ParameterStart(
            "background",
            off,
            0.05 * off,
            data.unit,
            lower=0.0,
            meaning="rate without pumping at the run's mean 83Kr rate",
        ),
        ParameterStart("increase", on / off - 1.0, 0.05, meaning="relative, by pumping light"),
    ]
    deviance = Deviance(data, OnOffModel(pumping))
    minimum = minimise(deviance, start, minos=minos)
    rng = np.random.default_rng(seed)
    quality = goodness(deviance, minimum.values, minimum.free, toys=toys, rng=rng)
    rate, error, _ = minimum.spread(lambda p: np.array([p[0] * (1.0 + p[1])]))
    return FitResult(
        model="on/off comparison",
        isotope=data.isotope,
        parameters=minimum.parameters,
        covariance=minimum.covariance,
        goodness=quality,
        valid=minimum.valid,
        message=minimum.message,
        last_block=data.last_block,
        derived=(Parameter("rate_on", rate[0], error[0], data.unit, meaning="with pumping"),),
        notes=data.notes,
        settings={"mean_83kr_rate": data.normaliser.mean_rate, "rate_unit": data.unit},
    )
