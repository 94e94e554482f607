"""What the window remembers of its operator: layout, palette, presets. A file of its own."""

import base64
import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from PySide6.QtCore import QLockFile

log = logging.getLogger(__name__)

SETTINGS_FILE = "window.json"
LOCK_MS = 2_000
"""Another window holds the file for milliseconds; Qt sees through the lock of one that died."""


class Settings:
    """Keys and JSON values in a file that several windows may share; never blocks the start.

    Each change is merged into the file as it stands, so that no window undoes what another one
    has kept under another key.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_config_path("atta-daq") / SETTINGS_FILE
        self.problem = ""
        """What was wrong with the file, for a toast; empty when nothing was."""
        self.tell: Callable[[str], None] = lambda _problem: None
        """Called with every further problem."""
        self._values: dict[str, Any] = {}
        self._unkept: dict[str, Any] = {}
        """What could not be written; tried again with the next change."""
        self._stamp: tuple[int, int] | None = None
        try:
            self._look()
        except OSError as error:
            self._set_aside(str(error))

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, as the last window has kept it."""
        try:
            self._look()
        except OSError as error:
            log.warning("settings cannot be read: %s", error)
        return self._unkept.get(key, self._values.get(key, default))

    def set(self, key: str, value: Any) -> bool:
        """Keep a JSON value; False when it lasts only as long as this window, which is told."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = QLockFile(f"{self.path}.lock")
            lock.tryLock(LOCK_MS)
            try:
                self._look()
                values = {**self._values, **self._unkept, key: value}
                if values != self._values:
                    self._write(values)
                self._unkept.clear()
            finally:
                lock.unlock()
        except OSError as error:
            self._unkept[key] = value
            self._say(f"settings cannot be kept in {self.path}: {error}; they end with this window")
            return False
        return True

    def _look(self) -> None:
        """Read the file if it has changed; what is no settings file is set aside."""
        try:
            about = self.path.stat()
        except FileNotFoundError:
            return
        stamp = (about.st_mtime_ns, about.st_ino)
        if stamp == self._stamp:
            return
        try:
            values = json.loads(self.path.read_text())
        except ValueError as error:
            self._set_aside(str(error))
            return
        if why := _wrong(values):
            self._set_aside(why)
        else:
            self._values, self._stamp = values, stamp

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_suffix(".corrupt.json")
        try:
            self.path.replace(aside)
        except OSError as error:
            self._say(f"settings {self.path} cannot be read ({why}; {error}); defaults serve")
        else:
            self._say(f"settings were not readable ({why}); set aside as {aside}")

    def _write(self, values: dict[str, Any]) -> None:
        beside = self.path.with_suffix(".tmp")
        beside.write_text(json.dumps(values, indent=1))
        about = beside.stat()
        beside.replace(self.path)
        self._values, self._stamp = values, (about.st_mtime_ns, about.st_ino)

    def _say(self, problem: str) -> None:
        log.warning("%s", problem)
        self.problem = problem
        self.tell(problem)


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


KNOWN: dict[str, Callable[[Any], bool]] = {
    "geometry": _is_base64,
    "layout": _is_base64,
    "layouts": lambda value: isinstance(value, dict),
    "palette": lambda value: isinstance(value, str),
    "text_pt": lambda value: _is_number(value) and isinstance(value, int),
    "strips": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
    "strips_span_s": lambda value: _is_number(value) and math.isfinite(value) and value > 0.0,
    "presets": lambda value: isinstance(value, dict),
    "editor.preview": lambda value: isinstance(value, bool),
}
"""What the parts of the window keep, and what each of them can use."""


def _wrong(values: Any) -> str:
    """Why this is no table of settings; empty when it is one."""
    if not isinstance(values, dict):
        return "not a table of settings"
    wrong = [key for key, fits in KNOWN.items() if key in values and not fits(values[key])]
    return f"{', '.join(wrong)}: not what this window can use" if wrong else ""
