"""Results of the fit, and the time that a smaller error still takes."""

import math

from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from atta_daq.analysis.results import FitResult, Parameter, in_percent
from gui.sweep.wanted import time_left
from gui.sweep.words import goodness_text, included_text, name_of, notes_text, rows_of
from gui.widgets.quiet import QuietComboBox

VALUE_ROOM_PX = 10
"""Beside a value, within its column."""


class FitTable(QWidget):
    """Parameters with errors, what the fit includes, and how well it describes the data."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fit: FitResult | None = None
        self.included = QLabel("No fit yet")
        self.included.setProperty("role", "title")
        self.included.setWordWrap(True)
        self.table = QTableWidget(0, 2)
        self.table.setAccessibleName("results of the fit")
        self.table.horizontalHeader().hide()
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        # In a narrow column a long name takes two lines; it is never cut.
        self.table.setWordWrap(True)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.setTabKeyNavigation(False)
        # As high as its rows: what holds it scrolls.
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        # Not at once: the scroll bar may still come and take some of the width.
        self._rows = QTimer(self)
        self._rows.setSingleShot(True)
        self._rows.setInterval(0)
        self._rows.timeout.connect(self._fit_table)
        header.sectionResized.connect(lambda *_: self._rows.start())
        self.verdict, self.notes = QLabel(), QLabel()
        self.notes.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.included)
        layout.addWidget(self.table)
        for label in (self.verdict, self.notes):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        layout.addStretch(1)

    def restyle(self) -> None:
        """Rows as high as the text."""
        row = self.fontMetrics().height() + 4
        self.table.verticalHeader().setDefaultSectionSize(row)
        self._rows.start()

    def _fit_table(self) -> None:
        """A name breaks between its words, never inside one."""
        table, metrics = self.table, self.table.fontMetrics()
        names, values = (
            [item.text() for n in range(table.rowCount()) if (item := table.item(n, column))]
            for column in (0, 1)
        )
        longest = max(
            (metrics.horizontalAdvance(word) for name in names for word in name.split()), default=0
        )
        # Not by sizeHintForColumn: it asks only the rows that are in sight just now.
        value = max(map(metrics.horizontalAdvance, values), default=0) + VALUE_ROOM_PX
        table.setMinimumWidth(longest + value + 14 if names else 0)
        # Not by resizeRowsToContents: it is a line short where a name just does not fit.
        room = QRect(0, 0, table.columnWidth(0) - 8, 1000)
        for number, name in enumerate(names):
            box = metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, name)
            table.setRowHeight(number, box.height() + 4)
        table.setFixedHeight(table.verticalHeader().length() + 2 * table.frameWidth())
        table.setVisible(table.rowCount() > 0)

    def show_fit(self, fit: FitResult | None) -> None:
        """Show a fit; None clears the table."""
        if fit is self._fit:
            return
        self._fit = fit
        rows = rows_of(fit) if fit else []
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate((row.name, f"{row.value} {row.unit}".rstrip())):
                item = self.table.item(number, column)
                if item is None:
                    item = QTableWidgetItem()
                    self.table.setItem(number, column, item)
                item.setText(text)
                item.setToolTip(row.tip)
        self._rows.start()
        self.included.setText(included_text(fit).capitalize() if fit else "No fit yet")
        bad = f"The fit did not converge: {fit.message}. " if fit and not fit.valid else ""
        self.verdict.setText(bad + goodness_text(fit.goodness) if fit else "")
        self.notes.setText(notes_text(fit) if fit else "")
        self.verdict.setVisible(fit is not None)
        self.notes.setVisible(bool(fit and fit.notes))


class WantedError(QWidget):
    """How long to count until a parameter is known as well as wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameter = QuietComboBox()
        self.parameter.setAccessibleName("parameter whose error matters")
        self.wanted = QLineEdit()
        self.wanted.setAccessibleName("wanted error")
        self.wanted.setPlaceholderText("wanted error")
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Error of", self.parameter)
        form.addRow("Wanted", self.wanted)
        form.addRow(self.answer)
        self._parameters: dict[str, Parameter] = {}
        self._so_far = "error so far"
        self._counted_s = 0.0
        self._rate = 1.0
        self.parameter.activated.connect(lambda _index: self._tell())
        self.wanted.textChanged.connect(lambda _text: self._tell())

    def show_errors(
        self, fit: FitResult | None, counted_s: float, rate: float, *, current: bool = True,
        over: bool = False,
    ) -> None:  # fmt: skip
        """Errors so far of `fit`, reached with `counted_s` (`wanted.lit_s`); `rate` rig seconds
        pass in a second. `over`: the run has ended, its errors are the last."""
        so_far = "error" if over else "error so far"
        self._so_far = so_far if current else "last known error"
        known = (*fit.parameters, *fit.derived) if fit else ()
        self._parameters = {p.name: in_percent(p) for p in known if not p.fixed and p.error > 0.0}
        self._counted_s, self._rate = counted_s, rate
        names = list(self._parameters)
        if names != [self.parameter.itemData(i) for i in range(self.parameter.count())]:
            chosen = self.parameter.currentData()
            self.parameter.clear()
            for name, parameter in self._parameters.items():
                self.parameter.addItem(name_of(parameter), name)
            wanted = chosen if chosen in names else _first_choice(names)
            self.parameter.setCurrentIndex(self.parameter.findData(wanted))
        self.setEnabled(bool(names))
        self._tell()

    def _tell(self) -> None:
        parameter = self._parameters.get(self.parameter.currentData() or "")
        if parameter is None:
            self._say("errors come with the first fit")
            return
        now = f"{parameter.error:.2g} {parameter.unit}".rstrip()
        text = self.wanted.text().strip().replace(",", ".").removesuffix("%")
        if not text:
            self._say(f"{self._so_far}: {now}")
            return
        try:
            wanted = float(text)
        except ValueError:
            wanted = math.nan
        if not (math.isfinite(wanted) and wanted > 0.0):
            self._say(f"not a positive number; {self._so_far}: {now}", wrong=True)
            return
        left = time_left(parameter.error, wanted, self._counted_s, self._rate)
        reached = left == "reached"
        self._say(f"{left}: {self._so_far} {now}" if reached else f"{self._so_far} {now}; {left}")

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.answer.setText(text)
        for widget, name, value in (
            (self.answer, "role", "wrong" if wrong else "muted"),
            (self.wanted, "wrong", wrong),
        ):
            if widget.property(name) != value:
                widget.setProperty(name, value)
                widget.style().unpolish(widget)
                widget.style().polish(widget)


def _first_choice(names: list[str]) -> str:
    """What people want to know first: the increase."""
    for name in ("increase", "amplitude", "asymptote"):
        if name in names:
            return name
    return names[0] if names else ""
