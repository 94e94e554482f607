"""The table of runs: notes and names of runs give way before a column is pushed out of sight."""

from PySide6.QtCore import QAbstractItemModel, QEvent, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from gui.runs.model import COLUMNS

NOTE, RUN = COLUMNS.index("Note"), COLUMNS.index("Run")
LEAST = {NOTE: "after…", RUN: "20261122…"}
"""So much of a note, and of a run its date, is seen however narrow the list."""
ROOM_PX = 16


class RunsTable(QTableView):
    """Columns are as wide as their words; the two long ones share what is left of the width.

    What does not fit in them ends in '…'. Only a list that is too narrow even so scrolls sideways.
    """

    def __init__(self, model: QAbstractItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        model.modelReset.connect(self._share_out)
        # Not at once: the header may hear of another text size after the table.
        self._restyled = QTimer(self)
        self._restyled.setSingleShot(True)
        self._restyled.setInterval(0)
        self._restyled.timeout.connect(self._share_out)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and hasattr(
            self, "_restyled"
        ):
            self._restyled.start()

    def _share_out(self) -> None:
        header, metrics = self.horizontalHeader(), self.fontMetrics()
        wanted = [
            max(self.sizeHintForColumn(column), header.sectionSizeHint(column))
            for column in range(len(COLUMNS))
        ]
        least = {
            column: min(wanted[column], metrics.horizontalAdvance(words) + ROOM_PX)
            for column, words in LEAST.items()
        }
        left = self.viewport().width() - sum(wanted) + wanted[NOTE] + wanted[RUN]
        if left >= wanted[NOTE] + wanted[RUN]:
            wanted[NOTE] = left - wanted[RUN]
        else:
            wanted[NOTE] = max(least[NOTE], min(wanted[NOTE], left - least[RUN]))
            wanted[RUN] = max(least[RUN], left - wanted[NOTE])
        for column, width in enumerate(wanted):
            if header.sectionSize(column) != width:
                header.resizeSection(column, width)
