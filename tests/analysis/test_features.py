import pytest

from atta_daq.analysis.features import describe, features_at


def test_the_closed_line_is_named():
    assert describe(83, -293.2) == "11/2-13/2 (closed)"
    assert describe(81, -386.4) == "9/2-11/2 (closed)"


def test_the_overlap_of_83kr_is_named():
    names = [f.name for f in features_at(83, -525.0)]
    assert names == ["9/2-11/2", "7/2-9/2"]
    assert describe(83, -525.0) == "overlap of 9/2-11/2 and 7/2-9/2"


def test_an_even_isotope_has_one_line():
    (only,) = features_at(84, 30.0)
    assert (only.name, only.share) == ("819 nm", pytest.approx(1.0))
    assert only.distance_mhz == pytest.approx(30.0)
