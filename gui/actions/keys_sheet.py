"""The sheet of all keys: those of the actions, and what plots, fields and lists do with theirs."""

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from gui.actions.spec import ActionSpec
from gui.context import Context
from gui.sweep.keys import KEYS
from gui.widgets.side_dialog import SideDialog

FIELD_KEYS: tuple[tuple[str, str], ...] = (
    ("Enter", "Send the setpoint that stands in the field"),
    ("Escape", "Take an edit back; close a popup; take the newest toast away"),
    ("Up, Down", "Change the digit left of the cursor"),
    ("Tab, Shift+Tab", "Next field, field before"),
    ("Space", "Press the button that has the keyboard"),
    ("Arrows, Page Up, Page Down", "Move in a list or a table"),
    ("Ctrl+C", "Copy the chosen lines of a table"),
    ("Enter", "On an alarm: show the panel of its instrument; on a run of the list: show it"),
    ("Delete", "Remove the chosen entry of the queue, or the chosen one of the saved layouts"),
    ("Ctrl+Tab", "Next of the panels that share a place, when their tabs have the keyboard"),
)


def groups(specs: tuple[ActionSpec, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Title and (keys, what they do) of each group: menus in their order, plots, then fields."""
    menus: dict[str, list[tuple[str, str]]] = {}
    for spec in specs:
        if spec.keys:
            keys = ", ".join(
                QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
                for key in spec.keys
            )
            menus.setdefault(spec.menu, []).append((keys, spec.text))
    plots = [(binding.shown, binding.said) for binding in KEYS]
    return [*menus.items(), ("In plots", plots), ("In fields and lists", list(FIELD_KEYS))]


class KeysSheet(SideDialog):
    """Not modal: it can stay beside the work. Binds `help.keys`, which opens and closes it."""

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__("Keys", window)
        self._context = context
        self.text = QTextBrowser()
        self.text.setAccessibleName("all keys")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.text)
        context.theme.changed.connect(self._write)
        context.actions.bind("help.keys", self.toggle)

    def toggle(self) -> None:
        """Show it, or put it away."""
        if self.isVisible():
            self.hide()
            return
        self._write()
        metrics = self.fontMetrics()
        self.resize(52 * metrics.horizontalAdvance("m"), 34 * metrics.height())
        self.come_up()
        self.text.setFocus(Qt.FocusReason.PopupFocusReason)

    def _write(self) -> None:
        palette = self._context.theme.palette
        rows: list[str] = []
        for title, keys in groups(tuple(self._context.actions.specs.values())):
            rows.append(
                f'<tr><td colspan="2" style="color:{palette.accent}; padding-top:10px">'
                f"<b>{escape(title)}</b></td></tr>"
            )
            rows += [
                f'<tr><td style="padding-right:24px; white-space:nowrap">'
                f"<b>{escape(key)}</b></td><td>{escape(what)}</td></tr>"
                for key, what in keys
            ]
        self.text.setHtml(f'<table cellspacing="0" cellpadding="2">{"".join(rows)}</table>')
