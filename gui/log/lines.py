"""The lines of the log as a table model: those of the station and the window's own notices."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon

from atta_daq.client.log import Level, LogLine
from gui.notices import Notice
from gui.theme.palettes import Palette, Tone
from gui.widgets.lines import COPY_ROLE, tone_icon

WINDOW = "window"
"""Source of the window's own notices."""
LEVELS: tuple[Level, ...] = ("info", "warning", "error")
LEVEL_TONES = {"info": Tone.OK, "warning": Tone.WARNING, "error": Tone.DANGER}
_NOTICE_LEVELS: dict[Tone, Level] = {Tone.WARNING: "warning", Tone.DANGER: "error"}
COLUMNS = ("Time", "Level", "Source", "Text")
TIME, LEVEL, SOURCE, TEXT = range(len(COLUMNS))
KEPT_LINES = 5000
DROPPED_AT_ONCE = 500

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


def local_time(utc_s: float, *, zone: bool = False) -> str:
    """Local date and time; with its offset from UTC where it leaves the window."""
    when = datetime.fromtimestamp(utc_s).astimezone()
    return when.strftime("%Y-%m-%d %H:%M:%S" + ("%z" if zone else ""))


def short_time(utc_s: float) -> str:
    """Local day of the week and time: a night's log needs no year in every row."""
    return datetime.fromtimestamp(utc_s).astimezone().strftime("%a %H:%M:%S")


def one_line(text: str) -> str:
    """A text of several lines in one, for a row; the tool tip keeps them."""
    return "; ".join(part.strip() for part in text.splitlines() if part.strip())


def line_of(notice: Notice) -> LogLine:
    """A notice of the window as a line of the log."""
    return LogLine(0, time.time(), _NOTICE_LEVELS.get(notice.tone, "info"), WINDOW, notice.text)


@dataclass(frozen=True)
class _Row:
    line: LogLine
    shown_time: str


class LogModel(QAbstractTableModel):
    """Lines as they came, the oldest left out beyond `KEPT_LINES`."""

    sources_changed = Signal()

    def __init__(self, palette: Palette, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[_Row] = []
        self._posted: frozenset[LogLine] = frozenset()
        self.sources: set[str] = set()
        self._icons: dict[str, QIcon] = {}
        self.restyle(palette)

    def take_station_lines(self, lines: list[LogLine]) -> None:
        """Add what is new in the station's last lines, which it posts as a whole.

        New is what the list before did not hold: numbers begin again when the station does.
        """
        posted, self._posted = self._posted, frozenset(lines)
        self.append([line for line in lines if line not in posted])

    def append(self, lines: list[LogLine]) -> None:
        """Add lines at the end."""
        if not lines:
            return
        first = len(self._rows)
        self.beginInsertRows(_NOWHERE, first, first + len(lines) - 1)
        self._rows += [_Row(line, short_time(line.utc_s)) for line in lines]
        self.endInsertRows()
        if len(self._rows) > KEPT_LINES:
            too_many = len(self._rows) - KEPT_LINES + DROPPED_AT_ONCE
            self.beginRemoveRows(_NOWHERE, 0, too_many - 1)
            del self._rows[:too_many]
            self.endRemoveRows()
        if not self.sources.issuperset(line.source for line in lines):
            self.sources.update(line.source for line in lines)
            self.sources_changed.emit()

    def line(self, row: int) -> LogLine:
        return self._rows[row].line

    def restyle(self, palette: Palette) -> None:
        """Shapes in the colours of a palette."""
        self._icons = {level: tone_icon(palette, LEVEL_TONES[level]) for level in LEVELS}
        if self._rows:
            last = self.index(len(self._rows) - 1, LEVEL)
            self.dataChanged.emit(self.index(0, LEVEL), last, [Qt.ItemDataRole.DecorationRole])

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._rows[index.row()], index.column()
        line = row.line
        if role == Qt.ItemDataRole.DisplayRole:
            return (row.shown_time, line.level, line.source, one_line(line.text))[column]
        if role == COPY_ROLE and column == TIME:
            return local_time(line.utc_s, zone=True)
        if role == Qt.ItemDataRole.DecorationRole and column == LEVEL:
            return self._icons[line.level]
        if role == Qt.ItemDataRole.ToolTipRole and column == TEXT:
            return line.text
        if role == Qt.ItemDataRole.ToolTipRole and column == TIME:
            return local_time(line.utc_s)
        return None


class LogFilter(QSortFilterProxyModel):
    """Lines that hold a text, are of a level or above it, and come from a source."""

    def __init__(self, model: LogModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text, self._least, self._source = "", 0, ""
        self._lines = model
        self.setSourceModel(model)

    def choose(self, text: str, least: Level, source: str) -> None:
        """Empty text and source let every line through."""
        self._text, self._least, self._source = text.casefold(), LEVELS.index(least), source
        self.invalidate()

    def filterAcceptsRow(self, source_row: int, _source_parent: Index) -> bool:
        line = self._lines.line(source_row)
        return (
            LEVELS.index(line.level) >= self._least
            and self._source in ("", line.source)
            and (self._text in line.text.casefold() or self._text in line.source.casefold())
        )
