"""The queue: what is measured next, when, and what became of it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from atta_daq.client.queue import QueueLine, queue_lines
from gui.context import Context
from gui.panel import Panel
from gui.queue.deeds import QueueDeeds
from gui.queue.model import STATE, QueueModel, why
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.elided import ElidedLabel
from gui.widgets.flowing import flowing
from gui.widgets.lines import LineTable
from gui.widgets.roomy_delegate import RoomyDelegate
from gui.widgets.short_button import short_button
from gui.widgets.state_delegate import StateDelegate

TABLE, QUEUE_STATE, REASON, PAUSED = "queue:table", "queue:state", "queue:reason", "queue:paused"
BADGES = {
    "idle": ("empty", Tone.OFF),
    "waiting": ("waiting", Tone.OK),
    "running": ("running", Tone.BUSY),
    "paused": ("PAUSED", Tone.WARNING),
}
BUTTONS = (
    ("add", "Add scan"), ("up", "Earlier"), ("down", "Later"), ("remove", "Remove"),
    ("pause", "Pause"), ("resume", "Resume"),
)  # fmt: skip
MORE = ("add_file", "change", "go_on", "edit", "clear", "clear_all")
EMPTY = (
    "Nothing is in the queue. Prepare a scan in the scan editor and add it, or add a scan file; "
    "it is measured as soon as the rig is free."
)


class QueuePanel(Panel):
    """Binds queue.*; the table is the station's, and changes when the station has changed it."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.model = QueueModel()
        self.deeds = QueueDeeds(context, self.model, self)
        self.model.dropped.connect(self.deeds.move)
        self._known: tuple[object, ...] = ()
        self._make_parts()
        self._lay_out()
        self._bind()
        # Also while it is hidden: the actions depend on the table.
        self.always(self._take, TABLE, PAUSED)
        self.follow(self._show_state, QUEUE_STATE, REASON, TABLE)

    @property
    def chosen(self) -> QueueLine | None:
        """The entry that the operator has chosen."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.lines[rows[0].row()] if rows else None

    # --- building ------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self.badge = Badge(self.context.theme, "Queue")
        self.said = ElidedLabel()
        table = self.table = LineTable("Entries of the queue, in the order in which they are taken")
        table.setModel(self.model)
        self._cells = RoomyDelegate(table)
        table.setItemDelegate(self._cells)
        table.setItemDelegateForColumn(STATE, StateDelegate(self.context.theme))
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        table.setDragDropOverwriteMode(False)
        table.setDropIndicatorShown(True)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.selectionModel().selectionChanged.connect(lambda *_: self.context.actions.refresh())
        delete = QShortcut(QKeySequence(Qt.Key.Key_Delete), table)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(lambda: self.context.actions["queue.remove"].trigger())
        table.selectionModel().selectionChanged.connect(lambda *_: self._show_chosen())
        self.why = QLabel()
        self.why.setWordWrap(True)
        self.why.setAccessibleName("Why the chosen entry waits or has ended")
        self.why.hide()
        self.hint = QLabel(EMPTY)
        self.hint.setWordWrap(True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def _lay_out(self) -> None:
        actions = self.context.actions
        self.pages = QStackedWidget()
        self.pages.addWidget(self.table)
        self.pages.addWidget(self.hint)
        more = QToolButton(self)
        more.setText("More")
        more.setAccessibleName(
            "More: add a file, change or go on with an entry, edit its scan, clear"
        )
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(more)
        menu.addActions([actions[f"queue.{name}"] for name in MORE])
        more.setMenu(menu)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(self.badge)
        head.addWidget(self.said, 1)
        column.addLayout(head)
        column.addWidget(self.pages, 1)
        column.addWidget(self.why)
        column.addLayout(
            flowing(
                *(short_button(self.context, f"queue.{name}", text) for name, text in BUTTONS),
                more,
            )
        )

    def _bind(self) -> None:
        actions, deeds = self.context.actions, self.deeds
        for name, deed in (
            ("add", deeds.add), ("add_file", deeds.add_file), ("pause", deeds.pause),
            ("resume", deeds.resume), ("clear", lambda: deeds.clear("ended")),
            ("clear_all", deeds.clear_all),
        ):  # fmt: skip
            actions.bind(f"queue.{name}", deed)
        for name in ("up", "down", "change", "remove", "go_on", "edit"):
            actions.bind(f"queue.{name}", lambda name=name: self._do(getattr(deeds, name)))
        for name, why_not in (
            ("add", deeds.why_not_add),
            ("pause", lambda: "the queue is paused already" if self._paused else ""),
            ("resume", lambda: "" if self._paused else "the queue is not paused"),
            ("up", self._why_not_up), ("down", self._why_not_down),
            ("change", self._why_not_waiting),
            ("remove", self._why_not_remove), ("go_on", self._why_not_go_on),
            ("edit", self._why_none), ("clear", self._why_not_clear),
            ("clear_all", self._why_empty),
        ):  # fmt: skip
            actions.condition(f"queue.{name}", why_not)

    # --- what is possible ----------------------------------------------------------------

    @property
    def _paused(self) -> bool:
        return self.context.readings.flag(PAUSED)

    def _do(self, deed: Callable[[QueueLine], None]) -> None:
        if (line := self.chosen) is not None:
            deed(line)

    def _why_none(self) -> str:
        return "" if self.chosen else "choose an entry of the queue first"

    def _why_not_waiting(self) -> str:
        line = self.chosen
        if line is None:
            return self._why_none()
        return "" if line.state == "waiting" else f"entry {line.entry} is {line.state}"

    def _why_not_up(self) -> str:
        if reason := self._why_not_waiting():
            return reason
        first = self.chosen is not None and self.model.waiting[0] == self.chosen.entry
        return "it is the first already" if first else ""

    def _why_not_down(self) -> str:
        if reason := self._why_not_waiting():
            return reason
        last = self.chosen is not None and self.model.waiting[-1] == self.chosen.entry
        return "it is the last already" if last else ""

    def _why_not_remove(self) -> str:
        if self.chosen is not None and self.chosen.state == "running":
            return f"entry {self.chosen.entry} runs: abort its run first"
        return self._why_none()

    def _why_not_go_on(self) -> str:
        line = self.chosen
        if line is None:
            return self._why_none()
        return "" if line.unfinished else f"entry {line.entry} is {line.state}"

    def _why_not_clear(self) -> str:
        return "" if any(not line.open for line in self.model.lines) else "nothing has ended"

    def _why_empty(self) -> str:
        return "" if self.model.lines else "the queue is empty"

    def _take(self) -> None:
        chosen = self.chosen
        if self.model.show_lines(queue_lines(self.context.readings.value(TABLE).value)):
            row = self.model.row_of(chosen.entry) if chosen is not None else -1
            if row >= 0 and self.chosen is None:
                self.table.selectRow(row)
            self._show_chosen()
        known = (self._paused, *((x.entry, x.state) for x in self.model.lines))
        if known != self._known:
            self._known = known
            self.context.actions.refresh()

    # --- showing -------------------------------------------------------------------------

    def _show_chosen(self) -> None:
        """In full why the chosen entry waits or has ended: its column may be too narrow."""
        line = self.chosen
        said = why(line) if line is not None else ""
        self.why.setText(f"{line.entry}, {line.name}: {said}" if line is not None and said else "")
        self.why.setVisible(bool(said))

    def _show_state(self) -> None:
        readings = self.context.readings
        value = readings.value(QUEUE_STATE)
        self.table.setEnabled(not value.stale)
        self.pages.setCurrentWidget(self.table if self.model.lines else self.hint)
        if value.stale:
            self.badge.show_state("unknown", Tone.STALE, value.message)
            self.said.show_text(value.message)
            return
        reason = readings.text(REASON)
        word, tone = BADGES.get(readings.text(QUEUE_STATE), ("unknown", Tone.STALE))
        if word == "empty" and self.model.lines:
            word = "done"
        self.badge.show_state(word, tone, reason)
        left = sum(line.open for line in self.model.lines)
        self.said.show_text(reason or (f"{left} to be measured" if left else ""))
