"""Loading rates of the abundant isotopes from the photodiode on the trap.

83Kr: the trap is emptied by a pulse of 810-nm quench light, loads for a set time, and is emptied
again. Each quenched atom gives about one photon at 877.9 nm, so the burst of light is
proportional to the atoms loaded since the last one. 84Kr: the 811-nm fluorescence rises from the
emptied trap with an initial slope equal to the loading rate. Both are in the detector's own units
(volts a second), which drop out of every ratio.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LoadingRate:
    """A loading rate in detector units per second."""

    rate: float
    error: float
    """Standard error, from the scatter of the bursts or the residuals of the fit."""
    bursts: FloatArray
    """Rate of each burst, (bursts,); of one element for a slope."""


class LoadingError(ValueError):
    """The trace does not hold what was asked of it."""


def _clipped_mean(values: FloatArray) -> float:
    """Mean without samples beyond 4 robust standard deviations (pick-up, cosmic rays)."""
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle))
    kept = values[np.abs(values - middle) <= 4.0 * spread] if spread > 0.0 else values
    return float(kept.mean())


def quench_burst_rate(
    volts: FloatArray, dt_s: float, bursts: int, load_s: float, quench_s: float
) -> LoadingRate:
    """83Kr loading rate from `bursts` + 1 quench pulses, the first of which only clears the trap.

    `volts` (samples,) starts at the rising edge of the first pulse. The trap loads for `load_s`
    in the dark between pulses, so pulse k rises at k (load_s + quench_s). The baseline comes from
    the dark before and after each pulse, interpolated, so that an offset or a linear drift of the
    stray light drops out. What rises over it decays exponentially as the trap empties; the decay
    time is fitted to all bursts together and the height at the edge to each. (A plain sum would
    take on the phase between edge and sampling: several per cent when a burst lasts ten samples.)
    The rate is height / load_s, volts per second of loading; atoms that the trap loses while it
    loads lower it by the same factor for every burst. Raises LoadingError on a trace that is too
    short or holds no numbers.
    """
    if bursts < 2:
        raise LoadingError("at least two bursts are needed for an error from their scatter")
    if not 0.0 < quench_s < 0.5 * load_s:
        raise LoadingError("the quench pulse must be shorter than half the loading time")
    period_s = load_s + quench_s
    times = np.arange(volts.size, dtype=np.float64) * dt_s
    last = bursts * period_s + quench_s
    if volts.size * dt_s < last:
        raise LoadingError(
            f"loading detector: the trace is {volts.size * dt_s:.2f} s long, "
            f"{bursts} bursts need {last:.2f} s: record longer or ask for fewer bursts"
        )
    if not np.all(np.isfinite(volts)):
        raise LoadingError("loading detector: the trace holds values that are not numbers")
    pulses = []
    for start in np.arange(1, bursts + 1) * period_s:
        level, slope = _baseline(times, volts, start, load_s, quench_s)
        # The sample after the edge may average over it (decimation); every later one shows the
        # decay, whether the digitiser samples or averages.
        lit = _between(times, start + dt_s, start + quench_s)
        if np.count_nonzero(lit) < 5:
            raise LoadingError("loading detector: fewer than five samples in a pulse")
        since = times[lit] - start
        pulses.append((since, volts[lit] - level - slope * (since - 0.5 * quench_s)))
    heights = _heights(pulses, dt_s, quench_s)
    rates = heights / load_s
    return LoadingRate(float(rates.mean()), float(rates.std(ddof=1) / math.sqrt(bursts)), rates)


def _heights(
    pulses: list[tuple[FloatArray, FloatArray]], dt_s: float, quench_s: float
) -> FloatArray:
    """Height at the edge of each burst, with one decay time that fits them all best."""

    def fitted(log_decay: float) -> tuple[FloatArray, FloatArray]:
        heights, left = np.empty(len(pulses)), []
        for k, (since, light) in enumerate(pulses):
            shape = np.exp(-since / math.exp(log_decay))
            heights[k] = (shape @ light) / (shape @ shape)
            left.append(light - heights[k] * shape)
        return heights, np.concatenate(left)

    def residuals(p: FloatArray) -> FloatArray:
        return fitted(float(p[0]))[1] / scale

    scale = max(float(np.std(np.concatenate([light for _, light in pulses]))), 1e-300)
    low, high = math.log(dt_s), math.log(10.0 * quench_s)
    fit = least_squares(residuals, [0.5 * (low + high)], bounds=([low], [high]))
    return fitted(float(fit.x[0]))[0]


def _between(times: FloatArray, low: float, high: float) -> NDArray[np.bool_]:
    return (times >= low) & (times < high)


def _baseline(
    times: FloatArray, volts: FloatArray, start: float, load_s: float, quench_s: float
) -> tuple[float, float]:
    """Level in the middle of the pulse and slope, from the dark on both sides of it.

    Half a quench length next to the edges is left out. At the trace's end one side has to do.
    """
    margin = 0.5 * quench_s
    span = 0.5 * load_s - margin
    before = _between(times, start - margin - span, start - margin)
    after = _between(times, start + quench_s + margin, start + quench_s + margin + span)
    level_before = _clipped_mean(volts[before])
    if np.count_nonzero(after) < 0.5 * np.count_nonzero(before):
        return level_before, 0.0
    time_before, time_after = float(times[before].mean()), float(times[after].mean())
    slope = (_clipped_mean(volts[after]) - level_before) / (time_after - time_before)
    return level_before + slope * (start + 0.5 * quench_s - time_before), slope


def loading_slope_rate(volts: FloatArray, dt_s: float, clear_s: float) -> LoadingRate:
    """84Kr loading rate as the initial slope of the 811-nm fluorescence after clearing.

    `volts` (samples,) starts with the quench pulse that empties the trap, `clear_s` long. From
    its end the light is v0 + R tau (1 - exp(-t/tau)), whose slope at 0 is the loading rate R
    whatever the lifetime tau; the error is the fit's, scaled by the residuals. Raises
    LoadingError if fewer than 20 samples follow the pulse or no lifetime can be found.
    """
    times = np.arange(volts.size, dtype=np.float64) * dt_s - clear_s
    after = times >= 0.0
    if np.count_nonzero(after) < 20:
        raise LoadingError(
            f"loading detector: only {np.count_nonzero(after)} samples after the clearing pulse"
        )
    t, v = times[after], volts[after]
    if not np.all(np.isfinite(v)):
        raise LoadingError("loading detector: the trace holds values that are not numbers")
    span = float(t[-1])
    head = max(v.size // 20, 3)
    start = float(v[:head].mean())
    rise = float(v[-head:].mean()) - start
    # In units of the span and of the trace's own size, so that tolerances mean something.
    scale = max(abs(rise), float(v.std()), 1e-300)
    x, y = t / span, (v - start) / scale

    def residuals(p: FloatArray) -> FloatArray:
        offset, slope, decay = p
        return offset + slope * _saturating(x, decay) - y

    # decay = span / tau: 0 is a straight line, so a trap that never saturates has a fit too.
    fit = least_squares(residuals, [0.0, 3.0 * rise / scale, 3.0], x_scale=[0.1, 1.0, 1.0])
    if not fit.success:
        raise LoadingError(f"loading detector: no rise could be fitted ({fit.message})")
    degrees = max(v.size - 3, 1)
    covariance = np.linalg.pinv(fit.jac.T @ fit.jac) * (2.0 * fit.cost / degrees)
    unit = scale / span
    rate = float(fit.x[1]) * unit
    return LoadingRate(rate, float(math.sqrt(covariance[1, 1])) * unit, np.array([rate]))


def _saturating(x: FloatArray, decay: float) -> FloatArray:
    """(1 - exp(-decay x)) / decay, smooth through decay = 0."""
    if abs(decay) < 1e-6:
        return x - 0.5 * decay * x**2
    return -np.expm1(-decay * x) / decay
