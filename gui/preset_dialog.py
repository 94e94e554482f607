"""Keeping and applying presets: what would change is shown before anything does."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from atta_daq.client.names import STOPS, STOPS_SEEN
from gui.context import Context
from gui.name_dialog import NameDialog
from gui.presets import AMPLIFIER, QUANTITIES, Row, Step, differences, present, read_presets, steps
from gui.theme.palettes import Tone
from gui.widgets.lines import LineTable
from gui.widgets.quiet import QuietComboBox
from gui.widgets.side_dialog import SideDialog

SETTINGS_KEY = "presets"
_STAYS = "stays as it is"
SLOW_S = 120.0
"""A ramp of the amplifier takes its time."""


class Presets:
    """The two actions on presets. Binds `preset.save` and `preset.apply`."""

    def __init__(self, context: Context, window: QWidget) -> None:
        self._context = context
        self.save_dialog = NameDialog("Keep setpoints as preset", "", self.keep, window)
        self.apply_dialog = PresetDialog(context, window)
        context.actions.bind("preset.save", self._ask_name)
        context.actions.bind("preset.apply", self.apply_dialog.open_up)

    def keep(self, name: str) -> None:
        """Keep where everything stands now."""
        setpoints = present(self._context.readings)
        if not setpoints:
            self._context.notices.warn("No preset kept: no setpoint is known at the moment")
            return
        kept = read_presets(self._context.settings.get(SETTINGS_KEY))
        if self._context.settings.set(SETTINGS_KEY, {**kept, name: setpoints}):
            self._context.notices.info(f"Preset '{name}': {len(setpoints)} setpoints kept")

    def _ask_name(self) -> None:
        setpoints = present(self._context.readings)
        lines = [
            f"{quantity.text}: {quantity.shown(setpoints.get(quantity.name))}"
            for quantity in QUANTITIES.values()
        ]
        self.save_dialog.said.setText("\n".join(lines))
        kept = read_presets(self._context.settings.get(SETTINGS_KEY))
        self.save_dialog.ask(frozenset(kept))


class _Differences(LineTable):
    """Space ticks or unticks the row, whichever cell of it the cursor is in."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        first = self.currentIndex().siblingAtColumn(0)
        if event.key() == Qt.Key.Key_Space and first.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            role = Qt.ItemDataRole.CheckStateRole
            ticked = Qt.CheckState(first.data(role)) is Qt.CheckState.Checked
            state = Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked
            self.model().setData(first, state, role)
        else:
            super().keyPressEvent(event)


class PresetDialog(SideDialog):
    """Choose a preset, look at the differences, untick what shall stay, apply the rest.

    Not modal; while it is open the differences follow the rig, save while commands are under way.
    """

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__("Apply preset", window)
        self._context = context
        self._rows: list[Row] = []
        self._unticked: set[str] = set()
        self._left: list[Step] = []
        self._applied: list[Step] = []
        self._stops_seen = 0
        self._filling = False
        self.choice = QuietComboBox()
        self.choice.setAccessibleName("preset")
        self.choice.currentIndexChanged.connect(self._on_choice)
        self._model = QStandardItemModel(0, 4, self)
        self._model.setHorizontalHeaderLabels(["What", "Now", "Preset", ""])
        self._model.itemChanged.connect(self._on_tick)
        self.table = _Differences("differences")
        self.table.setModel(self._model)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.apply_button = QPushButton("Apply ticked")
        self.apply_button.setDefault(True)
        self.apply_button.clicked.connect(self.apply)
        self.delete_button = QPushButton("Delete preset")
        self.delete_button.setAutoDefault(False)
        self.delete_button.clicked.connect(self._delete)
        close = QPushButton("Close")
        close.setAutoDefault(False)
        close.clicked.connect(self.hide)
        buttons = QHBoxLayout()
        buttons.addWidget(self.delete_button)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.apply_button)
        box = QVBoxLayout(self)
        for widget in (self.choice, self.table, self.said):
            box.addWidget(widget)
        box.addLayout(buttons)
        self.resize(720, 420)
        watch = partial(context.readings.watch_with, self)
        watch(self._follow, *QUANTITIES, "station:rig")
        watch(self._offer, "run:state", "station:activity", "station:control")
        context.theme.changed.connect(self._fill)
        context.link.state_changed.connect(self._offer)

    def open_up(self) -> None:
        """Show it, with the presets that there are."""
        kept = read_presets(self._context.settings.get(SETTINGS_KEY))
        chosen = self.choice.currentText()
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems(sorted(kept, key=str.casefold))
        self.choice.setCurrentText(chosen)
        self.choice.blockSignals(False)
        self._on_choice()
        self.come_up()
        (self.table if self._rows else self.choice).setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def busy(self) -> bool:
        """Commands of a preset are under way."""
        return bool(self._left)

    def ticked(self) -> list[Row]:
        """The rows that 'Apply' sends."""
        return [
            row for row in self._rows
            if not row.problem and row.quantity.name not in self._unticked
        ]  # fmt: skip

    def apply(self) -> None:
        """Send the ticked rows one after another; the first refusal ends it, so does STOP from
        whichever window."""
        rig = self._context.readings.rig
        if self.busy or rig is None:
            return
        now = self._context.readings.value(AMPLIFIER)
        amplifier_now_ma = float("nan") if now.stale else self._context.readings.number(AMPLIFIER)
        self._left = steps(self.ticked(), rig.unseeded_ceiling_ma, amplifier_now_ma)
        self._applied = []
        self._stops_seen = self._context.readings.value(STOPS).value or 0
        self._offer()
        self._next()

    def _next(self) -> None:
        if not self._left:
            done = _list(self._applied)
            self._say(f"Applied: {done}", wrong=False)
            self._context.notices.info(f"Preset '{self.choice.currentText()}' applied: {done}")
            self._follow()
            self._offer()
            return
        step = self._left[0]
        self._say(f"{step.text} …", wrong=False)
        self._context.command(
            step.command, done=self._on_done, refused=self._on_refused, timeout_s=SLOW_S,
            **step.arguments, **{STOPS_SEEN: self._stops_seen},
        )  # fmt: skip

    def _on_done(self, _answer: object) -> None:
        self._applied.append(self._left.pop(0))
        self._next()

    def _on_refused(self, reason: str) -> None:
        refused, *rest = self._left
        self._left = []
        text = f"{refused.text} was refused: {reason}."
        text += (
            f" Applied before: {_list(self._applied)}." if self._applied else " Nothing applied."
        )
        if rest:
            text += f" Not applied: {_list(rest)}."
        self._say(text, wrong=True)
        self._context.notices.error(f"Preset '{self.choice.currentText()}': {text}")
        self._follow()
        self._offer()

    # --- what is shown -----------------------------------------------------------------------

    def _on_choice(self) -> None:
        self._unticked.clear()
        self._rows = []
        self.delete_button.setText("Delete preset")
        self._follow(anew=True)
        self._offer()

    def _follow(self, *, anew: bool = False) -> None:
        if self.busy or not (anew or self.isVisible()):
            return
        kept = read_presets(self._context.settings.get(SETTINGS_KEY))
        name = self.choice.currentText()
        rows = differences(kept.get(name, {}), self._context.readings)
        if rows != self._rows or anew:
            self._rows = rows
            self._fill()
            self._offer()
        if not kept:
            self._say("No preset has been kept yet: 'Keep setpoints as preset' makes one", False)
        elif anew:
            self._say("" if rows else "Everything stands as in the preset already", False)

    def _fill(self) -> None:
        palette = self._context.theme.palette
        chosen = self.table.currentIndex().row()
        self._filling = True
        self._model.setRowCount(0)
        for row in self._rows:
            quantity = row.quantity
            items = [
                QStandardItem(text)
                for text in (quantity.text, quantity.shown(row.now), quantity.shown(row.then),
                             row.problem)
            ]  # fmt: skip
            first = items[0]
            first.setCheckable(not row.problem)
            if row.problem:
                for item in items:
                    item.setForeground(QColor(palette.tones[Tone.DANGER]))
            else:
                sent = quantity.name not in self._unticked
                first.setCheckState(Qt.CheckState.Checked if sent else Qt.CheckState.Unchecked)
                items[-1].setText("" if sent else _STAYS)
            self._model.appendRow(items)
        self._filling = False
        self.table.selectRow(max(0, min(chosen, len(self._rows) - 1)))

    def _on_tick(self, item: QStandardItem) -> None:
        if self._filling or item.column() != 0:
            return
        name = self._rows[item.row()].quantity.name
        if item.checkState() is Qt.CheckState.Checked:
            self._unticked.discard(name)
        else:
            self._unticked.add(name)
        self._model.item(item.row(), 3).setText(_STAYS if name in self._unticked else "")
        self._offer()

    def _offer(self) -> None:
        reason = self._context.actions.why_not("preset.apply")
        self.apply_button.setEnabled(not self.busy and not reason and bool(self.ticked()))
        self.apply_button.setToolTip(f"Not now: {reason}" if reason else "Send the ticked rows")
        self.choice.setEnabled(not self.busy)
        self.table.setEnabled(not self.busy)
        self.delete_button.setEnabled(not self.busy and self.choice.count() > 0)

    def _delete(self) -> None:
        """Once asks, twice deletes."""
        name = self.choice.currentText()
        if self.delete_button.text() == "Delete preset":
            self.delete_button.setText("Really delete?")
            return
        kept = read_presets(self._context.settings.get(SETTINGS_KEY))
        kept.pop(name, None)
        if self._context.settings.set(SETTINGS_KEY, kept):
            self._context.notices.info(f"Preset '{name}' deleted")
        self.choice.removeItem(self.choice.currentIndex())
        self._on_choice()

    def _say(self, text: str, wrong: bool) -> None:
        self.said.setText(text)
        self.said.setProperty("role", "wrong" if wrong else "")
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)


def _list(done: list[Step]) -> str:
    return "; ".join(step.text for step in done) or "nothing"
