"""A real window on a real station, for tests of the whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from rigs import Rig

from atta_daq.client.discovery import find_station
from gui.confirm import ConfirmDialog
from gui.link.station import Link, LinkState
from gui.settings import Settings
from gui.theme.theme import Theme
from gui.window import Window

WAIT_MS = 100_000

SCAN = """
name = "small"
calibrate_counting_s = 100.0
bracket_period_s = 50.0
[[part]]
isotope = 85
dwell_s = 20.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""
LONG_SCAN = SCAN.replace("dwell_s = 20.0", "dwell_s = 400.0")


def say_yes(window: QWidget) -> None:
    """Answer a question that stands before something that cannot be undone."""
    for dialog in window.findChildren(ConfirmDialog):
        if dialog.isVisible():
            dialog.yes.click()


class Bench:
    """An operator at a window."""

    def __init__(self, qtbot: QtBot, rig: Rig, folder: Path, name: str = "bench") -> None:
        self._qtbot = qtbot
        self._closed = False
        self.link = Link(lambda _rig: find_station(rig.name), name=name)
        theme = Theme()
        theme.choose("dark")
        self.window = Window(self.link, Settings(folder / f"{name}.json"), theme)
        self.context = self.window.context
        self.window.show()
        qtbot.waitExposed(self.window)
        self.link.start()

    def connected(self) -> "Bench":
        """Wait until the station answers and its readings are there."""
        self.until(lambda: self.link.state is LinkState.CONNECTED)
        self.until(lambda: self.context.readings.rig is not None)
        self.until(lambda: not self.context.readings.value("amplifier:current").stale)
        return self

    def until(self, condition: Callable[[], bool], timeout_ms: int = WAIT_MS) -> None:
        try:
            self._qtbot.waitUntil(condition, timeout=timeout_ms)
        except Exception:
            raise AssertionError([n.text for n in self.context.notices.history[-8:]]) from None

    def trigger(self, action: str) -> None:
        """As a key or a click would; an action that is impossible now fails."""
        self.until(lambda: self.context.actions[action].isEnabled(), 20_000)
        self.context.actions[action].trigger()
        say_yes(self.window)

    def panel(self, name: str) -> Any:
        """A panel, in front of those that share its place."""
        self.window.show_panel(name)
        return self.window.docks[name].widget()

    def text(self, reading: str) -> str:
        return self.context.readings.text(reading)

    def start(self, scan: str) -> str:
        """Load a scan into the editor and start it; returns the run id."""
        before = self.text("run:id")
        self.context.services["editor"].load(scan)
        self.trigger("run.start")
        self.until(lambda: self.text("run:id") not in ("", before))
        return self.text("run:id")

    def ended(self) -> str:
        """Wait for the end of the run; returns its outcome."""
        self.until(lambda: self.text("run:outcome") != "" and self.text("run:state") == "idle")
        return self.text("run:outcome")

    def close(self) -> None:
        """Close the window and let go of the station; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        self.window.close()
        self.link.close()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
