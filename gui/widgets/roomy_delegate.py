"""Cells of a table with room beside their words: those of neighbours never touch."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

ROOM_PX = 10


class RoomyDelegate(QStyledItemDelegate):
    """Asks for more width than the words take; they stand on the left of it."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        size = super().sizeHint(option, index)
        return QSize(size.width() + ROOM_PX, size.height())
