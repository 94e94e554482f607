"""A dialog beside the work: never modal, and the keyboard goes back to its window."""

from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QDialog, QWidget


class SideDialog(QDialog):
    """Kept by its window and shown again when it is wanted again; Escape puts it away."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._home = parent
        self.setWindowTitle(title)
        self.setModal(False)

    def come_up(self) -> None:
        """Show it in front, with the keyboard."""
        self.show()
        self.raise_()
        self.activateWindow()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        window = self._home.window()
        # Not every desktop does that by itself.
        if window.isVisible() and not event.spontaneous():
            window.activateWindow()
