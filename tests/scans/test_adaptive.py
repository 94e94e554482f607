"""What a scan file may ask for: adaptive time and an early end."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from atta_daq.scans.adaptive import (
    Adaptive,
    StopWhen,
    counting_s,
    floor_total_s,
    part_number,
    total_s_of,
    wanted_point,
)
from atta_daq.scans.blocks import Timing, blocks
from atta_daq.scans.definition import ScanDefinition, parse_scan

SPECTRUM = Path("scans/spectrum_85kr.toml").read_text()
ADAPTIVE = '[adaptive]\nparameter = "position_mhz"\nfloor_s = 60.0\n'
NEVER_LIT = """
name = "x"
[[part]]
isotope = 81
dwell_s = 9.0
pumping = "off"
"""
TWO_PARTS = """
name = "two"
[[part]]
isotope = 83
[[part.axis]]
quantity = "detuning_mhz"
values = [-300.0, 0.0, 300.0]
[[part]]
isotope = 85
dwell_s = 100.0
repeats = 3
pumping = "abba"
dwell_off_s = 50.0
[[part.axis]]
quantity = "power_mw"
values = [100.0, 300.0]
[[part.axis]]
quantity = "detuning_mhz"
values = [-300.0, 300.0]
"""


def test_left_out_keys_take_the_counted_part_and_its_own_time() -> None:
    scan = parse_scan(SPECTRUM + ADAPTIVE)
    assert scan.adaptive is not None
    part = scan.parts[part_number(scan.adaptive, scan.parts)]
    assert counting_s(part) == (41 + 8) * 240.0
    assert total_s_of(scan.adaptive, part) == counting_s(part)
    assert floor_total_s(scan.adaptive, part) == (41 + 8) * 60.0


def test_the_floor_scales_every_dwell_and_is_taken_once() -> None:
    scan = parse_scan(TWO_PARTS + '[adaptive]\nparameter = "amplitude"\nfloor_s = 20.0\n')
    assert part_number(scan.adaptive, scan.parts) == 1  # type: ignore[arg-type]
    counted = [s for b in blocks(scan, Timing()) for s in b.segments if s.isotope == 85]
    assert len(counted) == 4 * 4
    assert {(s.pumping, s.dwell_s) for s in counted} == {(True, 20.0), (False, 10.0)}
    # The part before is taken as it stands.
    assert sum(s.point is not None for b in blocks(scan, Timing()) for s in b.segments) == 3 + 16


def test_the_wanted_increase_is_at_the_nearest_point() -> None:
    scan = parse_scan(TWO_PARTS)
    aim = Adaptive(parameter="increase", at=180.0, floor_s=1.0)
    assert wanted_point(aim, scan.parts[1]) == 1  # 100 mW, the last detuning
    assert wanted_point(aim.model_copy(update={"at": 250.0}), scan.parts[1]) == 3
    assert wanted_point(aim.model_copy(update={"parameter": "amplitude"}), scan.parts[1]) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SPECTRUM + ADAPTIVE.replace("position_mhz", "increse"), "no 'increse'; give one of"),
        (SPECTRUM + ADAPTIVE.replace("position_mhz", "increase"), "give `at`"),
        (SPECTRUM + ADAPTIVE + "at = 3.0\n", "`at` belongs to an increase"),
        (SPECTRUM + ADAPTIVE + "part = 2\n", "`part` is 2, but the scan has 1"),
        (SPECTRUM + ADAPTIVE + "total_s = 2000.0\n", "the floor takes 2940 s"),
        (TWO_PARTS + ADAPTIVE + "part = 1\n", "83Kr is measured by loading"),
        (SPECTRUM + '[stop_when]\nparameter = "amplitude"\n', "give `uncertainty`"),
        (
            NEVER_LIT + '[adaptive]\nparameter = "background"\nfloor_s = 1.0\n',
            "nothing to choose",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        parse_scan(text)


def test_several_counted_parts_need_to_be_told_apart() -> None:
    both = TWO_PARTS.replace("isotope = 83", "isotope = 81\ndwell_s = 90.0")
    with pytest.raises(ValidationError, match="give `part`"):
        parse_scan(both + ADAPTIVE)
    assert isinstance(parse_scan(both + ADAPTIVE + "part = 1\n"), ScanDefinition)


def test_without_the_tables_a_scan_is_what_it_was() -> None:
    scan = parse_scan(SPECTRUM)
    assert (scan.adaptive, scan.stop_when) == (None, None)
    assert StopWhen(parameter="amplitude", total_s=5.0).uncertainty is None
