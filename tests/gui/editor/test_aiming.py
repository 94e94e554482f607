"""The sweep view aims the scan: span, points and direction stay."""

import pytest

from atta_daq.scans.definition import parse_scan
from gui.editor.aiming import centre_on, set_range
from gui.editor.document import ScanDocument

TEXT = """\
name = "x"
[[part]]
isotope = 83
[[part.axis]]
quantity = "power_mw"
values = [1.0, 2.0]
[[part]]
isotope = 85
dwell_s = 1.0
[[part.axis]]
quantity = "detuning_mhz"
start = 300.0
stop = -100.0
points = 9
[[part]]
isotope = 84
[[part.axis]]
quantity = "detuning_mhz"
values = [10.0, 0.0, 50.0]
"""


@pytest.fixture
def document(qapp: object) -> ScanDocument:
    made = ScanDocument(lambda: None)
    made.load(TEXT)
    assert made.valid
    return made


def test_centre_keeps_span_points_and_direction(document: ScanDocument) -> None:
    assert centre_on(document, 0, 85, -51.26) == 1
    axis = parse_scan(document.text).parts[1].axes[0]
    assert (axis.start, axis.stop, axis.points) == (148.7, -251.3, 9)


def test_centre_moves_listed_values_together(document: ScanDocument) -> None:
    assert centre_on(document, 0, 84, 125.0) == 2
    assert parse_scan(document.text).parts[2].axes[0].values == (110.0, 100.0, 150.0)


@pytest.mark.parametrize("isotope", [81, 83])
def test_an_isotope_without_a_detuning_axis_gets_a_part(
    document: ScanDocument, isotope: int
) -> None:
    assert centre_on(document, 0, isotope, 20.0) == 3
    part = parse_scan(document.text).parts[3]
    assert part.isotope == isotope
    assert part.axes[0].grid()[0] + part.axes[0].grid()[-1] == pytest.approx(40.0)
    assert document.text.startswith(TEXT[:10])


def test_the_chosen_part_is_preferred(document: ScanDocument) -> None:
    document.load(TEXT.replace("isotope = 84", "isotope = 85\ndwell_s = 2.0"))
    assert document.valid
    assert centre_on(document, 2, 85, 0.0) == 2
    assert centre_on(document, 0, 85, 0.0) == 1


def test_a_range_keeps_points_and_direction(document: ScanDocument) -> None:
    assert set_range(document, 1, -20.0, 60.04) == 1
    axis = parse_scan(document.text).parts[1].axes[0]
    assert (axis.start, axis.stop, axis.points) == (60.0, -20.0, 9)


def test_a_range_of_listed_values_is_evenly_spaced(document: ScanDocument) -> None:
    assert set_range(document, 2, 60.0, 0.0) == 2
    axis = parse_scan(document.text).parts[2].axes[0]
    assert (axis.start, axis.stop, axis.points, axis.values) == (0.0, 60.0, 3, None)


def test_without_a_detuning_axis_no_range_is_set(document: ScanDocument) -> None:
    document.load('name = "x"\n[[part]]\nisotope = 83\n')
    before = document.text
    assert set_range(document, 0, 0.0, 1.0) is None
    assert document.text == before


def test_a_half_written_scan_can_be_aimed(document: ScanDocument) -> None:
    document.load('[[part]]\n[[part.axis]]\nquantity = "detuning_mhz"\nstart = "a"\nvalues = []\n')
    assert set_range(document, 0, 0.0, 1.0) == 0
    assert centre_on(document, 0, 85, 5.0) == 1
