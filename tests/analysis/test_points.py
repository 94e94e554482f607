from dataclasses import replace

import numpy as np
import pytest

from atta_daq.analysis.points import blank_for, normalise, usable
from atta_daq.analysis.records import Segment, SegmentKind, Setting


def blank(index: int, counts: int, live_s: float, pumping: bool = False) -> Segment:
    return Segment(
        "run",
        0,
        0,
        index,
        SegmentKind.BLANK,
        0,
        pumping,
        None,
        False,
        Setting(),
        0.0,
        live_s,
        live_s,
        counts=counts,
    )


@pytest.fixture
def steady(make_bracket):
    return [make_bracket(100 + i, i, 600.0 * i, 2.0, 0.02) for i in range(6)]


def test_counts_weight_and_ratio(steady, make_rare):
    segments = [*steady, make_rare(0, 0, 60.0, 240.0, 150, point=3, efficiency=0.9)]
    (point,) = normalise(segments, 85).points
    assert (point.index, point.counts, point.live_s) == (3, 150, 240.0)
    assert point.weight == pytest.approx(240.0 / 3600.0 * 0.9)
    assert point.ratio == pytest.approx(150 / point.weight)
    # Poisson, 1 % of the efficiency, two brackets of 1 % each and the walk in between.
    assert point.error / point.ratio == pytest.approx(
        np.hypot(1 / np.sqrt(150), point.normaliser_error), rel=1e-9
    )
    assert 0.012 < point.normaliser_error < 0.018


def test_segments_of_a_point_are_summed_on_and_off_apart(steady, make_rare):
    segments = [
        *steady,
        make_rare(0, 0, 0.0, 100.0, 50, point=1, pumping=False),
        make_rare(1, 0, 100.0, 100.0, 80, point=1),
        make_rare(2, 0, 200.0, 150.0, 120, point=1),
        make_rare(3, 0, 350.0, 100.0, 55, point=1, pumping=False),
    ]
    points = normalise(segments, 85).points
    by_state = {p.pumping: p for p in points}
    assert len(points) == 2
    assert (by_state[True].counts, by_state[True].live_s) == (200, 250.0)
    assert by_state[False].segments == (0, 3)


def test_references_without_a_point_are_kept_by_block(steady, make_rare):
    segments = [
        *steady,
        *(make_rare(i, i, 600.0 * i + 30, 100.0, 50, pumping=False) for i in range(3)),
    ]
    assert [p.index for p in normalise(segments, 85).points] == [None] * 3


def test_flagged_segments_and_replaced_attempts_are_left_out(steady, make_rare):
    good = make_rare(0, 0, 0.0, 100.0, 50, point=0)
    flagged = make_rare(1, 1, 600.0, 60.0, 999, point=1, flag="camera stalled")
    retaken = make_rare(2, 1, 700.0, 100.0, 60, point=1, attempt=1)
    stale = make_rare(3, 2, 1300.0, 100.0, 777, point=2)
    newer = make_rare(4, 2, 1500.0, 100.0, 70, point=2, attempt=1)
    data = normalise([*steady, good, flagged, retaken, stale, newer], 85)
    assert [p.counts for p in data.points] == [50, 60, 70]
    assert any("1 flagged" in note for note in data.notes)


def test_a_flagged_retake_does_not_hide_the_attempt_that_counts(make_rare):
    first = make_rare(0, 0, 0.0, 100.0, 50, point=0)
    second = make_rare(1, 0, 200.0, 100.0, 3, point=0, attempt=1, flag="tripped")
    assert usable([first, second]) == [first]


@pytest.mark.parametrize("rate", [0.0, -0.01, float("nan")])
def test_a_bracket_of_a_source_that_was_out_is_left_out_and_it_is_said(
    steady, make_rare, make_bracket, rate
):
    """Runs from before the station flagged them hold such brackets."""
    segments = [*steady, make_rare(0, 0, 60.0, 240.0, 150, point=0)]
    data = normalise([*segments, make_bracket(200, 0, 100.0, rate, 0.02)], 85)
    assert data.points[0].ratio == normalise(segments, 85).points[0].ratio
    assert "1 brackets without a positive loading rate left out" in data.notes


def test_flagged_brackets_do_not_normalise(steady, make_rare, make_bracket):
    wrong = make_bracket(200, 0, 100.0, 200.0, 2.0, flag="lock lost")
    segments = [*steady, make_rare(0, 0, 60.0, 240.0, 150, point=0)]
    assert normalise([*segments, wrong], 85).points[0].normaliser == pytest.approx(1.0)


def test_drift_of_the_source_is_divided_out(make_bracket, make_rare):
    brackets = [make_bracket(i, i, 600.0 * i - 4, 2.0 * (1 + 0.1 * i), 0.02) for i in range(4)]
    rare = [
        make_rare(10 + i, i, 600.0 * i + 100, 400.0, round(1000 * (1 + 0.1 * (i + 0.5))), point=i)
        for i in range(3)
    ]
    ratio = [p.ratio for p in normalise([*brackets, *rare], 85).points]
    assert np.ptp(ratio) / np.mean(ratio) < 1e-3


def test_blank_of_the_partner_is_subtracted(steady, make_rare):
    segments = [
        *steady,
        blank(50, 10, 1000.0, pumping=False),
        blank(51, 40, 1000.0, pumping=True),
        make_rare(0, 0, 60.0, 100.0, 54, point=0),
        make_rare(1, 0, 160.0, 100.0, 51, point=0, pumping=False),
    ]
    ratios = {p.pumping: p.ratio * p.weight for p in normalise(segments, 85).points}
    assert ratios[True] == pytest.approx(50.0)
    assert ratios[False] == pytest.approx(50.0)


def test_a_lone_blank_serves_both_states():
    data = (normalise([blank(0, 3, 100.0), _off(1)], 85)).blanks
    assert blank_for(data, True) == blank_for(data, False) == 0
    assert blank_for((), True) == -1


def _off(index: int) -> Segment:
    return Segment(
        "run",
        0,
        0,
        index,
        SegmentKind.RARE,
        85,
        False,
        None,
        False,
        Setting(),
        0.0,
        10.0,
        10.0,
        counts=1,
        efficiency=1.0,
    )


def test_no_counts_still_has_an_error(steady, make_rare):
    (point,) = normalise([*steady, make_rare(0, 0, 60.0, 100.0, 0, point=0)], 85).points
    assert point.ratio == 0.0
    assert point.error == pytest.approx(1.0 / point.weight, rel=1e-6)


def test_neighbours_between_the_same_brackets_share_their_error(steady, make_rare):
    segments = [
        *steady,
        make_rare(0, 0, 30.0, 200.0, 100, point=0, efficiency_error=0.0),
        make_rare(1, 0, 300.0, 200.0, 100, point=1, efficiency_error=0.0),
        make_rare(2, 4, 2430.0, 200.0, 100, point=2, efficiency_error=0.0),
    ]
    covariance = normalise(segments, 85).covariance
    assert covariance[0, 1] > 0.3 * covariance[0, 0]
    # Through the brackets in between, which are drawn towards their neighbours, little is left.
    assert 0.0 < covariance[0, 2] < 0.02 * covariance[0, 0]


def test_the_error_of_the_efficiency_is_common_to_a_run(steady, make_rare):
    segments = [
        *steady,
        make_rare(0, 0, 30.0, 200.0, 100, point=0, efficiency_error=0.05),
        make_rare(1, 3, 1830.0, 200.0, 100, point=1, efficiency_error=0.05),
        make_rare(2, 4, 2430.0, 200.0, 100, pumping=False, efficiency_error=0.05),
    ]
    exact = [replace(s, efficiency_error=0.0) for s in segments]
    common = normalise(segments, 85).covariance - normalise(exact, 85).covariance
    np.testing.assert_allclose(common, (0.05 / 0.93) ** 2, rtol=1e-9)


def test_each_run_of_a_chain_brings_an_error_of_its_efficiency(steady, make_rare):
    """A resumed run calibrates anew. The last point has half of its exposure in either run."""
    taken = [
        make_rare(0, 0, 30.0, 200.0, 100, point=0, efficiency_error=0.05),
        make_rare(1, 1, 630.0, 200.0, 100, point=1, efficiency_error=0.05),
        make_rare(2, 2, 1230.0, 200.0, 100, point=2, efficiency_error=0.05),
        replace(make_rare(3, 3, 1830.0, 200.0, 100, point=1, efficiency_error=0.1), run_id="b"),
        replace(make_rare(4, 4, 2430.0, 200.0, 100, point=3, efficiency_error=0.1), run_id="b"),
    ]
    exact = [replace(s, efficiency_error=0.0) for s in taken]
    chain, sure = normalise([*steady, *taken], 85), normalise([*steady, *exact], 85)
    order = [p.index for p in chain.points]
    rows = [order.index(point) for point in (0, 2, 3, 1)]
    own = (chain.covariance - sure.covariance)[np.ix_(rows, rows)]
    first = np.array([1.0, 1.0, 0.0, 0.5]) * 0.05 / 0.93
    second = np.array([0.0, 0.0, 1.0, 0.5]) * 0.1 / 0.93
    np.testing.assert_allclose(own, np.outer(first, first) + np.outer(second, second), atol=2e-6)


def test_loading_rates_keep_their_errors(steady):
    signal = [
        Segment(
            "run",
            0,
            0,
            i,
            SegmentKind.LOADING_84,
            84,
            True,
            0,
            False,
            Setting(power_mw=500.0),
            30.0 + 20 * i,
            40.0 + 20 * i,
            2.0,
            rate=rate,
            rate_error=0.02 * rate,
        )
        for i, rate in enumerate((10.0, 10.4))
    ]
    (point,) = normalise([*steady, *signal], 84).points
    assert point.counts is None
    assert point.value == pytest.approx(10.2)
    assert point.value_error == pytest.approx(0.02 / np.sqrt(2) * 10.2, rel=1e-3)


def test_rates_of_an_import_need_no_counts_even_for_rare_isotopes():
    rows = [
        Segment(
            "run",
            0,
            0,
            i,
            SegmentKind.RARE,
            81,
            on,
            0,
            False,
            Setting(),
            0.0,
            0.0,
            0.0,
            rate=rate,
            rate_error=error,
        )
        for i, (on, rate, error) in enumerate([(False, 287.0, 14.0), (True, 476.0, 13.0)])
    ]
    data = normalise(rows, 81)
    assert not data.poisson
    assert [p.ratio for p in data.points] == pytest.approx([287.0, 476.0])
    assert any("not normalised" in note for note in data.notes)


def test_pumped_brackets_are_left_out_and_it_is_said(steady, make_rare, make_bracket):
    bad = [make_bracket(200 + i, i, 600.0 * i + 300, 3.0, 0.03, pumping=True) for i in range(5)]
    segments = [*steady, *bad, make_rare(0, 0, 310.0, 100.0, 50, point=0)]
    data = normalise(segments, 85)
    assert data.points[0].normaliser == pytest.approx(1.0)
    assert any("5 brackets taken with pumping light" in note for note in data.notes)
    assert normalise(segments, 85, pumped_brackets=True).normaliser.rate.size == 11


def test_readback_of_the_setting_is_averaged(steady, make_rare):
    segments = [
        *steady,
        make_rare(0, 0, 0.0, 100.0, 5, point=0, setting=Setting(100.0, 99.0, 490.0)),
        make_rare(1, 0, 100.0, 300.0, 5, point=0, setting=Setting(100.0, 101.0, 510.0)),
    ]
    setting = normalise(segments, 85).points[0].setting
    assert setting.detuning_mhz == pytest.approx(100.5)
    assert setting.power_mw == pytest.approx(505.0)


def test_nothing_usable_is_refused(steady, make_rare):
    with pytest.raises(ValueError, match="no usable segment of 81Kr"):
        normalise([*steady, make_rare(0, 0, 0.0, 10.0, 1)], 81)
    with pytest.raises(ValueError, match="no usable segment of 85Kr"):
        normalise([make_rare(0, 0, 0.0, 10.0, 1, flag="stopped")], 85)


def test_counts_and_rates_do_not_mix(make_rare):
    counted = make_rare(0, 0, 0.0, 10.0, 1)
    loaded = replace(counted, index=1, counts=None, rate=1.0, rate_error=0.1)
    with pytest.raises(ValueError, match="cannot be mixed"):
        normalise([counted, loaded], 85)
