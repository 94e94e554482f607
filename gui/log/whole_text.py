"""The text of the chosen line in full, below a table that has no room for it."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QTableView

from gui.log.lines import one_line

_BESIDE_PX = 12
"""What a cell keeps free beside its text."""


class WholeText(QLabel):
    """Shown only while the table cuts the text off."""

    def __init__(self) -> None:
        super().__init__()
        self._table: QTableView | None = None
        self._column = 0
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setAccessibleName("the chosen line")
        self.hide()

    def follow(self, table: QTableView, text: str, column: int) -> None:
        """Show `text`, which stands in a column of the table; an empty one hides this."""
        if self._table is None:
            table.viewport().installEventFilter(self)
        self._table, self._column = table, column
        self.setText(text.strip())
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        table, text = self._table, self.text()
        if table is None:
            return
        needed = table.fontMetrics().horizontalAdvance(one_line(text)) + _BESIDE_PX
        self.setVisible(bool(text) and needed > table.columnWidth(self._column))
