"""A whole window on a fake link, fed as a station feeds it: for its speed and its memory."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fakes_gui import FakeLink, feed_idle
from fakes_sweep import live, spectrum, spectrum_fit
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui.link.values import OK, Value
from gui.settings import Settings
from gui.theme.theme import Theme
from gui.window import Window

STRIPS = ["amplifier:current", "lock:rms", "light:detuning", "amplifier:seed_power"]
SIGNALS = 300
PAINT_S = 10.0


class Paints(QObject):
    """Counts how often each of some widgets was painted."""

    def __init__(self, widgets: dict[str, QWidget]) -> None:
        super().__init__()
        self._names = {id(widget): name for name, widget in widgets.items()}
        self.counts = dict.fromkeys(widgets, 0)
        for widget in widgets.values():
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.counts[self._names[id(watched)]] += 1
        return False

    def total(self) -> int:
        """Of all of them."""
        return sum(self.counts.values())


class FedWindow:
    """Sweep of 120 points with residuals, picture of 512 x 512, four strips, all visible."""

    def __init__(self, qtbot: QtBot, folder: Path, pixels: int = 512, beat_s: float = 0.2) -> None:
        """`beat_s`: time between two pictures, for the strips, which show five minutes."""
        self._qtbot = qtbot
        self._beat_s = beat_s
        theme = Theme()
        theme.choose("dark")
        settings = Settings(folder / "window.json")
        settings.set("strips", STRIPS)
        self.link: Any = FakeLink()
        self.window = Window(self.link, settings, theme)
        self.window.resize(1920, 1080)
        self.window.show()
        qtbot.waitExposed(self.window)
        feed_idle(self.link)
        self.link.feed(camera__acquiring=True)
        for panel in ("camera", "strips"):
            self.window.show_panel(panel)
        # All four strips at full height.
        self.window.resizeDocks([self.window.docks["strips"]], [420], Qt.Orientation.Vertical)
        self._rng = np.random.default_rng(1)
        self._pictures = self._rng.poisson(400.0, (8, pixels, pixels)).astype(np.uint16)
        self._runs = [live(spectrum(120, taken=60 + taken), spectrum_fit()) for taken in range(60)]
        self.link.feed(**self._runs[0])
        qtbot.wait(200)
        panels: Any = {name: self.window.docks[name].widget() for name in ("camera", "strips")}
        sweep: Any = self.window.sweep
        self.paints = Paints(
            {
                "picture": panels["camera"].plot.viewport(),
                "sweep": sweep.plot.viewport(),
                **{
                    f"strip {name}": strip.plot.viewport()
                    for name, strip in panels["strips"].strips.items()
                },
            }
        )

    def feed(self, number: int, new_points: bool | None = None) -> None:
        """A picture, five times in ten the other readings, once in 25 new points; then paint.

        `new_points` True or False: with every one, with none.
        """
        rng, beat_s = self._rng, time.time() + self._beat_s * number
        readings: dict[str, Any] = {
            "camera__image": self._pictures[number % len(self._pictures)],
            "camera__frames": number,
            "station__rig_time": Value(beat_s, OK, "", utc_s=beat_s),
            "amplifier__current": 2497.0 + rng.normal(),
            "lock__rms": 0.8 + 0.1 * rng.normal(),
            "light__detuning": -100.0 + rng.normal(),
            "amplifier__seed_power": 22.0 + 0.1 * rng.normal(),
        }
        if number % 2 == 0:
            readings["camera__signals"] = rng.normal(0.0, 60.0, SIGNALS)
            readings["camera__arrivals"] = np.array([20.0, 140.0])
            readings["run__remaining"] = 3600.0 - 0.1 * number
        if number % 25 == 0 if new_points is None else new_points:
            readings |= self._runs[number % len(self._runs)]
        painted = self.paints.counts["picture"]
        self.link.feed(**readings)
        self.until(lambda: self.paints.counts["picture"] > painted)

    def until(self, condition: Callable[[], bool]) -> None:
        """Let Qt work. It paints up to 5 ms after an update was asked for, not at once: a loop
        that only empties the queue of events sees no painting at all."""
        deadline_s = time.perf_counter() + PAINT_S
        while not condition():
            assert time.perf_counter() < deadline_s, "nothing was painted"
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def close(self) -> None:
        """Close the window."""
        self.window.close()
        self._qtbot.wait(0)
