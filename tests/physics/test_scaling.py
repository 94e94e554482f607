import pytest

from atta_daq.physics.krypton import isotope
from atta_daq.physics.scaling import (
    TOLERANCE_MHZ,
    scaled_components,
    scaled_constants,
    shift_constants,
)


@pytest.mark.parametrize(("number", "lower", "both"), [(81, 0.8, 1.5), (85, 0.3, 3.0)])
def test_moments_scale_the_components(number, lower, both):
    rows = scaled_components(number)
    worst_lower = max(abs(row.lower_scaled_mhz - row.tabulated_mhz) for row in rows)
    worst_both = max(abs(row.both_scaled_mhz - row.tabulated_mhz) for row in rows)
    assert worst_lower == pytest.approx(lower, abs=0.05)
    assert worst_both == pytest.approx(both, abs=0.05)
    assert worst_both < TOLERANCE_MHZ


def test_reference_isotope_scales_to_itself():
    known, scaled = isotope(83).hyperfine["1s4"], scaled_constants(83, "1s4")
    assert (scaled.a_mhz, scaled.b_mhz) == (known.a_mhz, known.b_mhz)


@pytest.mark.parametrize("left_out", [81, 83, 85])
def test_two_isotope_shifts_predict_the_third(left_out):
    others = [number for number in (81, 83, 85) if number != left_out]
    predicted = shift_constants(*others).shift_mhz(left_out)
    assert predicted == pytest.approx(isotope(left_out).isotope_shift_mhz, abs=TOLERANCE_MHZ)
    assert predicted != pytest.approx(isotope(left_out).isotope_shift_mhz, abs=0.01)


def test_reference_has_no_shift():
    assert shift_constants().shift_mhz(84) == 0.0


def test_what_cannot_be_scaled_is_refused():
    with pytest.raises(ValueError, match="no nuclear moments"):
        scaled_constants(84, "1s4")
    with pytest.raises(ValueError, match="two isotopes"):
        shift_constants(81)
