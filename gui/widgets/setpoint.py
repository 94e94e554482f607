"""A setpoint that is sent by Enter and never before.

An edit that has not been sent stands in italics on a raised ground; Escape takes it back, leaving
the field neither sends nor loses it. A value outside the limits turns the field red, says the
limit, and is not sent. Up and Down change the digit left of the cursor; the wheel does nothing,
focused or not.
"""

import math
import re
from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from gui.words import true_minus

Limits = Callable[[], tuple[float, float] | None]
Check = Callable[[float], str]

SETTLING_MS = 2500
"""The station has read every instrument again by then."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
"""A plain number: no exponent, no grouping of thousands ('1,500' is 1.5 in half of the labs)."""


def parse_number(text: str) -> float | None:
    """The number in a field, with a decimal point or comma; None when there is none."""
    plain = text.strip().replace(",", ".").replace("−", "-")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def digit_power(text: str, cursor: int) -> int:
    """Power of ten of the digit left of the cursor; of the first digit at the very left."""
    sign = len(text) - len(text.lstrip("+-−"))
    whole = text[sign:].replace(",", ".")
    place = max(cursor - sign, 1)
    point = whole.find(".")
    if point < 0:
        point = len(whole)
    # Right behind the point itself, the digit before it is meant.
    return point - place if place <= point else point + 1 - max(place, point + 1)


def cursor_behind(text: str, power: int) -> int:
    """Cursor behind the digit of that power of ten; before the number if it has no such digit."""
    point = text.find(".")
    if point < 0:
        point = len(text)
    sign = 1 if text.startswith("-") else 0
    return min(max(point - power + (power < 0), sign), len(text))


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


class SetpointField(QLineEdit):
    """A number with a unit that the operator commits with Enter.

    `send(value)` is called with a value that is inside the limits and that `check(value)` has
    nothing to say against; what it says is shown. A sender that gets an answer calls `wait`, then
    `accept` or `refuse`. `previous` is the setpoint before the last one sent, for 'restore
    previous setpoint'.
    """

    sent = Signal(float)
    edited = Signal()
    """After every change of the text by the operator."""
    state_changed = Signal()
    """Edited, wrong, waiting: what `note` says may have changed."""

    def __init__(
        self,
        name: str,
        unit: str,
        decimals: int,
        send: Callable[[float], None],
        limits: Limits = lambda: None,
        check: Check = lambda _value: "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._unit = unit
        self._decimals = decimals
        self._send = send
        self._limits = limits
        self._refuses = check
        self._reported = math.nan
        self._current = math.nan
        self._waits = 0
        """Number of the value that was sent and is not answered yet; 0 for none."""
        self._sent = 0
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.timeout.connect(self._follow)
        self._before = math.nan
        self._stepped: tuple[str, int, int] | None = None
        self.previous = math.nan
        self.problem = ""
        """Why the present text cannot be sent; empty when it can."""
        self.refusal = ""
        """Why the last value was not accepted; Enter tries again."""
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
    def waits(self) -> bool:
        """A value was sent and is not answered yet."""
        return bool(self._waits)

    @property
    def value(self) -> float:
        """The setpoint as last shown or sent; nan before the first."""
        return self._current

    @property
    def edit(self) -> float | None:
        """The value that Enter would send; None without an edit, or when it cannot be sent."""
        return self._parsed() if self.is_edited and not self.problem else None

    @property
    def typed(self) -> float:
        """The number that stands in the field, allowed or not; nan when it is none."""
        value = self._parsed()
        return math.nan if value is None else value

    @property
    def note(self) -> str:
        """What the operator should know of the field now; empty when all is as it seems."""
        if self.problem or self.refusal:
            return self.problem or f"{self.refusal} (Enter tries again)"
        if self.is_edited:
            back = self._text(self._current)
            return "Not sent yet: Enter sends, Esc" + (
                f" goes back to {back}" if back else " clears"
            )
        return f"Sent {self._text(self._current)}, not there yet" if self._waits else ""

    def show_value(self, value: float) -> None:
        """The setpoint that the rig reports. An edit under way stays, so does a value that was
        sent and not answered yet."""
        known = _same(value, self._reported)
        self._reported = value
        if self._waits or (known and self._settling.isActive()):
            return
        self._follow()

    def _follow(self) -> None:
        """Take over what the rig has: it may have rounded what was sent."""
        if self._waits or _same(self._reported, self._current):
            return
        self._current = self._reported
        if self.is_edited:
            self._judge()
        else:
            self._show_current()

    def commit(self) -> None:
        """Send the edit, if there is one and it is allowed."""
        self.recheck()
        value = self.edit
        if value is None:
            return
        self._before = self.previous
        if math.isfinite(self._current) and value != self._current:
            self.previous = self._current
        self._current = value
        self._show_current()
        self._send(value)
        self.sent.emit(value)

    def wait(self) -> int:
        """The value was sent; the field keeps it until its answer comes. Returns the value's
        number, for `accept` and `refuse`: only the answer to the last one counts."""
        self._sent += 1
        self._waits = self._sent
        self._tell()
        return self._sent

    def accept(self, number: int) -> None:
        """The rig took a value that was sent. What it reports of it may have come before the
        answer, or comes with its next reading."""
        if number != self._waits:
            return
        self._waits = 0
        self._settling.start(SETTLING_MS)
        self._tell()

    def refuse(self, number: int, reason: str) -> None:
        """The rig did not take it: the value is an edit again, beside the reason."""
        if number != self._waits:
            return
        value, self._waits = self._current, 0
        self._current = self._reported
        self.previous = self._before
        if self.is_edited:
            self._judge()
            return
        self.refusal = reason
        self.setText(self._text(value))
        self._judge()

    def restore_previous(self) -> None:
        """Put the setpoint before the last one into the field; Enter sends it."""
        if math.isfinite(self.previous):
            self.setText(self._text(self.previous))
            self._on_edit()

    def revert(self) -> None:
        """Forget the edit."""
        self._show_current()
        self.edited.emit()

    def recheck(self) -> None:
        """Judge an edit anew: limits or the state of the rig have changed."""
        if self.is_edited:
            self._judge()

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

    def _step(self, direction: float) -> None:
        """Change the digit left of the cursor by one."""
        value = parse_number(self.text())
        if value is None:
            return
        here = (self.text(), self.cursorPosition())
        if self._stepped and self._stepped[:2] == here:
            # 100 less 100 is 0: the next step is one of hundreds still.
            power = self._stepped[2]
        else:
            power = max(digit_power(*here), -self._decimals)
        self.setText(self._text(round(value + direction * 10.0**power, self._decimals)))
        self.setCursorPosition(cursor_behind(self.text(), power))
        self._stepped = (self.text(), self.cursorPosition(), power)
        self._on_edit()

    def _on_edit(self) -> None:
        self.refusal = ""
        self._judge()
        self.edited.emit()

    def _parsed(self) -> float | None:
        """The number as the field resolves it: what is shown after Enter is what was sent."""
        value = parse_number(self.text())
        return None if value is None else round(value, self._decimals) + 0.0

    def _judge(self) -> None:
        """Is there an edit, and may it be sent?"""
        edited = self.text() != self._text(self._current)
        self._set_property("edited", edited)
        self.problem = self._problem() if edited else ""
        if not edited:
            self.refusal = ""
        self._set_property("wrong", bool(self.problem or self.refusal))
        self._tell()

    def _problem(self) -> str:
        value, limits = self._parsed(), self._limits()
        if value is None:
            return "Not a number"
        if limits and not limits[0] <= value <= limits[1]:
            return true_minus(f"Allowed: {limits[0]:g} to {limits[1]:g} {self._unit}".rstrip())
        return self._refuses(value)

    def _tell(self) -> None:
        limits = self._limits()
        reach = f", {limits[0]:g} to {limits[1]:g} {self._unit}".rstrip() if limits else ""
        tip = self.note or self._name + true_minus(reach)
        if tip != self.toolTip():
            self.setToolTip(tip)
            self.setAccessibleDescription(self.note)
        self.state_changed.emit()

    def _set_property(self, name: str, value: bool) -> None:
        if bool(self.property(name)) != value:
            self.setProperty(name, value)
            self.style().unpolish(self)
            self.style().polish(self)

    def _show_current(self) -> None:
        self.refusal = ""
        self.setText(self._text(self._current))
        self._judge()

    def _text(self, value: float) -> str:
        # Adding 0 turns -0.0 into 0.
        return (
            "" if math.isnan(value) else f"{round(value, self._decimals) + 0.0:.{self._decimals}f}"
        )
