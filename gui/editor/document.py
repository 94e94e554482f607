"""The scan under the editor's hands: one text, seen as a form or as TOML."""

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal

from atta_daq.client.rig_info import RigInfo
from atta_daq.scans.definition import ScanDefinition, rename_parts
from atta_daq.scans.wording import file_name, located_problems
from gui.editor.problem import Place, Problem
from gui.editor.rig_limits import rig_problems
from gui.editor.toml_text import Table, read, write


class ScanDocument(QObject):
    """Text, its tables, and what is wrong with it; checked at every change."""

    changed = Signal()
    """After every change of text or of problems."""

    def __init__(self, rig: Callable[[], RigInfo | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rig = rig
        self.text = ""
        self.table: Table | None = None
        """None while the text is no TOML; the form is closed then."""
        self.definition: ScanDefinition | None = None
        """None while anything is wrong with a key, whatever the rig's limits say."""
        self.problems: list[Problem] = []

    @property
    def valid(self) -> bool:
        """The station can be asked about it."""
        return self.definition is not None and not self.problems

    def load(self, text: str) -> None:
        """Take another text over, as it is."""
        if text == self.text and (self.table is not None or self.problems):
            return
        self.text = text
        try:
            self.table = read(text)
        except tomllib.TOMLDecodeError as error:
            self.table, self.definition = None, None
            self.problems = [Problem((), f"not TOML: {error}")]
            self.changed.emit()
            return
        self.check()

    @contextmanager
    def edit(self) -> Iterator[Table]:
        """Change the tables; the text follows. Not to be asked while `table` is None."""
        assert self.table is not None
        yield self.table
        self.text = write(self.table)
        self.check()

    def get(self, place: Place, default: Any = None) -> Any:
        """What stands at a place; `default` when nothing does."""
        here: Any = self.table
        for item in place:
            try:
                here = here[item]
            except (KeyError, IndexError, TypeError):
                return default
        return here

    def put(self, place: Place, value: Any) -> None:
        """Let a key have a value; None leaves the key out. Missing tables are made.

        An empty table of a part's light, or of the faults, goes with its last key.
        """
        *path, key = place
        if value is None and self.get(place) is None:
            return
        with self.edit() as table:
            here: Any = table
            for item in path:
                if isinstance(here, dict) and not isinstance(here.get(item), dict | list):
                    here[item] = Table()
                here = here[item]
            if value is None:
                del here[key]
            else:
                here[key] = value
            if not here and path and path[-1] in ("light", "faults"):
                del self.get(tuple(path[:-1]))[path[-1]]

    def check(self) -> None:
        """Look for problems again (the rig's limits may have come meanwhile)."""
        assert self.table is not None
        try:
            self.definition = ScanDefinition.model_validate(rename_parts(self.table))
        except ValidationError as error:
            self.definition = None
            self.problems = [
                Problem(tuple(file_name(x) if isinstance(x, str) else x for x in place), text)
                for place, text in located_problems(ScanDefinition, error)
            ]
        else:
            rig = self._rig()
            self.problems = rig_problems(self.definition, rig) if rig else []
        self.changed.emit()

    def problem_at(self, place: Place) -> str:
        """What is wrong at a place or within it (an element of a list of numbers)."""
        return next((p.text for p in self.problems if p.place[: len(place)] == place), "")

    def problem_of(self, place: Place) -> str:
        """What is wrong with a table itself, not with one of its keys."""
        return next((p.text for p in self.problems if p.place == place), "")
