"""A button for an action where its caption has to be short; the full text is its name."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QToolButton

from gui.context import Context


class _Caption(QObject):
    """Keeps a button's caption: with each change of its action the button takes that's text."""

    def __init__(self, button: QToolButton, text: str) -> None:
        super().__init__(button)
        self._button, self._text = button, text

    def keep(self) -> None:
        self._button.setText(self._text)


def short_button(context: Context, action_id: str, text: str) -> QToolButton:
    """A button that says `text`; menus, palette and screen readers keep the action's own words.

    Two panels may have buttons of one action, each with its own caption.
    """
    button = context.actions.button(action_id)
    caption = _Caption(button, text)
    caption.keep()
    context.actions[action_id].changed.connect(caption.keep)
    return button
