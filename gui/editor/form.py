"""A form of fields that share the place of their table."""

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QFormLayout, QLabel, QWidget

from gui.editor.fields import Field, FlagField
from gui.editor.problem import Place

_USUAL_LABEL = "Reference every "


class Form(QWidget):
    """Labels on the left, fields on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[Field] = []
        self._aligned_px = 0
        self.rows = QFormLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setVerticalSpacing(4)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)

    def add(self, *fields: Field) -> None:
        """A row for each."""
        self._aligned_px = 0
        for field in fields:
            self.fields.append(field)
            if isinstance(field, FlagField):
                self.rows.addRow(field)
            else:
                self.rows.addRow(field.label, field)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # A change of look comes as many events, of which few change the font.
        changes = event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange)
        if changes and self._label_px() != self._aligned_px:
            self.align()

    def align(self) -> None:
        """The fields of all forms begin at the same place, save beside very long labels."""
        width = self._aligned_px = self._label_px()
        for row in range(self.rows.rowCount()):
            item = self.rows.itemAt(row, QFormLayout.ItemRole.LabelRole)
            if item is not None and isinstance(label := item.widget(), QLabel):
                label.setMinimumWidth(width)

    def _label_px(self) -> int:
        return self.fontMetrics().horizontalAdvance(_USUAL_LABEL)

    def show_row(self, field: Field, shown: bool) -> None:
        """Show or hide a field with its label."""
        if self.rows.isRowVisible(field) != shown:
            self.rows.setRowVisible(field, shown)

    def move_to(self, within: Place) -> None:
        """The table that the fields are about from now on."""
        for field in self.fields:
            field.within = within

    def refresh(self) -> bool:
        """Show the document; True when any of the fields is wrong."""
        for field in self.fields:
            field.refresh()
        return any(field.wrong.text() for field in self.fields)
