"""Adaptive time and an early end in the form of the scan editor."""

import pytest
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from atta_daq.scans.definition import ScanDefinition
from gui.editor.adaptive_form import AdaptiveForm
from gui.editor.document import ScanDocument

SPECTRUM = """
name = "spectrum"
[[part]]
isotope = 85
dwell_s = 240.0
[[part.axis]]
quantity = "detuning_mhz"
start = -600.0
stop = 1400.0
points = 41
"""
ON_OFF = """
name = "compared"
[[part]]
isotope = 81
dwell_s = 600.0
pumping = "abba"
"""


@pytest.fixture
def form(qtbot: QtBot) -> AdaptiveForm:
    document = ScanDocument(lambda: None)
    form = AdaptiveForm(document)
    document.changed.connect(form.refresh)
    qtbot.addWidget(form)
    document.load(SPECTRUM)
    form.open()
    form.show()
    return form


def scan(form: AdaptiveForm) -> ScanDefinition:
    definition = form._document.definition
    assert definition is not None, form._document.problems
    return definition


def field(form: AdaptiveForm, key: str, table: str = "adaptive") -> QLineEdit:
    fields = getattr(form, table).fields
    return next(f.editor for f in fields if f.key == key)


def test_neither_is_there_until_it_is_asked_for(form: AdaptiveForm) -> None:
    assert not form.adapts.isChecked()
    assert not form.adaptive.isVisible()
    assert (scan(form).adaptive, scan(form).stop_when) == (None, None)


def test_a_proposal_fits_the_part_and_goes_with_the_box(form: AdaptiveForm) -> None:
    form.adapts.click()
    adaptive = scan(form).adaptive
    assert adaptive is not None
    assert (adaptive.parameter, adaptive.floor_s, adaptive.total_s) == ("position_mhz", 60.0, None)
    assert form.adaptive.isVisible()
    form._document.load(ON_OFF)
    form.adapts.click()
    assert scan(form).adaptive is not None
    assert scan(form).adaptive.parameter == "background"  # type: ignore[union-attr]
    form.adapts.click()
    assert scan(form).adaptive is None
    assert "adaptive" not in form._document.text


def test_the_second_table_wants_what_the_first_does(form: AdaptiveForm, qtbot: QtBot) -> None:
    form.adapts.click()
    chooser = next(f for f in form.adaptive.fields if f.key == "parameter").editor
    assert isinstance(chooser, QComboBox)
    chooser.setCurrentIndex(chooser.findData("amplitude"))
    chooser.activated.emit(chooser.currentIndex())
    form.stops.click()
    stop = scan(form).stop_when
    assert stop is not None
    assert (stop.parameter, stop.relative_uncertainty) == ("amplitude", 0.1)
    wanted = field(form, "uncertainty", "stop_when")
    qtbot.keyClicks(wanted, "0.04")
    assert scan(form).stop_when.uncertainty == 0.04  # type: ignore[union-attr]


def test_a_floor_beyond_the_total_is_said(form: AdaptiveForm, qtbot: QtBot) -> None:
    form.adapts.click()
    floor = field(form, "floor_s")
    floor.selectAll()
    qtbot.keyClicks(floor, "300")
    assert form._document.definition is None
    assert any("lower `floor_s`" in problem.text for problem in form._document.problems)
