"""Adaptive time and an early end: what the scan decides while it runs."""

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from atta_daq.scans.adaptive import Adaptive, StopWhen, parameters_of, part_number
from gui.editor.document import ScanDocument
from gui.editor.fields import ChoiceField, Field, NumberField
from gui.editor.form import Form
from gui.editor.section import Section
from gui.editor.toml_text import Table

PARAMETERS = {
    "position_mhz": "position",
    "amplitude": "amplitude",
    "background": "background",
    "increase": "increase",
    "asymptote": "asymptote",
    "rabi_scale": "Rabi scale",
    "doppler_rms_mhz": "Doppler width",
}
_FLOOR = 0.25
"""Of the usual dwell: a first proposal."""
_PROPOSED = 0.1
"""Relative error that is proposed as wanted."""


class AdaptiveForm(Section):
    """Two tables, each there while its box is checked."""

    def __init__(self, document: ScanDocument) -> None:
        self._document = document
        inside = QWidget()
        super().__init__("Adaptive time, early end", inside)
        self.adapts = _box("Adaptive time", Adaptive)
        self.adapts.clicked.connect(lambda on: self._switch("adaptive", on))
        self.adaptive = Form()
        self.adaptive.add(
            *_aim(document, Adaptive),
            NumberField(document, Adaptive, "floor_s", "At least"),
            NumberField(document, Adaptive, "total_s", "In all").with_hint("as without"),
            NumberField(document, Adaptive, "seed", "Seed of the choices"),
        )
        self.adaptive.move_to(("adaptive",))
        self.stops = _box("End early", StopWhen)
        self.stops.clicked.connect(lambda on: self._switch("stop_when", on))
        self.stop_when = Form()
        self.stop_when.add(
            *_aim(document, StopWhen),
            NumberField(document, StopWhen, "uncertainty", "Wanted error").with_hint("any"),
            NumberField(document, StopWhen, "relative_uncertainty", "Relative").with_hint("any"),
            NumberField(document, StopWhen, "total_s", "Or counted").with_hint("any"),
        )
        self.stop_when.move_to(("stop_when",))
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.adapts, self.adaptive, self.stops, self.stop_when):
            column.addWidget(widget)

    def refresh(self) -> None:
        """Show the document."""
        for key, box, form in (
            ("adaptive", self.adapts, self.adaptive),
            ("stop_when", self.stops, self.stop_when),
        ):
            there = isinstance(self._document.get((key,)), Table)
            box.setChecked(there)
            form.setVisible(there)
            if there and (form.refresh() or self._document.problem_of((key,))):
                self.open()

    def _switch(self, key: str, on: bool) -> None:
        self._document.put((key,), self._proposal(key) if on else None)

    def _proposal(self, key: str) -> Table:
        """Values to begin with: what the scan's other table wants, or what its part is made for."""
        other = self._document.get(("stop_when" if key == "adaptive" else "adaptive",))
        aim = Table()
        if isinstance(other, Table):
            for name in ("part", "parameter", "at"):
                if name in other:
                    aim[name] = other[name]
        definition = self._document.definition
        dwell_s = 240.0
        if definition is not None:
            empty = Adaptive.model_construct(part=None)
            try:
                part = definition.parts[part_number(empty, definition.parts)]
            except ValueError:
                part = definition.parts[0]
                aim.setdefault("part", 1)
            names = parameters_of(part)
            aim.setdefault("parameter", next(n for n in PARAMETERS if n in names))
            dwell_s = part.dwell_s or dwell_s
        aim.setdefault("parameter", "position_mhz")
        if key == "adaptive":
            aim["floor_s"] = _FLOOR * dwell_s
        else:
            aim["relative_uncertainty"] = _PROPOSED
        return aim


def _box(text: str, model: type[Adaptive] | type[StopWhen]) -> QCheckBox:
    box = QCheckBox(text)
    box.setAccessibleName(text)
    box.setToolTip(" ".join((model.__doc__ or "").split()))
    return box


def _aim(
    document: ScanDocument, model: type[Adaptive] | type[StopWhen]
) -> tuple[Field, Field, Field]:
    """What is wanted: parameter, place of an increase, part."""
    return (
        ChoiceField(document, model, "parameter", "Wanted").with_choices(PARAMETERS),
        NumberField(document, model, "at", "Increase at").with_hint("on the first axis"),
        NumberField(document, model, "part", "Of part").with_hint("the counted one"),
    )
