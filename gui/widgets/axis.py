"""An axis whose numbers never touch, however small the plot and large the text."""

import math
import time
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFont, QFontMetricsF

from gui.words import true_minus

CLOCK_STEPS_S = tuple(60.0 * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120))


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    # The last digit of a product of floats must not push a step to the next one.
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999999)


def tick_step(low: float, high: float, most: float) -> float:
    """Step of at most `most` numbers between `low` and `high`; smaller when it would leave fewer
    than two of them."""
    step = round_step((high - low) / max(most, 1.0))
    while math.floor(high / step) - math.ceil(low / step) < 1:
        step = round_step(step / 2.5)
    return step


class RoomyAxis(pg.AxisItem):
    """Numbers at one level of ticks, as many as there is room for; finer ticks have none."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.setStyle(maxTextLevel=0)

    def metrics(self) -> QFontMetricsF:
        """Of the numbers."""
        style: dict[str, Any] = self.__dict__["style"]  # shadows the method of the base class
        return QFontMetricsF(style["tickFont"] or QFont())

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, int]]:
        if not maxVal > minVal:
            return []
        metrics = self.metrics()
        if self.orientation in ("left", "right"):
            room = 1.6 * metrics.height()
        else:
            decimals = max(0, -math.floor(math.log10((maxVal - minVal) / 2.0)))
            ends = (f"{end:.{decimals}f}" for end in (minVal, maxVal))
            room = max(map(metrics.horizontalAdvance, ends)) + metrics.height()
        step = tick_step(minVal, maxVal, size / room)
        return [(step, 0), (step / 5.0, 0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        texts = [true_minus(text) for text in super().tickStrings(values, scale, spacing)]
        every = self._every(spacing)
        return [text if index % every == 0 else "" for index, text in enumerate(texts)]

    def _every(self, spacing: float) -> int:
        """1, or 2, 3, ... when only every second, third, ... number fits above another: in a very
        low plot the step that leaves two of them may leave more."""
        low, high = self.range
        step_px = abs(spacing / (high - low)) * self.size().height() if high != low else 0.0
        if self.orientation not in ("left", "right") or not step_px > 0.0:
            return 1
        # Digits are not as high as a line of text.
        return max(1, math.ceil(0.8 * self.metrics().height() / step_px))


class ClockAxis(RoomyAxis):
    """Local time of day for values in UTC seconds."""

    def __init__(self) -> None:
        super().__init__("bottom")

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, int]]:
        metrics = self.metrics()
        room = metrics.horizontalAdvance("00:00") + metrics.height()
        least = (maxVal - minVal) * room / max(size, 1.0)
        step = next((step for step in CLOCK_STEPS_S if step >= least), CLOCK_STEPS_S[-1])
        return [(step, 0), (step / 2.0, 0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [time.strftime("%H:%M", time.localtime(value)) for value in values]
