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
        return self.change(key, lambda _kept: value)

    def change(self, key: str, change: Callable[[Any], Any]) -> bool:
        """Like `set`, with what `change` makes of the value that any window has kept last."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = QLockFile(f"{self.path}.lock")
            lock.tryLock(LOCK_MS)
            try:
                self._look()
                values = {**self._values, **self._unkept}
                values[key] = change(values.get(key))
                if values != self._values:
                    self._write(values)
                self._unkept.clear()
            finally:
                lock.unlock()
        except OSError as error:
            self._unkept[key] = change(self._unkept.get(key, self._values.get(key)))
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
        text = self.path.read_bytes()
        # Before it is set aside, and so the values below: where that cannot be done it is not told
        # again, and what can be used serves.
        self._stamp = stamp
        try:
            values = json.loads(text)
        except ValueError as error:
            self._set_aside(str(error))
            return
        if not isinstance(values, dict):
            self._set_aside("not a table of settings")
            return
        wrong = [key for key in KNOWN.keys() & values.keys() if not KNOWN[key](values[key])]
        self._values = {key: value for key, value in values.items() if key not in wrong}
        if wrong:
            self._set_aside(f"{', '.join(wrong)}: not what this window can use")
            try:
                self._write(self._values)
            except OSError as error:  # told with the next change
                log.warning("settings cannot be kept: %s", error)

    def _set_aside(self, why: str) -> None:
        aside = _free(self.path.with_suffix(".corrupt.json"))
        try:
            self.path.replace(aside)
        except OSError as error:
            self._say(
                f"settings {self.path} were not readable ({why}), defaults serve instead; they "
                f"cannot be set aside ({error})"
            )
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


def _free(path: Path) -> Path:
    """The path, or the next one with a number: what was set aside before is kept."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in range(2, 1000))
    return next((one for one in (path, *numbered) if not one.exists()), path)


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


KNOWN: dict[str, Callable[[Any], bool]] = {
    "geometry": _is_base64,
    "layout": _is_base64,
    "layouts": lambda value: isinstance(value, dict),
    "palette": lambda value: isinstance(value, str),
    "text_pt": lambda value: _is_number(value) and isinstance(value, int),
    "strips": _are_texts,
    "strips_span_s": lambda value: _is_number(value) and math.isfinite(value) and value > 0.0,
    "presets": lambda value: isinstance(value, dict),
    "editor.preview": lambda value: isinstance(value, bool),
    "editor.drafts": _are_texts,
    "editor.draft": lambda value: isinstance(value, str),
}
"""What the parts of the window keep, and what each of them can use."""
