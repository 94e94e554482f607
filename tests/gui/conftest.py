"""Fixtures of the window's tests; everything is drawn offscreen."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from fakes_gui import FakeLink, make_context
from panel_tools import Shown
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from gui.context import Context


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
