"""Watches from within a window's process how far its start has come.

A folder on PYTHONPATH with this file as `sitecustomize.py` makes every Python process look: the
command is then the one that an operator gives, and not changed. The file named in WINDOW_STAGES
gets a line (stage, UTC) for each stage: `visible`; `fresh`: readings of the rig are there; and
`whole`: the sweep shows every point of the run that the station has.
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
    """The environment in which a command tells its stages; `folder` is filled for it."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(Path(__file__).read_text())
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, VARIABLE: str(stages)}


def read(stages: Path) -> dict[str, float]:
    """UTC of the stages so far."""
    if not stages.exists():
        return {}
    lines = [line.split() for line in stages.read_text().splitlines()]
    return {line[0]: float(line[1]) for line in lines if len(line) == 2}


def _windows() -> list[Any]:
    widgets, module = sys.modules.get("PySide6.QtWidgets"), sys.modules.get("gui.window")
    if widgets is None or not hasattr(module, "Window"):
        return []
    application = widgets.QApplication.instance()
    if application is None:
        return []
    return [w for w in application.topLevelWidgets() if isinstance(w, module.Window)]


def _fresh(window: Any) -> bool:
    return not window.context.readings.value("amplifier:current").stale


def _whole(window: Any) -> bool:
    parts, picture = window.context.readings.parsed("run:points"), window.sweep.picture
    if not parts or picture is None:
        return False
    wanted = [p for part in parts if part["name"] == picture.name for p in part["points"]]
    drawn = picture.points.source
    return len(drawn) > 0 and len(drawn) == sum(bool(p["pumping"]) for p in wanted)


def _watch(stages: Path) -> None:
    checks = {"visible": lambda window: window.isVisible(), "fresh": _fresh, "whole": _whole}
    while checks:
        time.sleep(LOOK_S)
        try:
            passed = [name for name, check in checks.items() if any(map(check, _windows()))]
        except Exception:
            continue
        for name in passed:
            del checks[name]
            with stages.open("a") as out:
                out.write(f"{name} {time.time():.6f}\n")


if __name__ == "sitecustomize" and "gui" in sys.orig_argv and "-m" in sys.orig_argv:
    threading.Thread(target=_watch, args=(Path(os.environ[VARIABLE]),), daemon=True).start()
