"""One key of a scan as one field of the form, with what is wrong with it beside it."""

import re
from typing import Any

from pydantic import BaseModel
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from atta_daq.scans.wording import unit_of
from gui.editor.document import ScanDocument
from gui.editor.problem import Place
from gui.widgets.quiet import QuietComboBox


class Field(QWidget):
    """A field and, below it, its problem. `label` is for the form's left column."""

    def __init__(
        self, document: ScanDocument, model: type[BaseModel], key: str, label: str
    ) -> None:
        super().__init__()
        self.document = document
        self.key = key
        self.within: Place = ()
        """Where the table of the key is."""
        info = model.model_fields[key]
        self.default = None if info.is_required() else info.default
        unit = unit_of(key)
        text = f"{label} ({unit})" if unit else label
        meaning = " ".join((info.description or "").split())
        self.label = QLabel(text)
        self.label.setToolTip(meaning)
        self.editor = self._make_editor()
        self.editor.setAccessibleName(f"{label} in {unit}" if unit else label)
        self.editor.setToolTip(meaning)
        self.label.setBuddy(self.editor)
        self.setFocusProxy(self.editor)
        self.wrong = QLabel()
        self.wrong.setWordWrap(True)
        self.wrong.setProperty("role", "wrong")
        self.wrong.hide()
        # A long message must be wrapped, not make the form wider.
        self.wrong.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.editor)
        column.addWidget(self.wrong)

    @property
    def place(self) -> Place:
        """Where its key is."""
        return (*self.within, self.key)

    def refresh(self) -> None:
        """Show what stands in the document now."""
        self._show(self.document.get(self.place))
        self.show_problem(self.document.problem_at(self.place))

    def show_problem(self, text: str) -> None:
        """Red, with the reason; '' for nothing wrong."""
        if self.wrong.text() != text:
            self.wrong.setText(text)
            self.wrong.setVisible(bool(text))
            self.editor.setAccessibleDescription(text)
        if bool(self.editor.property("wrong")) != bool(text):
            self.editor.setProperty("wrong", bool(text))
            self.editor.style().unpolish(self.editor)
            self.editor.style().polish(self.editor)

    def _put(self, value: Any) -> None:
        self.document.put(self.place, value)

    def _make_editor(self) -> QWidget:
        raise NotImplementedError

    def _show(self, value: Any) -> None:
        raise NotImplementedError


class LineField(Field):
    """Text. An empty field leaves its key out."""

    editor: QLineEdit

    def with_hint(self, hint: str) -> "LineField":
        """Say in the empty field what an empty field means."""
        self.editor.setPlaceholderText(hint)
        return self

    def _make_editor(self) -> QLineEdit:
        line = QLineEdit()
        if self.default not in (None, "", ()):
            line.setPlaceholderText(f"{self.default:g}" if _is_number(self.default) else "")
        line.textEdited.connect(lambda text: self._put(self._value(text)))
        return line

    def _show(self, value: Any) -> None:
        # What is being typed stays as it is typed: '1.' is 1 already.
        if value != self._value(self.editor.text()):
            self.editor.setText(self._text(value))
            self.editor.setCursorPosition(0)

    def _value(self, text: str) -> Any:
        return text or None

    def _text(self, value: Any) -> str:
        return "" if value is None else str(value)


class NumberField(LineField):
    """A number. What is none goes into the document as text, and is refused there."""

    def _value(self, text: str) -> Any:
        return number_of(text) if text.strip() else None

    def _text(self, value: Any) -> str:
        return "" if value is None else _shown(value)


class NumbersField(LineField):
    """A list of numbers, separated by blanks, commas or semicolons."""

    def _value(self, text: str) -> Any:
        words = [word for word in re.split(r"[\s,;]+", text.strip()) if word]
        return [number_of(word) for word in words] or None

    def _text(self, value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(_shown(item) for item in value)
        return super()._text(value)


class FlagField(Field):
    """True or false, as a check box that bears the label itself."""

    editor: QCheckBox

    def _make_editor(self) -> QCheckBox:
        box = QCheckBox(self.label.text())
        # It stands in no row, and must go with the field.
        self.label.setParent(self)
        self.label.hide()
        box.clicked.connect(lambda on: self._put(None if on == self.default else on))
        return box

    def _show(self, value: Any) -> None:
        self.editor.setChecked(value if isinstance(value, bool) else bool(self.default))


class ChoiceField(Field):
    """One of a few values. The default, or a left-out key, leaves the key out."""

    editor: QuietComboBox

    def with_choices(self, choices: dict[Any, str]) -> "ChoiceField":
        """Values and what they are called."""
        for value, text in choices.items():
            self.editor.addItem(text, value)
        return self

    def _make_editor(self) -> QuietComboBox:
        box = QuietComboBox()
        fit_narrow(box)
        box.activated.connect(self._chosen)
        return box

    def _chosen(self, _index: int) -> None:
        value = self.editor.currentData()
        self._put(None if value == self.default else value)

    def _show(self, value: Any) -> None:
        show_choice(self.editor, self.default if value is None else value)


def fit_narrow(box: QuietComboBox) -> None:
    """A long entry must not make the form wider than the dock."""
    box.setSizeAdjustPolicy(box.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)


def show_choice(box: QuietComboBox, value: Any) -> None:
    """Choose a value; one that is none of the choices stands there in words."""
    index = next((i for i in range(box.count()) if box.itemData(i) == value), -1)
    if index < 0:
        box.setPlaceholderText(str(value))
    if box.currentIndex() != index:
        box.setCurrentIndex(index)


def number_of(text: str) -> float | int | str:
    """A number as it is written, with point or comma; the text itself when it is none."""
    plain = text.strip().replace(",", ".").replace("−", "-")
    for kind in (int, float):
        try:
            value = kind(plain)
        except ValueError:
            continue
        return value if value - value == 0 else text  # no infinities, no nan
    return text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return f"{value:.12g}" if _is_number(value) else str(value)


def muted(text: str) -> QLabel:
    """A remark in the form."""
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    return label
