"""Calibrations in use, how old they are, and what measures them anew."""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.context import Context
from gui.model.calibrations import calibration_lines
from gui.model.state import CALIBRATION
from gui.panel import Panel
from gui.panels.calibrations_table import SOURCE, STATE, CalibrationsTable
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.elided import ElidedLabel
from gui.widgets.flowing import flowing
from gui.widgets.lines import LineTable
from gui.widgets.roomy_delegate import RoomyDelegate
from gui.widgets.short_button import short_button
from gui.widgets.state_delegate import StateDelegate
from gui.words import true_minus

TABLE, PROGRESS, ACTIVITY = "calibrations:table", "calibrations:progress", "station:activity"
KINDS = {
    "axis-zero": "Axis zero",
    "cavity": "Cavity",
    "fibre-power": "Fibre power",
    "sideband-depth": "Sideband depth",
    "camera": "Camera",
    "dwell": "Dwell",
    "source-drift": "Source drift",
}
"""What the station can measure, as `calibrate` calls it, and the captions of the buttons."""
WITHOUT_LIGHT = ("camera", "source-drift")
"""Needs no 819-nm light."""


def action_of(kind: str) -> str:
    """Id of the action that measures a kind."""
    return f"calibrate.{kind.replace('-', '_')}"


class CalibrationsPanel(Panel):
    """The table, stale ones first; a button for each calibration; what the one under way does."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.badge = Badge(context.theme, "Calibrations")
        self.progress = ElidedLabel()
        self.model = CalibrationsTable()
        self.table = LineTable("Calibrations, stale ones first")
        self._build()
        self._conditions: tuple[str, ...] = ()
        for kind in KINDS:
            context.actions.condition(action_of(kind), self._why_not(kind))
        self.follow(self._show_table, TABLE)
        self.follow(self._show_ages, "station:rig_time")
        self.follow(self._show_activity, ACTIVITY, PROGRESS, TABLE, "run:state")
        self.always(self._refresh_actions, ACTIVITY, "amplifier:on", "amplifier:seed_on")

    def _build(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setItemDelegate(_Cells(table))
        table.setItemDelegateForColumn(STATE, StateDelegate(self.context.theme))
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        # A current cell without its row chosen has a ground of its own, which means nothing.
        table.selectionModel().currentRowChanged.connect(lambda index: table.selectRow(index.row()))
        header = table.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # What room is left; the tool tip has the whole id.
        header.setSectionResizeMode(SOURCE, QHeaderView.ResizeMode.Stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(4)
        column.addLayout(flowing(self.badge))
        column.addWidget(self.progress)
        column.addWidget(table, 1)
        column.addLayout(
            flowing(*(short_button(self.context, action_of(kind), caption)
                      for kind, caption in KINDS.items()))
        )  # fmt: skip

    def _why_not(self, kind: str) -> Callable[[], str]:
        def why() -> str:
            readings = self.context.readings
            if activity := readings.text(ACTIVITY):
                return f"the rig is busy: {activity}"
            lit = readings.flag("amplifier:seed_on") and readings.flag("amplifier:on")
            return "" if lit or kind in WITHOUT_LIGHT else "it needs light: switch the light on"

        return why

    def _refresh_actions(self) -> None:
        conditions = tuple(self._why_not(kind)() for kind in KINDS)
        if conditions != self._conditions:
            self._conditions = conditions
            self.context.actions.refresh()

    def _show_table(self) -> None:
        value = self.context.readings.value(TABLE)
        self.table.setEnabled(not value.stale)
        self.model.show_lines(calibration_lines(value.value))

    def _show_ages(self) -> None:
        self.model.show_lines(self.model.lines)

    def _show_activity(self) -> None:
        readings = self.context.readings
        value, activity = readings.value(TABLE), readings.text(ACTIVITY)
        lines = calibration_lines(value.value)
        stale = sum(line.stale for line in lines)
        said = ""
        if value.stale:
            self.badge.show_state("unknown", Tone.STALE, value.message)
            said = value.message
        elif activity.startswith(CALIBRATION):
            kind = activity.removeprefix(CALIBRATION)
            self.badge.show_state(f"{kind} under way", Tone.BUSY, "STOP ends it")
            said = true_minus(readings.text(PROGRESS)) or "begins"
        else:
            unmeasured = sum(line.tone is Tone.OFF for line in lines)
            self._show_states(len(lines), stale, unmeasured)
            if lines:
                said = self.context.actions.why_not(action_of("camera"))
                said = f"None can be measured now: {said}" if said else ""
        self.progress.show_text(said)

    def _show_states(self, count: int, stale: int, unmeasured: int) -> None:
        missing = f", {unmeasured} not measured" if unmeasured else ""
        if not count:
            self.badge.show_state("none", Tone.OFF, "the station tells of none")
        elif stale:
            self.badge.show_state(f"{stale} STALE{missing}", Tone.WARNING, "measure them anew")
        elif unmeasured:
            self.badge.show_state(f"none is stale{missing}", Tone.OFF)
        else:
            self.badge.show_state("none is stale", Tone.OK)


class _Cells(RoomyDelegate):
    """None is set off in its row."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus  # type: ignore[attr-defined]
