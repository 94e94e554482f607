"""Scan files on disk, and the menu that opens and writes them."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from gui import dialogs
from gui.context import Context
from gui.editor.document import ScanDocument
from gui.editor.new_scan import new_scan

KIND = "Scan files (*.toml)"
DRAFTS = "editor.drafts"
"""Unsaved scans of all windows, the newest last."""
FORMER_DRAFT = "editor.draft"
"""The one unsaved scan that windows kept before there was the list."""
_ACTIONS = ("scan.new", "scan.open", "scan.save")


class ScanFiles:
    """New, open, save, from example, and back to the scan before: nothing typed is lost."""

    def __init__(self, context: Context, document: ScanDocument, parent: QWidget) -> None:
        self._context = context
        self._document = document
        self._parent = parent
        self.path: Path | None = None
        self._kept = ""
        """The text as it was loaded or saved."""
        self._before = ""
        """What an unsaved scan was before another one took its place."""
        self._draft = ""
        """The unsaved scan of an earlier window that this one has brought back. It stays in the
        settings meanwhile: this window may die."""
        self._of_draft = self._before_of_draft = False
        """Whether the text in the editor, and the one before, has come from that draft."""
        self.examples = QMenu("From example", parent)
        self.examples.aboutToShow.connect(self._fill_examples)

    @property
    def edited(self) -> bool:
        """The text is not what was loaded or saved."""
        return self._document.text != self._kept

    def replace(self, text: str, path: Path | None = None) -> None:
        """Put another scan into the editor; an unsaved one can be had back."""
        if self.edited and self._document.text.strip():
            self._before, self._before_of_draft = self._document.text, self._of_draft
            self._context.notices.info(
                "the scan that was being edited is kept: 'Scan file', 'Back to the scan before'"
            )
        self.path, self._kept, self._of_draft = path, text, False
        self._document.load(text)

    def keep_draft(self) -> None:
        """The window closes: what is not saved comes back with the next one."""
        self._draft_is(self._document.text if self.edited and self._document.text.strip() else "")

    def bring_draft(self) -> bool:
        """Whether an earlier window left an unsaved scan, which is in the editor then."""
        self._take_over_former()
        drafts = self._context.settings.get(DRAFTS)
        if not drafts:
            return False
        self._draft, self._of_draft = drafts[-1], True
        self._document.load(self._draft)
        self._kept = ""
        return True

    def _take_over_former(self) -> None:
        settings = self._context.settings
        if former := settings.get(FORMER_DRAFT):
            settings.change(DRAFTS, lambda kept: list(dict.fromkeys([former, *(kept or [])])))
            settings.set(FORMER_DRAFT, "")

    def _draft_is(self, text: str) -> None:
        """Keep `text` in the place of this window's draft; nothing for an empty one."""
        over = {self._draft, text}

        def change(kept: list[str] | None) -> list[str]:
            if text == self._draft and text not in (kept or []):
                return kept or []  # another window has brought it back, too, and saved it
            others = [draft for draft in kept or [] if draft not in over]
            return [*others, text] if text else others

        if text or self._draft:
            self._context.settings.change(DRAFTS, change)
        self._draft = text

    def new(self) -> None:
        """An 85Kr spectrum to begin with."""
        self.replace(new_scan(self._context.readings.rig))

    def back(self) -> None:
        """The scan that was replaced unsaved."""
        text, of_draft, self._before = self._before, self._before_of_draft, ""
        if text:
            self.replace(text)
            self._kept, self._of_draft = "", of_draft  # it is still not saved

    def open(self) -> None:
        """Ask for a file and load it."""
        dialogs.choose_open(self._context, self._parent, "Open scan file", KIND, self.read)

    def read(self, path: Path) -> None:
        """Load a file, valid or not: what is wrong is shown in the editor."""
        try:
            self.replace(path.read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError) as error:
            self._context.notices.error(f"{path} cannot be read: {error}")

    def save(self) -> None:
        """Ask where, and write."""
        name = self.path.name if self.path else f"{self._name()}.toml"
        dialogs.choose_save(
            self._context, self._parent, "Save scan file", KIND, name, self.write
        )  # fmt: skip

    def write(self, path: Path) -> None:
        """Write the text as it stands."""
        try:
            path.write_text(self._document.text, encoding="utf-8")
        except OSError as error:
            self._context.notices.error(f"the scan was not saved: {error}")
            return
        self.path, self._kept = path, self._document.text
        if self._of_draft:  # else the draft is saved nowhere
            self._draft_is("")
        self._context.notices.info(f"scan saved as {path}")

    def menu_button(self) -> QToolButton:
        """'Scan file' with everything about files below it."""
        button = QToolButton(self._parent)
        button.setText("Scan file")
        button.setAccessibleName("Scan file: new, open, save, from example")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for action_id in _ACTIONS:
            menu.addAction(self._context.actions[action_id])
        menu.addMenu(self.examples)
        back = QAction("Back to the scan before", menu)
        back.triggered.connect(lambda: self.back())
        menu.addAction(back)

        menu.aboutToShow.connect(lambda: back.setEnabled(bool(self._before)))
        button.setMenu(menu)
        return button

    def _fill_examples(self) -> None:
        menu = self.examples
        menu.clear()
        for path in examples_in(Path.cwd() / "scans"):
            menu.addAction(path.stem.replace("_", " "), self._reader(path))
        if menu.isEmpty():
            menu.addAction("no folder 'scans' where the window was started").setEnabled(False)

    def _reader(self, path: Path) -> Callable[[], None]:
        return lambda: self.read(path)

    def _name(self) -> str:
        name = self._document.get(("name",))
        return name.replace(" ", "_") if isinstance(name, str) and name else "scan"


def examples_in(folder: Path) -> list[Path]:
    """The scan files of a folder; none when there is no such folder."""
    try:
        return sorted(folder.glob("*.toml"))
    except OSError:
        return []
