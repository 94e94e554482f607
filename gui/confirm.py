"""Asking before something that cannot be undone."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.context import Context
from gui.widgets.side_dialog import SideDialog

WIDTH_PX = 460


@dataclass(frozen=True)
class Question:
    """What is about to be done."""

    title: str
    """'Abort the run?'."""
    lost: str
    """What is lost by it, and what stays."""
    yes: str
    """Words of the button that does it."""
    no: str = "Cancel"


class ConfirmDialog(SideDialog):
    """In front, with the keyboard on 'no': Enter and Escape leave everything as it is.

    It does not block its window: STOP must stay within reach, by mouse and by key.
    """

    def __init__(self, question: Question, yes: Callable[[], None], parent: QWidget) -> None:
        super().__init__(question.title.rstrip("?"), parent)
        self.finished.connect(self.deleteLater)
        self.setObjectName("confirm")
        self.question = question
        self._carry_out = yes
        title = QLabel(question.title)
        title.setProperty("role", "title")
        self.lost = QLabel(question.lost)
        self.yes = QPushButton(question.yes)
        self.no = QPushButton(question.no)
        # Enter presses the default button only while no other button has the keyboard.
        self.yes.setAutoDefault(False)
        self.no.setDefault(True)
        self.yes.clicked.connect(self._say_yes)
        self.no.clicked.connect(self.reject)
        buttons = QDialogButtonBox()
        buttons.addButton(self.yes, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.no, QDialogButtonBox.ButtonRole.RejectRole)
        column = QVBoxLayout(self)
        for label in (title, self.lost):
            label.setWordWrap(True)
            column.addWidget(label)
        column.addWidget(buttons)
        self.setMinimumWidth(WIDTH_PX)

    def ask(self) -> None:
        """Show it."""
        self.come_up()
        self.no.setFocus(Qt.FocusReason.PopupFocusReason)

    def _say_yes(self) -> None:
        self.accept()
        self._carry_out()


def confirm(
    context: Context,
    question: Question,
    yes: Callable[[], None],
    parent: QWidget | None = None,
) -> None:
    """Call `yes` when the operator says so; `parent` is the window where none is given."""
    window: QWidget = parent or context.services["window"]
    for earlier in window.findChildren(ConfirmDialog):
        earlier.reject()  # one question at a time
    ConfirmDialog(question, yes, window).ask()
