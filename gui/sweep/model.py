"""Records of a run to the picture that is drawn: as set or at rest, rate or increase; no Qt.

It does not care where the records come from: a run under way, the archive, a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.results import FitResult
from atta_daq.client.runs import PartPoints, Point
from gui.sweep.axes import AXES, DETUNING, ON_OFF, POWER, Axis, Quantity
from gui.sweep.picture import BoolArray, Curve, FloatArray, Level, Picture, Points
from gui.sweep.records import Theory

RATE_UNITS = {"1/h": "atoms/h"}
SPREAD = 0.22
"""Half the width over which the points of one state of the light are spread out (on/off)."""
MAX_LEVELS = 4
"""Values of a second swept quantity that are told apart."""


@dataclass(frozen=True)
class Choice:
    """How the operator wants to see a part."""

    quantity: Quantity = Quantity.RATE
    axis: str = ""
    """Of a part that sweeps several quantities; empty for the first."""
    at_rest: bool = False
    doppler_mhz: float = 0.0
    """Detuning as set less detuning at rest."""


@dataclass(frozen=True)
class _Frame:
    """From what was recorded to what is drawn."""

    shift_mhz: float
    background: float | None
    """Divides the rates for the increase; None draws the rates themselves."""

    def x(self, x: FloatArray) -> FloatArray:
        return x - self.shift_mhz

    def y(self, rate: FloatArray) -> FloatArray:
        return rate if self.background is None else 100.0 * (rate / self.background - 1.0)

    def size(self, error: FloatArray) -> FloatArray:
        return error if self.background is None else 100.0 * error / self.background

    def level(self, level: Level) -> Level:
        return Level(float(self.y(np.array(level.value))), float(self.size(np.array(level.error))))


def make_picture(
    part: PartPoints, fit: FitResult | None, theory: Theory | None, choice: Choice
) -> Picture:
    """What to draw of a part.

    The increase counts from the fit's background or, without one, from the mean of the unpumped
    points; as long as there is neither, the rate is drawn. Before the first point the theory is
    drawn as an increase, as there is no rate to scale it with.
    """
    valid = tuple(point for point in part.points if is_valid(point))
    axis = _axis(part, choice.axis)
    background = background_of(valid, fit)
    increase = background is not None and choice.quantity is Quantity.INCREASE
    bare = not valid and theory is not None
    frame = _Frame(
        choice.doppler_mhz if choice.at_rest and axis is DETUNING else 0.0,
        background.value if background is not None and increase else None,
    )
    placed, x, unplaced = _places(valid, axis)
    second = next((AXES[name] for name in part.axes if AXES[name] is not axis), None)
    level, levels = _levels(placed, second)
    rate = np.array([point.ratio for point in placed])
    error = np.array([point.error for point in placed])
    points = Points(
        x=frame.x(x),
        y=frame.y(rate),
        error=frame.size(error),
        pumped=np.array([point.pumping for point in placed], dtype=np.bool_),
        provisional=np.array([point.provisional for point in placed], dtype=np.bool_),
        level=level,
        source=placed,
    )
    curve = _fit_curve(part, fit, axis, frame)
    mean = weighted_mean([point for point in unplaced if not point.pumping])
    theory_curve, scale = _theory_curve(theory, axis, frame, background, points, bare)
    which = _which(choice) if axis is DETUNING else ""
    unit = RATE_UNITS.get(part.unit, part.unit)
    percent = increase or bare
    return Picture(
        name=part.name,
        isotope=part.isotope,
        axis=axis,
        x_title=axis.title(which),
        short_x_title=axis.title(which, short=True),
        quantity=Quantity.INCREASE if percent else Quantity.RATE,
        y_title=f"{part.isotope}Kr increase (%)" if percent else f"{part.isotope}Kr rate ({unit})",
        unit="%" if percent else unit,
        points=points,
        levels=levels,
        reference=None if mean is None else frame.level(mean),
        bars=_bars(valid, fit, frame) if axis is ON_OFF else (),
        fit=curve,
        theory=theory_curve,
        theory_scale=scale,
        residual=residuals(points, curve),
        shift_mhz=frame.shift_mhz,
    )


def is_valid(point: Point) -> bool:
    """Fit to be drawn: a number with an error."""
    return bool(np.isfinite(point.ratio) and np.isfinite(point.error) and point.error > 0.0)


def background_of(points: Sequence[Point], fit: FitResult | None) -> Level | None:
    """Rate without pumping: the fit's, else the mean of the unpumped points; None without both."""
    if fit is not None:
        for parameter in fit.parameters:
            if parameter.name == "background" and parameter.value > 0.0:
                return Level(parameter.value, parameter.error)
    mean = weighted_mean([point for point in points if not point.pumping])
    return mean if mean is not None and mean.value > 0.0 else None


def weighted_mean(points: Sequence[Point]) -> Level | None:
    """Mean of counted rates by their live time, of loading rates by their errors.

    Weights from the errors of counts would favour the points that happened to be low.
    """
    if not points:
        return None
    rate = np.array([point.ratio for point in points])
    error = np.array([point.error for point in points])
    live = np.array([point.live_s for point in points])
    counted = all(point.counts is not None for point in points) and bool(np.all(live > 0.0))
    weight = live if counted else error**-2.0
    share = weight / weight.sum()
    return Level(float(share @ rate), float(np.sqrt(share**2 @ error**2)))


def residuals(points: Points, curve: Curve | None) -> FloatArray:
    """(point - curve) / error of the pumped points within the curve's range, else nan."""
    if curve is None or not points.source:
        return np.full(len(points.source), np.nan)
    order = np.argsort(curve.x)
    expected = np.interp(points.x, curve.x[order], curve.y[order], left=np.nan, right=np.nan)
    return np.where(points.pumped, (points.y - expected) / points.error, np.nan)


def _axis(part: PartPoints, wanted: str) -> Axis:
    if not part.axes:
        return ON_OFF
    return AXES[wanted if wanted in part.axes else part.axes[0]]


def _which(choice: Choice) -> str:
    return "at rest" if choice.at_rest else "as set"


def _places(
    points: Sequence[Point], axis: Axis
) -> tuple[tuple[Point, ...], FloatArray, tuple[Point, ...]]:
    """Points that have a place on the axis, that place, and the points that have none."""
    if axis is ON_OFF:
        x = np.array([float(point.pumping) for point in points])
        order = np.argsort([point.mid_rig_s for point in points])
        for state in (0.0, 1.0):  # side by side in the order in which they were taken
            members = [i for i in order if x[i] == state]
            if len(members) > 1:
                x[members] += np.linspace(-SPREAD, SPREAD, len(members))
        return tuple(points), x, ()
    x = np.array([axis.value(point) for point in points])
    if axis is POWER:  # blocked light is no light
        x = np.where([point.pumping for point in points], x, 0.0)
    known = np.isfinite(x)
    placed = tuple(p for p, k in zip(points, known, strict=True) if k)
    return placed, x[known], tuple(p for p, k in zip(points, known, strict=True) if not k)


def _levels(
    points: Sequence[Point], axis: Axis | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Which value of a second axis each point has, and the names of the values."""
    level = np.zeros(len(points), dtype=np.int64)
    if axis is None or not points:
        return level, ()
    value = np.array([axis.value(point) if point.pumping else np.nan for point in points])
    known: BoolArray = np.isfinite(value)
    ordered = np.unique(value[known])
    if not ordered.size:
        return level, ()
    starts = [ordered[0], *(b for a, b in pairwise(ordered) if b - a > axis.step)]
    level[known] = np.searchsorted(starts, value[known], side="right") - 1
    level = np.minimum(level, MAX_LEVELS - 1)
    names = []
    for number in range(min(len(starts), MAX_LEVELS)):
        mean = float(np.mean(value[known & (level == number)]))
        names.append(f"{mean:.4g} {axis.unit}".rstrip())
    if len(starts) > MAX_LEVELS:
        names[-1] = f"{len(starts) - MAX_LEVELS + 1} more values"
    return level, tuple(names)


def _fit_curve(part: PartPoints, fit: FitResult | None, axis: Axis, frame: _Frame) -> Curve | None:
    """The fit's curve along the drawn axis.

    Of a part that sweeps two quantities it belongs to one value of the other: the points of the
    rest would seem to miss it, so there is none.
    """
    curve = fit.curve if fit is not None else None
    if curve is None or curve.axis != axis.name or len(part.axes) != 1:
        return None
    return Curve(frame.x(curve.x), frame.y(curve.y), frame.size(curve.band))


def _bars(points: Sequence[Point], fit: FitResult | None, frame: _Frame) -> tuple[Level, ...]:
    """Rates with the light blocked and on: the fit's, else the means of the points."""
    known = {p.name: Level(p.value, p.error) for p in fit.parameters + fit.derived} if fit else {}
    if {"background", "rate_on"} <= known.keys():
        return (frame.level(known["background"]), frame.level(known["rate_on"]))
    means = [weighted_mean([p for p in points if p.pumping == on]) for on in (False, True)]
    levels = [frame.level(mean) for mean in means if mean is not None]
    return tuple(levels) if len(levels) == 2 else ()


def _theory_curve(
    theory: Theory | None,
    axis: Axis,
    frame: _Frame,
    background: Level | None,
    points: Points,
    bare: bool,
) -> tuple[Curve | None, str]:
    """The theory in the picture's unit, and what it was scaled to.

    Without any unpumped point the level that fits the pumped ones best serves as background.
    """
    if theory is None or (theory.axis or ON_OFF.name) != axis.name or not theory.x.size:
        return None, ""
    x, increase = theory.x, theory.y
    if axis is ON_OFF:
        x, increase = np.array([1.0 - SPREAD, 1.0 + SPREAD]), np.repeat(increase[-1:], 2)
    if bare:
        return Curve(frame.x(x), 100.0 * increase), ""
    if background is not None:
        rate, words = background.value, "scaled to the background"
    elif np.any(points.pumped):
        rate, words = _best_scale(frame.x(x), increase, points), "scaled to the points"
    else:
        return None, ""
    return Curve(frame.x(x), frame.y(rate * (1.0 + increase))), words


def _best_scale(x: FloatArray, increase: FloatArray, points: Points) -> float:
    """Least-squares background for which the theory meets the pumped points (drawn as rates)."""
    on = points.pumped
    order = np.argsort(x)
    shape = 1.0 + np.interp(points.x[on], x[order], increase[order])
    weight = points.error[on] ** -2.0
    return float(np.sum(weight * shape * points.y[on]) / np.sum(weight * shape**2))
