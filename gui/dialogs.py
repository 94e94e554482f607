"""Asking for files and folders without holding the window up.

A service of the same name answers instead when there is one (`choose_folder`, `choose_open`,
`choose_save` of `context.services`, each `(title) -> Path | None`): tests and tours use that.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.context import Context

Chosen = Callable[[Path], None]


def choose_folder(context: Context, parent: QWidget, title: str, chosen: Chosen) -> None:
    """Ask for a folder; `chosen` is not called when the operator changes her mind."""
    dialog = _dialog(context, parent, "choose_folder", title, chosen)
    if dialog is not None:
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.show()


def choose_open(context: Context, parent: QWidget, title: str, kind: str, chosen: Chosen) -> None:
    """Ask for a file that exists; `kind` as in 'Scan files (*.toml)'."""
    dialog = _dialog(context, parent, "choose_open", title, chosen)
    if dialog is not None:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(kind)
        dialog.show()


def choose_save(
    context: Context, parent: QWidget, title: str, kind: str, name: str, chosen: Chosen
) -> None:
    """Ask where to write a file; the dialog itself asks before one is replaced."""
    dialog = _dialog(context, parent, "choose_save", title, chosen)
    if dialog is not None:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(kind)
        dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))
        dialog.selectFile(name)
        dialog.show()


def _dialog(
    context: Context, parent: QWidget, service: str, title: str, chosen: Chosen
) -> QFileDialog | None:
    answer = context.services.get(service)
    if answer is not None:
        path = answer(title)
        if path is not None:
            chosen(path)
        return None
    dialog = QFileDialog(parent, title)
    # The window's own dialog: in its palette, and not modal on any system.
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setModal(False)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    return dialog
