"""The layout of a scan in time."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.analysis.records import SegmentKind
from atta_daq.scans.blocks import Timing, blocks, predicted_duration_s, targets, visiting_order
from atta_daq.scans.course import whole_course
from atta_daq.scans.definition import ScanDefinition, load_scan, parse_scan

TIMING = Timing()


def scan(**part: object) -> ScanDefinition:
    return ScanDefinition.model_validate({"name": "x", "parts": [{"isotope": 85, **part}]})


def axis(*values: float, quantity: str = "detuning_mhz") -> dict:
    return {"quantity": quantity, "values": values}


@given(st.integers(0, 60), st.sampled_from(["sequential", "shuffled", "interleaved"]))
def test_every_order_visits_each_point_once(n: int, order: str) -> None:
    assert sorted(visiting_order(n, order, np.random.default_rng(1))) == list(range(n))


def test_every_block_is_enclosed_by_brackets() -> None:
    definition = scan(axes=[axis(*range(12))], dwell_s=240.0)
    plan = blocks(definition, TIMING)
    assert len(plan) == 6
    for block in plan:
        assert block.segments[0].bracket
        assert block.segments[-1].bracket
        assert not any(s.bracket for s in block.segments[1:-1])
        assert not block.segments[0].pumping
        assert block.segments[0].kind is SegmentKind.LOADING_83


def test_brackets_come_at_least_every_period() -> None:
    definition = scan(axes=[axis(*range(30))], dwell_s=100.0)
    for block in blocks(definition, TIMING):
        inside = sum(s.dwell_s or 0.0 for s in block.segments)
        assert inside <= definition.bracket_period_s


def test_a_dwell_longer_than_the_period_stands_alone() -> None:
    plan = blocks(scan(axes=[axis(1.0, 2.0)], dwell_s=900.0), TIMING)
    assert [len(block.segments) for block in plan] == [3, 3]


def test_abba_is_off_on_on_off() -> None:
    plan = blocks(scan(dwell_s=60.0, dwell_off_s=90.0, pumping="abba"), TIMING)
    inner = [s for block in plan for s in block.segments if not s.bracket]
    assert [s.pumping for s in inner] == [False, True, True, False]
    assert [s.dwell_s for s in inner] == [90.0, 60.0, 60.0, 90.0]
    assert all(s.point == 0 for s in inner)


def test_references_come_without_pumping_light() -> None:
    definition = scan(
        axes=[axis(*range(10))], dwell_s=60.0, reference_every=5, reference_dwell_s=30.0
    )
    off = [s for b in blocks(definition, TIMING) for s in b.segments if s.point is None]
    references = [s for s in off if not s.bracket]
    assert len(references) == 2
    assert all(not s.pumping and s.dwell_s == 30.0 for s in references)


def test_two_axes_make_a_product() -> None:
    definition = scan(
        dwell_s=1.0, axes=[axis(0.4, 1.0, quantity="sideband_depth"), axis(1.0, 2.0, 3.0)]
    )
    at = [(t.sideband_depth, t.detuning_mhz) for t in targets(definition.parts[0])]
    assert at == [(0.4, 1.0), (0.4, 2.0), (0.4, 3.0), (1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]


def test_points_of_several_parts_have_numbers_of_their_own() -> None:
    definition = ScanDefinition.model_validate(
        {
            "name": "x",
            "parts": [
                {"isotope": 83, "axes": [axis(1.0, 2.0)]},
                {"isotope": 85, "dwell_s": 9.0, "axes": [axis(3.0)]},
            ],
        }
    )
    found = {
        (s.isotope, s.point): s.target.detuning_mhz
        for b in blocks(definition, TIMING)
        for s in b.segments
        if s.point is not None
    }
    assert found == {(83, 0): 1.0, (83, 1): 2.0, (85, 2): 3.0}


def test_blanks_stand_at_both_ends_in_both_states_of_the_light() -> None:
    text = 'name = "x"\n[[part]]\nisotope = 85\ndwell_s = 9.0\n[blanks]\ndwell_s = 30.0\n'
    plan = blocks(parse_scan(text), TIMING)
    for block in (plan[0], plan[-1]):
        inner = [s for s in block.segments if not s.bracket]
        assert [s.kind for s in inner] == [SegmentKind.BLANK] * 2
        assert [s.pumping for s in inner] == [False, True]


def test_the_layout_is_deterministic() -> None:
    definition = scan(axes=[axis(*range(20))], dwell_s=60.0, order="shuffled")
    assert blocks(definition, TIMING) == blocks(definition, TIMING)


@pytest.mark.parametrize("path", sorted(Path("scans").glob("*.toml")), ids=lambda p: p.name)
def test_every_example_states_its_rig_time(path: Path) -> None:
    stated = re.search(r"Rig time (\d+\.\d+) h", path.read_text())
    assert stated is not None, "the comment at the head states 'Rig time N.N h'"
    predicted_h = predicted_duration_s(whole_course(load_scan(path), TIMING), TIMING) / 3600.0
    assert float(stated[1]) == pytest.approx(predicted_h, abs=0.06)
