"""Files are asked for without a box that holds the window up."""

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLineEdit, QListView, QWidget
from pytestqt.qtbot import QtBot

from gui.confirm import ConfirmDialog
from gui.context import Context
from gui.dialogs import FileDialog, choose_folder, choose_open, choose_save

KIND = "Scan files (*.toml)"


@pytest.fixture
def home(qtbot: QtBot) -> QWidget:
    home = QWidget()
    qtbot.addWidget(home)
    home.show()
    qtbot.waitExposed(home)
    return home


def shown(home: QWidget) -> FileDialog:
    dialog = home.findChild(FileDialog)
    assert isinstance(dialog, FileDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    return dialog


def type_name(dialog: FileDialog, path: Path) -> None:
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(line, QLineEdit)
    line.setText(str(path))


def question(dialog: FileDialog) -> ConfirmDialog:
    asked = dialog.findChild(ConfirmDialog)
    assert isinstance(asked, ConfirmDialog)
    assert not asked.isModal()
    assert QApplication.activeModalWidget() is None
    return asked


def test_a_file_is_replaced_only_after_a_yes(
    home: QWidget, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    old = tmp_path / "scan.toml"
    old.write_text("old")
    chosen: list[Path] = []
    choose_save(context, home, "Save", KIND, "scan.toml", chosen.append)
    dialog = shown(home)
    type_name(dialog, old)
    dialog.accept()
    asked = question(dialog)
    assert "scan.toml" in asked.question.title
    asked.no.click()
    assert not chosen
    assert dialog.isVisible(), "another name can be given"
    qtbot.waitUntil(lambda: dialog.findChild(ConfirmDialog) is None)
    dialog.accept()
    question(dialog).yes.click()
    assert chosen == [old]
    qtbot.waitUntil(lambda: home.findChild(FileDialog) is None)


def test_a_yes_is_for_the_file_that_was_asked_about(
    home: QWidget, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    for path in (first, second):
        path.write_text("old")
    chosen: list[Path] = []
    choose_save(context, home, "Save", KIND, "a.toml", chosen.append)
    dialog = shown(home)
    type_name(dialog, first)
    dialog.accept()
    asked = question(dialog)
    dialog.selectFile(str(second))
    asked.yes.click()
    assert not chosen
    qtbot.waitUntil(lambda: "b.toml" in question(dialog).question.title)
    question(dialog).yes.click()
    assert chosen == [second]


def test_a_new_file_needs_no_question(home: QWidget, context: Context, tmp_path: Path) -> None:
    chosen: list[Path] = []
    choose_save(context, home, "Save", KIND, "scan.toml", chosen.append)
    dialog = shown(home)
    type_name(dialog, tmp_path / "new")
    dialog.accept()
    assert chosen == [tmp_path / "new.toml"]


@pytest.mark.parametrize("folder", [True, False])
def test_what_is_not_there_is_told_beside_the_dialog(
    home: QWidget, context: Context, tmp_path: Path, folder: bool
) -> None:
    chosen: list[Path] = []
    if folder:
        choose_folder(context, home, "Folder", chosen.append)
    else:
        choose_open(context, home, "Open", KIND, chosen.append)
    dialog = shown(home)
    # Of a folder the last part may be new.
    type_name(dialog, tmp_path / "nowhere" / "new" if folder else tmp_path / "nowhere")
    dialog.accept()
    assert QApplication.activeModalWidget() is None
    assert "there is no such file or folder" in context.notices.history[-1].text
    assert not chosen
    assert dialog.isVisible()
    dialog.reject()


def test_a_folder_that_is_not_there_yet_is_made(
    home: QWidget, context: Context, tmp_path: Path
) -> None:
    """Files of a run go into a folder of their own: none that exists is replaced."""
    chosen: list[Path] = []
    choose_folder(context, home, "Folder", chosen.append)
    dialog = shown(home)
    type_name(dialog, tmp_path / "for the paper")
    dialog.accept()
    assert chosen == [tmp_path / "for the paper"]
    assert chosen[0].is_dir()
    assert QApplication.activeModalWidget() is None
    assert "for the paper made" in context.notices.history[-1].text


def test_a_folder_that_cannot_be_made_is_told(
    home: QWidget, context: Context, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing"
    nothing.symlink_to(tmp_path / "gone")
    chosen: list[Path] = []
    choose_folder(context, home, "Folder", chosen.append)
    dialog = shown(home)
    type_name(dialog, nothing)
    dialog.accept()
    assert "cannot be made: File exists" in context.notices.history[-1].text
    assert not chosen
    assert dialog.isVisible()
    dialog.reject()


TOO_LONG = "x" * 300 + ".toml"


@pytest.mark.parametrize("save", [True, False])
def test_a_name_that_no_file_can_have_is_told(
    home: QWidget, context: Context, tmp_path: Path, save: bool
) -> None:
    chosen: list[Path] = []
    if save:
        choose_save(context, home, "Save", KIND, "new.toml", chosen.append)
    else:
        choose_open(context, home, "Open", KIND, chosen.append)
    dialog = shown(home)
    type_name(dialog, tmp_path / TOO_LONG)
    dialog.accept()
    assert "name too long" in context.notices.history[-1].text
    assert not chosen
    assert dialog.isVisible()
    dialog.reject()


@pytest.mark.parametrize("save", [True, False])
def test_nothing_is_deleted_in_the_list_of_files(
    home: QWidget, context: Context, tmp_path: Path, save: bool, qtbot: QtBot
) -> None:
    precious = tmp_path / "precious.toml"
    precious.write_text("mine")
    if save:
        choose_save(context, home, "Save", KIND, "new.toml", lambda _path: None)
    else:
        choose_open(context, home, "Open", KIND, lambda _path: None)
    dialog = shown(home)
    dialog.setDirectory(str(tmp_path))
    files = dialog.findChild(QListView, "listView")
    delete = dialog.findChild(QAction, "qt_delete_action")
    assert isinstance(files, QListView)
    assert isinstance(delete, QAction)
    qtbot.waitUntil(lambda: files.model().rowCount(files.rootIndex()) == 1)
    files.setCurrentIndex(files.model().index(0, 0, files.rootIndex()))
    boxes: list[QWidget] = []

    def agree() -> None:
        box = QApplication.activeModalWidget()
        if box is not None:
            boxes.append(box)
            box.close()

    QTimer.singleShot(200, agree)
    delete.setEnabled(True)  # as the list's context menu does, for a file that can be deleted
    delete.trigger()
    qtbot.wait(300)
    assert not boxes
    assert precious.exists()
    dialog.reject()
