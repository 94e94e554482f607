"""Which part of the run is drawn, which quantity, against what."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from atta_daq.client.runs import PartPoints
from gui.sweep.axes import AXES, Quantity
from gui.widgets.quiet import QuietComboBox


class Chooser(QWidget):
    """Three combo boxes; the first begins with the part that is being taken."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.part = _combo("part of the run", "Which part of the run is drawn")
        self.quantity = _combo("quantity", "Rate, or increase over the rate without pumping")
        self.axis = _combo("swept quantity", "Along which of its swept quantities")
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.note.hide()
        self._wanted: Quantity | None = None
        """What the operator chose, while something else has to be drawn."""
        for quantity in Quantity:
            self.quantity.addItem(quantity.value, quantity)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.addRow("Part", self.part)
        self._form.addRow("Quantity", self.quantity)
        self._form.addRow("Against", self.axis)
        self._form.addRow(self.note)
        self._form.setRowVisible(self.axis, False)
        for box in (self.part, self.quantity, self.axis):
            box.activated.connect(lambda _index: self.changed.emit())

    @property
    def chosen(self) -> str:
        """Name of the part that the operator chose; empty for the one being taken."""
        return self.part.currentData() or ""

    @property
    def chosen_quantity(self) -> Quantity:
        return self._wanted or self.quantity.currentData()

    def force_quantity(self, drawn: Quantity | None) -> None:
        """Show the quantity that is drawn because the chosen one cannot be; None: as chosen."""
        shown = drawn or self.chosen_quantity
        self._wanted = self.chosen_quantity if drawn is not None else None
        self.quantity.setCurrentIndex(self.quantity.findData(shown))
        self.quantity.setEnabled(drawn is None)

    @property
    def chosen_axis(self) -> str:
        return self.axis.currentData() or ""

    def offer(self, parts: Sequence[PartPoints], automatic: str, word: str) -> None:
        """Offer these parts; the first line is `automatic`, which is what `word` says."""
        first = f"{word}: {automatic}" if automatic else "no points yet"
        lines = [(first, ""), *((part.name, part.name) for part in parts)]
        _fill(self.part, lines)

    def offer_axes(self, names: Sequence[str]) -> None:
        """Offer the swept quantities of the drawn part, if there are several."""
        _fill(self.axis, [(AXES[name].label, name) for name in names])
        if self._form.isRowVisible(self.axis) != (len(names) > 1):
            self._form.setRowVisible(self.axis, len(names) > 1)

    def follow_run(self) -> None:
        """Back to the part that is being taken."""
        self.part.setCurrentIndex(0)

    def show_note(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))


def _combo(name: str, tip: str) -> QComboBox:
    box = QuietComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    return box


def _fill(box: QComboBox, lines: list[tuple[str, str]]) -> None:
    """New lines, if they are new; the choice stays where it still exists."""
    if lines == [(box.itemText(i), box.itemData(i)) for i in range(box.count())]:
        return
    chosen = box.currentData()
    box.clear()
    for text, data in lines:
        box.addItem(text, data)
    box.setCurrentIndex(max(box.findData(chosen), 0))
