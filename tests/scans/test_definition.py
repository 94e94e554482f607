"""Scan files: what is accepted, what is refused and in which words."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from atta_daq.scans.definition import Axis, parse_scan

RARE = """
name = "x"
[[part]]
isotope = 85
dwell_s = 60.0
[[part.axis]]
quantity = "detuning_mhz"
start = -100.0
stop = 100.0
points = 3
"""


def test_a_scan_file_becomes_a_definition() -> None:
    definition = parse_scan(RARE)
    (part,) = definition.parts
    assert part.isotope == 85
    assert part.axes[0].grid() == (-100.0, 0.0, 100.0)
    assert definition.geometry is None


def test_the_digest_names_the_content() -> None:
    assert parse_scan(RARE).digest == parse_scan(RARE).digest
    assert parse_scan(RARE).digest != parse_scan(RARE.replace("60.0", "61.0")).digest


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("dwell_s = 60.0", ""), "dwell_s"),
        (("isotope = 85", "isotope = 82"), "isotope"),
        (("isotope = 85", "isotope = 83"), "use `bursts` and `repeats`"),
        (("points = 3", "points = 3\nvalues = [1.0]"), "not both"),
        (("points = 3", ""), "all of"),
        (("dwell_s = 60.0", "dwel_s = 60.0"), "dwel_s"),
        (("dwell_s = 60.0", "dwell_s = -1.0"), "greater than 0"),
        (("dwell_s = 60.0", 'dwell_s = 60.0\npumping = "abba"\nreference_every = 2'), "references"),
    ],
)
def test_what_is_wrong_is_named(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        parse_scan(RARE.replace(*change))


def test_two_axes_on_one_quantity_are_refused() -> None:
    twice = RARE + '[[part.axis]]\nquantity = "detuning_mhz"\nvalues = [1.0]\n'
    with pytest.raises(ValidationError, match="same quantity"):
        parse_scan(twice)


def test_an_empty_list_of_values_is_refused() -> None:
    with pytest.raises(ValidationError, match="empty"):
        Axis(quantity="power_mw", values=())


@pytest.mark.parametrize("path", sorted(Path("scans").glob("*.toml")), ids=lambda p: p.name)
def test_every_example_is_valid(path: Path) -> None:
    parse_scan(path.read_text())
