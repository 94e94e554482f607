"""The run list: search, look at, compare, repeat and export what was taken."""

from datetime import datetime
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.context import Context
from gui.panel import Panel
from gui.runs.deeds import RunDeeds
from gui.runs.details import RunDetails
from gui.runs.files import Opener, open_on_desktop
from gui.runs.model import STATE, RunLine, RunsModel
from gui.runs.table import RunsTable
from gui.widgets.roomy_delegate import RoomyDelegate
from gui.widgets.state_delegate import StateDelegate
from gui.widgets.wrapping import WrappingRow

MOST_RUNS = 500
_SEARCH_MS = 300
_DETAILS_MS = 200
_WIDE_EM = 45
"""From this width, in widths of an 'm', the details stand beside the list."""
_ROWS, _DETAIL_LINES = 4, 3
"""At least so many runs and lines of details are seen."""


class RunsPanel(Panel):
    """Binds runs.*; the station is asked for the list, its data and its files."""

    def __init__(
        self, context: Context, parent: QWidget | None = None, *,
        opener: Opener = open_on_desktop, cache: Path | None = None,
    ) -> None:  # fmt: skip
        super().__init__(context, parent)
        self.model = RunsModel()
        self.deeds = RunDeeds(context, self, opener, cache or user_cache_path("atta-daq"))
        self._laid_out = False
        self._serial = 0
        self._asked_for: tuple[str, ...] = ()
        self._refusal = ""
        self._read_at = ""
        self._searched = ""
        self._make_parts()
        self._lay_out()
        self._laid_out = True
        actions = context.actions
        actions.bind("runs.refresh", self.refresh)
        actions.bind("runs.live", self.deeds.live)
        for name in ("open", "compare", "again", "report", "csv", "nexus"):
            deed = getattr(self.deeds, name)
            actions.bind(f"runs.{name}", lambda deed=deed: self._do(deed))
            actions.condition(f"runs.{name}", self._why_none)
        context.link.state_changed.connect(self._link_changed)
        self.follow(self._run_changed, "run:outcome", "run:id")
        self._tell()

    @property
    def chosen(self) -> RunLine | None:
        """The run that the operator has chosen in the list."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.lines[rows[0].row()] if rows else None

    def refresh(self) -> None:
        """Ask the station for the list."""
        self._search_timer.stop()
        self._serial += 1
        serial, search = self._serial, self.search.text().strip()
        self.context.command(
            "runs", done=lambda answer: self._listed(serial, search, answer),
            refused=lambda reason: self._not_listed(serial, reason),
            search=search, limit=MOST_RUNS,
        )  # fmt: skip

    # --- building ------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: name, sample, operator, note")
        self.search.setAccessibleName("Search the runs")
        self.search.setClearButtonEnabled(True)
        self._search_timer = QTimer(self)
        self._search_timer.setSingleShot(True)
        self._search_timer.setInterval(_SEARCH_MS)
        self._search_timer.timeout.connect(self.refresh)
        self.search.textChanged.connect(lambda _text: self._search_timer.start())
        self.search.returnPressed.connect(self.refresh)
        self._details_timer = QTimer(self)
        self._details_timer.setSingleShot(True)
        self._details_timer.setInterval(_DETAILS_MS)
        self._details_timer.timeout.connect(self._ask_details)
        self.remark = QLabel()
        self.remark.setProperty("role", "muted")
        self.remark.setWordWrap(True)
        self.table = RunsTable(self.model)
        self.table.setAccessibleName("Runs, newest first")
        self._cells = RoomyDelegate(self.table)
        self.table.setItemDelegate(self._cells)
        self.table.setItemDelegateForColumn(STATE, StateDelegate(self.context.theme))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setMinimumSectionSize(8)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.selectionModel().selectionChanged.connect(self._chosen_changed)
        # Return and a double click alike.
        self.table.activated.connect(lambda _index: self.context.actions["runs.open"].trigger())
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.details = RunDetails()

    def _lay_out(self) -> None:
        actions = self.context.actions
        head = QHBoxLayout()
        head.addWidget(self.search, 1)
        head.addWidget(actions.button("runs.refresh", self))
        self.pages = QStackedWidget()
        self.pages.addWidget(self.table)
        self.pages.addWidget(self.hint)
        self.halves = QSplitter()
        self.halves.setChildrenCollapsible(False)
        self.halves.addWidget(self.pages)
        self.halves.addWidget(self.details)
        self.halves.setStretchFactor(0, 3)
        self.halves.setStretchFactor(1, 2)
        row = WrappingRow()
        row.add(*(actions.button(f"runs.{name}", self) for name in ("open", "compare", "again")))
        more = QToolButton(self)
        more.setText("More")
        more.setAccessibleName("More: report, export, back to the run under way")
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(more)
        menu.addActions([actions[f"runs.{name}"] for name in ("report", "csv", "nexus", "live")])
        more.setMenu(menu)
        row.add(more)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.remark)
        column.addWidget(self.halves, 1)
        column.addWidget(row)

        self._fit_rows()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() > _WIDE_EM * self.fontMetrics().horizontalAdvance("m")
        across = Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        if self.halves.orientation() != across:
            self.halves.setOrientation(across)
            self.halves.setSizes([680, 320] if wide else [600, 400])
            self._show_details()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self._laid_out:
            self._fit_rows()

    def _show_details(self) -> None:
        """Beside the list only of a chosen run: the list needs the width for its notes."""
        beside = self.halves.orientation() == Qt.Orientation.Horizontal
        shown = bool(self.model.lines) and (self.chosen is not None or not beside)
        if self.details.isHidden() == shown:
            self.details.setVisible(shown)

    def _fit_rows(self) -> None:
        line = self.fontMetrics().lineSpacing()
        self.table.verticalHeader().setDefaultSectionSize(line + 6)
        self.pages.setMinimumHeight((_ROWS + 1) * (line + 6))
        self.details.setMinimumHeight(_DETAIL_LINES * line)

    # --- the list ------------------------------------------------------------------------

    def _run_changed(self) -> None:
        texts = tuple(self.context.readings.text(name) for name in ("run:id", "run:outcome"))
        if texts != self._asked_for:
            self._asked_for = texts
            self.deeds.forget(texts[0])
            if self.context.state.connected:
                self.refresh()
        self._tell()

    def _link_changed(self) -> None:
        if self.context.state.connected:
            self.refresh()
        self._tell()

    def _listed(self, serial: int, search: str, answer: dict[str, Any]) -> None:
        if serial != self._serial:
            return
        self._refusal, self._searched = "", search
        self._read_at = f"{datetime.now():%H:%M}"
        chosen = self.chosen
        if self.model.show_lines(tuple(RunLine.from_dict(run) for run in answer["runs"])):
            row = self.model.row_of(chosen.run_id) if chosen else -1
            if row >= 0:
                self.table.selectRow(row)
            self._chosen_changed()
        self._tell()

    def _not_listed(self, serial: int, reason: str) -> None:
        if serial == self._serial:
            self._refusal = reason
            self._tell()

    def _tell(self) -> None:
        """What the list is, or why there is none and what to do."""
        offline = not self.context.state.connected
        lines = self.model.lines
        # Nobody knows whether the states are still true.
        self.table.setEnabled(not offline)
        if lines:
            many = f"the newest {len(lines)} runs" if len(lines) >= MOST_RUNS else (
                f"{len(lines)} run{'s' * (len(lines) != 1)}")  # fmt: skip
            remark = f"{many} that match '{self._searched}'" if self._searched else many
            if offline or self._refusal:
                why = self.context.state.link.reason if offline else self._refusal
                remark = f"{remark}, as of {self._read_at}: {why}"
        elif offline:
            remark = (
                f"No list: {self.context.state.link.reason}. It comes by itself when the station "
                "answers."
            )
        elif self._refusal:
            remark = f"No list: {self._refusal}. Refresh to ask again."
        elif not self._read_at:
            remark = "The station is asked for its runs."
        elif self._searched:
            remark = f"No run matches '{self._searched}'. Clear the search to see all runs."
        else:
            remark = "No run yet. Prepare a scan in the scan editor and start it."
        self.pages.setCurrentWidget(self.table if lines else self.hint)
        self._show_details()
        self.remark.setVisible(bool(lines))
        (self.remark if lines else self.hint).setText(remark)

    # --- the chosen run ------------------------------------------------------------------

    def _why_none(self) -> str:
        return "" if self.chosen else "choose a run in the run list first"

    def _do(self, deed: Any) -> None:
        if (line := self.chosen) is not None:
            deed(line)

    def _chosen_changed(self, *_: object) -> None:
        line = self.chosen
        self._show_details()
        self.context.actions.refresh()
        self._details_timer.stop()
        if line is None:
            self.details.show_nothing()
        else:
            self.details.show_line(line, "Its fit is being read.")
            self._details_timer.start()

    def _ask_details(self) -> None:
        line = self.chosen
        if line is None:
            return

        def came(data: dict[str, Any]) -> None:
            if line == self.chosen:
                self.details.show_data(line, data)

        def refused(reason: str) -> None:
            if line == self.chosen:
                self.details.show_line(line, f"Its data cannot be read: {reason}")

        self.deeds.data(line, came, refused)
