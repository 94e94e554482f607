"""The power meter at the source, beside the amplifier's own monitor."""

import math
from collections.abc import Callable

from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from gui.link.values import MINOR, Value
from gui.panel import Panel
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.flowing import flowing
from gui.widgets.readback import Readback
from gui.widgets.short_button import short_button
from gui.widgets.words import words
from gui.words import sentence, true_minus

ROWS = (
    ("At the source", "power_meter:source_power"),
    ("On the head", "power_meter:power"),
    ("Wavelength", "power_meter:wavelength"),
    ("Range up to", "power_meter:range"),
    ("Dark offset", "power_meter:dark"),
)
DIFFERENCE = "power_meter:disagreement"


def power_text(value: Value, digits: int) -> str:
    """'9.980 mW', '0.30 µW': significant digits, not decimals."""
    power = value.value
    if not isinstance(power, int | float) or not math.isfinite(power):
        return "–"
    small = 0.0 < abs(power) < 0.01
    number, unit = (1e3 * power, "µW") if small else (float(power), "mW")
    whole = math.floor(math.log10(abs(number))) + 1 if number else 1
    return true_minus(f"{number:.{max(digits - whole, 0)}f} {unit}")


TEXTS: dict[str, Callable[[Value], str]] = {
    "power_meter:source_power": lambda value: power_text(value, 4),
    "power_meter:power": lambda value: power_text(value, 4),
    "power_meter:range": lambda value: power_text(value, 2),
    "power_meter:dark": lambda value: power_text(value, 2),
}
"""From a dark head to full light no number of decimals is right for all."""


class PowerMeterPart(QWidget):
    """A part of the power panel: what the meter says, and how far the monitor is from it."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._readings = panel.context.readings
        self.state = Badge(panel.context.theme, "Power meter")
        self.why = words()
        self.difference = Readback(panel, DIFFERENCE, _percent)
        grid = QGridLayout()
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(QLabel("Disagreement"), 0, 0)
        grid.addWidget(self.difference, 0, 1)
        for row, (caption, name) in enumerate(ROWS, start=1):
            grid.addWidget(QLabel(caption), row, 0)
            grid.addWidget(Readback(panel, name, TEXTS.get(name)), row, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(4)
        zero = short_button(panel.context, "power_meter.zero", "Dark zero")
        column.addLayout(flowing(self.state, zero, spacing_px=10))
        column.addWidget(self.why)
        column.addLayout(grid)
        panel.follow(
            self._show_state, "power_meter:power", "power_meter:overrange", "power_meter:zeroing",
            DIFFERENCE,
        )  # fmt: skip

    def _show_state(self) -> None:
        power = self._readings.value("power_meter:power")
        difference = self._readings.value(DIFFERENCE)
        why = power.message if power.stale else ""
        if self._readings.flag("power_meter:overrange"):
            self.state.show_state("OVER RANGE", Tone.DANGER, power.message)
            why = "more light than its range takes; choose a larger range or less light"
        elif self._readings.flag("power_meter:zeroing"):
            self.state.show_state("dark zero", Tone.BUSY, power.message)
        elif power.stale:
            self.state.show_state("no reading", Tone.STALE, power.message)
        elif not difference.stale and difference.severity >= MINOR:
            self.state.show_state("differs", Tone.WARNING, difference.message)
            why = difference.message
        else:
            self.state.show_state("measuring", Tone.OK)
        self.why.setText(sentence(why))
        self.why.setVisible(bool(why))


def _percent(value: Value) -> str:
    if value.stale or not isinstance(value.value, int | float) or not math.isfinite(value.value):
        return "–"
    return true_minus(f"{100.0 * value.value:+.1f} %")
