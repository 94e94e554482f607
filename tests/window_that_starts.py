"""Makes the window of a process take a scan into its editor and start it, as its operator would.

A folder on PYTHONPATH with a `sitecustomize.py` that calls `begin` does it to the plain command,
which is not changed. The scan is in the file named by WINDOW_STARTS.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

import start_watch

VARIABLE = "WINDOW_STARTS"
LOOK_MS = 20


def environment(folder: Path, scan: Path) -> dict[str, str]:
    """The environment in which a window starts `scan`; `folder` is filled for it."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        "import window_that_starts\nwindow_that_starts.begin()"
    )
    tests = str(Path(__file__).parent)
    path = os.pathsep.join([str(folder), tests, os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, VARIABLE: str(scan)}


def begin() -> None:
    """Wait for the window in the background, if this process is to have one."""
    if "gui" in sys.orig_argv and "-m" in sys.orig_argv:
        scan = Path(os.environ[VARIABLE]).read_text()
        threading.Thread(target=_start, args=(scan,), daemon=True).start()


def _start(scan: str) -> None:
    application = start_watch._application()
    from PySide6.QtCore import QObject, QTimer, Signal

    from gui.window import Window

    class Hand(QObject):
        begin = Signal()

        def run(self) -> None:
            self.timer = QTimer()
            self.timer.timeout.connect(self.act)
            self.timer.start(LOOK_MS)

        def act(self) -> None:
            for window in application.topLevelWidgets():
                if isinstance(window, Window) and self.started(window):
                    self.timer.stop()

        def started(self, window: Any) -> bool:
            editor = window.context.services.get("editor")
            action = window.context.actions["run.start"]
            if editor is None or window.context.readings.rig is None:
                return False
            if editor.document.text != scan:
                editor.load(scan)
            if not action.isEnabled():
                return False
            action.trigger()
            return True

    hand = Hand()
    hand.begin.connect(hand.run)
    hand.moveToThread(application.thread())
    application.hand = hand
    hand.begin.emit()
