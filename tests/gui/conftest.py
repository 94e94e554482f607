"""Fixtures of the window's tests; everything is drawn offscreen."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from fakes_gui import FakeLink, make_context
from PySide6.QtCore import QCoreApplication, QEvent

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
