"""One swept quantity of a part."""

from collections.abc import Callable

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from atta_daq.client.rig_info import RigInfo
from atta_daq.scans.definition import Axis
from atta_daq.scans.wording import unit_of
from gui.editor.document import ScanDocument
from gui.editor.fields import NumberField, NumbersField, fit_narrow, show_choice
from gui.editor.form import Form
from gui.editor.new_scan import new_axis
from gui.editor.problem import Place
from gui.editor.toml_text import Table
from gui.widgets.quiet import QuietComboBox

QUANTITIES = {
    "detuning_mhz": "detuning",
    "power_mw": "power",
    "sideband_frequency_mhz": "sideband frequency",
    "sideband_depth": "sideband depth",
}
NONE = "none (on/off)"


class AxisForm(QWidget):
    """What is swept, and where it goes. Choosing 'none' takes the axis out of the part."""

    def __init__(
        self, document: ScanDocument, rig: Callable[[], RigInfo | None], number: int
    ) -> None:
        super().__init__()
        self._document = document
        self._rig = rig
        self._number = number
        self._part: Place = ()
        self.quantity = QuietComboBox()
        for value, text in ((None, NONE), *QUANTITIES.items()):
            self.quantity.addItem(text, value)
        self.spacing = QuietComboBox()
        self.spacing.addItem("evenly spaced", "range")
        self.spacing.addItem("listed values", "values")
        for box in (self.quantity, self.spacing):
            fit_narrow(box)
        self.start = NumberField(document, Axis, "start", "Start")
        self.stop = NumberField(document, Axis, "stop", "Stop")
        self.points = NumberField(document, Axis, "points", "Points")
        self.values = NumbersField(document, Axis, "values", "Values").with_hint("25, 50, 100")
        self.form = Form()
        nth = "" if number == 0 else f" {number + 1}"
        self.quantity.setAccessibleName(f"Swept quantity{nth}")
        self.spacing.setAccessibleName(f"Spacing of the points{nth}")
        self._spacing_label = QLabel("Points are")
        self._spacing_label.setBuddy(self.spacing)
        sweep = QLabel(f"Sweep{nth}")
        sweep.setBuddy(self.quantity)
        sweep.setToolTip("What is swept; several make a product, the last moves fastest")
        self.form.rows.addRow(sweep, self.quantity)
        self.form.rows.addRow(self._spacing_label, self.spacing)
        self.form.add(self.start, self.stop, self.points, self.values)
        self.wrong = QLabel()
        self.wrong.setProperty("role", "wrong")
        self.wrong.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.form)
        column.addWidget(self.wrong)
        self.quantity.activated.connect(self._choose_quantity)
        self.spacing.activated.connect(self._choose_spacing)

    @property
    def place(self) -> Place:
        """Where the axis is, whether it exists or not."""
        return (*self._part, "axis", self._number)

    def move_to(self, part: Place) -> None:
        """The part that it is about."""
        self._part = part
        self.form.move_to(self.place)

    def refresh(self) -> None:
        """Show the document."""
        axis = self._document.get(self.place)
        there = isinstance(axis, Table)
        quantity = axis.get("quantity") if there else None
        listed = there and "values" in axis
        show_choice(self.quantity, quantity)
        show_choice(self.spacing, "values" if listed else "range")
        ranged = there and (not listed or bool({"start", "stop", "points"} & axis.keys()))
        for field in (self.start, self.stop, self.points):
            self.form.show_row(field, ranged)
        self.form.show_row(self.values, listed)
        self.form.rows.setRowVisible(self.spacing, there)
        unit = unit_of(str(quantity))
        for field, word in ((self.start, "Start"), (self.stop, "Stop"), (self.values, "Values")):
            field.label.setText(f"{word} ({unit})" if unit else word)
            field.editor.setAccessibleName(f"{word} in {unit}" if unit else word)
        if there:
            self.form.refresh()
        problem = self._document.problem_of(self.place) if there else ""
        problem = problem or self._document.problem_of((*self.place, "quantity"))
        self.wrong.setText(problem)
        self.wrong.setVisible(bool(problem))

    def _choose_quantity(self, _index: int) -> None:
        quantity, number = self.quantity.currentData(), self._number
        part = self._document.get(self._part)
        if self._document.get((*self.place, "quantity")) == quantity:
            return
        with self._document.edit():
            axes = part.setdefault("axis", [])
            if quantity is not None:
                axes[number : number + 1] = [new_axis(quantity, part.get("isotope"), self._rig())]
            elif number > 0:
                del axes[number]
            else:
                del part["axis"]
                # An on/off comparison needs both; a spectrum's references go with it.
                part["pumping"] = "abba"
                part.pop("reference_every", None)

    def _choose_spacing(self, _index: int) -> None:
        axis = self._document.get(self.place)
        with self._document.edit():
            if self.spacing.currentData() == "values" and "values" not in axis:
                axis["values"] = _listed(axis)
                for key in ("start", "stop", "points"):
                    axis.pop(key, None)
            elif self.spacing.currentData() == "range" and "values" in axis:
                values = axis.pop("values")
                if isinstance(values, list) and values:
                    axis |= {"start": values[0], "stop": values[-1], "points": len(values)}


def _listed(axis: Table) -> list[float]:
    """The values of a range, as far as it is one."""
    try:
        return list(Axis.model_validate(axis).grid())
    except ValueError:
        return [axis[key] for key in ("start", "stop") if key in axis]
