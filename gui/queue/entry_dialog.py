"""What an entry of the queue has besides its scan; stays open while the station refuses it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from atta_daq.client.queue import QueueLine
from gui.queue.times import moment, said
from gui.widgets.quiet import QuietComboBox, QuietSpinBox
from gui.widgets.side_dialog import SideDialog

NO_ALARM = "no major alarm"
ON_FAULT = (("pause", "stop the queue"), ("skip", "take the next entry"))
MOST = 1000

Send = Callable[[dict[str, Any]], None]


class EntryDialog(SideDialog):
    """Calls `send(arguments)` with those of `queue_add` or `queue_change`; `refuse` says why it was
    not taken."""

    def __init__(self, title: str, verb: str, send: Send, parent: QWidget) -> None:
        super().__init__(title, parent)
        self._send = send
        self._of: dict[str, Any] = {}
        self._asked = False
        """The station has not answered yet."""
        self.what = QLabel()
        self.what.setWordWrap(True)
        self.repeats = QuietSpinBox()
        self.repeats.setRange(1, MOST)
        self.priority = QuietSpinBox()
        self.priority.setRange(-MOST, MOST)
        self.not_before = QLineEdit()
        self.not_before.setPlaceholderText("at once, or 2026-11-28 22:00")
        self.not_before.textChanged.connect(self._check)
        self.understood = QLabel()
        self.understood.setProperty("role", "muted")
        self.no_alarm = QCheckBox("only while no major alarm is active")
        self.conditions = QLineEdit()
        self.conditions.setPlaceholderText("rate:loading_84 > 0.05; free disk > 20 GB")
        self.on_fault = QuietComboBox()
        for value, text in ON_FAULT:
            self.on_fault.addItem(text, value)
        self.wrong = QLabel()
        self.wrong.setProperty("role", "wrong")
        self.wrong.setWordWrap(True)
        self.wrong.setAccessibleName("Why it was not taken")
        self.done_button = QPushButton(verb)
        self.done_button.setDefault(True)
        self.done_button.clicked.connect(self._done)
        self._lay_out()

    def show_line(self, line: QueueLine) -> None:
        """Fill in what an entry has."""
        self.repeats.setValue(line.repeats)
        self.priority.setValue(line.priority)
        at = line.not_before
        self.not_before.setText("" if at is None else datetime.fromtimestamp(at, UTC).isoformat())
        conditions = [text for text in line.conditions.split("; ") if text]
        self.no_alarm.setChecked(NO_ALARM in conditions)
        self.conditions.setText("; ".join(text for text in conditions if text != NO_ALARM))
        self.on_fault.setCurrentIndex(self.on_fault.findData(line.on_fault))

    def ask(self, what: str, **of: str | int) -> None:
        """Show it as it is filled in; `of` is sent along and says what it is about."""
        self._of = of
        self.what.setText(what)
        self.wrong.hide()
        self._check()
        self.come_up()
        self.repeats.setFocus(Qt.FocusReason.PopupFocusReason)
        self.repeats.selectAll()

    def refuse(self, reason: str) -> None:
        """The station did not take it."""
        self._answered()
        self.wrong.setText(reason)
        self.wrong.show()
        self.adjustSize()

    def taken(self) -> None:
        """The entry is in the queue."""
        self._answered()
        self.hide()

    def _answered(self) -> None:
        self._asked = False
        self._check()

    def _lay_out(self) -> None:
        form = QFormLayout()
        for text, field in (
            ("Times", self.repeats), ("Priority", self.priority), ("Not before", self.not_before),
            ("", self.understood), ("When", self.conditions), ("", self.no_alarm),
            ("After a fault", self.on_fault),
        ):  # fmt: skip
            form.addRow(text, field)
            if text:
                field.setAccessibleName(text)
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.done_button)
        box = QVBoxLayout(self)
        box.addWidget(self.what)
        box.addLayout(form)
        box.addWidget(self.wrong)
        box.addLayout(row)
        self.setMinimumWidth(460)

    def _check(self) -> None:
        try:
            found = moment(self.not_before.text())
        except ValueError as error:
            self.understood.setText(str(error))
            self.done_button.setEnabled(False)
            return
        self.understood.setText("as soon as it is its turn" if found is None else said(found))
        self.done_button.setEnabled(not self._asked)

    def _done(self) -> None:
        found = moment(self.not_before.text())
        conditions = [self.conditions.text().strip(), NO_ALARM * self.no_alarm.isChecked()]
        self._asked = True
        self.done_button.setEnabled(False)
        self.wrong.hide()
        self._send(
            {
                **self._of, "repeats": self.repeats.value(),
                "priority": self.priority.value(),
                "not_before": "" if found is None else found.isoformat(timespec="seconds"),
                "conditions": "; ".join(text for text in conditions if text),
                "on_fault": str(self.on_fault.currentData()),
            }
        )  # fmt: skip
