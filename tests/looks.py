"""What an eye would see in a widget: words that are cut off, parts that lie over each other."""

from PySide6.QtCore import QModelIndex, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QComboBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QTableView,
    QWidget,
)

from gui.widgets.badge import Badge
from gui.widgets.elided import ElidedLabel

PARTS = (QLabel, QAbstractButton, QLineEdit, QComboBox, QProgressBar, Badge)

QTS_OWN = ("QTabBar", "QMainWindowTabBar", "QDockWidget", "QMenuBar", "QToolBar")


def cut_off(whole: QWidget) -> list[str]:
    """Words of visible labels, buttons, badges and table cells that have less room than they
    need, and parts that reach over the edge of what holds them."""
    found = []
    for part in _parts(whole):
        text = _text(part)
        if isinstance(part, ElidedLabel):
            continue  # made to give way; its tool tip has the whole
        if isinstance(part, QLabel) and part.wordWrap():
            short = part.height() < part.heightForWidth(part.width()) and bool(text)
            if short:
                found.append(f"'{text}' has {part.height()} px of height")
        elif isinstance(part, QLabel | QAbstractButton | Badge) and text:
            needed = part.minimumSizeHint() if isinstance(part, Badge) else part.sizeHint()
            if part.width() < needed.width() or part.height() < needed.height() - 2:
                found.append(
                    f"'{text}' has {part.width()} x {part.height()} px, needs "
                    f"{needed.width()} x {needed.height()}"
                )
        parent = part.parentWidget()
        if parent is None or _scrolled(part):
            continue
        if not parent.rect().adjusted(-1, -1, 1, 1).contains(part.geometry()):
            found.append(f"'{text or part}' reaches over the edge of {parent}")
    for table in whole.findChildren(QTableView):
        found += _cells(table) if table.isVisible() else []
    return found


def overlaps(whole: QWidget) -> list[str]:
    """Pairs of parts in one parent that lie over each other."""
    found = []
    by_parent: dict[QWidget, list[QWidget]] = {}
    for part in _parts(whole):
        if (parent := part.parentWidget()) is not None:
            by_parent.setdefault(parent, []).append(part)
    for parts in by_parent.values():
        for i, first in enumerate(parts):
            for second in parts[i + 1 :]:
                if first.geometry().intersects(second.geometry()):
                    found.append(f"'{_text(first) or first}' lies over '{_text(second) or second}'")
    return found


def _parts(whole: QWidget) -> list[QWidget]:
    found = [part for kind in PARTS for part in whole.findChildren(kind)]
    unique = {id(part): part for part in found}
    return [
        part for part in unique.values()
        if part.isVisible() and not part.visibleRegion().isEmpty() and not _inside_a_part(part)
    ]  # fmt: skip


def _inside_a_part(part: QWidget) -> bool:
    """The parts of parts (the button in a line edit) are Qt's own affair."""
    above = part.parentWidget()
    return isinstance(above, QLineEdit | QComboBox) or (
        above is not None and above.metaObject().className() in QTS_OWN
    )


def _text(part: QWidget) -> str:
    if isinstance(part, QLabel | QAbstractButton):
        return part.text()
    return part.word if isinstance(part, Badge) else ""


def _scrolled(part: QWidget) -> bool:
    above = part.parentWidget()
    while above is not None:
        if isinstance(above, QAbstractScrollArea):
            return True
        above = above.parentWidget()
    return False


def _cells(table: QTableView) -> list[str]:
    """Cells with less room than their words and shape need, but for those that are made to give
    way: their tool tip has the whole."""
    found, model = [], table.model()
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            index = model.index(row, column)
            text = str(index.data() or "")
            room = table.visualRect(index)
            out_of_sight = not table.viewport().rect().intersects(room)
            if not text or out_of_sight or text in str(index.data(Qt.ItemDataRole.ToolTipRole)):
                continue
            if why := _too_small(table, index, text, room):
                found.append(f"cell '{text}' {why}")
    return found


def _too_small(table: QTableView, index: QModelIndex, text: str, room: QRect) -> str:
    if table.horizontalScrollBar().maximum():
        width = room.width()  # the rest of it can be scrolled to
    else:
        width = min(room.right() + 1, table.viewport().width()) - room.left()
    if table.wordWrap():
        width -= 4
        wrap = Qt.TextFlag.TextWordWrap
        needed = table.fontMetrics().boundingRect(QRect(0, 0, width, 1000), wrap, text).size()
    else:
        needed = table.sizeHintForIndex(index)
    if needed.width() <= width and needed.height() <= room.height():
        return ""
    return f"has {width} x {room.height()} px, needs {needed.width()} x {needed.height()}"
