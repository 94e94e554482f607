"""The parts of a scan: add, duplicate, remove, move, choose."""

import copy
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QPushButton, QVBoxLayout, QWidget

from atta_daq.scans.wording import unit_of
from gui.editor.axis_form import QUANTITIES
from gui.editor.document import ScanDocument
from gui.editor.new_scan import new_part
from gui.editor.toml_text import Table
from gui.theme.palettes import Tone
from gui.theme.theme import Theme
from gui.widgets.wrapping import WrappingRow
from gui.words import true_minus

_LINES = 4


class PartsList(QWidget):
    """A line for each part; a wrong one is marked."""

    chosen = Signal(int)

    def __init__(self, document: ScanDocument, theme: Theme) -> None:
        super().__init__()
        self._document = document
        self._theme = theme
        self.list = QListWidget()
        self.list.setAccessibleName("Parts of the scan")
        self.list.setHorizontalScrollBarPolicy(
            self.list.horizontalScrollBarPolicy().ScrollBarAlwaysOff
        )
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.currentRowChanged.connect(self._row_changed)
        row = WrappingRow()
        self.buttons: dict[str, QPushButton] = {}
        for text, tip, handler in (
            ("Add", "A part for another isotope or sweep", self.add),
            ("Duplicate", "A copy of the chosen part below it", self.duplicate),
            ("Remove", "Take the chosen part out", self.remove),
            ("Up", "The chosen part is measured earlier", lambda: self.move(-1)),
            ("Down", "The chosen part is measured later", lambda: self.move(1)),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setAccessibleName(f"{text}: {tip}")
            button.clicked.connect(lambda _=False, handler=handler: handler())
            row.add(button)
            self.buttons[text] = button
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list)
        column.addWidget(row)
        theme.changed.connect(self.refresh)

    @property
    def current(self) -> int:
        """Number of the chosen part, from 0."""
        return max(0, self.list.currentRow())

    def choose(self, number: int) -> None:
        """Choose a part."""
        self.list.setCurrentRow(number)

    def refresh(self) -> None:
        """Show the document."""
        parts = self._parts()
        self.list.blockSignals(True)
        while self.list.count() > len(parts):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(parts):
            self.list.addItem("")
        wrong = {p.place[1] for p in self._document.problems if p.place[:1] == ("part",)
                 and len(p.place) > 1}  # fmt: skip
        palette = self._theme.palette
        for number, part in enumerate(parts):
            item = self.list.item(number)
            text = describe(part)
            item.setText(f"✗ {text}" if number in wrong else text)
            item.setToolTip(f"Part {number + 1}: {text}")
            colour = palette.tones[Tone.DANGER] if number in wrong else palette.text
            item.setForeground(QColor(colour))
        if parts and self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self.list.blockSignals(False)
        height = self.list.fontMetrics().lineSpacing() + 4
        self.list.setFixedHeight(min(max(len(parts), 1), _LINES) * height + 8)
        self._allow(len(parts))

    def add(self) -> None:
        """A new part at the end, of the isotope that is not there yet."""
        parts = self._parts()
        there = {part.get("isotope") for part in parts if isinstance(part, Table)}
        isotope = next((mass for mass in (85, 83, 81, 84) if mass not in there), 85)
        part = new_part(isotope)
        part["pumping"] = "abba"
        self._insert(len(parts), part)

    def duplicate(self) -> None:
        """The chosen part once more, below it."""
        if parts := self._parts():
            self._insert(self.current + 1, copy.deepcopy(parts[self.current]))

    def remove(self) -> None:
        """Without the chosen part. The last one stays."""
        parts = self._parts()
        if len(parts) > 1:
            with self._document.edit():
                del parts[self.current]
            self.chosen.emit(self.current)

    def move(self, by: int) -> None:
        """The chosen part one place up (-1) or down (1)."""
        parts, here = self._parts(), self.current
        there = here + by
        if 0 <= there < len(parts):
            with self._document.edit():
                parts[here], parts[there] = parts[there], parts[here]
            self.choose(there)

    def _insert(self, place: int, part: Table) -> None:
        table = self._document.table
        assert table is not None
        with self._document.edit():
            if not isinstance(table.get("part"), list):
                table["part"] = []
            table["part"].insert(place, part)
        self.choose(place)

    def _parts(self) -> list[Any]:
        parts = self._document.get(("part",))
        return parts if isinstance(parts, list) else []

    def _row_changed(self, row: int) -> None:
        self._allow(len(self._parts()))
        if row >= 0:
            self.chosen.emit(row)

    def _allow(self, count: int) -> None:
        self.buttons["Duplicate"].setEnabled(count > 0)
        self.buttons["Remove"].setEnabled(count > 1)
        self.buttons["Up"].setEnabled(self.current > 0)
        self.buttons["Down"].setEnabled(self.current < count - 1)


def describe(part: Any) -> str:
    """A part in a line: '85Kr: detuning −600 … 1400 MHz, 41 points of 240 s'."""
    if not isinstance(part, Table):
        return "not a part"
    axes = part.get("axis", [])
    axes = axes if isinstance(axes, list) else []
    swept = " × ".join(_axis(axis) for axis in axes if isinstance(axis, Table))
    words = [swept or "on against off"]
    if "dwell_s" in part:
        dwell = f"{_short(part['dwell_s'])} s"
        words = [f"{swept} of {dwell}"] if swept else [*words, f"{dwell} each"]
    if part.get("repeats", 1) != 1:
        words.append(f"{_short(part['repeats'])} times")
    return true_minus(f"{part.get('isotope', '?')}Kr: {', '.join(words)}")


def _axis(axis: Table) -> str:
    quantity = str(axis.get("quantity"))
    name, unit = QUANTITIES.get(quantity, quantity), unit_of(quantity)
    values = axis.get("values")
    if isinstance(values, list):
        return f"{name}, {len(values)} values"
    span = f"{_short(axis.get('start'))} … {_short(axis.get('stop'))} {unit}".rstrip()
    return f"{name} {span}, {axis.get('points', '?')} points"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "?" if value is None else str(value)
