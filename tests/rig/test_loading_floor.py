"""A bracket below its floor is flagged; what is no bracket is not judged."""

import math

import pytest

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.rig.fault_limits import FaultLimits, LoadingLimits
from atta_daq.rig.loading_floor import LoadingFloor
from atta_daq.scans.rules import FaultRules


def loaded(
    rate: float | None, kind: SegmentKind = SegmentKind.LOADING_83, bracket: bool = True, flag=""
) -> Segment:
    isotope = {SegmentKind.LOADING_84: 84, SegmentKind.RARE: 85}.get(kind, 83)
    return Segment("r", 0, 0, 0, kind, isotope, False, None, bracket, Setting(), 0.0, 6.0, 5.0,
                   rate=rate, rate_error=0.01, flag=flag)  # fmt: skip


def test_relative_to_the_first_bracket() -> None:
    floor = LoadingFloor(LoadingLimits(fraction=0.5))
    assert floor.judge(loaded(0.2)) == ""
    assert floor.judge(loaded(0.1)) == ""
    assert floor.judge(loaded(0.099)) == "83Kr loading at 0.099 V/s, below the floor of 0.1"
    assert floor.low
    assert floor.judge(loaded(0.4)) == ""
    assert floor.low == ""
    assert floor.judge(loaded(0.11)) == "", "the first bracket stays the measure"


def test_the_first_bracket_of_a_resumed_run_is_its_predecessors() -> None:
    earlier = [loaded(9.0, flag="spoilt"), loaded(0.2), loaded(0.3)]
    floor = LoadingFloor(LoadingLimits(fraction=0.5), earlier)
    assert "floor of 0.1" in floor.judge(loaded(0.05))


def test_absolute_floors_hold_from_the_first_bracket_on() -> None:
    floor = LoadingFloor(LoadingLimits(kr83_v_per_s=0.1, kr84_v_per_s=2.0, fraction=0.5))
    assert "83Kr loading" in floor.judge(loaded(0.05))
    assert floor.judge(loaded(0.3)) == ""
    assert "floor of 0.15" in floor.judge(loaded(0.14)), "the higher of two floors"
    assert "84Kr loading" in floor.judge(loaded(1.9, SegmentKind.LOADING_84, bracket=False))
    assert floor.low_kind is SegmentKind.LOADING_84
    floor.judge(loaded(0.3))
    assert floor.low, "83Kr says nothing of 84Kr"
    floor.judge(loaded(2.1, SegmentKind.LOADING_84, bracket=False))
    assert floor.low == ""


def test_a_rate_that_is_no_number_is_not_enough() -> None:
    assert LoadingFloor(LoadingLimits(kr83_v_per_s=0.1)).judge(loaded(math.nan))


@pytest.mark.parametrize(
    "segment",
    [loaded(None, SegmentKind.RARE, bracket=False), loaded(0.001, bracket=False)],
    ids=["atoms", "83Kr as the signal"],
)
def test_what_is_no_bracket_is_not_judged(segment: Segment) -> None:
    floor = LoadingFloor(LoadingLimits(kr83_v_per_s=0.1, fraction=0.5))
    floor.judge(loaded(0.2))
    assert floor.judge(segment) == ""


def test_without_a_floor_everything_above_zero_is_good() -> None:
    floor = LoadingFloor(LoadingLimits())
    assert all(floor.judge(loaded(rate)) == "" for rate in (0.2, 1e-9))


@pytest.mark.parametrize("rate", [0.0, -0.003, math.nan])
@pytest.mark.parametrize(
    ("kind", "bracket", "name"),
    [
        (SegmentKind.LOADING_83, True, "83Kr"),
        (SegmentKind.LOADING_83, False, "83Kr"),
        (SegmentKind.CHECK_83, False, "83Kr"),
        (SegmentKind.LOADING_84, False, "84Kr"),
    ],
)
def test_without_a_floor_a_rate_that_is_not_positive_is_flagged_with_its_cause(
    rate: float, kind: SegmentKind, bracket: bool, name: str
) -> None:
    """Nothing can be divided by it: one such bracket cost the whole run its fit."""
    floor = LoadingFloor(LoadingLimits())
    flag = floor.judge(loaded(rate, kind, bracket))
    assert flag == f"{name} loading at {rate:.3g} V/s: the trap loads nothing"
    assert floor.low == flag
    # The recipe measures this one again, until it loads.
    again = SegmentKind.LOADING_84 if name == "84Kr" else SegmentKind.LOADING_83
    assert floor.low_kind is again
    assert floor.judge(loaded(0.2, again)) == ""
    assert floor.low == ""


def test_the_first_bracket_that_loads_is_the_measure() -> None:
    floor = LoadingFloor(LoadingLimits(fraction=0.5), [loaded(-0.01)])
    assert floor.judge(loaded(-0.02))
    assert floor.judge(loaded(0.2)) == ""
    assert "floor of 0.1" in floor.judge(loaded(0.05))


def test_a_probe_of_84kr_is_no_measure_of_83kr() -> None:
    floor = LoadingFloor(LoadingLimits(fraction=0.5))
    assert floor.judge(loaded(5.0, SegmentKind.LOADING_84)) == ""
    assert floor.judge(loaded(0.2)) == ""


def test_a_scan_has_the_last_word_on_the_rigs_floors() -> None:
    rig = FaultLimits(loading_fraction_min=0.5, loading_83_min_v_per_s=0.1)
    limits = rig.loading(FaultRules(loading_fraction_min=0.2, loading_84_min_v_per_s=3.0))
    assert limits == LoadingLimits(fraction=0.2, kr83_v_per_s=0.1, kr84_v_per_s=3.0)
