"""The guard of the multiplication register: dose, saturation, and when gain may be on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera_protection import ELEMENTARY_CHARGE_NC, GainRules, RegisterGuard
from drivers.errors import InterlockOpen, OutOfRange
from drivers.interfaces import CameraLimits, Range

LIMITS = CameraLimits(Range(0.001, 1.0), Range(0, 300), Range(-100.0, -60.0))
SHAPE = (40, 50)


def frame(saturated: int = 0, level: int = 200) -> np.ndarray:
    image = np.full(SHAPE, level, np.uint16)
    image.flat[:saturated] = 65535
    return image


@pytest.fixture
def guard() -> RegisterGuard:
    guard = RegisterGuard(bias_adu=200.0, electrons_per_adu=5.0)
    guard.begin(multiplying=True, saturated_adu=65535)
    return guard


# --- saturation -----------------------------------------------------------------------------------


def test_two_frames_in_a_row_above_a_thousandth_trip_once(guard: RegisterGuard) -> None:
    assert [guard.frame(frame(n)) for n in (3, 3, 3, 3)] == [False, True, False, False]
    state = guard.state()
    assert state.trips == 1
    assert state.trip.startswith("0.15 % of the pixels were saturated in 2 frames in a row")
    assert guard.unverified


def test_exactly_a_thousandth_is_allowed(guard: RegisterGuard) -> None:
    assert not any(guard.frame(frame(2)) for _ in range(5))
    assert guard.state().saturated_fraction == 0.001


def test_a_single_bright_frame_is_forgiven(guard: RegisterGuard) -> None:
    assert not any(guard.frame(frame(n)) for n in (2000, 0, 2000, 0, 2000))


def test_without_gain_light_harms_nothing() -> None:
    guard = RegisterGuard()
    guard.begin(multiplying=False, saturated_adu=65535)
    assert not any(guard.frame(frame(2000)) for _ in range(5))
    assert guard.state().dose_nc == 0.0
    assert guard.state().saturated_fraction == 1.0


def test_a_new_acquisition_starts_anew_and_keeps_the_dose(guard: RegisterGuard) -> None:
    guard.frame(frame(3))
    guard.frame(frame(3))
    dose_nc = guard.state().dose_nc
    guard.begin(multiplying=True, saturated_adu=65535)
    assert (guard.state().trip, guard.state().trips) == ("", 1)
    assert guard.state().dose_nc == dose_nc
    assert not guard.frame(frame(3)), "the bright frames of before do not count"
    assert guard.frame(frame(3))


def test_a_converter_of_14_bits_saturates_at_its_own_end() -> None:
    guard = RegisterGuard()
    guard.begin(multiplying=True, saturated_adu=16383)
    bright = np.full(SHAPE, 16383, np.uint16)
    assert [guard.frame(bright), guard.frame(bright)] == [False, True]


@given(st.lists(st.integers(0, 40), max_size=30))
def test_it_trips_where_two_in_a_row_are_bright(saturated: list[int]) -> None:
    guard = RegisterGuard()
    guard.begin(multiplying=True, saturated_adu=65535)
    fired = [guard.frame(frame(n)) for n in saturated]
    bright = [n > 2 for n in saturated]
    pairs = [i + 1 for i in range(len(bright) - 1) if bright[i] and bright[i + 1]]
    assert [i for i, f in enumerate(fired) if f] == pairs[:1]


# --- dose -----------------------------------------------------------------------------------------


def test_dose_is_the_charge_above_the_bias(guard: RegisterGuard) -> None:
    guard.frame(frame(level=300))
    electrons = 100 * 5.0 * SHAPE[0] * SHAPE[1]
    assert guard.state().dose_nc == pytest.approx(electrons * ELEMENTARY_CHARGE_NC)


def test_a_dose_never_falls(guard: RegisterGuard) -> None:
    guard.frame(frame(level=300))
    before = guard.state().dose_nc
    guard.frame(frame(level=150))
    assert guard.state().dose_nc == before


# --- when gain may be on --------------------------------------------------------------------------


def test_gain_above_300_needs_to_be_unlocked() -> None:
    wide = CameraLimits(LIMITS.exposure_s, Range(0, 1000), LIMITS.temperature_c)
    rules = GainRules("camera", wide, lambda: "")
    rules.check_limit(300)
    with pytest.raises(OutOfRange, match=r"301 is above 300.*em_gain_unlocked = true"):
        rules.check_limit(301)
    unlocked = CameraLimits(LIMITS.exposure_s, Range(0, 1000), LIMITS.temperature_c, True)
    rules = GainRules("camera", unlocked, lambda: "")
    rules.check_limit(1000)
    with pytest.raises(OutOfRange, match="1001 is outside 0 to 1000"):
        rules.check_limit(1001)


def test_the_rigs_word_and_the_cold() -> None:
    said = ["the trap is on 83Kr"]
    rules = GainRules("camera", LIMITS, lambda: said[0])
    with pytest.raises(InterlockOpen, match="the trap is on 83Kr"):
        rules.require_permit()
    said[0] = ""
    rules.require_permit()
    rules.require_cold(-70.0, stable=True)
    said.clear()
    with pytest.raises(InterlockOpen, match=r"could not say that it may be on \(IndexError: "):
        rules.require_permit()
    for temperature_c, stable in ((-70.0, False), (-50.0, True), (float("nan"), True)):
        with pytest.raises(InterlockOpen, match="no EM gain: the sensor is at"):
            rules.require_cold(temperature_c, stable)
