"""Fixtures of the window's tests; everything is drawn offscreen."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from fakes_gui import FakeLink, make_context
from open_window import delete_closed, open_window
from panel_tools import Shown
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gui import start_simulation
from gui.context import Context
from gui.window import Window


@pytest.fixture
def context_link(qapp: object, tmp_path: Path) -> Iterator[tuple[Context, FakeLink]]:
    """A context on a fake link, with the theme in force."""
    context, link = make_context(tmp_path)
    context.theme.apply()
    yield context, link
    context.actions.deleteLater()
    link.deleteLater()
    # Without a running event loop nothing else deletes them, and the next style sheet is slow.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def context(context_link: tuple[Context, FakeLink]) -> Context:
    return context_link[0]


@pytest.fixture
def link(context_link: tuple[Context, FakeLink]) -> FakeLink:
    return context_link[1]


@pytest.fixture
def shown(qtbot: QtBot, context: Context) -> Shown:
    def show(make: Callable[..., Any]) -> Any:
        panel = make(context)
        context.theme.dress(panel)
        qtbot.addWidget(panel)
        panel.resize(300, 300)
        panel.show()
        qtbot.waitExposed(panel)
        return panel

    return show


@pytest.fixture
def opened(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Window, FakeLink]]:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(start_simulation, "station_command", lambda: command)
    monkeypatch.setattr(start_simulation, "log_path", lambda: tmp_path / "rig.log")
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: True)
    window, link = open_window(qtbot, tmp_path)
    yield window, link
    if isValid(window):  # unless the test has closed it
        window.close()
    delete_closed()
