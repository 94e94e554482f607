"""A reading with its unit: grey italics when stale, a triangle or square when it alarms."""

import math
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from atta_daq.client.names import READINGS
from atta_daq.client.pv import Reading
from gui.link.values import MAJOR, MINOR, Value
from gui.panel import Panel
from gui.theme.palettes import Tone
from gui.words import true_minus

_READINGS = {reading.name: reading for reading in READINGS}
_ALARM_MARKS = {MINOR: "▲ ", MAJOR: "■ "}
"""The shapes of warning and danger, for those to whom the colour says nothing."""


def shown(name: str, value: Value) -> str:
    """A reading's value in words: number with its precision and unit, yes or no, text."""
    return in_words(_READINGS[name], value)


def in_words(reading: Reading, value: Value) -> str:
    """The same for any reading, also one that only this rig has."""
    if value.value is None:
        return "–"
    if reading.kind == "bool":
        return "yes" if value.value else "no"
    if isinstance(value.value, float):
        if not math.isfinite(value.value):
            return "–"
        # Adding 0 turns -0.0 into 0.
        number = f"{round(value.value, reading.precision) + 0.0:.{reading.precision}f}"
        return true_minus(f"{number} {reading.unit}".rstrip())
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
        panel.context.theme.changed.connect(self._show)

    def _show(self) -> None:
        value = self._panel.context.readings.value(self._name)
        text = _ALARM_MARKS.get(value.severity, "") + self._text(value)
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
