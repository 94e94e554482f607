"""Two small dialogs, not modal: give something a name, choose something by its name."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.widgets.side_dialog import SideDialog


class NameDialog(SideDialog):
    """Asks for a name and calls `keep(name)`; says when the name is taken already."""

    def __init__(self, title: str, what: str, keep: Callable[[str], None], parent: QWidget) -> None:
        super().__init__(title, parent)
        self._keep = keep
        self._taken: frozenset[str] = frozenset()
        self.said = QLabel(what)
        self.said.setWordWrap(True)
        self.name = QLineEdit()
        self.name.setAccessibleName("name")
        self.name.setPlaceholderText("Name")
        self.name.textChanged.connect(self._check)
        self.keep_button = QPushButton("Keep")
        self.keep_button.setDefault(True)
        self.keep_button.clicked.connect(self._done)
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self._taken_label = QLabel()
        self._taken_label.setProperty("role", "muted")
        row = QHBoxLayout()
        row.addWidget(self._taken_label, 1)
        row.addWidget(cancel)
        row.addWidget(self.keep_button)
        box = QVBoxLayout(self)
        box.addWidget(self.said)
        box.addWidget(self.name)
        box.addLayout(row)
        self.setMinimumWidth(420)

    def ask(self, taken: frozenset[str], suggestion: str = "") -> None:
        """Show it; names in `taken` would be replaced."""
        self._taken = taken
        self.name.setText(suggestion)
        self.name.selectAll()
        self._check()
        self.come_up()
        self.name.setFocus(Qt.FocusReason.PopupFocusReason)

    def _check(self) -> None:
        name = self.name.text().strip()
        self.keep_button.setEnabled(bool(name))
        replaces = name in self._taken
        self.keep_button.setText("Replace" if replaces else "Keep")
        self._taken_label.setText(f"'{name}' exists already" if replaces else "")

    def _done(self) -> None:
        if name := self.name.text().strip():
            self.hide()
            self._keep(name)


class ChoiceDialog(SideDialog):
    """A list of names: Enter calls `choose(name)`, Delete `remove(name, removed)`.

    `remove` may ask first; it calls `removed` when the thing is gone.
    """

    def __init__(
        self,
        title: str,
        choose: Callable[[str], None],
        remove: Callable[[str, Callable[[], None]], None],
        parent: QWidget,
    ) -> None:
        super().__init__(title, parent)
        self._choose, self._remove = choose, remove
        self.names = QListWidget()
        self.names.setAccessibleName(title)
        self.names.itemActivated.connect(lambda _item: self._done())
        use = QPushButton("Use")
        use.setDefault(True)
        use.clicked.connect(self._done)
        self.delete_button = QPushButton("Delete")
        self.delete_button.setAutoDefault(False)
        self.delete_button.clicked.connect(self._delete)
        row = QHBoxLayout()
        row.addWidget(self.delete_button)
        row.addStretch(1)
        row.addWidget(use)
        box = QVBoxLayout(self)
        box.addWidget(self.names)
        box.addLayout(row)

    def offer(self, names: list[str]) -> None:
        """Show it with these names."""
        self.names.clear()
        self.names.addItems(names)
        self.names.setCurrentRow(0)
        self.come_up()
        self.names.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._delete()
        else:
            super().keyPressEvent(event)

    def _done(self) -> None:
        if item := self.names.currentItem():
            self.hide()
            self._choose(item.text())

    def _delete(self) -> None:
        if item := self.names.currentItem():
            name = item.text()
            self._remove(name, lambda: self._take_out(name))

    def _take_out(self, name: str) -> None:
        for item in self.names.findItems(name, Qt.MatchFlag.MatchExactly):
            self.names.takeItem(self.names.row(item))
        if self.names.count() == 0:
            self.hide()
