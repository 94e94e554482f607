"""The check of the pumping with 83Kr at both ends of a scan: whether, and how."""

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from atta_daq.scans.definition import Check83, Light
from gui.editor.document import ScanDocument
from gui.editor.fields import LineField, NumberField
from gui.editor.form import Form
from gui.editor.toml_text import Table

PLACE = ("check_83",)


class CheckForm(QWidget):
    """A box that switches the check, and its keys below."""

    def __init__(self, document: ScanDocument) -> None:
        super().__init__()
        self._document = document
        self.take = QCheckBox("Check the pumping with 83Kr")
        self.take.setAccessibleName("Check the pumping with 83Kr")
        self.take.setToolTip(" ".join((Check83.__doc__ or "").split()))
        self.take.clicked.connect(self._switch)
        self.form = Form()
        self.form.add(
            NumberField(document, Check83, "cycles", "Cycles off, on, on, off"),
            NumberField(document, Check83, "bursts", "Bursts of a measurement").with_hint(
                "rig file"
            ),
        )
        self.form.move_to(PLACE)
        self.light = Form()
        self.light.add(
            LineField(document, Light, "line", "Check on line").with_hint("closed line"),
            NumberField(document, Light, "detuning_mhz", "Check at").with_hint("on the line"),
            NumberField(document, Light, "power_mw", "Power of the check").with_hint("full"),
            NumberField(document, Light, "sideband_frequency_mhz", "Its sidebands at"),
            NumberField(document, Light, "sideband_depth", "Their depth"),
        )
        self.light.move_to((*PLACE, "light"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.take, self.form, self.light):
            column.addWidget(widget)

    def refresh(self) -> bool:
        """Show the document; whether something in it is wrong."""
        there = isinstance(self._document.get(PLACE), Table)
        self.take.setChecked(there)
        self.form.setVisible(there)
        self.light.setVisible(there)
        if not there:
            return False
        wrong = self.form.refresh()
        return self.light.refresh() or wrong

    def _switch(self, on: bool) -> None:
        self._document.put(PLACE, Table() if on else None)
