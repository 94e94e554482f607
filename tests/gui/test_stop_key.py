"""STOP by its keys, wherever the keyboard is."""

from collections.abc import Callable
from typing import Any

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gui.confirm import ConfirmDialog
from gui.dialogs import FileDialog
from gui.window import Window

KEYS = (Qt.Key.Key_F12, Qt.Key.Key_Pause)


def _panel(window: Window, name: str) -> Any:
    window.show_panel(name)
    return window.docks[name].widget()


def _setpoint(window: Window) -> QWidget:
    return _panel(window, "sideband").frequency.field


def _toml(window: Window) -> QWidget:
    editor = _panel(window, "editor")
    editor.tabs.setCurrentIndex(1)
    return editor.text


def _runs(window: Window) -> QWidget:
    return _panel(window, "runs").table


def _floating(window: Window) -> QWidget:
    field = _setpoint(window)
    dock = window.docks["sideband"]
    dock.setFloating(True)
    dock.activateWindow()
    return field


def _queue_add(window: Window) -> QWidget:
    queue = _panel(window, "queue")
    window.context.actions["queue.add"].trigger()
    return queue.deeds.add_dialog.conditions


def _preset_save(window: Window) -> QWidget:
    window.context.actions["preset.save"].trigger()
    return window.shell.presets.save_dialog.name


def _preset_apply(window: Window) -> QWidget:
    window.shell.presets.keep("a preset")
    window.context.actions["preset.apply"].trigger()
    return window.shell.presets.apply_dialog.choice


def _palette(window: Window) -> QWidget:
    window.context.actions["help.palette"].trigger()
    return window.shell.palette.search


def _keys(window: Window) -> QWidget:
    window.context.actions["help.keys"].trigger()
    return window.shell.keys


def _tour(window: Window) -> QWidget:
    window.context.actions["help.tour"].trigger()
    return window


def _file_to_open(window: Window) -> QWidget:
    window.context.actions["scan.open"].trigger()
    return window.findChild(FileDialog).findChild(QLineEdit)


def _file_to_replace(window: Window) -> QWidget:
    window.context.actions["scan.save"].trigger()
    dialog: Any = window.findChild(FileDialog)
    old = window.context.settings.path.with_name("old.toml")
    old.write_text("old")
    dialog.findChild(QLineEdit).setText(str(old))
    dialog.accept()
    return dialog.findChild(ConfirmDialog).no


def _about(window: Window) -> QWidget:
    window.context.actions["help.about"].trigger()
    return QApplication.activeWindow() or window


@pytest.mark.parametrize(
    "place",
    [_setpoint, _toml, _runs, _floating, _queue_add, _preset_save, _preset_apply, _palette, _keys,
     _tour, _about, _file_to_open, _file_to_replace],
)  # fmt: skip
def test_the_keys_of_stop_reach_the_station_from_everywhere(
    qtbot: QtBot, opened: tuple[Window, FakeLink], place: Callable[[Window], QWidget]
) -> None:
    window, link = opened
    window.activateWindow()
    field = place(window)
    field.window().activateWindow()
    field.setFocus()
    qtbot.waitUntil(lambda: field.window().isActiveWindow())
    for key in KEYS:
        link.sent.clear()
        qtbot.keyClick(field, key)
        assert [sent.name for sent in link.sent] == ["stop"], key
