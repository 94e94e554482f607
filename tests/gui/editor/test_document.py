"""One document: edits keep what they do not touch; problems are placed and worded."""

import dataclasses
import tomllib

import pytest
from fakes_gui import RIG

from atta_daq.scans.definition import parse_scan
from gui.editor.document import ScanDocument
from gui.editor.new_scan import ISOTOPES, new_axis, new_scan, spectrum_range_mhz


@pytest.fixture
def document(qapp: object) -> ScanDocument:
    made = ScanDocument(lambda: RIG)
    made.load(new_scan(RIG))
    return made


def test_a_new_scan_is_an_85kr_spectrum_of_41_points(document: ScanDocument) -> None:
    assert document.valid
    scan = parse_scan(document.text)
    assert [part.isotope for part in scan.parts] == [85]
    assert len(scan.parts[0].axes[0].grid()) == 41


def test_a_new_scan_without_a_rig_is_valid_too() -> None:
    assert parse_scan(new_scan(None)).parts[0].isotope == 85


@pytest.mark.parametrize("isotope", ISOTOPES)
@pytest.mark.parametrize("geometry", ["co", "counter"])
def test_a_new_axis_stays_inside_the_limits(isotope: int, geometry: str) -> None:
    rig = dataclasses.replace(RIG, geometry=geometry)
    low, high = rig.limits["light:detuning"]
    start, stop = spectrum_range_mhz(isotope, rig)
    assert low <= start < stop <= high
    for quantity in ("power_mw", "sideband_frequency_mhz", "sideband_depth"):
        axis = new_axis(quantity, isotope, rig)
        assert axis["start"] < axis["stop"]


def test_a_put_changes_one_key_only(document: ScanDocument) -> None:
    before = tomllib.loads(document.text)
    document.put(("part", 0, "dwell_s"), 30.0)
    after = tomllib.loads(document.text)
    assert after["part"][0].pop("dwell_s") == 30.0
    assert before["part"][0].pop("dwell_s") == 240.0
    assert after == before


def test_missing_tables_are_made_and_an_empty_light_goes(document: ScanDocument) -> None:
    before = document.text
    document.put(("part", 0, "light", "power_mw"), 100.0)
    assert tomllib.loads(document.text)["part"][0]["light"] == {"power_mw": 100.0}
    document.put(("part", 0, "light", "power_mw"), None)
    assert document.text == before


def test_leaving_out_what_is_not_there_changes_nothing(document: ScanDocument) -> None:
    before = document.text
    document.put(("part", 0, "light", "line"), None)
    document.put(("gas",), None)
    assert document.text == before


def test_a_text_stays_as_it_is_until_the_form_is_used(document: ScanDocument) -> None:
    text = "# mine\nname='x'   # odd layout\npart=[{isotope=83}]\n"
    document.load(text)
    assert document.valid
    assert document.text == text
    document.put(("sample",), "air")
    assert document.valid
    assert "# mine" in document.text
    assert "# odd layout" in document.text


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("part", 0, "dwell_s"), -1.0, "> 0"),
        (("part", 0, "dwell_s"), "12a", "'12a' is not allowed; give a number"),
        (("part", 0, "repeats"), 0, "≥ 1"),
        (("part", 0, "axis", 0, "points"), 20_000, "≤ 10000"),
        (("part", 0, "axis", 0, "quantity"), "colour", "detuning_mhz"),
        (("name",), "a/b", "is not allowed"),
        (("name",), None, "missing"),
        (("unheard",), 1, "unknown key"),
    ],
)
def test_a_wrong_key_is_told_at_its_place(
    document: ScanDocument, place: tuple, value: object, words: str
) -> None:
    document.put(place, value)
    assert not document.valid
    assert words in document.problem_at(place)
    assert [problem.place for problem in document.problems] == [place]


def test_a_contradiction_is_told_at_its_table(document: ScanDocument) -> None:
    document.put(("part", 0, "dwell_s"), None)
    assert "dwell_s" in document.problem_of(("part", 0))
    document.put(("part", 0, "dwell_s"), 1.0)
    document.put(("part", 0, "axis", 0, "values"), [1.0])
    assert "either" in document.problem_of(("part", 0, "axis", 0))


@pytest.mark.parametrize(
    ("place", "value", "limit"),
    [
        (("part", 0, "axis", 0, "start"), -1200.0, "-1000 to 1500 MHz"),
        (("part", 0, "axis", 0, "stop"), 1600.0, "-1000 to 1500 MHz"),
        (("part", 0, "light", "power_mw"), 900.0, "0 to 499 mW"),
        (("part", 0, "light", "sideband_frequency_mhz"), 5.0, "10 to 1000 MHz"),
        (("geometry",), "counter", "'co'"),
    ],
)
def test_the_rigs_limits_are_told_before_the_station_is_asked(
    document: ScanDocument, place: tuple, value: object, limit: str
) -> None:
    document.put(place, value)
    assert not document.valid
    assert limit in document.problem_at(place)


def test_no_sidebands_are_within_every_limit(document: ScanDocument) -> None:
    document.put(("part", 0, "light", "sideband_frequency_mhz"), 0.0)
    assert document.valid


def test_limits_are_the_rigs_of_the_moment(qapp: object) -> None:
    rigs = [None]
    document = ScanDocument(lambda: rigs[0])
    document.load(new_scan(None))
    assert document.valid
    rigs[0] = RIG
    document.check()
    assert "1550 is beyond" in document.problem_at(("part", 0, "axis", 0, "stop"))


def test_a_text_that_is_no_toml_says_where(document: ScanDocument) -> None:
    document.load("name = \nseed = 2\n")
    assert document.table is None
    assert not document.valid
    assert "line 1" in str(document.problems[0])


@pytest.mark.parametrize(
    "text", ["", "part = 5\nname = 'x'", "name = 'x'\npart = [1, 2]", "[part]"]
)
def test_what_is_no_scan_is_a_problem_not_a_crash(document: ScanDocument, text: str) -> None:
    document.load(text)
    assert document.table is not None
    assert document.problems
