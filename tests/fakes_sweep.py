"""Runs for the sweep view: points drawn from a known curve, and the fit that knows it."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.results import Curve, FitResult, Goodness, Parameter
from atta_daq.client.runs import PartPoints, Point, RunInfo
from atta_daq.physics.hyperfine import components

START_S = 1.795e9
DOPPLER_MHZ = 260.0
BACKGROUND = 2500.0
AMPLITUDE = 0.55


def increase(detuning_mhz: NDArray[np.float64], isotope: int = 85) -> NDArray[np.float64]:
    """A spectrum with the components where the beam meets them, co-propagating."""
    total = np.zeros_like(detuning_mhz)
    for component in components(isotope):
        away = (detuning_mhz - component.total_mhz - DOPPLER_MHZ) / 110.0
        total += component.strength * np.exp(-0.5 * away**2)
    return AMPLITUDE * total / total.max()


def point(ratio: float, error: float, number: int, **more: Any) -> Point:
    """A counted point with everything that a plot asks for."""
    usual: dict[str, Any] = dict(
        detuning_mhz=None, power_mw=499.0, sideband_frequency_mhz=0.0, sideband_depth=0.0,
        ratio=ratio, error=error, pumping=True, provisional=False,
        mid_rig_s=START_S + 300.0 * number, live_s=240.0,
        counts=round(max(ratio, 0.0) * 240.0 / 3600.0), index=number,
    )  # fmt: skip
    return Point(**{**usual, **more})


def spectrum(points: int = 41, taken: int | None = None, seed: int = 1) -> PartPoints:
    """An 85Kr spectrum with references without a detuning; the last two are provisional."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(-600.0, 1400.0, points)
    order = [i for start in range(4) for i in range(start, points, 4)][:taken]
    rates = BACKGROUND * (1.0 + increase(grid))
    made = []
    for number, i in enumerate(order):
        rate = float(rates[i])
        error = float(np.sqrt(rate * 15.0))
        ratio = rate + float(rng.normal(0.0, error))
        made.append(point(ratio, error, number, detuning_mhz=float(grid[i]), index=i))
        if number % 6 == 5:
            error = float(np.sqrt(BACKGROUND * 15.0))
            ratio = BACKGROUND + float(rng.normal(0.0, error))
            made.append(point(ratio, error, number, pumping=False, power_mw=None, index=None))
    if taken is not None:
        made[-2:] = [replace(last, provisional=True) for last in made[-2:]]
    return PartPoints("85Kr", 85, ("detuning_mhz",), "1/h", tuple(made))


def spectrum_fit(last_block: int = 12) -> FitResult:
    """What the analysis would say of `spectrum`."""
    x = np.linspace(-680.0, 1480.0, 240)
    y = BACKGROUND * (1.0 + increase(x))
    return fit(
        (
            Parameter("background", 2507.3, 61.2, "atoms/h", meaning="rate without pumping"),
            Parameter("amplitude", 0.5523, 0.0417, lower=-0.041, upper=0.043),
            Parameter("position_mhz", 59.3, 18.2, "MHz"),
            Parameter("rabi_scale", 3.68, 0.0, fixed=True),
        ),
        Curve("detuning_mhz", x, y, 0.025 * y),
        last_block=last_block,
        derived=(Parameter("peak_increase", 0.581, 0.049),),
        notes=("rabi_scale held at 3.68", "strongest feature at 43 MHz as set"),
    )


def fit(parameters: tuple[Parameter, ...], curve: Curve | None, **more: Any) -> FitResult:
    usual: dict[str, Any] = dict(
        model="made", isotope=85, parameters=parameters, covariance=np.eye(len(parameters)),
        goodness=Goodness("Poisson deviance", 44.1, 40, 0.30), valid=True, message="",
        last_block=12, curve=curve,
    )  # fmt: skip
    return FitResult(**{**usual, **more})


def on_off() -> PartPoints:
    """81Kr, twelve ABBA cycles with 57 % increase."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(12):
        for rate, pumping in ((260.0, False), (408.0, True)):
            error = float(np.sqrt(rate * 5.7))
            ratio = rate + float(rng.normal(0.0, error))
            made.append(point(ratio, error, 2 * number + pumping, pumping=pumping, index=number))
    return PartPoints("81Kr", 81, (), "1/h", tuple(made))


def on_off_fit() -> FitResult:
    return fit(
        (
            Parameter("background", 258.1, 11.2, "atoms/h"),
            Parameter("increase", 0.5741, 0.0833, meaning="relative, by pumping light"),
        ),
        None,
        isotope=81,
        derived=(Parameter("rate_on", 406.2, 13.6, "atoms/h"),),
        goodness=Goodness("Poisson deviance", 25.3, 22, 0.28),
    )


def saturation() -> PartPoints:
    """84Kr loading rate against power, ABBA."""
    rng = np.random.default_rng(9)
    made = []
    for number, power in enumerate((25.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 495.0)):
        rate = 0.41 * (1.0 + 0.95 * power / (power + 120.0))
        for value, pumping in ((0.41, False), (rate, True)):
            error = 0.012 * value
            ratio = value + float(rng.normal(0.0, error))
            made.append(
                point(ratio, error, 2 * number + pumping, pumping=pumping, counts=None,
                      power_mw=power + 0.3, detuning_mhz=290.0, live_s=20.0, index=number)
            )  # fmt: skip
    return PartPoints("84Kr", 84, ("power_mw",), "V/s", tuple(made))


def saturation_fit() -> FitResult:
    x = np.linspace(0.0, 515.0, 200)
    y = 0.41 * (1.0 + 0.95 * x / (x + 120.0))
    return fit(
        (
            Parameter("background", 0.4103, 0.0014, "1/s"),
            Parameter("asymptote", 0.948, 0.021),
            Parameter("rabi_scale", 1.04, 0.03),
        ),
        Curve("power_mw", x, y, 0.004 + 0.00001 * x),
        isotope=84,
        derived=(Parameter("p_sat_mw", 119.2, 5.6, "mW", meaning="half of the asymptote"),),
    )


def info(run_id: str = "20261122-1229-85Kr-spectrum", **more: Any) -> RunInfo:
    usual: dict[str, Any] = dict(
        run_id=run_id, scan='name = "spectrum"', name="spectrum", geometry="co",
        started_utc_s=START_S, state="running", outcome="",
    )  # fmt: skip
    return RunInfo(**{**usual, **more})


def run_data(
    run_id: str, part: PartPoints, fitted: FitResult | None = None, **more: Any
) -> dict[str, Any]:
    """An answer of `run_data`, as it comes from the wire."""
    data = {
        "info": asdict(info(run_id, state="complete", **more)),
        "points": [asdict(part)],
        "fits": {part.name: fitted.to_dict()} if fitted else {},
        "rows": [],
    }
    return json.loads(json.dumps(data))


def live(part: PartPoints, fitted: FitResult | None = None, **more: Any) -> dict[str, str]:
    """Readings of a run under way, for `FakeLink.feed`."""
    return {
        "run__state": "running",
        "run__info": info(**more).to_json(),
        "run__points": json.dumps([asdict(part)]),
        "run__fit": json.dumps({part.name: fitted.to_dict()}) if fitted else "",
    }


def theory(part: PartPoints) -> dict[str, Any]:
    """An answer of `theory` for the part's scan."""
    axis = part.axes[0] if part.axes else ""
    x = np.linspace(-650.0, 1450.0, 80)
    y = 0.95 * increase(x)
    if not axis:
        x, y = np.zeros(1), np.array([0.5])
    return {
        "parts": [{"name": part.name, "isotope": part.isotope, "axis": axis, "x": x.tolist(),
                   "y": y.tolist()}]
    }  # fmt: skip
