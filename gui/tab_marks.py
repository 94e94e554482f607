"""The titles of panels in trouble bear its shape: a tab may hide all else that says so."""

from collections.abc import Mapping

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDockWidget

from gui.context import Context
from gui.model.trouble import TROUBLES
from gui.theme.palettes import Tone

SHAPES = {Tone.WARNING: "▲ ", Tone.DANGER: "■ "}
"""As they stand before readings."""
_WORDS = {Tone.WARNING: ", warning", Tone.DANGER: ", alarm"}


class TabMarks(QObject):
    """Marks docks, by the id of their panel."""

    def __init__(
        self, context: Context, docks: Mapping[str, QDockWidget], parent: QObject
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._readings = context.readings
        self._docks = docks
        self._titles = {panel: dock.windowTitle() for panel, dock in docks.items()}
        for panel, (_, names) in TROUBLES.items():
            if panel in docks:
                context.readings.watch_with(self, lambda panel=panel: self._mark(panel), *names)
                self._mark(panel)

    def _mark(self, panel: str) -> None:
        tone, dock = TROUBLES[panel][0](self._readings), self._docks[panel]
        title = SHAPES.get(tone, "") + self._titles[panel]
        if title != dock.windowTitle():
            dock.setWindowTitle(title)
            dock.setAccessibleName(self._titles[panel] + _WORDS.get(tone, ""))
