"""Keeps a live view alive while this window commands it; the station ends one that nobody keeps."""

from PySide6.QtCore import QObject, QTimer

from atta_daq.client.names import VIEW_LEASE_S
from gui.context import Context
from gui.model.state import VIEW


class LiveViewKeeper(QObject):
    """Sends `keep_view` four times within the station's patience."""

    def __init__(self, context: Context, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._timer = QTimer(self)
        self._timer.setInterval(round(250.0 * VIEW_LEASE_S))
        self._timer.timeout.connect(self.keep)
        self._timer.start()

    def keep(self) -> None:
        """Keep the view, if there is one and this window holds control.

        A watching window must not: the view would outlive the one who asked for it.
        """
        context = self._context
        viewing = context.readings.text("station:activity").startswith(VIEW)
        if viewing and context.state.connected and context.state.controller == context.link.name:
            # A refusal needs no words: the view has ended meanwhile, and the strip shows it.
            context.link.command("keep_view")
