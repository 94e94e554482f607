"""The form of one part: isotope, sweep, how long and how often, light."""

from collections.abc import Callable

from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from atta_daq.client.rig_info import RigInfo
from atta_daq.physics.hyperfine import components
from atta_daq.scans.definition import Light, Part
from gui.editor.axis_form import QUANTITIES, AxisForm
from gui.editor.document import ScanDocument
from gui.editor.fields import ChoiceField, NumberField
from gui.editor.form import Form
from gui.editor.new_scan import ISOTOPES, RARE, USUAL_DWELL_S, new_axis
from gui.editor.section import Section
from gui.editor.toml_text import Table

_DWELLS = ("dwell_s", "dwell_off_s", "reference_dwell_s")


class PartForm(QWidget):
    """Shows one part of the document."""

    def __init__(self, document: ScanDocument, rig: Callable[[], RigInfo | None]) -> None:
        super().__init__()
        self._document = document
        self._rig = rig
        self._number = 0
        self._line_of: object = None
        self.isotope = _Isotope(document, Part, "isotope", "Isotope").with_choices(
            {mass: f"{mass}Kr" for mass in ISOTOPES}
        )
        self.axes = [AxisForm(document, rig, number) for number in range(len(QUANTITIES))]
        self.more_axes = QPushButton("Sweep a second quantity")
        self.more_axes.clicked.connect(self._add_axis)
        self.wrong = QLabel()
        self.wrong.setProperty("role", "wrong")
        self.wrong.setWordWrap(True)
        self._make_fields()
        self._lay_out()

    def _make_fields(self) -> None:
        document = self._document

        def number(key: str, label: str, hint: str = "") -> NumberField:
            field = NumberField(document, Part, key, label)
            if hint:
                field.with_hint(hint)
            return field

        self.dwell = number("dwell_s", "Dwell")
        self.bursts = number("bursts", "Bursts", "from the rig file")
        self.repeats = number("repeats", "Repeats")
        self.pumping = ChoiceField(document, Part, "pumping", "Pumping").with_choices(
            {"on": "on", "abba": "off, on, on, off", "off": "off"}
        )
        self.references = number("reference_every", "Reference every", "number of points, or none")
        self.order = ChoiceField(document, Part, "order", "Order").with_choices(
            {order: order for order in ("interleaved", "sequential", "shuffled")}
        )
        self.dwell_off = number("dwell_off_s", "Dwell unpumped", "as pumped")
        self.dwell_reference = number("reference_dwell_s", "Dwell of references", "as the points")
        self.line = ChoiceField(document, Light, "line", "Line")
        self.light = Form()
        self.light.add(
            self.line,
            NumberField(document, Light, "detuning_mhz", "Detuning").with_hint("on the line"),
            NumberField(document, Light, "power_mw", "Power").with_hint("full power"),
            NumberField(document, Light, "sideband_frequency_mhz", "Sidebands").with_hint("none"),
            NumberField(document, Light, "sideband_depth", "Sideband depth").with_hint("none"),
        )

    def _lay_out(self) -> None:
        top, self.timing, self.more = Form(), Form(), Form()
        top.add(self.isotope)
        self._top = top
        self.timing.add(self.dwell, self.bursts, self.repeats, self.pumping, self.references)
        self.more.add(self.order, self.dwell_off, self.dwell_reference)
        self.light_section = Section("Light where no axis moves it", self.light)
        self.more_section = Section("Order and other dwells", self.more)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(top)
        column.addWidget(self.wrong)
        for axis in self.axes:
            column.addWidget(axis)
        column.addWidget(self.more_axes)
        column.addWidget(self.timing)
        column.addWidget(self.light_section)
        column.addWidget(self.more_section)
        column.addStretch(1)

    def show_part(self, number: int) -> None:
        """Be about another part."""
        self._number = number
        place = ("part", number)
        for form in (self._top, self.timing, self.more):
            form.move_to(place)
        self.light.move_to((*place, "light"))
        for axis in self.axes:
            axis.move_to(place)
        self.refresh()

    def refresh(self) -> None:
        """Show the document."""
        place = ("part", self._number)
        part = self._document.get(place)
        self.setEnabled(isinstance(part, Table))
        if not isinstance(part, Table):
            return
        self._fill_lines(part.get("isotope"))
        self._top.refresh()
        self.timing.refresh()
        # What is wrong must be seen.
        if self.light.refresh() or self._document.problem_of((*place, "light")):
            self.light_section.open()
        if self.more.refresh():
            self.more_section.open()
        problem = self._document.problem_of(place) or self._document.problem_of((*place, "light"))
        problem = problem or self._document.problem_of((*place, "axis"))
        self.wrong.setText(problem)
        self.wrong.setVisible(bool(problem))
        self._show_axes(part)
        self._show_dwells(part)

    def _show_axes(self, part: Table) -> None:
        axes = part.get("axis")
        count = len(axes) if isinstance(axes, list) else 0
        for number, axis in enumerate(self.axes):
            axis.setVisible(number < max(count, 1))
            axis.refresh()
        self.more_axes.setVisible(0 < count < len(self.axes))
        words = ("", "second", "third", "fourth")
        if 0 < count < len(words):
            self.more_axes.setText(f"Sweep a {words[count]} quantity")
            self.more_axes.setAccessibleName(self.more_axes.text())

    def _show_dwells(self, part: Table) -> None:
        """Counted isotopes have dwells, the others bursts; a key that should not be there is
        shown as well, so that it can be removed."""
        rare = part.get("isotope") in RARE
        for form, field in (
            (self.timing, self.dwell),
            (self.more, self.dwell_off),
            (self.more, self.dwell_reference),
        ):
            form.show_row(field, rare or field.key in part)
        self.timing.show_row(self.bursts, not rare or "bursts" in part)
        self.timing.show_row(
            self.references, part.get("pumping", "on") == "on" or "reference_every" in part
        )

    def _fill_lines(self, isotope: object) -> None:
        if isotope == self._line_of:
            return
        self._line_of = isotope
        self.line.editor.clear()
        choices: dict[object, str] = {None: "closed line"}
        if isinstance(isotope, int) and isotope in ISOTOPES and isotope % 2:
            choices |= {
                (name := f"{2 * c.f_lower:.0f}/2-{2 * c.f_upper:.0f}/2"): (
                    f"{name}  ({c.total_mhz:+.0f} MHz at rest)"
                )
                for c in components(isotope)
            }
        self.line.with_choices(choices)

    def _add_axis(self) -> None:
        part = self._document.get(("part", self._number))
        used = {axis.get("quantity") for axis in part["axis"] if isinstance(axis, Table)}
        free = next((q for q in QUANTITIES if q not in used), "power_mw")
        with self._document.edit():
            part["axis"].append(new_axis(free, part.get("isotope"), self._rig()))
        self.axes[len(part["axis"]) - 1].quantity.setFocus()


class _Isotope(ChoiceField):
    """Counting and loading have other keys: the choice of an isotope takes care of them."""

    def _chosen(self, _index: int) -> None:
        isotope = self.editor.currentData()
        part = self.document.get(self.within)
        if part.get("isotope") == isotope:
            return
        with self.document.edit():
            part["isotope"] = isotope
            if isotope in RARE:
                part.pop("bursts", None)
                part.setdefault("dwell_s", USUAL_DWELL_S[isotope])
            else:
                for key in _DWELLS:
                    part.pop(key, None)
            light = part.get("light")
            if isinstance(light, Table):
                light.pop("line", None)  # it is another isotope's
                if not light:
                    del part["light"]
