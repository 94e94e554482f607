"""What the station expects the fit of each part to find."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from gui.editor.forecast_words import expected
from gui.editor.station_check import StationCheck
from gui.sweep.words import text_of

_HEADINGS = ("Part", "Points", "Expected")


class ForecastTable(QTableWidget):
    """A row for each parameter, and for what is wrong or worth knowing."""

    def __init__(self, check: StationCheck) -> None:
        super().__init__(0, len(_HEADINGS))
        self._check = check
        self.setHorizontalHeaderLabels(list(_HEADINGS))
        self.setAccessibleName("Expected errors of the fit parameters")
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.setWordWrap(True)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(_HEADINGS) - 1, QHeaderView.ResizeMode.Stretch)

    def refresh(self) -> None:
        """Show the present answer."""
        rows = self._rows()
        self.setRowCount(len(rows))
        for line, row in enumerate(rows):
            for column, text in enumerate(row):
                self.setItem(line, column, QTableWidgetItem(text))
        self.resizeRowsToContents()

    def _rows(self) -> list[tuple[str, str, str]]:
        check = self._check
        if check.waiting:
            return [("", "", "the station is asked ...")]
        if check.refusal:
            return [("", "", check.refusal)]
        if check.answer is None:
            return [("", "", "a valid scan and a station are needed")]
        if check.problems:
            return [("", "", problem) for problem in check.problems]
        rows = []
        for part in check.answer["parts"]:
            lines = [text_of(parameter) for parameter in expected(part)]
            lines += [str(part["note"])] if part.get("note") else []
            for number, line in enumerate(lines or ["no forecast for this kind of part"]):
                first = number == 0
                rows.append((part["name"] if first else "", str(part["points"]) * first, line))
        return rows
