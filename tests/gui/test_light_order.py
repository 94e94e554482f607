"""The order in which the light comes on, and the pure helpers beside it."""

import math
from dataclasses import replace
from typing import Any

import pytest
from fakes_gui import RIG, FakeLink

from gui.context import Context
from gui.panels.light_order import (
    STEPS,
    LightOrder,
    amplifier_refusal,
    current_ma,
    kept_power_mw,
    light_order,
    order_of,
    power_mw,
)
from gui.panels.ramp import Ramp
from gui.panels.zero import zero_of
from gui.theme.palettes import Tone

UP: dict[str, Any] = {
    "interlock_closed": True, "emission": True, "seed_on": True, "seed_power_mw": 22.0,
    "amplifier_on": True, "current_ma": 2000.0,
}  # fmt: skip


def order(**changes: object) -> LightOrder:
    return order_of(RIG, **{**UP, **changes})


DOWN = {"amplifier_on": False, "current_ma": 0.0}
DARK = {**DOWN, "seed_on": False, "seed_power_mw": 0.0}


@pytest.mark.parametrize(
    ("changes", "present", "words"),
    [
        ({**DARK, "interlock_closed": False, "emission": False}, -1, "close the interlock"),
        ({"interlock_closed": False}, -1, "interlock is open, but something is still on"),
        ({**DARK, "emission": False}, 0, "turn the key"),
        ({"emission": False}, 0, "No emission, but something is still on"),
        (DARK, 1, "at or below 300 mA until the seed gives 10 mW"),
        ({**DOWN, "seed_power_mw": 4.0}, 2, "seed gives 4 mW. Amplifier stays at or below 300 mA"),
        ({**DOWN, "seed_power_mw": math.nan}, 2, "no known power"),
        (DOWN, 3, "amplifier on; it starts at or below 300 mA"),
        ({"current_ma": 300.0}, 4, "raise the amplifier current"),
        ({}, 5, "goes off in reverse"),
    ],
)
def test_each_state_has_its_step_and_the_next_one_in_words(
    changes: dict[str, object], present: int, words: str
) -> None:
    found = order(**changes)
    assert found.present == present
    assert words in found.next_step()
    assert not found.unsafe


def test_in_a_run_stop_is_what_takes_the_light_away() -> None:
    for changes in ({"interlock_closed": False}, {"emission": False}, {"seed_on": False}):
        words = order(**changes).next_step(in_run=True)
        assert "STOP" in words
        assert "switch" not in words.lower()


def test_light_that_is_up_in_a_run_is_the_runs_and_a_ramp_is_told() -> None:
    held = order().next_step(in_run=True)
    assert held == ("The light is up. A run is under way: press STOP to switch the light off.")
    assert order().next_step(ramps_to_ma=2497.3).startswith("Ramping to 2497 mA. It goes off")
    words = order().next_step(in_run=True, ramps_to_ma=2497.3)
    assert words.startswith("Ramping to 2497 mA. A run is under way")


@pytest.mark.parametrize("seed", [{"seed_on": False}, {"seed_power_mw": 9.99}])
def test_a_raised_amplifier_without_verified_seed_is_called_so(seed: dict[str, object]) -> None:
    found = order(**seed)
    assert found.unsafe
    assert "switch it off now" in found.next_step()


def test_a_step_has_a_word_of_its_own_for_taken_and_for_missing() -> None:
    up, dark = order(), order(**DARK, interlock_closed=False, emission=False)
    assert [up.look(i) for i in range(len(STEPS))] == [
        ("interlock closed", Tone.OK), ("emission", Tone.OK), ("seed on", Tone.OK),
        ("seed verified", Tone.OK), ("amplifier on", Tone.OK), ("raised", Tone.OK),
    ]  # fmt: skip
    assert [dark.look(i) for i in range(len(STEPS))] == [
        ("interlock OPEN", Tone.DANGER), ("no emission", Tone.OFF), ("seed off", Tone.OFF),
        ("seed not verified", Tone.OFF), ("amplifier off", Tone.OFF), ("not raised", Tone.OFF),
    ]  # fmt: skip


def test_a_missing_step_below_one_that_is_on_is_a_warning() -> None:
    found = order(seed_on=False, current_ma=200.0)
    assert found.broken
    assert found.look(2) == ("seed off", Tone.WARNING)
    assert found.look(5) == ("not raised", Tone.OFF)
    assert not order(**DARK).broken
    assert not order().broken


def test_above_the_ceiling_the_seed_must_be_verified() -> None:
    assert order().refusal(2500.0) == ""
    assert order(**DARK).refusal(300.0) == ""
    assert "it is off" in order(**DARK).refusal(300.1)
    weak = order(seed_power_mw=9.0).refusal(301.0)
    assert "9 mW" in weak
    assert "10 mW are needed" in weak


def test_stale_readings_verify_nothing(context: Context) -> None:
    assert light_order(context.readings) is not None
    assert amplifier_refusal(context.readings, 2000.0) == ""
    context.readings.age("station lost")
    assert light_order(context.readings) is None
    assert "stale" in amplifier_refusal(context.readings, 2000.0)
    assert amplifier_refusal(context.readings, 200.0) == ""


def test_power_and_current_are_each_others_inverse() -> None:
    assert power_mw(RIG, current_ma(RIG, 250.0)) == pytest.approx(250.0)
    assert power_mw(RIG, 300.0) == 0.0
    assert current_ma(RIG, 0.0) == RIG.threshold_ma


def test_the_kept_power_stays_within_the_calibrated_range(context: Context, link: FakeLink) -> None:
    link.feed(amplifier__current_set=2500.0)
    assert kept_power_mw(context.readings) == RIG.full_power_mw
    link.feed(amplifier__current_set=300.0)
    assert kept_power_mw(context.readings) == 0.0
    link.feed(amplifier__current_set=math.nan)
    assert math.isnan(kept_power_mw(context.readings))


def test_a_ramp_that_was_sent_goes_from_here_to_its_target() -> None:
    ramp = Ramp()
    assert ramp.update(1000.0, 1000.3) is None
    ramp.sent(2000.0)
    assert ramp.update(1000.0, 1000.0) == (0.0, 2000.0)
    assert ramp.update(1500.0, 1550.0) == (0.5, 2000.0)
    ramp.answered()
    assert ramp.update(1999.0, 2000.0) is None


def test_a_ramp_down_counts_up_too() -> None:
    ramp = Ramp()
    ramp.sent(300.0)
    assert ramp.update(1300.0, 1300.0) == (0.0, 300.0)
    assert ramp.update(550.0, 500.0) == (0.75, 300.0)


def test_a_ramp_of_somebody_else_follows_the_setpoint() -> None:
    ramp = Ramp()
    assert ramp.update(1000.0, 2000.0) == (0.0, 2000.0)
    assert ramp.update(1750.0, 2000.0) == (0.75, 2000.0)
    assert ramp.update(1750.0, math.nan) is None
    assert ramp.update(2000.0, 2000.0) is None


def test_the_record_of_a_zeroing_in_words() -> None:
    found = zero_of({"ratio": 0.4, "shift_mhz": -3.126, "error_mhz": 0.351, "utc_s": 1.76e9})
    assert found.ok
    assert found.found_mhz == -3.126
    assert "−3.13 ± 0.35 MHz" in found.text
    failed = zero_of({"problem": "no dispersive line within the samples"})
    assert not failed.ok
    assert math.isnan(failed.found_mhz)
    assert "no dispersive line" in failed.text


def test_another_rig_has_other_words() -> None:
    rig = replace(RIG, unseeded_ceiling_ma=250.0, seed_power_min_mw=12.5)
    words = order_of(rig, **{**UP, **DARK}).next_step()
    assert "250 mA" in words
    assert "12.5 mW" in words
