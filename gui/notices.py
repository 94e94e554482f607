"""Notices for the operator: shown as toasts, kept in a list; nothing modal."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from gui.theme.palettes import Tone


@dataclass(frozen=True)
class Notice:
    """One notice."""

    text: str
    tone: Tone


class Notices(QObject):
    """Where every part of the window says what the operator should know."""

    given = Signal(object)
    """A `Notice`."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Notice] = []

    def info(self, text: str) -> None:
        self._give(text, Tone.OK)

    def warn(self, text: str) -> None:
        self._give(text, Tone.WARNING)

    def error(self, text: str) -> None:
        """Something was refused or failed."""
        self._give(text, Tone.DANGER)

    def _give(self, text: str, tone: Tone) -> None:
        notice = Notice(text, tone)
        self.history = [*self.history[-199:], notice]
        self.given.emit(notice)
