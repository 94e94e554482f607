"""Palette, text size and named layouts."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from gui.confirm import Question, confirm
from gui.context import Context
from gui.name_dialog import ChoiceDialog, NameDialog
from gui.theme.theme import LARGEST_PT, SMALLEST_PT

LAYOUTS_KEY = "layouts"


class ViewActions:
    """Binds `view.dark`, `view.light`, `view.bigger`, `view.smaller`, `view.save`, `view.restore`.

    Palette and text size are kept as `palette` and `text_pt` in the settings.
    """

    def __init__(self, context: Context, window: QWidget) -> None:
        self._context = context
        self.save_dialog = NameDialog(
            "Save layout", "The panels as they stand now, under a name", self.save, window
        )
        self.choose_dialog = ChoiceDialog("Saved layouts", self.restore, self.forget, window)
        actions = context.actions
        actions.bind("view.dark", lambda: self._palette("dark"))
        actions.bind("view.light", lambda: self._palette("light"))
        actions.bind("view.bigger", lambda: self._resize(1))
        actions.bind("view.smaller", lambda: self._resize(-1))
        actions.bind("view.save", lambda: self.save_dialog.ask(frozenset(self._layouts())))
        actions.bind("view.restore", self._choose)

    def save(self, name: str) -> None:
        """Keep the present layout."""
        layout = self._context.services["window"].layout_text()
        if self._context.settings.set(LAYOUTS_KEY, {**self._layouts(), name: layout}):
            self._context.notices.info(f"Layout '{name}' saved")

    def restore(self, name: str) -> None:
        """Lay the panels out as they were kept."""
        layout = self._layouts().get(name, "")
        if not self._context.services["window"].restore_layout(layout):
            self._context.notices.warn(
                f"Layout '{name}' cannot be used: it is of another version of the window. "
                "Lay the panels out anew and save it again"
            )

    def forget(self, name: str, forgotten: Callable[[], None]) -> None:
        """Delete a kept layout, after a question; then call `forgotten`."""

        def carry_out() -> None:
            layouts = self._layouts()
            layouts.pop(name, None)
            self._context.settings.set(LAYOUTS_KEY, layouts)
            forgotten()

        question = Question(
            f"Delete layout '{name}'?",
            "It cannot be brought back. The panels of this window stay as they are.",
            "Delete layout", "Keep it",
        )  # fmt: skip
        confirm(self._context, question, carry_out, self.choose_dialog)

    def _choose(self) -> None:
        names = sorted(self._layouts(), key=str.casefold)
        if names:
            self.choose_dialog.offer(names)
        else:
            self._context.notices.info("No layout has been saved yet: 'Save layout' keeps one")

    def _layouts(self) -> dict[str, str]:
        kept = self._context.settings.get(LAYOUTS_KEY)
        if not isinstance(kept, dict):
            return {}
        return {name: text for name, text in kept.items() if isinstance(text, str)}

    def _palette(self, name: str) -> None:
        self._context.theme.choose(name)
        self._context.settings.set("palette", name)

    def _resize(self, step: int) -> None:
        theme = self._context.theme
        size = theme.size_pt + step
        if not SMALLEST_PT <= size <= LARGEST_PT:
            self._context.notices.info(f"Text has {SMALLEST_PT} to {LARGEST_PT} points")
            return
        theme.choose(size_pt=size)
        self._context.settings.set("text_pt", size)
