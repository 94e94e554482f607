"""Watches from within a window's process how far its start has come.

A folder on PYTHONPATH with this file as `sitecustomize.py` makes every Python process look: the
command is then the one that an operator gives, and not changed. The file named in WINDOW_STAGES
gets a line (stage, UTC, processor time of this process) for each stage: `visible`; `fresh`:
readings of the rig are there; and `whole`: the sweep shows every point of the run that the
station has, and its last fit.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

VARIABLE = "WINDOW_STAGES"
LOOK_S = 0.01


def environment(folder: Path, stages: Path) -> dict[str, str]:
    """The environment in which a command tells its stages; `folder` is filled for it.

    Compiled modules are kept, as every user's Python does, but in `folder`: the first start fills
    it.
    """
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(Path(__file__).read_text())
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    usual = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    cache = str(folder / "compiled")
    return {**usual, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": cache, VARIABLE: str(stages)}


def read(stages: Path) -> dict[str, tuple[float, float]]:
    """UTC and processor time (s) of the stages so far."""
    if not stages.exists():
        return {}
    lines = [line.split() for line in stages.read_text().splitlines()]
    return {line[0]: (float(line[1]), float(line[2])) for line in lines if len(line) == 3}


def _fresh(window: Any) -> bool:
    return not window.context.readings.value("amplifier:current").stale


def _whole(window: Any) -> bool:
    parts, picture = window.context.readings.parsed("run:points"), window.sweep.picture
    if not parts or picture is None:
        return False
    wanted = [p for part in parts if part["name"] == picture.name for p in part["points"]]
    drawn = picture.points.source
    points = len(drawn) > 0 and len(drawn) == sum(bool(p["pumping"]) for p in wanted)
    return points and _fitted(window, picture)


def _fitted(window: Any, picture: Any) -> bool:
    """The last fit of the part is drawn, or the station has none that could be."""
    readings = window.context.readings
    if readings.value("run:fit").stale:
        return False
    fit = readings.parsed("run:fit", {}).get(picture.name)
    if fit is None or fit["curve"] is None or fit["curve"]["axis"] != picture.axis.name:
        return True
    line = window.sweep.plot.layers.fit.line
    return line.isVisible() and list(line.getData()[1]) == fit["curve"]["y"]


def _application() -> Any:
    while True:
        time.sleep(LOOK_S)
        widgets, window = sys.modules.get("PySide6.QtWidgets"), sys.modules.get("gui.window")
        if hasattr(widgets, "QApplication") and hasattr(window, "Window"):
            application = widgets.QApplication.instance()
            if application is not None:
                return application


def _watch(stages: Path) -> None:
    """Have the window's own thread look: nobody else may touch a widget."""
    application = _application()
    from PySide6.QtCore import QObject, QTimer, Signal

    from gui.window import Window

    class Look(QObject):
        begin = Signal()

        def __init__(self) -> None:
            super().__init__()
            self.checks = {"visible": Window.isVisible, "fresh": _fresh, "whole": _whole}

        def run(self) -> None:
            self.timer = QTimer()
            self.timer.timeout.connect(self.look)
            self.timer.start(round(1e3 * LOOK_S))

        def look(self) -> None:
            windows = [w for w in application.topLevelWidgets() if isinstance(w, Window)]
            for name, check in list(self.checks.items()):
                if any(map(check, windows)):
                    del self.checks[name]
                    with stages.open("a") as out:
                        out.write(f"{name} {time.time():.6f} {time.process_time():.6f}\n")

    look = Look()
    look.begin.connect(look.run)
    look.moveToThread(application.thread())
    application.window_stages = look
    look.begin.emit()


if __name__ == "sitecustomize" and "gui" in sys.orig_argv and "-m" in sys.orig_argv:
    threading.Thread(target=_watch, args=(Path(os.environ[VARIABLE]),), daemon=True).start()
