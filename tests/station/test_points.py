"""What clients see of the normalised points while brackets are still to come."""

from dataclasses import replace

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.client.runs import points_from_json, points_to_json
from atta_daq.scans.definition import parse_scan
from atta_daq.station.live import Told
from atta_daq.station.points import part_points

SCAN = parse_scan("""
name = "two"
[[part]]
isotope = 85
dwell_s = 100.0
[[part.axis]]
quantity = "detuning_mhz"
values = [0.0, 100.0]
[[part]]
isotope = 84
[[part.axis]]
quantity = "power_mw"
values = [100.0]
""")


def segment(index: int, kind: SegmentKind, isotope: int, point: int | None, **values) -> Segment:
    start = 1000.0 + 200.0 * index
    return Segment(
        run_id="r", block=0, attempt=0, index=index, kind=kind, isotope=isotope,
        pumping=kind is not SegmentKind.LOADING_83, point=point,
        bracket=kind is SegmentKind.LOADING_83,
        setting=Setting(99.0, 100.5, 450.0) if point is not None else Setting(),
        start_rig_s=start, end_rig_s=start + 100.0, live_s=100.0, **values,
    )  # fmt: skip


def bracket(index: int) -> Segment:
    return segment(index, SegmentKind.LOADING_83, 83, None, rate=1.0, rate_error=0.01, exposures=5)


COUNTED = segment(1, SegmentKind.RARE, 85, 0, counts=50, efficiency=1.0, efficiency_error=0.0)


def test_a_point_is_provisional_until_its_closing_bracket() -> None:
    (part,) = part_points(SCAN, [bracket(0), COUNTED])
    assert (part.name, part.isotope, part.axes, part.unit) == ("85Kr", 85, ("detuning_mhz",), "1/h")
    (point,) = part.points
    assert point.provisional
    assert (point.detuning_mhz, point.power_mw, point.index) == (100.5, 450.0, 0)
    assert (point.counts, point.live_s, point.pumping) == (50, 100.0, True)
    assert abs(point.ratio - 1800.0) < 1.0
    assert 0.0 < point.error < point.ratio
    closed = part_points(SCAN, [bracket(0), COUNTED, bracket(2)])[0].points[0]
    assert not closed.provisional
    ended = part_points(SCAN, [bracket(0), COUNTED], running=False)[0].points[0]
    assert not ended.provisional


def test_a_part_that_has_segments_and_no_points_says_why() -> None:
    unusable: dict[str, str] = {}
    assert part_points(SCAN, [bracket(0)], unusable=unusable) == []
    assert unusable == {}, "too early for a point"
    broken = replace(bracket(2), rate_error=None)
    assert part_points(SCAN, [bracket(0), COUNTED, broken], unusable=unusable) == []
    assert list(unusable) == ["85Kr"]
    assert "segment 2 (loading-83): a loading rate and its error are needed" in unusable["85Kr"]


def test_what_a_part_lacks_is_said_once() -> None:
    told = Told()
    assert told.news({}) == []
    assert told.news({"85Kr": "a"}) == ["85Kr has segments but no points: a"]
    assert told.news({"85Kr": "a"}) == told.news({}) == told.news({"85Kr": "a"}) == []
    assert told.news({"85Kr": "b"}) == ["85Kr has segments but no points: b"]


def test_each_part_has_its_points_and_travels_as_json() -> None:
    loading = segment(3, SegmentKind.LOADING_84, 84, 2, rate=0.5, rate_error=0.01, exposures=5)
    parts = part_points(SCAN, [bracket(0), COUNTED, bracket(2), loading, bracket(4)])
    assert [(p.name, p.unit) for p in parts] == [("85Kr", "1/h"), ("84Kr", "V/s")]
    assert [len(p.points) for p in parts] == [1, 1]
    assert parts[1].points[0].counts is None
    assert points_from_json(points_to_json(parts)) == parts


def test_nothing_yet() -> None:
    assert part_points(SCAN, []) == []
    assert part_points(SCAN, [bracket(0)]) == []
