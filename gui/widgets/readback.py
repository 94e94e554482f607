"""A reading with its unit, greyed when stale, coloured when it raises an alarm."""

import math
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from atta_daq.client.names import READINGS
from gui.link.values import MINOR, Value
from gui.panel import Panel
from gui.theme.palettes import Tone

_READINGS = {reading.name: reading for reading in READINGS}


def shown(name: str, value: Value) -> str:
    """A value in words: number with its precision and unit, yes or no, text."""
    reading = _READINGS[name]
    if value.value is None:
        return "–"
    if reading.kind == "bool":
        return "yes" if value.value else "no"
    if isinstance(value.value, float):
        if not math.isfinite(value.value):
            return "–"
        number = f"{value.value:.{reading.precision}f}"
        return f"{number} {reading.unit}".rstrip()
    return f"{value.value} {reading.unit}".rstrip()


class Readback(QLabel):
    """Follows one reading."""

    def __init__(
        self,
        panel: Panel,
        name: str,
        text: Callable[[Value], str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("–", parent)
        self._name = name
        self._panel = panel
        self._text = text or (lambda value: shown(name, value))
        self.setAccessibleName(_READINGS[name].meaning)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        panel.follow(self._show, name)

    def _show(self) -> None:
        value = self._panel.context.readings.value(self._name)
        text = self._text(value)
        if text != self.text():
            self.setText(text)
        stale = value.stale
        if self.property("stale") != stale:
            self.setProperty("stale", stale)
            self.style().unpolish(self)
            self.style().polish(self)
        tones = self._panel.context.theme.palette.tones
        colour = ""
        if not stale and value.severity >= MINOR:
            colour = f"color: {tones[Tone.WARNING if value.severity == MINOR else Tone.DANGER]};"
        if self.styleSheet() != colour:
            self.setStyleSheet(colour)
        meaning = _READINGS[self._name].meaning
        tip = f"{meaning} ({self._name})" + (f"\n{value.message}" if value.message else "")
        if self.toolTip() != tip:
            self.setToolTip(tip)
