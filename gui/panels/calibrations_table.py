"""The calibrations as a table: state, name, value, age, validity, source."""

import re
import time
from datetime import timedelta
from typing import Any

from PySide6.QtCore import Qt

from gui.model.calibrations import CalibrationLine
from gui.widgets.line_table import Index, LineTable
from gui.widgets.state_delegate import LINE_ROLE
from gui.words import true_minus

COLUMNS = ("State", "Calibration", "Value", "Age", "Valid until", "Source")
SHORT = timedelta(days=3)
_DATED = re.compile(r"-\d{8}-\d{6}-[0-9a-f]+$")
"""The end of the id of a stored result: its kind says enough in the table."""
STATE, SOURCE = 0, len(COLUMNS) - 1


class CalibrationsTable(LineTable):
    """A row for each calibrated number. Dates are local time."""

    columns = COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[CalibrationLine, ...] = ()
        self._ages: tuple[str, ...] = ()
        self._texts: tuple[tuple[str, ...], ...] = ()

    def show_lines(self, lines: tuple[CalibrationLine, ...], now_s: float | None = None) -> None:
        """Take the lines over; `now_s` (UTC) is what they are as old as, now if not given."""
        now_s = time.time() if now_s is None else now_s
        ages = tuple(line.age(now_s) for line in lines)
        if lines != self.lines:
            self.beginResetModel()
            self.lines = lines
            self._set_ages(ages)
            self.endResetModel()
        elif ages != self._ages:
            self._set_ages(ages)
            column = COLUMNS.index("Age")
            self.dataChanged.emit(self.index(0, column), self.index(len(lines) - 1, column))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts[index.row()][index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(line)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{COLUMNS[index.column()]}: {self._texts[index.row()][index.column()]}"
        return line if role == LINE_ROLE else None

    def _set_ages(self, ages: tuple[str, ...]) -> None:
        """Texts are made once: a table that fits its columns asks for all of them, often."""
        self._ages = ages
        self._texts = tuple(map(_row, self.lines, ages))


def _row(line: CalibrationLine, age: str) -> tuple[str, ...]:
    value = true_minus(line.text) if line.text != line.state else "–"
    return line.word, line.name, value, age, _end(line), _DATED.sub("", line.source)


def _end(line: CalibrationLine) -> str:
    """'25 Dec 2026', or '29 Nov 05:17' of what does not hold for days."""
    until, made = line.valid_until, line.made
    if until is None:
        return "no limit" if made is not None else ""
    short = made is not None and until - made < SHORT
    return f"{until.astimezone():{'%d %b %H:%M' if short else '%d %b %Y'}}"


def _tip(line: CalibrationLine) -> str:
    said = [f"{line.name}: {true_minus(line.text)}"]
    if line.made is not None:
        said.append(f"made {line.made.astimezone():%Y-%m-%d %H:%M}")
    if line.why:
        said.append(f"stale: {line.why}")
    if line.valid_until is not None:
        said.append(f"valid until {line.valid_until.astimezone():%Y-%m-%d %H:%M}")
    if line.source:
        said.append(f"from {line.source}")
    if line.renewed_by:
        said.append(f"measured by the calibration {line.renewed_by}")
    return "\n".join(said)
