"""The command palette: any command by a few letters of its name.

It lies over the window, not in a window of its own: the keyboard stays where window managers
cannot lose it. Escape, or a click elsewhere, closes it.
"""

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from gui.actions.fuzzy import fit
from gui.actions.spec import ActionSpec
from gui.context import Context
from gui.theme.palettes import Tone
from gui.widgets.lines import LineTable, tone_icon
from gui.widgets.words import set_role

RECENT = 6
CHOOSE = "Type a few letters of a command, or choose one with Up and Down; Enter carries it out"
_MOVES: dict[int, int] = {
    Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10,
}  # fmt: skip
_ID_ROLE = Qt.ItemDataRole.UserRole + 2


class CommandPalette(QFrame):
    """Search over all actions of the window. Binds `help.palette`."""

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._window = window
        self._before: QWidget | None = None
        self._recent: list[str] = []
        self.setObjectName("palette")
        self.setAccessibleName("command palette")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a command")
        self.search.setAccessibleName("command to look for")
        self.search.textChanged.connect(self._find)
        self.search.installEventFilter(self)
        self.table = LineTable("commands found")
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setSelectionMode(LineTable.SelectionMode.SingleSelection)
        self.table.horizontalHeader().hide()
        self._found = QStandardItemModel(0, 3, self)
        self.table.setModel(self._found)
        self.table.clicked.connect(self.carry_out)
        self.table.selectionModel().currentRowChanged.connect(self._tell)
        self._said = QLabel()
        self._said.setWordWrap(True)
        box = QVBoxLayout(self)
        for widget in (self.search, self.table, self._said):
            box.addWidget(widget)
        self.hide()
        context.actions.triggered.connect(self._remember)
        context.theme.changed.connect(self._restyle)
        self._restyle()
        context.actions.bind("help.palette", self.open)

    def open(self) -> None:
        """Show it with an empty search; the commands used last stand first."""
        self._before = QApplication.focusWidget()
        self._window.activateWindow()
        self._place()
        self.show()
        self.raise_()
        self.search.clear()
        self._find()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)
        self._window.installEventFilter(self)

    def close_up(self) -> None:
        """Close it and give the keyboard back."""
        if not self.isVisible():
            return
        self._window.removeEventFilter(self)
        had_keyboard = self.search.hasFocus()
        self.hide()
        if had_keyboard and self._before is not None and isValid(self._before):
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._before = None

    def carry_out(self) -> None:
        """Close it and trigger the chosen command; one that is impossible now says why instead."""
        action_id = self.chosen
        if not action_id or self._context.actions.why_not(action_id):
            return
        self.close_up()
        self._context.actions[action_id].trigger()

    @property
    def chosen(self) -> str:
        """Id of the chosen command; empty for none."""
        return self.table.currentIndex().siblingAtColumn(0).data(_ID_ROLE) or ""

    def listed(self) -> list[str]:
        """Ids of the commands in the list, best first."""
        return [self._found.item(row, 0).data(_ID_ROLE) for row in range(self._found.rowCount())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window:
            if event.type() == QEvent.Type.Resize:
                self._place()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event.key())
        elif (
            isinstance(event, QFocusEvent)
            and event.lostFocus()
            # The search's own context menu takes the keyboard only for a while.
            and event.reason() is not Qt.FocusReason.PopupFocusReason
        ):
            self.close_up()  # a click elsewhere
        return super().eventFilter(watched, event)

    def _key(self, key: int) -> bool:
        if key in _MOVES:
            rows = self._found.rowCount()
            row = min(max(self.table.currentIndex().row() + _MOVES[key], 0), rows - 1)
            self.table.selectRow(row)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.carry_out()
        elif key == Qt.Key.Key_Escape:
            self.close_up()
        else:
            # Tab would only leave for what lies behind the palette.
            return key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
        return True

    def _find(self) -> None:
        query = self.search.text().strip()
        specs = [spec for spec in self._context.actions.specs.values() if spec.id != "help.palette"]
        if query:
            scores = {spec.id: fit(query, spec) for spec in specs}
            specs = [spec for spec in specs if scores[spec.id] > 0.0]
            specs.sort(key=lambda spec: -scores[spec.id])
        else:
            order = {action_id: place for place, action_id in enumerate(self._recent)}
            specs.sort(key=lambda spec: order.get(spec.id, RECENT))
        self._found.setRowCount(0)
        for spec in specs:
            self._found.appendRow(self._row(spec))
        if query and specs:
            self.table.selectRow(0)
        else:
            # Enter alone must not carry out what happens to stand first, which may be STOP.
            self.table.setCurrentIndex(QModelIndex())
            self._say("No command fits" if query else CHOOSE)

    def _row(self, spec: ActionSpec) -> list[QStandardItem]:
        palette = self._context.theme.palette
        why_not = self._context.actions.why_not(spec.id)
        state = ""
        if spec.checkable:
            state = ": on" if self._context.actions[spec.id].isChecked() else ": off"
        texts = (
            f"{spec.menu}: {spec.text}{state}",
            f"not now: {why_not}" if why_not else spec.tip,
            ", ".join(spec.keys),
        )
        items = [QStandardItem(text) for text in texts]
        for item, text in zip(items, texts, strict=True):
            item.setToolTip(text)  # a reason may be longer than its column
        items[0].setData(spec.id, _ID_ROLE)
        for item, quiet in zip(items, (bool(why_not), True, True), strict=True):
            item.setForeground(QColor(palette.muted if quiet else palette.text))
        if why_not:
            items[0].setIcon(self._impossible)
        else:
            items[0].setIcon(self._possible)
        return items

    def _tell(self, *_: object) -> None:
        action_id = self.chosen
        if not action_id:
            return
        spec = self._context.actions.specs[action_id]
        why_not = self._context.actions.why_not(action_id)
        self._say(f"Not now: {why_not}" if why_not else (spec.tip or spec.text), bool(why_not))

    def _say(self, text: str, wrong: bool = False) -> None:
        self._said.setText(text)
        set_role(self._said, "wrong" if wrong else "muted")

    def _remember(self, action_id: str) -> None:
        if action_id != "help.palette":
            others = [known for known in self._recent if known != action_id]
            self._recent = [action_id, *others][:RECENT]

    def _place(self) -> None:
        window = self._window
        letter = self.fontMetrics().horizontalAdvance("m")
        width = min(78 * letter, window.width() - 20)
        # Below the status strip: STOP stays in sight and in reach.
        strip = window.findChild(QToolBar, "status")
        top = strip.geometry().bottom() + 6 if strip is not None else 20
        height = min(24 * self.fontMetrics().height(), window.height() - top - 20)
        self.setGeometry((window.width() - width) // 2, top, width, height)
        self.table.setColumnWidth(0, int(0.34 * width))
        self.table.setColumnWidth(1, int(0.47 * width))

    def _restyle(self) -> None:
        palette = self._context.theme.palette
        self._possible = tone_icon(palette, Tone.OK)
        self._impossible = tone_icon(palette, Tone.OFF)
        self.setStyleSheet(
            f"#palette {{ background: {palette.raised}; border: 2px solid {palette.accent};"
            " border-radius: 5px; }"
        )
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        if self.isVisible():
            self._place()
            self._find()
