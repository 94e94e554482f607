"""Asking for files and folders without holding the window up.

A service of the same name answers instead when there is one (`choose_folder`, `choose_open` of
`context.services`, each `(title) -> Path | None`, and `choose_save`, `(title, name) -> Path |
None`): tests and tours use that.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.confirm import Question, confirm
from gui.context import Context

Chosen = Callable[[Path], None]


class FileDialog(QFileDialog):
    """The window's own dialog: in its palette, and not modal on any system.

    Qt asks in boxes that hold everything up, STOP too: here a question stands beside the work, and
    nothing is deleted or renamed.
    """

    def __init__(self, context: Context, parent: QWidget, title: str, chosen: Chosen) -> None:
        super().__init__(parent, title)
        self._context = context
        self.setOption(QFileDialog.Option.DontUseNativeDialog)
        self.setOption(QFileDialog.Option.DontConfirmOverwrite)
        self.setOption(QFileDialog.Option.ReadOnly)  # of the file list, not of what is saved
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fileSelected.connect(lambda name: chosen(Path(name)))

    def accept(self) -> None:
        """Take what is chosen, once it is certain that it is wanted and there."""
        path = self._path()
        try:
            kind = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            kind = None
        except (OSError, ValueError) as error:  # too long a name, a folder that may not be entered
            self._context.notices.warn(f"{path}: {getattr(error, 'strerror', error)}")
            return
        if self.acceptMode() is QFileDialog.AcceptMode.AcceptOpen and kind is None:
            # 'New folder' of Qt is switched off with what deletes and renames.
            if self.fileMode() is QFileDialog.FileMode.Directory and path.parent.is_dir():
                self._make(path)
            else:
                self._context.notices.warn(f"{path}: there is no such file or folder")
        elif self.acceptMode() is QFileDialog.AcceptMode.AcceptSave and stat.S_ISREG(kind or 0):
            question = Question(
                f"Replace {path.name}?", f"What stands in {path} now is lost.", "Replace"
            )
            confirm(self._context, question, lambda: self._replace(path), self)
        else:
            super().accept()

    def _make(self, folder: Path) -> None:
        """A folder that is typed and not there yet is made, where the one above it is there."""
        try:
            folder.mkdir()
        except OSError as error:
            self._context.notices.warn(f"{folder} cannot be made: {error.strerror}")
            return
        self._context.notices.info(f"folder {folder} made")
        super().accept()

    def _path(self) -> Path:
        return Path((self.selectedFiles() or [""])[0])

    def _replace(self, asked: Path) -> None:
        """A yes is for the file that was asked about; of another one that is chosen meanwhile the
        question is asked anew."""
        if self._path() == asked:
            super().accept()
        else:
            self.accept()


def choose_folder(context: Context, parent: QWidget, title: str, chosen: Chosen) -> None:
    """Ask for a folder to write into; one that is not there yet is made. `chosen` is not called
    when the operator changes her mind."""
    if not _answered(context, "choose_folder", chosen, title):
        dialog = FileDialog(context, parent, title, chosen)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.show()


def choose_open(context: Context, parent: QWidget, title: str, kind: str, chosen: Chosen) -> None:
    """Ask for a file that exists; `kind` as in 'Scan files (*.toml)'."""
    if not _answered(context, "choose_open", chosen, title):
        dialog = FileDialog(context, parent, title, chosen)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(kind)
        dialog.show()


def choose_save(
    context: Context, parent: QWidget, title: str, kind: str, name: str, chosen: Chosen
) -> None:
    """Ask where to write a file, and again before one is replaced."""
    if not _answered(context, "choose_save", chosen, title, name):
        dialog = FileDialog(context, parent, title, chosen)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(kind)
        dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))
        dialog.selectFile(name)
        dialog.show()


def _answered(context: Context, service: str, chosen: Chosen, *asked: str) -> bool:
    """Whether somebody else answers."""
    answer = context.services.get(service)
    if answer is None:
        return False
    path = answer(*asked)
    if path is not None:
        chosen(path)
    return True
