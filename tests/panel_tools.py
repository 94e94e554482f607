"""What the tests of the panels share."""

from collections.abc import Callable
from typing import Any

from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.widgets.setpoint import SetpointField

Shown = Callable[[Callable[..., Any]], Any]
"""Makes a panel and shows it in 300 x 300 pixels."""
PEAKS = (551.2, 1450.7, 2950.3, 4050.1, 5549.9, 6449.0)


def put(qtbot: QtBot, field: SetpointField, text: str) -> None:
    """Type and press Enter."""
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def commands(link: FakeLink) -> list[tuple[str, dict[str, object]]]:
    """What the window sent, in order, but for the amplifier panel's own question."""
    return [(sent.name, sent.arguments) for sent in link.sent if sent.name != "protection"]
