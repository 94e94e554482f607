"""A whole window on a fake link, opened and thrown away."""

import gc
from pathlib import Path
from typing import Any

from fakes_gui import FakeLink, feed_idle
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from gui.settings import Settings
from gui.theme.theme import Theme
from gui.window import Window


def delete_closed() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    gc.collect()


def open_window(qtbot: QtBot, folder: Path, palette: str = "dark") -> tuple[Window, FakeLink]:
    link: Any = FakeLink()
    theme = Theme()
    theme.choose(palette)
    window = Window(link, Settings(folder / "window.json"), theme)
    window.show()
    qtbot.waitExposed(window)
    feed_idle(link)
    return window, link
