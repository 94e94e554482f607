"""What all panels share: they follow readings, and draw only while they can be seen."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from gui.context import Context


class Panel(QWidget):
    """A part of the window that follows readings."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self._pending: set[int] = set()
        self._followers: list[Callable[[], None]] = []
        self._seen = False

    def follow(self, callback: Callable[[], None], *names: str) -> None:
        """Call `callback` after any of the readings changed, or when the panel is shown again;
        not while it is hidden."""
        index = len(self._followers)
        self._followers.append(callback)
        self._pending.add(index)

        def changed() -> None:
            if self._seen:
                callback()
            else:
                self._pending.add(index)

        self.context.readings.watch_with(self, changed, *names)

    def always(self, callback: Callable[[], None], *names: str) -> None:
        """Like `follow`, also while hidden: for what must not be missed (histories)."""
        self.context.readings.watch_with(self, callback, *names)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._seen = True
        pending, self._pending = sorted(self._pending), set()
        for index in pending:
            self._followers[index]()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._seen = False


@dataclass(frozen=True)
class PanelSpec:
    """How the window docks a panel."""

    id: str
    title: str
    make: Callable[[Context], QWidget]
    area: Qt.DockWidgetArea
    tab_with: str = ""
    """Id of the panel that it shares its place with at first."""
    shown: bool = True
    sources: tuple[str, ...] = ()
    """What alarms that it explains come from, or how that begins, for 'jump to the device'."""
