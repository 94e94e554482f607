"""What can be done with a run of the list."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from gui import dialogs
from gui.context import Context
from gui.runs.files import Opener, RunFiles
from gui.runs.model import RunLine

DATA_TIMEOUT_S = 60.0
FILES_TIMEOUT_S = 300.0
_KEPT_RUNS = 8
"""Answers of `run_data` that are kept; a long run has some megabytes."""


class RunDeeds:
    """Each asks the station and hands the answer on."""

    def __init__(self, context: Context, parent: QWidget, opener: Opener, cache: Path) -> None:
        self._context = context
        self._parent = parent
        self._opener = opener
        self._cache = cache
        self._files = RunFiles(parent)
        self._data: dict[str, dict[str, Any]] = {}

    def forget(self, run_id: str) -> None:
        """A run has changed: its data are to be read again."""
        self._data.pop(run_id, None)

    def data(
        self, line: RunLine, came: Callable[[dict[str, Any]], None],
        refused: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        """Segments, points and fits of a run, from the station or kept from before."""
        if line.run_id in self._data:
            came(self._data[line.run_id])
            return

        def keep(data: dict[str, Any]) -> None:
            if data["info"]["state"] != "running":
                self._data[line.run_id] = data
                while len(self._data) > _KEPT_RUNS:
                    self._data.pop(next(iter(self._data)))
            came(data)

        self._context.command(
            "run_data", done=keep, refused=refused, timeout_s=DATA_TIMEOUT_S, run=line.run_id
        )

    def open(self, line: RunLine) -> None:
        """Draw the run."""
        self.data(line, lambda data: self._sweep("show_run", data))

    def compare(self, line: RunLine) -> None:
        """Draw the run behind the present one."""
        self.data(line, lambda data: self._sweep("compare", data))

    def live(self) -> None:
        """Show the run under way again."""
        self._sweep("show_live")

    def again(self, line: RunLine) -> None:
        """Put its scan into the editor; nothing starts."""

        def came(answer: dict[str, Any]) -> None:
            self._context.edit_scan(answer["scan"], f"the scan of {line.run_id} is in the editor")

        self._context.command("run_scan", done=came, timeout_s=DATA_TIMEOUT_S, run=line.run_id)

    def report(self, line: RunLine) -> None:
        """Write its report below the cache and open it."""

        def came(answer: dict[str, str]) -> None:
            path = self._cache / "reports" / Path(answer["name"]).name
            self._files.report(path, answer["html"], self._open, self._context.notices.error)

        self._context.command(
            "run_report", done=came, timeout_s=FILES_TIMEOUT_S, run=line.run_id
        )  # fmt: skip

    def csv(self, line: RunLine) -> None:
        """Segments and points as tables."""
        self._export(line, "csv")

    def nexus(self, line: RunLine) -> None:
        """One HDF5 file."""
        self._export(line, "nexus")

    def _export(self, line: RunLine, kind: str) -> None:
        notices = self._context.notices

        def chosen(folder: Path) -> None:
            def came(answer: dict[str, Any]) -> None:
                self._files.export(folder, answer["files"], notices.info, notices.error)
                for text in answer["lacking"]:
                    notices.warn(text)

            self._context.command(
                "run_export", done=came, timeout_s=FILES_TIMEOUT_S, run=line.run_id, format=kind
            )

        dialogs.choose_folder(
            self._context, self._parent, f"Folder for the files of {line.run_id}", chosen
        )

    def _open(self, path: str) -> None:
        if not self._opener(Path(path)):
            self._context.notices.warn(f"no program opens the report; it is {path}")

    def _sweep(self, what: str, *data: dict[str, Any]) -> None:
        sweep = self._context.services.get("sweep")
        if sweep is None:
            self._context.notices.warn("this window has no sweep view")
        else:
            getattr(sweep, what)(*data)
