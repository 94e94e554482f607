"""The station's alarms: what is or was wrong, whether it has been seen, the way to its panel."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QFont, QIcon, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from atta_daq.client.log import Alarm, alarms_from_json
from gui.context import Context
from gui.log.lines import Index, local_time, one_line, short_time
from gui.log.whole_text import WholeText
from gui.panel import Panel
from gui.theme.palettes import Palette, Tone
from gui.widgets.lines import COPY_ROLE, LineTable, tone_icon
from gui.widgets.words import set_role, show_stale, words

COLUMNS = ("Alarm", "State", "Since", "Source", "Text")
SEVERITY, STATE, SINCE, SOURCE, TEXT = range(len(COLUMNS))
SHOWN_ROWS = 4
_NOWHERE = QModelIndex()


def tone_of(alarm: Alarm) -> Tone:
    """Hollow once it is over, whatever it was."""
    if not alarm.active:
        return Tone.OFF
    return Tone.DANGER if alarm.severity == "major" else Tone.WARNING


def state_of(alarm: Alarm) -> str:
    """'active, not seen', 'over, not seen', 'active, seen'."""
    return f"{'active' if alarm.active else 'over'}, {'' if alarm.acknowledged else 'not '}seen"


class AlarmNotices(QObject):
    """Raises a toast once for every alarm that begins, whether the panel is shown or not."""

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._told: set[tuple[str, float]] = set()
        self._attached = False
        self.speaking = False
        """A toast of an alarm is being given; the station's log holds the alarm already."""

    def tell(self, alarms: list[Alarm]) -> None:
        """Tell those that were neither told before nor acknowledged.

        What has happened and is over at once (a run that a fault ended) counts too, unless it was
        there before this window.
        """
        for alarm in alarms:
            old = not alarm.active and not self._attached
            if alarm.acknowledged or old or (alarm.id, alarm.since_utc_s) in self._told:
                continue
            self.speaking = True
            notices = self._context.notices
            (notices.error if alarm.severity == "major" else notices.warn)(
                f"{alarm.source}: {alarm.text}"
            )
            self.speaking = False
        self._told = {(alarm.id, alarm.since_utc_s) for alarm in alarms}
        self._attached = True


class AlarmModel(QAbstractTableModel):
    """One row an alarm; those not yet acknowledged in bold."""

    def __init__(self, palette: Palette, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.alarms: list[Alarm] = []
        self._icons: dict[Tone, QIcon] = {}
        self._bold = QFont()
        self._bold.setBold(True)
        self.restyle(palette)

    def show_alarms(self, alarms: list[Alarm]) -> None:
        self.beginResetModel()
        self.alarms = alarms
        self.endResetModel()

    def restyle(self, palette: Palette) -> None:
        """Shapes in the colours of a palette."""
        self._icons = {
            tone: tone_icon(palette, tone) for tone in (Tone.OFF, Tone.WARNING, Tone.DANGER)
        }
        if self.alarms:
            self.dataChanged.emit(
                self.index(0, 0), self.index(len(self.alarms) - 1, 0),
                [Qt.ItemDataRole.DecorationRole],
            )  # fmt: skip

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.alarms)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        alarm, column = self.alarms[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                alarm.severity, state_of(alarm), short_time(alarm.since_utc_s),
                alarm.source, one_line(alarm.text),
            )[column]  # fmt: skip
        if role == COPY_ROLE and column == SINCE:
            return local_time(alarm.since_utc_s, zone=True)
        if role == Qt.ItemDataRole.DecorationRole and column == SEVERITY:
            return self._icons[tone_of(alarm)]
        if role == Qt.ItemDataRole.ToolTipRole and column == TEXT:
            return alarm.text
        if role == Qt.ItemDataRole.ToolTipRole and column == SINCE:
            return local_time(alarm.since_utc_s)
        if role == Qt.ItemDataRole.FontRole and not alarm.acknowledged:
            return self._bold
        return None


class _AlarmTable(LineTable):
    """Enter goes to the device."""

    def __init__(self, parent: "AlarmList") -> None:
        super().__init__("alarms", parent)
        self._list = parent
        self.setSelectionMode(LineTable.SelectionMode.SingleSelection)
        self.doubleClicked.connect(parent.jump)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._list.jump()
        else:
            super().keyPressEvent(event)


class AlarmList(Panel):
    """Above the log: nothing but a word when all is well."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.model = AlarmModel(context.theme.palette, self)
        self.notices = AlarmNotices(context, self)
        self._text = ""
        self.said = words()
        self.whole = WholeText()
        self.table = _AlarmTable(self)
        self.table.setModel(self.model)
        self.acknowledge_button = QPushButton("Acknowledge")
        self.acknowledge_button.setToolTip("You have seen the chosen alarm")
        self.acknowledge_button.clicked.connect(self.acknowledge)
        self.jump_button = QPushButton("Show device")
        self.jump_button.setToolTip("Go to the panel of the alarm's instrument (Enter)")
        self.jump_button.clicked.connect(self.jump)
        everything = context.actions.button("log.acknowledge")
        self._beside = QWidget()
        buttons = QVBoxLayout(self._beside)
        buttons.setContentsMargins(0, 0, 0, 0)
        for button in (self.acknowledge_button, self.jump_button, everything):
            button.setSizePolicy(
                button.sizePolicy().Policy.Minimum, button.sizePolicy().Policy.Fixed
            )
            buttons.addWidget(button)
        buttons.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.table, 1)
        row.addWidget(self._beside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        whole.addWidget(self.said)
        whole.addLayout(row)
        whole.addWidget(self.whole)
        selection = self.table.selectionModel()
        selection.currentRowChanged.connect(self._offer)
        context.theme.changed.connect(self._restyle)
        self.always(self._read, "station:alarms")
        context.link.state_changed.connect(self._say)
        self._show([])
        self._read()

    @property
    def chosen(self) -> Alarm | None:
        """The alarm under the cursor."""
        row = self.table.currentIndex().row()
        return self.model.alarms[row] if 0 <= row < len(self.model.alarms) else None

    def acknowledge(self) -> None:
        """Tell the station that the chosen alarm has been seen."""
        if alarm := self.chosen:
            self.context.command("acknowledge", alarm=alarm.id)

    def jump(self) -> None:
        """Go to the panel of the chosen alarm's instrument."""
        window = self.context.services.get("window")
        if (alarm := self.chosen) and window is not None:
            window.show_source(alarm.source)

    def _read(self) -> None:
        text = self.context.readings.text("station:alarms")
        self._say()
        if text == self._text:
            return
        self._text = text
        alarms = alarms_from_json(text)
        self._show(alarms)
        self.notices.tell(alarms)

    def _say(self) -> None:
        """None is well only while the station answers; a list from before is grey."""
        value, link = self.context.readings.value("station:alarms"), self.context.link
        unknown = "" if not value.stale else value.message
        if not self.context.state.connected:
            unknown = link.reason
        self.table.setEnabled(not unknown)
        show_stale(self.whole, bool(unknown))
        set_role(self.said, "wrong" if unknown else "muted")
        self.said.setText(f"Alarms unknown: {unknown}" if unknown else "No alarms")
        self.said.setVisible(bool(unknown) or not self.model.alarms)

    def _show(self, alarms: list[Alarm]) -> None:
        before = self.chosen.id if self.chosen else ""
        # Newest first among the active ones, then those that are over.
        self.model.show_alarms(sorted(alarms, key=lambda a: (not a.active, -a.since_utc_s)))
        self._say()
        self.table.setVisible(bool(alarms))
        self._beside.setVisible(bool(alarms))
        if alarms:
            ids = [alarm.id for alarm in self.model.alarms]
            row = ids.index(before) if before in ids else 0
            flags = QItemSelectionModel.SelectionFlag
            self.table.selectionModel().setCurrentIndex(
                self.model.index(row, 0), flags.ClearAndSelect | flags.Rows
            )
            for column in (SEVERITY, STATE, SINCE, SOURCE):
                self.table.resizeColumnToContents(column)
        self._fit()
        self._offer()

    def _offer(self, *_: object) -> None:
        alarm = self.chosen
        self.acknowledge_button.setEnabled(alarm is not None and not alarm.acknowledged)
        self.jump_button.setEnabled(alarm is not None)
        self.whole.follow(self.table, alarm.text if alarm else "", TEXT)

    def _fit(self) -> None:
        """As high as its rows, up to `SHOWN_ROWS`, and at least as its buttons."""
        table = self.table
        rows = min(SHOWN_ROWS, max(1, len(self.model.alarms)))
        height = (
            rows * table.verticalHeader().defaultSectionSize()
            + table.horizontalHeader().sizeHint().height()
            + 2 * table.frameWidth()
        )
        table.setFixedHeight(max(height, self._beside.sizeHint().height()))

    def _restyle(self) -> None:
        self.model.restyle(self.context.theme.palette)
        self._fit()
