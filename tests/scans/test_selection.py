"""Which segments belong to which part."""

from dataclasses import replace

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.scans.definition import ScanDefinition
from atta_daq.scans.selection import part_name, segments_of

AXIS = {"quantity": "power_mw", "values": (1.0, 2.0)}
DEFINITION = ScanDefinition.model_validate(
    {
        "name": "x",
        "parts": [
            {"isotope": 84, "axes": [AXIS]},
            {"isotope": 85, "dwell_s": 1.0},
            {"isotope": 84, "axes": [AXIS]},
        ],
    }
)
PLAIN = Segment(
    "run", 0, 0, 0, SegmentKind.LOADING_84, 84, True, 0, False, Setting(), 0.0, 1.0, 1.0
)


def test_names_tell_parts_of_one_isotope_apart() -> None:
    assert [part_name(DEFINITION, n) for n in range(3)] == ["84Kr-1", "85Kr", "84Kr-2"]


def test_a_point_names_its_part() -> None:
    first, last = PLAIN, replace(PLAIN, point=4)
    rare = replace(PLAIN, isotope=85, kind=SegmentKind.RARE, point=2)
    bracket = replace(PLAIN, isotope=83, kind=SegmentKind.LOADING_83, point=None, bracket=True)
    blank = replace(PLAIN, isotope=0, kind=SegmentKind.BLANK, point=None)
    everything = [first, last, rare, bracket, blank]
    assert segments_of(DEFINITION, 0, everything) == [first, bracket, blank]
    assert segments_of(DEFINITION, 1, everything) == [rare, bracket, blank]
    assert segments_of(DEFINITION, 2, everything) == [last, bracket, blank]


def test_references_without_a_point_serve_every_part_of_their_isotope() -> None:
    reference = replace(PLAIN, point=None, pumping=False)
    for number in (0, 2):
        assert segments_of(DEFINITION, number, [reference]) == [reference]
    assert segments_of(DEFINITION, 1, [reference]) == []
