"""What the window remembers of its operator: layout, palette, presets. A file of its own."""

import json
import logging
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

log = logging.getLogger(__name__)

SETTINGS_FILE = "window.json"


class Settings:
    """Keys and JSON values, written whole at every change; never blocks the start."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_config_path("atta-daq") / SETTINGS_FILE
        self.problem = ""
        """What was wrong with the file at the start, for a toast; empty when nothing was."""
        self._values: dict[str, Any] = self._read()

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self._values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        if self._values.get(key) == value and key in self._values:
            return
        self._values[key] = value
        self._write()

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            return self._set_aside(str(error))
        return values if isinstance(values, dict) else self._set_aside("not a table of settings")

    def _set_aside(self, why: str) -> dict[str, Any]:
        aside = self.path.with_suffix(".corrupt.json")
        try:
            self.path.replace(aside)
        except OSError as error:
            self.problem = f"settings {self.path} cannot be read ({why}; {error}); defaults serve"
        else:
            self.problem = f"settings were not readable ({why}); set aside as {aside}"
        log.warning("%s", self.problem)
        return {}

    def _write(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside = self.path.with_suffix(".tmp")
            beside.write_text(json.dumps(self._values, indent=1))
            beside.replace(self.path)
        except OSError as error:
            log.warning("settings cannot be kept: %s", error)
