"""The keys of a scan that belong to no part."""

from collections.abc import Callable

from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from atta_daq.client.rig_info import RigInfo
from atta_daq.scans.definition import Blanks, ScanDefinition
from atta_daq.scans.rules import FaultRules
from gui.editor.check_form import CheckForm
from gui.editor.document import ScanDocument
from gui.editor.fields import ChoiceField, FlagField, LineField, NumberField, muted
from gui.editor.form import Form
from gui.editor.section import Section
from gui.editor.toml_text import Table


class GeneralForm(QWidget):
    """Name and what is kept with the run."""

    def __init__(self, document: ScanDocument, rig: Callable[[], RigInfo | None]) -> None:
        super().__init__()
        self._rig = rig
        self.form = Form()
        for key in ("name", "sample", "gas", "operator", "note"):
            self.form.add(LineField(document, ScanDefinition, key, key.capitalize()))
        self.geometry_words = muted("")
        self.geometry_words.setAccessibleName("Geometry of the rig")
        self.form.rows.addRow(QLabel("Geometry"), self.geometry_words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)

    def refresh(self) -> None:
        """Show the document and the rig."""
        self.form.refresh()
        rig = self._rig()
        words = f"{rig.geometry}, as the rig '{rig.name}' has it" if rig else "the rig's"
        if self.geometry_words.text() != words:
            self.geometry_words.setText(words)


class RareForm(Section):
    """Brackets, blanks, calibration, faults and other keys that rarely change."""

    def __init__(self, document: ScanDocument) -> None:
        self._document = document
        inside = QWidget()
        super().__init__("Brackets, blanks, faults", inside)
        scan = ScanDefinition
        self.form = Form()
        self.form.add(
            NumberField(document, scan, "bracket_period_s", "Bracket at least every"),
            NumberField(document, scan, "calibrate_counting_s", "Calibrate counting for"),
            LineField(document, scan, "fit_width_from", "Fit width from run").with_hint("none"),
            NumberField(document, scan, "max_attempts", "Attempts at a block"),
            NumberField(document, scan, "seed", "Seed of the order"),
            ChoiceField(document, scan, "geometry", "Only for geometry").with_choices(
                {None: "any", "co": "co", "counter": "counter"}
            ),
            FlagField(document, scan, "zero_on_reference_cell", "Zero on reference cell first"),
            FlagField(document, scan, "bracket_pumping", "Brackets pumped (tests)"),
        )
        self.take_blanks = QCheckBox("Take blanks")
        self.take_blanks.setAccessibleName("Take blanks")
        self.take_blanks.setToolTip(" ".join((Blanks.__doc__ or "").split()))
        self.take_blanks.clicked.connect(self._switch_blanks)
        self.blanks = Form()
        self.blanks.add(
            NumberField(document, Blanks, "dwell_s", "Dwell of a blank"),
            NumberField(document, Blanks, "every_blocks", "Every … blocks").with_hint("no"),
            FlagField(document, Blanks, "at_ends", "Before and after the scan"),
        )
        self.blanks.move_to(("blanks",))
        self.faults = Form()
        self.faults.add(
            ChoiceField(document, FaultRules, "after_tries", "A failed block").with_choices(
                {"stop": "stops the run", "skip": "is skipped"}
            ),
            NumberField(document, FaultRules, "tries", "Tries of a recipe").with_hint("no limit"),
            NumberField(document, FaultRules, "wait_at_most_s", "Wait at most").with_hint(
                "no limit"
            ),
            NumberField(document, FaultRules, "skips_in_a_row", "Skips in a row"),
            NumberField(document, FaultRules, "loading_fraction_min", "83Kr of first").with_hint(
                "rig's"
            ),
            NumberField(document, FaultRules, "loading_83_min_v_per_s", "83Kr at least").with_hint(
                "rig's"
            ),
            NumberField(document, FaultRules, "loading_84_min_v_per_s", "84Kr at least").with_hint(
                "rig's"
            ),
        )
        self.faults.move_to(("faults",))
        self.check = CheckForm(document)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.take_blanks)
        column.addWidget(self.blanks)
        column.addWidget(self.check)
        column.addWidget(self.form)
        column.addWidget(self.faults)

    def refresh(self) -> None:
        """Show the document."""
        there = isinstance(self._document.get(("blanks",)), Table)
        self.take_blanks.setChecked(there)
        self.blanks.setVisible(there)
        # All of them, always: a form that is not asked shows what stood there before.
        wrong = any([self.form.refresh(), self.check.refresh(), self.faults.refresh()])
        if (there and self.blanks.refresh()) or wrong:
            self.open()

    def _switch_blanks(self, on: bool) -> None:
        self._document.put(("blanks",), Table() if on else None)
