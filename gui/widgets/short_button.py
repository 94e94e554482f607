"""A button for an action where its caption has to be short; the full text is its name."""

from PySide6.QtWidgets import QToolButton

from gui.context import Context


def short_button(context: Context, action_id: str, text: str) -> QToolButton:
    """A button that says `text`; menus, palette and screen readers keep the action's own words."""
    context.actions[action_id].setIconText(text)
    return context.actions.button(action_id)
