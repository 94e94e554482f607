"""The actions of one window: made from their specs, bound to what carries them out."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QToolButton, QWidget

from gui.actions.spec import ActionSpec
from gui.model.state import RigState


class Actions(QObject):
    """All actions by id. An action that nobody has bound is a mistake: `unbound` lists them."""

    triggered = Signal(str)
    """Id of an action, after it was carried out."""

    def __init__(self, specs: tuple[ActionSpec, ...], state: RigState, parent: QObject) -> None:
        super().__init__(parent)
        self.specs = {spec.id: spec for spec in specs}
        if len(self.specs) != len(specs):
            raise ValueError("two actions share an id")
        self._state = state
        self._bound: set[str] = set()
        self._conditions: dict[str, Callable[[], str]] = {}
        self._cautions: dict[str, Callable[[], str]] = {}
        self._actions = {spec.id: self._make(spec) for spec in specs}

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def bind(self, action_id: str, handler: Callable[..., object]) -> None:
        """Let `handler` carry the action out; a checkable one gets the new state."""
        if action_id in self._bound:
            raise ValueError(f"{action_id} is bound already")
        self._bound.add(action_id)
        action, checkable = self._actions[action_id], self.specs[action_id].checkable

        def carry_out(checked: bool) -> None:
            if checkable:
                handler(checked)
            else:
                handler()
            self.triggered.emit(action_id)

        action.triggered.connect(carry_out)

    def condition(self, action_id: str, why_not: Callable[[], str]) -> None:
        """Ask also `why_not` whether the action is possible: '' when it is, else the reason.

        Whoever sets it calls `refresh` when its answer may have changed.
        """
        self._conditions[action_id] = why_not

    def caution(self, action_id: str, words: Callable[[], str]) -> None:
        """Have the tool tip say also what `words` tells while the action is possible: what it
        would end. Whoever sets it calls `refresh` when that may have changed."""
        self._cautions[action_id] = words

    def unbound(self) -> list[str]:
        """Actions that nothing carries out."""
        return sorted(self.specs.keys() - self._bound)

    def refresh(self) -> None:
        """Enable what is possible now; the tool tip of the others says why not."""
        for action_id, spec in self.specs.items():
            action = self._actions[action_id]
            reason = self.why_not(action_id)
            if action.isEnabled() == bool(reason):
                action.setEnabled(not reason)
            tip = self._tip(spec, reason)
            if action.toolTip() != tip:
                action.setToolTip(tip)
                action.setStatusTip(tip)

    def why_not(self, action_id: str) -> str:
        """Why an action is impossible now; empty when it is possible."""
        if reason := self.specs[action_id].possible(self._state):
            return reason
        condition = self._conditions.get(action_id)
        return condition() if condition else ""

    def button(self, action_id: str, parent: QWidget | None = None) -> QToolButton:
        """A button for an action, with its text, keys and state."""
        button = QToolButton(parent)
        button.setDefaultAction(self._actions[action_id])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setObjectName(action_id)
        button.setAccessibleName(self.specs[action_id].text)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _make(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.id)
        action.setCheckable(spec.checkable)
        action.setShortcuts([QKeySequence(keys) for keys in spec.keys])
        action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
        # A key that is held would toggle a shutter thirty times a second.
        action.setAutoRepeat(False)
        action.setToolTip(self._tip(spec, ""))
        return action

    def _tip(self, spec: ActionSpec, reason: str) -> str:
        keys = f" ({', '.join(spec.keys)})" if spec.keys else ""
        text = f"{spec.tip or spec.text}{keys}"
        if reason:
            return f"{text}\nNot now: {reason}"
        words = self._cautions.get(spec.id)
        caution = words() if words else ""
        return f"{text}\n{caution}" if caution else text
