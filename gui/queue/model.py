"""The queue as a table: what runs, what is next, what has ended; rows are dragged to their turn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QMimeData,
    QModelIndex,
    Qt,
    Signal,
)

from atta_daq.client.names import READINGS
from atta_daq.client.queue import QueueLine
from gui.theme.palettes import Tone
from gui.widgets.line_table import Index, LineTable
from gui.widgets.state_delegate import LINE_ROLE
from gui.words import duration, volume

COLUMNS = ("State", "No.", "Scan", "Done", "Prio", "Starts", "Ends", "Why")
STATE, SCAN, WHY = 0, 2, len(COLUMNS) - 1
MIME = "application/x-atta-daq-queue-entry"
TONES = {
    "waiting": Tone.OFF,
    "running": Tone.BUSY,
    "interrupted": Tone.WARNING,
    "done": Tone.OK,
    "aborted": Tone.WARNING,
    "failed": Tone.DANGER,
}
_RANKS = {"running": 0, "interrupted": 0, "failed": 1, "waiting": 2}
"""Order of the states from above; what has ended otherwise comes last."""
_MEANINGS = {reading.name: reading.meaning.split(", ")[0] for reading in READINGS}
_NAME = re.compile(r"\b[a-z_]+:[a-z0-9_]+\b")


@dataclass(frozen=True)
class QueueRow:
    """An entry with what its state means."""

    line: QueueLine

    @property
    def tone(self) -> Tone:
        return TONES.get(self.line.state, Tone.STALE)


class QueueModel(LineTable):
    """A row for each entry. Times are local; the rig's, where its clock runs faster."""

    columns = COLUMNS

    dropped = Signal(int, str)
    """An entry was dragged: its number, and before which it shall stand ('last': behind all)."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[QueueLine, ...] = ()
        self._texts: tuple[tuple[str, ...], ...] = ()

    def show_lines(self, lines: tuple[QueueLine, ...]) -> bool:
        """Take the entries over; False when they are the ones that stand already.

        What failed stands directly below what runs: it must be seen.
        """
        lines = tuple(sorted(lines, key=lambda line: _RANKS.get(line.state, len(_RANKS))))
        if lines == self.lines:
            return False
        texts = tuple(map(_texts, lines))
        if [line.entry for line in lines] == [line.entry for line in self.lines]:
            self.lines, self._texts = lines, texts
            self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, WHY))
            return True
        self.beginResetModel()
        self.lines, self._texts = lines, texts
        self.endResetModel()
        return True

    def row_of(self, entry: int) -> int:
        """Row of an entry; -1 when there is none of that number."""
        return next((n for n, line in enumerate(self.lines) if line.entry == entry), -1)

    @property
    def waiting(self) -> list[int]:
        """Numbers of the entries that can be moved, in their order."""
        return [line.entry for line in self.lines if line.state == "waiting"]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line, text = self.lines[index.row()], self._texts[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(line)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{COLUMNS[index.column()]}: {text}"
        return QueueRow(line) if role == LINE_ROLE else None

    # --- dragging ------------------------------------------------------------------------

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if not index.isValid():
            return flags | Qt.ItemFlag.ItemIsDropEnabled
        if self.lines[index.row()].state == "waiting":
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        return flags

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        if indexes:
            data.setData(MIME, str(self.lines[indexes[0].row()].entry).encode())
        return data

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        """Say where it fell. The table changes when the station has moved the entry."""
        if not data.hasFormat(MIME):
            return False
        entry = int(bytes(data.data(MIME).data()))
        at = parent.row() if parent.isValid() else row
        below = [] if at < 0 else [x.entry for x in self.lines[at:] if x.state == "waiting"]
        if below[:1] != [entry]:
            self.dropped.emit(entry, str(below[0]) if below else "last")
        # Nothing is to be taken out of the table: it is the station's.
        return False


def tip(line: QueueLine) -> str:
    """Everything that is known of an entry."""
    said = [
        f"entry {line.entry}: {line.name}",
        f"{line.state}, {line.done} of {line.repeats} measured, priority {line.priority}",
        f"{duration(line.duration_s)} and {volume(line.archive_bytes)} each time",
    ]
    if line.not_before is not None:
        said.append(f"not before {_moment(line.not_before)}")
    if line.conditions:
        said.append(f"when {line.conditions}")
    said.append(
        "a fault stops the queue" if line.on_fault == "pause" else "after a fault the next is taken"
    )
    said += [plain_words(text) for text in (line.waits_for, line.reason) if text]
    if line.run:
        said.append(f"run {line.run}")
    said.append(f"added by {line.added_by}, {_moment(line.added)}")
    return "\n".join(said)


def _texts(line: QueueLine) -> tuple[str, ...]:
    start = line.expected_start if line.expected_start is not None else line.not_before
    return (
        line.state, str(line.entry), line.name, f"{line.done}/{line.repeats}", str(line.priority),
        _moment(start) if line.open else "", _moment(line.expected_end),
        why(line, brief=True),
    )  # fmt: skip


def why(line: QueueLine, *, brief: bool = False) -> str:
    """What an entry waits for or will need, or why it ended: with short dates, readings by their
    meaning.

    `brief` leaves the day out where the entry is expected to start on it.
    """
    if line.not_before is not None and line.waits_for.startswith("not before"):
        moment, start = _moment(line.not_before), _moment(line.expected_start)
        same_day = brief and moment[:-5] == start[:-5]
        return f"not before {moment[-5:] if same_day else moment}"
    return plain_words(line.waits_for or line.reason or line.needs)


def plain_words(text: str) -> str:
    """'last 84Kr loading rate is 0.0312' of 'rate:loading_84 is 0.0312'."""
    return _NAME.sub(lambda found: _MEANINGS.get(found[0], found[0]), text)


def _moment(utc_s: float | None) -> str:
    return "" if utc_s is None else f"{datetime.fromtimestamp(utc_s):%d %b %H:%M}"
