"""A setpoint that is sent by Enter and never before.

An edit that has not been sent stands in italics on a raised ground; Escape takes it back. A value
outside the limits turns the field red, says the limit, and is not sent. Up and Down change the
digit left of the cursor; the wheel does nothing, focused or not.
"""

import math
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QWidget

Limits = Callable[[], tuple[float, float] | None]


class SetpointField(QLineEdit):
    """A number with a unit that the operator commits with Enter.

    `send(value)` is called with a value inside the limits. `previous` is the setpoint before the
    last one sent, for 'restore previous setpoint'.
    """

    sent = Signal(float)
    edited = Signal()

    def __init__(
        self,
        name: str,
        unit: str,
        decimals: int,
        send: Callable[[float], None],
        limits: Limits = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._unit = unit
        self._decimals = decimals
        self._send = send
        self._limits = limits
        self._current = math.nan
        self.previous = math.nan
        self.problem = ""
        """Why the present text cannot be sent; empty when it can."""
        self.setAccessibleName(f"{name} in {unit}" if unit else name)
        self.setPlaceholderText("–")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setMinimumWidth(84)
        self.textEdited.connect(self._on_edit)
        self.returnPressed.connect(self.commit)
        self._tell()

    @property
    def is_edited(self) -> bool:
        """An edit waits for Enter."""
        return bool(self.property("edited"))

    @property
    def value(self) -> float:
        """The setpoint as last shown or sent; nan before the first."""
        return self._current

    def show_value(self, value: float) -> None:
        """The setpoint that the rig reports. An edit under way stays."""
        if value == self._current or (math.isnan(value) and math.isnan(self._current)):
            return
        self._current = value
        if not self.is_edited:
            self._show_current()

    def commit(self) -> None:
        """Send what stands in the field, if it is allowed."""
        value = self._parsed()
        if value is None or self.problem:
            return
        if math.isfinite(self._current) and value != self._current:
            self.previous = self._current
        self._current = value
        self._mark(edited=False)
        self._show_current()
        self._send(value)
        self.sent.emit(value)

    def restore_previous(self) -> None:
        """Put the setpoint before the last one into the field; Enter sends it."""
        if math.isfinite(self.previous):
            self.setText(self._text(self.previous))
            self._on_edit()

    def revert(self) -> None:
        """Forget the edit."""
        self._mark(edited=False)
        self._show_current()
        self._check()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape and self.is_edited:
            self.revert()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step(1.0 if key == Qt.Key.Key_Up else -1.0)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # The edit stays, visibly uncommitted: leaving a field must neither send nor lose it.
        super().focusOutEvent(event)

    def _step(self, direction: float) -> None:
        """Change the digit left of the cursor by one."""
        value = self._parsed()
        if value is None:
            return
        from_right = len(self.text()) - self.cursorPosition()
        power = self._digit_power()
        stepped = round(value + direction * 10.0**power, self._decimals)
        self.setText(self._text(stepped))
        self.setCursorPosition(max(0, len(self.text()) - from_right))
        self._on_edit()

    def _digit_power(self) -> int:
        """Power of ten of the digit left of the cursor."""
        whole = self.text().lstrip("-")
        sign = len(self.text()) - len(whole)
        place = max(self.cursorPosition() - sign, 1)
        point = whole.find(".")
        point = len(whole) if point < 0 else point
        return point - place if place <= point else max(point - place + 1, -self._decimals)

    def _on_edit(self) -> None:
        self._mark(edited=self.text() != self._text(self._current))
        self._check()
        self.edited.emit()

    def _parsed(self) -> float | None:
        try:
            value = float(self.text().replace(",", "."))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def _check(self) -> None:
        value, limits = self._parsed(), self._limits()
        problem = ""
        if self.is_edited and value is None:
            problem = "not a number"
        elif (
            self.is_edited and limits and value is not None and not limits[0] <= value <= limits[1]
        ):
            problem = f"allowed: {limits[0]:g} to {limits[1]:g} {self._unit}".rstrip()
        self.problem = problem
        self._set_property("wrong", bool(problem))
        self._tell()

    def _tell(self) -> None:
        if self.problem:
            tip = self.problem
        elif self.is_edited:
            tip = f"Not sent yet: Enter sends, Escape goes back to {self._text(self._current)}"
        else:
            limits = self._limits()
            tip = self._name + (
                f", {limits[0]:g} to {limits[1]:g} {self._unit}".rstrip() if limits else ""
            )
        self.setToolTip(tip)

    def _mark(self, *, edited: bool) -> None:
        self._set_property("edited", edited)

    def _set_property(self, name: str, value: bool) -> None:
        if bool(self.property(name)) != value:
            self.setProperty(name, value)
            self.style().unpolish(self)
            self.style().polish(self)

    def _show_current(self) -> None:
        self.setText(self._text(self._current))
        self.problem = ""
        self._set_property("wrong", False)
        self._tell()

    def _text(self, value: float) -> str:
        return "" if math.isnan(value) else f"{value:.{self._decimals}f}"
