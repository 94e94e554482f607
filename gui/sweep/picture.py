"""The arrays that are drawn of one part of a run; no Qt."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from atta_daq.client.runs import Point
from gui.sweep.axes import DETUNING, ON_OFF, Axis, Quantity

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Points:
    """Drawn points, arrays of shape (n,)."""

    x: FloatArray
    y: FloatArray
    error: FloatArray
    pumped: BoolArray
    provisional: BoolArray
    level: NDArray[np.int64]
    """Which value of the second swept quantity; 0 where there is none."""
    source: tuple[Point, ...]


@dataclass(frozen=True)
class Curve:
    """A line, with its one-sigma band where it has one; arrays of shape (n,)."""

    x: FloatArray
    y: FloatArray
    sigma: FloatArray | None = None


@dataclass(frozen=True)
class Level:
    """A mean with one standard error."""

    value: float
    error: float


def _nothing() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True)
class Picture:
    """All that is drawn of one part of a run."""

    name: str
    """Of the part."""
    isotope: int
    axis: Axis
    x_title: str
    short_x_title: str
    """For a narrow plot."""
    quantity: Quantity
    y_title: str
    unit: str
    """Of y: atoms/h, V/s or %."""
    points: Points
    levels: tuple[str, ...] = ()
    """Names of the values of the second swept quantity."""
    reference: Level | None = None
    """Mean of the unpumped points, where they stand at no place of the axis."""
    bars: tuple[Level, ...] = ()
    """On/off comparison: mean with the light blocked and with it on, once both are known."""
    fit: Curve | None = None
    theory: Curve | None = None
    theory_scale: str = ""
    """What the theory was scaled to, in words."""
    residual: FloatArray = field(default_factory=_nothing)
    """(point - fit) / error of each point, shape (n,); nan where there is no fit."""
    shift_mhz: float = 0.0
    """Detuning as set less the drawn one."""

    def as_set(self, x: float) -> float:
        """A drawn detuning as the scan file states it."""
        return x + self.shift_mhz

    @property
    def is_spectrum(self) -> bool:
        return self.axis is DETUNING

    @property
    def is_on_off(self) -> bool:
        return self.axis is ON_OFF

    def extent(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ranges of x and y that hold everything, with a margin."""
        x, low, high = [self.points.x], [self.points.y - self.points.error], [
            self.points.y + self.points.error
        ]  # fmt: skip
        for curve in (self.fit, self.theory):
            if curve is not None:
                sigma = 0.0 if curve.sigma is None else curve.sigma
                x.append(curve.x)
                low.append(curve.y - sigma)
                high.append(curve.y + sigma)
        for level in (self.reference, *self.bars):
            if level is not None:
                low.append(np.array([level.value - level.error]))
                high.append(np.array([level.value + level.error]))
        if self.is_on_off:
            x.append(np.array([-0.5, 1.5]))
            low.append(np.zeros(1))
        across = _range(np.concatenate(x), np.concatenate(x), 0.0 if self.is_on_off else 0.03)
        bottom, top = _range(np.concatenate(low), np.concatenate(high), 0.07)
        if self.is_on_off:  # bars stand on the axis and leave room for the result above
            return across, (min(float(np.concatenate(low).min()), 0.0), top + 0.1 * (top - bottom))
        return across, (bottom, top)

    def nearest(self, x: float, y: float, x_scale: float, y_scale: float) -> int | None:
        """Index of the point nearest to (x, y), with distances in units of the scales."""
        if not self.points.source:
            return None
        away = np.hypot((self.points.x - x) / x_scale, (self.points.y - y) / y_scale)
        return int(np.argmin(away))


def _range(low: FloatArray, high: FloatArray, margin: float) -> tuple[float, float]:
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    if not low.size or not high.size:
        return 0.0, 1.0
    bottom, top = float(low.min()), float(high.max())
    room = margin * (top - bottom) if top > bottom else max(0.05 * abs(top), 0.5)
    return bottom - room, top + room
