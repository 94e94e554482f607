"""The list of runs as a table: newest first, as the station answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PySide6.QtCore import Qt

from gui.theme.palettes import Tone
from gui.widgets.line_table import Index, LineTable
from gui.widgets.state_delegate import LINE_ROLE
from gui.words import duration

TONES = {
    "running": Tone.BUSY,
    "complete": Tone.OK,
    "complete with gaps": Tone.WARNING,
    "aborted": Tone.WARNING,
    "crashed": Tone.DANGER,
}


@dataclass(frozen=True)
class RunLine:
    """One run of the list."""

    run_id: str
    name: str
    isotopes: tuple[int, ...]
    state: str
    started_utc_s: float
    duration_s: float | None
    """From the first to the last document, by the clock on the wall; None while it runs."""
    sample: str
    note: str
    geometry: str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RunLine":
        """One element of the answer of `runs`. Raises KeyError on a record of another shape."""
        return cls(
            run_id=data["run_id"], name=data["name"], isotopes=tuple(data["isotopes"]),
            state=data["state"], started_utc_s=float(data["started_utc_s"]),
            duration_s=None if data["duration_s"] is None else float(data["duration_s"]),
            sample=data["sample"], note=data["note"], geometry=data["geometry"],
        )  # fmt: skip

    @property
    def started(self) -> str:
        """Local time."""
        return f"{datetime.fromtimestamp(self.started_utc_s):%Y-%m-%d %H:%M}"

    @property
    def lasted(self) -> str:
        """How long it took; a dash while it is under way: the list stands still meanwhile."""
        return "–" if self.duration_s is None else duration(self.duration_s)

    @property
    def tone(self) -> Tone:
        """What its state means."""
        return TONES.get(self.state, Tone.STALE)

    @property
    def isotope_names(self) -> str:
        """As in '83Kr, 85Kr'."""
        return ", ".join(f"{mass}Kr" for mass in self.isotopes)


COLUMNS = ("State", "Name", "Started", "Duration", "Sample", "Note", "Isotopes", "Run")
"""What tells runs apart first: at the bench the list is narrow."""
STATE = 0


class RunsModel(LineTable):
    """A row for each run."""

    columns = COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[RunLine, ...] = ()

    def show_lines(self, lines: tuple[RunLine, ...]) -> bool:
        """Take a new list over; False when it is the one that stands already."""
        if lines == self.lines:
            return False
        self.beginResetModel()
        self.lines = lines
        self.endResetModel()
        return True

    def row_of(self, run_id: str) -> int:
        """Row of a run; -1 when it is not in the list."""
        return next((n for n, line in enumerate(self.lines) if line.run_id == run_id), -1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(line)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _texts(line)[index.column()] or None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{COLUMNS[index.column()]}: {_texts(line)[index.column()]}"
        return line if role == LINE_ROLE else None


def _texts(line: RunLine) -> tuple[str, ...]:
    return (
        line.state, line.name, line.started, line.lasted, line.sample, line.note,
        line.isotope_names, line.run_id,
    )  # fmt: skip
