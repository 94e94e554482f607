"""The account of a run's time closes, and flags cost what they cost."""

import pytest

from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.archive.account import count_lines, time_account


@pytest.fixture
def segments(make_segment) -> list[Segment]:
    """Two counting segments with a bracket between, a flagged one, and a pause of 50 s."""
    base = 1000.0

    def timed(index: int, way: float, live: float, inside: float, **changes) -> Segment:
        nonlocal base
        start = base + way
        base = start + live + inside
        dead = {"switching": way, "lost frames": inside}
        return make_segment(
            index, start_rig_s=start, end_rig_s=base, live_s=live, dead_s=dead, **changes
        )

    bracket = {"kind": SegmentKind.LOADING_83, "isotope": 83, "bracket": True, "counts": None}
    found = [timed(0, 2.0, 100.0, 1.0), timed(1, 3.0, 5.0, 0.0, **bracket, rate=1.0)]
    found.append(timed(2, 2.0, 40.0, 0.0, flag="mode hop"))
    base += 50.0
    found.append(timed(3, 2.0, 100.0, 3.0))
    return found


def test_the_shares_add_up_to_the_scan(segments) -> None:
    account = time_account(segments, run_start_rig_s=900.0)
    assert account is not None
    assert account.preparation_s == 100.0
    assert account.scan_s == pytest.approx(308.0)
    seconds = {share.cause: share.seconds for share in account.shares}
    assert seconds == pytest.approx(
        {
            "counting atoms": 200.0,
            "83Kr loading (brackets)": 5.0,
            "switching": 9.0,
            "lost frames": 4.0,
            "flagged segments": 40.0,
            "between segments": 50.0,
        }
    )
    assert sum(share.share for share in account.shares) == pytest.approx(1.0)
    assert [share.live for share in account.shares].index(False) == 2


def test_the_camera_is_open_for_the_live_time_of_good_counting_segments(segments) -> None:
    account = time_account(segments, 900.0)
    assert account is not None
    assert account.open_in_segments == pytest.approx(200.0 / 204.0)
    assert account.open_in_scan == pytest.approx(200.0 / 308.0)


def test_without_counting_there_is_no_camera_to_open(segments) -> None:
    account = time_account(segments[1:2], 900.0)
    assert account is not None
    assert account.open_in_segments is None
    assert account.open_in_scan is None


def test_nothing_and_imported_moments_have_no_account(make_segment) -> None:
    assert time_account([], 0.0) is None
    moments = [make_segment(i, start_rig_s=float(i), end_rig_s=float(i)) for i in range(3)]
    assert time_account(moments, 0.0) is None


def test_counts_are_summed_by_kind_and_state_without_flagged(segments, make_segment) -> None:
    blank = make_segment(
        4, kind=SegmentKind.BLANK, isotope=0, pumping=False, counts=0, efficiency=None, live_s=600.0
    )
    lines = {line.what: line for line in count_lines([*segments, blank])}
    rare = lines["85Kr"]
    assert (rare.segments, rare.flagged, rare.counts, rare.live_s) == (2, 1, 83, 200.0)
    assert rare.per_hour == pytest.approx(83 / (200.0 * 0.95 / 3600.0))
    assert lines["blank"].per_hour == 0.0
    assert lines["blank"].per_hour_error == pytest.approx(6.0)
    assert lines["83Kr bracket"].counts is None
    assert lines["83Kr bracket"].per_hour is None
