"""A table of lines of text to read: whole rows, no editing, copied to the clipboard."""

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QKeyEvent, QKeySequence, QPainter, QPixmap
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from gui.theme.palettes import Palette, Tone
from gui.widgets.badge import draw_shape

COPY_ROLE = Qt.ItemDataRole.UserRole + 1
"""What a cell gives to the clipboard, where that is more than what it shows."""
_ICON_SIDE = 32


def tone_icon(palette: Palette, tone: Tone) -> QIcon:
    """The shape of a state for a cell: in its colour, in that of the text where it is chosen."""
    icon = QIcon()
    for mode, colour in (
        (QIcon.Mode.Normal, palette.tones[tone]),
        (QIcon.Mode.Selected, palette.on_accent),
    ):
        pixmap = QPixmap(_ICON_SIDE, _ICON_SIDE)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # Drawn at twice the size that it is shown at: the pen keeps its weight beside the words.
        painter.scale(2.0, 2.0)
        draw_shape(painter, tone, QRectF(2.5, 2.5, 11.0, 11.0), QColor(colour))
        painter.end()
        icon.addPixmap(pixmap, mode)
    return icon


class LineTable(QTableView):
    """Rows of text. Tab leaves the table, the arrows move in it, Ctrl+C copies the chosen rows."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(8)
        # All alike: asking each cell how high it wants to be took a third of a change of look.
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._fit_rows()

    def rows_text(self, *, chosen_only: bool = False) -> str:
        """The rows as lines of cells between tabs."""
        model = self.model()
        if chosen_only:
            rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        else:
            rows = list(range(model.rowCount()))
        return "\n".join(
            "\t".join(
                str(index.data(COPY_ROLE) or index.data() or "")
                for index in (model.index(row, column) for column in range(model.columnCount()))
            )
            for row in rows
        )

    def copy(self) -> int:
        """Put the chosen rows, or all when none is chosen, on the clipboard; their number."""
        text = self.rows_text(chosen_only=self.selectionModel().hasSelection())
        QGuiApplication.clipboard().setText(text)
        return len(text.splitlines())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_rows()

    def _fit_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
