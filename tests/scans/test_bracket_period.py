"""The bracket period that a scan leaves to the source's measured drift."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.records import SegmentKind
from atta_daq.scans.blocks import Timing, blocks, predicted_duration_s
from atta_daq.scans.bracket_period import LONGEST_S, bracket_cost, chosen_period_s
from atta_daq.scans.course import whole_course
from atta_daq.scans.definition import ScanDefinition, parse_scan
from atta_daq.scans.wording import problems

TIMING = Timing()
AXIS = {"quantity": "detuning_mhz", "start": -800.0, "stop": 1600.0, "points": 41}


def scan(isotope=85, period="auto", **part):
    counted = {"dwell_s": 60.0} if isotope in (81, 85) else {}
    return ScanDefinition.model_validate(
        {"name": "x", "bracket_period_s": period,
         "parts": [{"isotope": isotope, "axes": [AXIS], **counted, **part}]}
    )  # fmt: skip


def chosen(definition, walk_per_root_h=0.02, counts_per_h=2500.0):
    drift = DriftSpectrum.measured(walk_per_root_h, 0.1 * walk_per_root_h)
    return chosen_period_s(definition, TIMING, drift, {85: counts_per_h, 81: None}, 0.005)


def test_a_wilder_source_and_more_counts_need_more_brackets():
    by_walk = [chosen(scan(), walk) for walk in (0.01, 0.05, 0.2)]
    assert by_walk == sorted(by_walk, reverse=True)
    assert by_walk[0] > 3.0 * by_walk[2]
    by_rate = [chosen(scan(), counts_per_h=rate) for rate in (500.0, 5000.0, 500000.0)]
    assert by_rate == sorted(by_rate, reverse=True)
    assert by_rate[0] > 3.0 * by_rate[2]


def test_it_stays_between_one_segment_and_half_an_hour():
    assert chosen(scan(), 1e-3) <= LONGEST_S
    assert chosen(scan(), 3.0) >= 60.0
    assert chosen(scan(dwell_s=7200.0), 0.5) >= 7200.0


def test_loading_rates_need_no_counting_rate():
    assert chosen_period_s(scan(83), TIMING, TYPICAL, {}, 0.005) < 400.0
    assert bracket_cost(scan(83), TIMING, 0.005).length_s < bracket_cost(
        scan(84), TIMING, 0.005
    ).length_s  # fmt: skip


def test_an_unknown_counting_rate_is_asked_for():
    with pytest.raises(ValueError, match="counts_81_per_h in the rig file"):
        chosen(scan(81))


def test_without_a_rig_it_cannot_be_laid_out():
    with pytest.raises(ValueError, match="chosen by a rig"):
        blocks(scan(), TIMING)


@pytest.mark.parametrize("wrong", [0, -5.0, "often", True])
def test_anything_else_is_refused(wrong):
    with pytest.raises(ValidationError) as refused:
        scan(period=wrong)
    (line,) = problems(ScanDefinition, refused.value)
    assert line.startswith("bracket_period_s: ")
    assert "a number > 0, in s, or 'auto'" in line


CHECKED = """
name = "checked"
bracket_period_s = 500.0
[check_83]
cycles = 2
bursts = 4
light.power_mw = 200.0
[blanks]
[[part]]
isotope = 85
dwell_s = 60.0
pumping = "abba"
"""


def test_checks_of_the_pumping_stand_first_and_last():
    plan = blocks(parse_scan(CHECKED), TIMING)
    for block in (plan[0], plan[-1]):
        inside = block.segments[1:-1]
        assert [s.pumping for s in inside] == [False, True, True, False] * 2
        assert {s.kind for s in inside} == {SegmentKind.CHECK_83}
        assert {(s.isotope, s.point, s.bursts) for s in inside} == {(83, None, 4)}
        assert inside[0].target.power_mw == 200.0
        assert block.segments[0].bracket
    assert all(s.kind is not SegmentKind.CHECK_83 for b in plan[1:-1] for s in b.segments)
    assert {s.kind for s in plan[1].segments[1:-1]} == {SegmentKind.BLANK}


LONG_NIGHT_H = 6.0


@pytest.mark.parametrize("path", sorted(Path("scans").glob("*.toml")), ids=lambda p: p.name)
def test_scans_of_a_long_night_follow_the_source_and_the_pumping(path):
    """By the drift as calibrated, or the file says why not; its pumping is checked at both ends."""
    text = path.read_text()
    definition = parse_scan(text)
    hours = predicted_duration_s(whole_course(definition, TIMING), TIMING) / 3600.0
    if hours > LONG_NIGHT_H:
        assert definition.check_83 is not None
        assert 'bracket_period_s = "auto"' in text
    elif {part.isotope for part in definition.parts} & {81, 85}:
        assert '# Not bracket_period_s = "auto"' in text


@pytest.mark.parametrize("walk_per_root_h", [0.002, 0.02, 0.2])
def test_a_point_of_a_quarter_of_an_hour_leaves_nothing_to_choose(walk_per_root_h):
    """As scans/spectrum_81kr.toml says."""
    plain = parse_scan(Path("scans/spectrum_81kr.toml").read_text())
    drift = DriftSpectrum.measured(walk_per_root_h, 0.1 * walk_per_root_h)
    period_s = chosen_period_s(plain, TIMING, drift, {81: 165.0}, 0.005)
    auto = plain.model_copy(update={"bracket_period_s": period_s})
    inside = [[b.segments for b in blocks(s, TIMING)] for s in (plain, auto)]
    assert inside[0] == inside[1]
