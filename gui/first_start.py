"""What the window says while there is no station to show."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from gui.context import Context
from gui.link.station import LinkState
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge

PATIENCE_MS = 3_000
"""A station that runs is found sooner."""
_STATES = {
    LinkState.SEARCHING: ("No station", Tone.WARNING),
    LinkState.LOST: ("Station lost", Tone.DANGER),
    LinkState.REFUSED: ("Other version", Tone.DANGER),
}


class NoStation(QWidget):
    """A banner: what is looked for, what can be done. Hidden while all is well.

    It never takes the keyboard by itself. `wanted` is the station that the command line named,
    in words ('rig "north" on this computer'), empty for any on this computer; only then it offers
    the simulated rig and the tour.
    """

    def __init__(
        self, context: Context, wanted: str = "", patience_ms: int = PATIENCE_MS,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._context = context
        self._wanted = wanted
        self.badge = Badge(context.theme, "")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.offers = [
            context.actions.button(action_id) for action_id in ("rig.simulate", "help.tour")
        ]
        # Across the whole width the text needs one line; in a narrow window it wraps.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        grid = QGridLayout(self)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.badge, 0, 0)
        grid.addWidget(self.said, 0, 1)
        for column, button in enumerate(self.offers, start=2):
            grid.addWidget(button, 0, column)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(patience_ms)
        self._patience.timeout.connect(self._tell)
        context.link.state_changed.connect(self._on_link)
        self.hide()
        self._on_link()

    def _on_link(self) -> None:
        state = self._context.link.state
        if state is LinkState.CONNECTED:
            self._patience.stop()
            self.hide()
        elif not self.isHidden() or state is LinkState.REFUSED:
            self._tell()
        elif not self._patience.isActive():
            self._patience.start()

    def _tell(self) -> None:
        link = self._context.link
        if link.state is LinkState.CONNECTED:
            return
        word, tone = _STATES[link.state]
        self.badge.show_state(word, tone)
        reason = link.reason[:1].upper() + link.reason[1:]
        if link.state is LinkState.SEARCHING:
            looked_for = self._wanted or "any station on this computer"
            reason = reason.removesuffix("; still looking")
            self.said.setText(f"{reason}. Looking for {looked_for}, twice a second.")
        elif link.state is LinkState.LOST:
            self.said.setText(f"{reason}. {self._when_lost()}")
        else:
            self.said.setText(f"{reason}.")
        for button in self.offers:
            again = link.state is LinkState.LOST and self._context.state.ours
            button.setVisible((link.state is LinkState.SEARCHING or again) and not self._wanted)
        self.show()

    def _when_lost(self) -> str:
        """What becomes of the run, what to do: nobody starts a simulated rig again by itself."""
        lives = "It attaches again by itself while the simulated rig runs; if that has ended"
        kept = "What its run has taken is kept."
        if self._context.state.ours:
            return f"{lives}, start it again. {kept}"
        if self._context.simulated:
            return f"{lives}, close the window and give its command again. {kept}"
        return "A run goes on without this window; it attaches again by itself."


def welcome(context: Context) -> None:
    """Say where the tour is to who has never closed a window here: what is kept then is missing.

    A rig that answers at once leaves no banner to offer it.
    """
    if context.settings.get("geometry") is None:
        context.notices.info("New here? Five-minute tour, in the menu Help, shows what is where")
