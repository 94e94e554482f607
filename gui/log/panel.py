"""Alarms, log and the operator's notes."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from atta_daq.client.log import log_from_json
from gui.context import Context
from gui.log.alarms import AlarmList
from gui.log.lines import LEVEL as LEVEL_COLUMN
from gui.log.lines import LEVELS, SOURCE, TEXT, TIME, LogFilter, LogModel, line_of
from gui.log.whole_text import WholeText
from gui.notices import Notice
from gui.panel import Panel
from gui.widgets.lines import LineTable
from gui.widgets.quiet import QuietComboBox
from gui.widgets.words import show_stale

_ANY_SOURCE = "Every source"
_LEVEL_TEXTS = ("Every level", "Warnings and errors", "Errors")


class LogPanel(Panel):
    """Binds `run.note`, `log.acknowledge` and `log.clear`."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.alarms = AlarmList(context)
        self.model = LogModel(context.theme.palette, self)
        self._filter = LogFilter(self.model, self)
        self.table = LineTable("log")
        self.table.setModel(self._filter)
        self.whole = WholeText()
        self._log_text = ""
        self._following = True
        self._build()
        bar = self.table.verticalScrollBar()
        bar.valueChanged.connect(self._on_scroll)
        bar.rangeChanged.connect(self._on_range)
        self.table.selectionModel().currentRowChanged.connect(self._show_whole)
        context.link.state_changed.connect(self._count)
        self._filter.rowsInserted.connect(self._count)
        self._filter.rowsRemoved.connect(self._count)
        self.model.sources_changed.connect(self._list_sources)
        context.theme.changed.connect(self._restyle)
        self.model.append([line_of(notice) for notice in context.notices.history])
        context.notices.given.connect(self._on_notice)
        self.always(self._read, "station:log")
        self._read()
        self._fit_columns()
        self._count()
        context.actions.bind("run.note", self.write_note)
        context.actions.bind("log.acknowledge", lambda: context.command("acknowledge", alarm="all"))
        context.actions.bind("log.clear", self.show_all)

    def _build(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter")
        self.search.setAccessibleName("lines of the log that hold this text")
        self.search.setClearButtonEnabled(True)
        self.level = QuietComboBox()
        self.level.setAccessibleName("least level of the lines shown")
        self.level.addItems(_LEVEL_TEXTS)
        self.source = QuietComboBox()
        self.source.setAccessibleName("source of the lines shown")
        self.source.addItem(_ANY_SOURCE)
        self.source.setSizeAdjustPolicy(QuietComboBox.SizeAdjustPolicy.AdjustToContents)
        self._counted = QLabel()
        self._counted.setProperty("role", "muted")
        copy = QPushButton("Copy")
        copy.setToolTip("Copy the chosen lines, or all that are shown, to the clipboard (Ctrl+C)")
        copy.clicked.connect(self._copy)
        self.search.textChanged.connect(self._choose)
        self.level.currentIndexChanged.connect(self._choose)
        self.source.currentIndexChanged.connect(self._choose)
        row = QHBoxLayout()
        row.addWidget(self.search, 1)
        for widget in (self.level, self.source, self._counted, copy,
                       self.context.actions.button("log.clear")):  # fmt: skip
            row.addWidget(widget)
        self.note = QLineEdit()
        self.note.setAccessibleName("note of the operator")
        self.note.setPlaceholderText("Note: Enter keeps it with the run, or in the log")
        self.note.returnPressed.connect(self._send_note)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(6, 6, 6, 6)
        whole.addWidget(self.alarms)
        whole.addLayout(row)
        whole.addWidget(self.table, 1)
        whole.addWidget(self.whole)
        whole.addWidget(self.note)

    # --- what the operator does ------------------------------------------------------------

    def write_note(self) -> None:
        """Bring the note's field to the front."""
        window = self.context.services.get("window")
        if window is not None:
            window.show_panel("log")
        self.note.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_all(self) -> None:
        """Remove the filter."""
        self.search.clear()
        self.level.setCurrentIndex(0)
        self.source.setCurrentIndex(0)

    def _send_note(self) -> None:
        text = self.note.text().strip()
        if not text:
            return

        def kept(_answer: object) -> None:
            # What was written meanwhile stays.
            if self.note.text().strip() == text:
                self.note.clear()

        self.context.command("note", done=kept, text=text)

    def _copy(self) -> None:
        lines = self.table.copy()
        self.context.notices.info(f"{lines} line{'' if lines == 1 else 's'} copied")

    # --- what is shown -----------------------------------------------------------------------

    def _read(self) -> None:
        text = self.context.readings.text("station:log")
        if text != self._log_text:
            self._log_text = text
            self.model.take_station_lines(log_from_json(text))

    def _on_notice(self, notice: Notice) -> None:
        if not self.alarms.notices.speaking:
            self.model.append([line_of(notice)])

    def _choose(self) -> None:
        source = self.source.currentText() if self.source.currentIndex() > 0 else ""
        self._filter.choose(self.search.text().strip(), LEVELS[self.level.currentIndex()], source)
        self._count()

    def _list_sources(self) -> None:
        chosen = self.source.currentText()
        self.source.blockSignals(True)
        self.source.clear()
        self.source.addItems([_ANY_SOURCE, *sorted(self.model.sources)])
        self.source.setCurrentText(chosen)
        self.source.blockSignals(False)

    def _count(self, *_: object) -> None:
        shown, kept = self._filter.rowCount(), self.model.rowCount()
        lines = "1 line" if kept == 1 else f"{kept} lines"
        lines = lines if shown == kept else f"{shown} of {lines}"
        # A log that stands still says nothing of the rig.
        lost = not self.context.state.connected
        self._counted.setText(f"{lines}, station lost" if lost else lines)
        show_stale(self._counted, lost)

    def _show_whole(self, *_: object) -> None:
        index = self.table.currentIndex()
        text = index.siblingAtColumn(TEXT).data(Qt.ItemDataRole.ToolTipRole) or ""
        self.whole.follow(self.table, text, TEXT)

    def _on_scroll(self, value: int) -> None:
        self._following = value >= self.table.verticalScrollBar().maximum()

    def _on_range(self, _least: int, end: int) -> None:
        # The end moves with new lines and with the panel's height.
        if self._following:
            self.table.verticalScrollBar().setValue(end)

    def _restyle(self) -> None:
        self.model.restyle(self.context.theme.palette)
        self._fit_columns()

    def _fit_columns(self) -> None:
        metrics = self.table.fontMetrics()
        for column, text in (
            (TIME, "Wed 00:00:00"), (LEVEL_COLUMN, "XXX warning"),
            (SOURCE, "amplifier-000"),
        ):  # fmt: skip
            self.table.setColumnWidth(column, metrics.horizontalAdvance(text) + 24)
