"""Who guards the amplifier against what, armed or not, and how fast the watchdog was."""

from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.context import Context
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.words import set_role, words


class GuardsList(QWidget):
    """The answer of `protection`, one guard below the other; `read` asks for it.

    Guards that are not armed stand first, with what to do. The answer is as of the last `read`:
    the badge of the box's own guard, which is polled, stands beside it in the panel.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.summary = Badge(context.theme, "Guards")
        self.remark = words()
        self.rows: list[_Row] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addWidget(self.summary)
        self._column.addWidget(self.remark)
        self._say("unknown", Tone.STALE, "The guards have not been read yet.")

    def read(self) -> None:
        """Ask box and station; a refusal stands in the list, it is no event for a toast."""
        self._context.command("protection", done=self._show, refused=self._refused)

    def forget(self, reason: str) -> None:
        """What stands there is no longer known to be true."""
        self._lay_out([])
        self._say("unknown", Tone.STALE, reason)

    def _refused(self, reason: str) -> None:
        self.forget(f"The guards cannot be read: {reason}")

    def _show(self, answer: dict[str, Any]) -> None:
        guards = sorted(answer["guards"], key=lambda guard: bool(guard["armed"]))
        self._lay_out(guards)
        disarmed = sum(not guard["armed"] for guard in guards)
        if disarmed:
            self._say(f"{disarmed} NOT ARMED", Tone.DANGER, "")
        else:
            self._say(f"all {len(guards)} armed", Tone.OK, "")

    def _say(self, word: str, tone: Tone, remark: str) -> None:
        self.summary.show_state(word, tone, remark)
        self.remark.setText(remark)
        self.remark.setVisible(bool(remark))

    def _lay_out(self, guards: list[dict[str, Any]]) -> None:
        while len(self.rows) > len(guards):
            row = self.rows.pop()
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        while len(self.rows) < len(guards):
            self.rows.append(_Row(self._context))
            self._column.addWidget(self.rows[-1])
        for row, guard in zip(self.rows, guards, strict=True):
            row.show_guard(guard)


class _Row(QWidget):
    """The fault with the state of its guard; below it who guards and how that stands."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.state = Badge(context.theme, "")
        self.fault = words(role="")
        self.by = words()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(0)
        for part in (self.fault, self.state, self.by):
            column.addWidget(part)

    def show_guard(self, guard: dict[str, Any]) -> None:
        armed = bool(guard["armed"])
        self.fault.setText(f"Against: {guard['fault']}")
        self.state.show_state(
            "armed" if armed else "NOT ARMED", Tone.OK if armed else Tone.DANGER, guard["state"]
        )
        said = f"{guard['by']}: {guard['state']}"
        remedy = "" if armed else guard["remedy"]
        self.by.setText(f"{said}. {remedy[:1].upper()}{remedy[1:]}." if remedy else said)
        set_role(self.by, "muted" if armed else "wrong")
