"""Pictures for the tutorial, made with the real window on the real station of a simulated rig.

Usage: python scripts/screenshots.py [FOLDER]   (docs/tutorial/images unless given; 3 minutes)
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QDockWidget, QWidget

from atta_daq.client.discovery import RUNTIME_VARIABLE, find_local
from gui.link.station import Link
from gui.settings import Settings
from gui.theme.theme import Theme
from gui.window import Window

RIG = "tutorial"
SPEED = 60.0
TIMEOUT_S = 400.0
COLOURS = 256
SCAN = Path(__file__).parent.parent / "scans" / "demo.toml"


def reduced(picture: QImage) -> QImage:
    """The picture in its 256 most frequent colours: a third of the size."""
    whole = picture.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(whole.constBits(), np.uint32)
    colours, counts = np.unique(pixels, return_counts=True)
    table = [int(colour) for colour in colours[np.argsort(counts)[-COLOURS:]]]
    exact = Qt.ImageConversionFlag.ThresholdDither | Qt.ImageConversionFlag.AvoidDither
    return whole.convertToFormat(QImage.Format.Format_Indexed8, table, exact)


class Photographer:
    """A window, and pictures of it."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._folder = folder
        theme = Theme()
        theme.choose("light")
        self.link = Link(lambda _rig: find_local(RIG), name="bench")
        self.window = Window(self.link, Settings(scratch / "window.json"), theme)
        self.context = self.window.context
        self.window.show()
        self.link.start()

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the window live until `condition` holds."""
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                notices = [notice.text for notice in self.context.notices.history[-5:]]
                raise SystemExit(f"this never came true: {condition}; notices: {notices}")
            self.live(0.05)

    def live(self, seconds: float) -> None:
        """Let the window live for a while."""
        # A loop of its own: processEvents leaves behind what Qt deletes later, dead tab bars too.
        loop = QEventLoop()
        QTimer.singleShot(round(1e3 * seconds), loop.quit)
        loop.exec()

    def trigger(self, action: str) -> None:
        self.until(self.context.actions[action].isEnabled)
        self.context.actions[action].trigger()

    def take(self, name: str, widget: QWidget | None = None) -> None:
        """A picture of the window or a part of it."""
        self.live(0.5)
        picture = (widget or self.window).grab().toImage()
        assert reduced(picture).save(str(self._folder / f"{name}.png"), quality=0)

    def panel(self, panel_id: str) -> QDockWidget:
        self.window.show_panel(panel_id)
        return self.window.docks[panel_id]


def main(folder: Path, scratch: Path) -> None:
    os.environ[RUNTIME_VARIABLE] = str(scratch)
    application = QApplication(["atta-daq"])
    at = Photographer(folder, scratch)
    readings, window = at.context.readings, at.window
    at.live(4.5)
    at.take("first-start")
    station = subprocess.Popen(
        [sys.executable, "-m", "atta_daq", "station", "--simulate", "--speed", str(SPEED),
         "--name", RIG, "--data", str(scratch / "data")],
    )  # fmt: skip
    try:
        at.until(lambda: readings.rig is not None)
        at.until(lambda: not readings.value("amplifier:current").stale)
        at.live(3.0)
        at.take("idle")
        at.trigger("light.on")
        at.until(lambda: readings.flag("amplifier:on") and readings.flag("lock:locked"))
        amplifier: Any = at.panel("amplifier").widget()
        amplifier.amplifier.field.setText("1500")
        amplifier.amplifier.field.textEdited.emit("1500")
        at.take("amplifier", window.docks["amplifier"])
        amplifier.amplifier.field.revert()
        at.trigger("lock.zero")
        at.until(lambda: "ratio" in readings.text("cell:zero"))
        at.until(lambda: readings.text("station:activity") == "")
        at.panel("lock")
        at.take("lock", window.docks["lock"])
        at.panel("cell")
        at.take("cell", window.docks["cell"])
        at.context.services["editor"].load(SCAN.read_text())
        at.trigger("scan.check")
        at.live(25.0)
        at.panel("editor")
        at.take("editor", window.docks["editor"])
        at.trigger("run.start")
        at.until(lambda: readings.number("run:segment") >= 100)
        at.until(lambda: readings.text("run:fit") != "")
        at.take("sweep")
        at.until(
            lambda: readings.flag("camera:acquiring") and readings.number("camera:frames") > 60
        )
        at.panel("camera")
        at.take("camera", window.docks["camera"])
        at.panel("log")
        at.take("log", window.docks["log"])
        window.shell.presets.keep("night")
        at.trigger("help.palette")
        at.take("palette")
        window.shell.palette.close_up()
        at.trigger("help.keys")
        at.take("keys", window.shell.keys)
        window.shell.keys.close()
        at.trigger("rig.stop")
        at.until(lambda: readings.text("run:outcome") != "")
        at.until(lambda: readings.text("run:state") == "idle")
        at.panel("runs")
        at.live(2.0)
        at.take("runs", window.docks["runs"])
        at.trigger("preset.apply")
        at.take("preset", window.shell.presets.apply_dialog)
        window.shell.presets.apply_dialog.close()
    finally:
        window.close()
        at.link.close()
        station.terminate()
        station.wait(60.0)
    application.quit()


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/tutorial/images")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        main(target, Path(temporary))
