"""Asks the station what a scan would take and give, once the operator's hands rest."""

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gui.context import Context
from gui.editor.document import ScanDocument

REST_MS = 400
TIMEOUT_S = 60.0


class StationCheck(QObject):
    """The station's word about the text of the document; empty while there is none."""

    changed = Signal()

    def __init__(self, context: Context, document: ScanDocument, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._document = document
        self._about = ""
        """The text that was last asked about."""
        self._serial = 0
        self.answer: dict[str, Any] | None = None
        """Of `check_scan`, about the present text."""
        self.refusal = ""
        """Why the station gave no answer."""
        self.preview = True
        """Whether the theory is drawn by itself."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self.ask)
        document.changed.connect(self._document_changed)
        context.link.state_changed.connect(self.again)

    @property
    def waiting(self) -> bool:
        """An answer is to come."""
        return self._timer.isActive() or (
            bool(self._about) and self.answer is None and not self.refusal
        )

    @property
    def problems(self) -> list[str]:
        """What the station finds wrong with the present text."""
        if self.answer is None or self.answer["ok"]:
            return []
        return [str(problem) for problem in self.answer["problems"]]

    @property
    def warnings(self) -> list[str]:
        """What a run would take for known and is not, as the station says; no hindrance."""
        if self.answer is None or not self.answer["ok"]:
            return []
        return [str(text) for text in self.answer["warnings"]]

    def again(self) -> None:
        """Ask anew: the station or its rig is another one."""
        self._forget()
        self._timer.start()
        self.changed.emit()

    def ask(self) -> None:
        """Ask now, if there is a scan and a station."""
        self._timer.stop()
        self._forget()
        if self._document.valid and self._context.state.connected:
            self._about = self._document.text
            serial = self._serial
            self._context.command(
                "check_scan", done=lambda answer: self._done(serial, answer),
                refused=lambda reason: self._refused(serial, reason),
                timeout_s=TIMEOUT_S, scan=self._about, path="scan",
            )  # fmt: skip
            # A preview would be drawn over the run that is watched.
            if self.preview and self._context.state.run_state == "idle":
                self.ask_theory(told=False)
        self.changed.emit()

    def ask_theory(self, *, told: bool = True) -> None:
        """Hand what the model expects to the sweep view; `told`: a refusal becomes a toast."""
        text = self._document.text

        def done(theory: dict[str, Any]) -> None:
            sweep = self._context.services.get("sweep")
            if sweep is not None and text == self._document.text:
                sweep.preview(theory)

        self._context.command(
            "theory", done=done, refused=None if told else lambda _reason: None,
            timeout_s=TIMEOUT_S, scan=text,
        )  # fmt: skip

    def _document_changed(self) -> None:
        if self._document.text != self._about or not self._document.valid:
            self._forget()
            self._timer.start()

    def _forget(self) -> None:
        self._serial += 1
        self._about, self.answer, self.refusal = "", None, ""

    def _done(self, serial: int, answer: dict[str, Any]) -> None:
        if serial == self._serial:
            self.answer = answer
            self.changed.emit()

    def _refused(self, serial: int, reason: str) -> None:
        if serial == self._serial:
            self.refusal = reason
            self.changed.emit()
