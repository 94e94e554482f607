"""A sweep view on the screen, and gone after the test."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.sweep.view import SweepView


@pytest.fixture
def view(qtbot: QtBot, context: Context) -> Iterator[SweepView]:
    view = SweepView(context)
    context.theme.dress(view)
    view.resize(900, 600)
    view.show()
    qtbot.waitExposed(view)
    yield view
    view.close()
    view.deleteLater()
    # Views of earlier tests would be styled again with each later theme.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
