"""A setpoint as the panels show it: readback, field, previous setpoint, what stands in the way."""

import math
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton, QWidget

from gui.model.state import may_steer
from gui.panel import Panel
from gui.widgets.setpoint import Check, SetpointField
from gui.widgets.words import set_role, show_stale, words

COMMAND_TIMEOUT_S = 120.0
"""A ramp or a jump of the lock answers when it is done."""


class SetpointRow(QWidget):
    """Caption and readback over field, unit and 'restore previous setpoint', a line below them.

    `command(value)` gives the station's command and its arguments. `limits` names the limits in
    `RigInfo.limits`. `check(value)` says why a value cannot be sent now, or nothing; `watched`
    are the readings that it looks at.
    """

    def __init__(
        self,
        panel: Panel,
        caption: str,
        unit: str,
        decimals: int,
        command: Callable[[float], tuple[str, dict[str, Any]]],
        *,
        limits: str,
        readback: QLabel | None = None,
        check: Check = lambda _value: "",
        watched: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self._context = panel.context
        self._command = command
        self._limits = limits
        self._unit = unit
        self._decimals = decimals
        self._check = check
        self.field = SetpointField(
            caption, unit, decimals, self._send, self._allowed, self._refusal
        )
        self.previous = QToolButton()
        self.previous.setText("↶")
        self.previous.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.previous.setAccessibleName(f"restore previous setpoint of {caption}")
        self.previous.clicked.connect(self._restore)
        self._note = words()
        name = QLabel(caption)
        name.setBuddy(self.field)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.addWidget(name, 0, 0)
        if readback is not None:
            readback.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            grid.addWidget(readback, 0, 1, 1, 3)
        grid.addWidget(self.field, 1, 0, 1, 2)
        grid.addWidget(QLabel(unit), 1, 2)
        grid.addWidget(self.previous, 1, 3)
        grid.addWidget(self._note, 2, 0, 1, 4)
        grid.setColumnStretch(1, 1)
        self.field.state_changed.connect(self._tell)
        self._tell()
        panel.follow(self.field.recheck, "run:state", "station:activity", "station:control",
                     "station:rig", *watched)  # fmt: skip
        self._context.link.state_changed.connect(self._on_link)
        self._on_link()

    def _on_link(self) -> None:
        """What a station that is gone had set is grey, like every other reading of it."""
        show_stale(self.field, not self._context.state.connected)
        self.field.recheck()

    def _allowed(self) -> tuple[float, float] | None:
        rig = self._context.readings.rig
        return rig.limits.get(self._limits) if rig else None

    def _refusal(self, value: float) -> str:
        reason = may_steer(self._context.state)
        return f"Not now: {reason}" if reason else self._check(value)

    def _send(self, value: float) -> None:
        name, arguments = self._command(value)
        number = self.field.wait()
        self._context.command(
            name, done=lambda _answer: self.field.accept(number),
            refused=lambda reason: self._refused(number, reason),
            timeout_s=COMMAND_TIMEOUT_S, **arguments,
        )  # fmt: skip

    def _refused(self, number: int, reason: str) -> None:
        self.field.refuse(number, reason)
        self._context.notices.error(reason)

    def _restore(self) -> None:
        self.field.restore_previous()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _tell(self) -> None:
        field = self.field
        self._note.setText(field.note)
        self._note.setVisible(bool(field.note))
        set_role(self._note, "wrong" if field.problem or field.refusal else "muted")
        known = math.isfinite(field.previous)
        self.previous.setEnabled(known)
        value = f": {field.previous:.{self._decimals}f} {self._unit} (Enter sends it)"
        self.previous.setToolTip("Restore previous setpoint" + (value if known else ""))
