"""The 819-nm light: order, what is moved, where a line stands."""

from dataclasses import replace
from typing import Any

import pytest

from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.scans.blocks import Target
from atta_daq.station.precheck import axis_of
from drivers.errors import DeviceFault, OutOfRange

HERE = ResolvedTarget(100.0, 400.0, 0.0, 0.0)


def changed(rig: Any, **answers: Any) -> None:
    amplifier = rig.instruments.amplifier
    amplifier.answers["status"] = replace(amplifier.answers["status"], **answers)


def test_seed_then_lock_then_amplifier(rig: Any) -> None:
    changed(rig, seed_on=False, amplifier_on=False)
    lock = rig.instruments.lock
    lock.answers["status"] = replace(lock.answers["status"], locked=False, reason="frozen")
    rig.light.switch_on()
    assert rig.asked() == [
        ("amplifier", "set_seed_current"),
        ("amplifier", "seed_on"),
        ("lock", "relock"),
        ("amplifier", "amplifier_on"),
    ]


def test_a_lock_that_was_frozen_meanwhile_is_not_closed(rig: Any) -> None:
    changed(rig, seed_on=False, amplifier_on=False)
    lock = rig.instruments.lock
    lock.answers["status"] = replace(lock.answers["status"], locked=False, reason="frozen")
    with pytest.raises(DeviceFault, match="not closed: the lock was frozen by me"):
        rig.light.switch_on(lambda: "the lock was frozen by me")
    assert rig.asked() == [("amplifier", "set_seed_current"), ("amplifier", "seed_on")]


def test_light_that_is_on_is_left_alone(rig: Any) -> None:
    rig.light.switch_on()
    assert rig.asked() == []


@pytest.mark.parametrize("answer", [{"interlock_open": True}, {"emission_enabled": False}])
def test_a_closed_door_is_said_before_anything_is_sent(rig: Any, answer: dict) -> None:
    changed(rig, **answer)
    with pytest.raises(DeviceFault, match="close it at the box"):
        rig.light.switch_on()
    assert rig.asked() == []


def test_amplifier_off_before_the_seed(rig: Any) -> None:
    rig.light.switch_off()
    assert rig.asked()[:2] == [("amplifier", "amplifier_off"), ("amplifier", "seed_off")]


def test_only_what_differs_is_moved(rig: Any) -> None:
    rig.light.move(HERE)
    rig.log.clear()
    rig.light.move(replace(HERE, detuning_mhz=150.0))
    assert rig.asked() == [("lock", "set_ratio")]
    rig.log.clear()
    rig.light.move(replace(HERE, detuning_mhz=150.0, power_mw=300.0))
    assert rig.asked() == [("amplifier", "set_amplifier_current")]
    rig.log.clear()
    rig.light.move(replace(HERE, detuning_mhz=150.0, power_mw=300.0))
    assert rig.asked() == []


def test_by_hand_only_what_is_named_is_moved(rig: Any) -> None:
    rig.light.move(HERE)
    rig.log.clear()
    rig.light.steer(150.0)
    assert rig.asked() == [("lock", "set_ratio")]
    rig.log.clear()
    rig.light.steer(150.0, 300.0)
    assert rig.asked() == [("lock", "set_ratio"), ("amplifier", "set_amplifier_current")]
    rig.log.clear()
    rig.light.move(HERE)
    assert ("sideband", "rf_off") in rig.asked(), "the next run sets everything anew"


@pytest.mark.parametrize(("detuning_mhz", "power_mw"), [(9e3, 100.0), (0.0, 900.0), (0.0, -1.0)])
def test_by_hand_nothing_is_sent_beyond_a_limit(
    rig: Any, detuning_mhz: float, power_mw: float
) -> None:
    with pytest.raises(OutOfRange):
        rig.light.steer(detuning_mhz, power_mw)
    assert rig.asked() == []


def test_after_a_fault_everything_is_set_anew(rig: Any) -> None:
    rig.light.move(HERE)
    rig.instruments.lock.answers["set_ratio"] = DeviceFault("lock", "lost")
    with pytest.raises(DeviceFault):
        rig.light.move(replace(HERE, detuning_mhz=150.0))
    rig.instruments.lock.answers["set_ratio"] = None
    rig.log.clear()
    rig.light.move(HERE)
    assert ("amplifier", "set_amplifier_current") in rig.asked()
    assert ("lock", "set_ratio") in rig.asked()


def test_a_power_beyond_the_calibration_is_refused_before_a_byte_is_sent(rig: Any) -> None:
    with pytest.raises(OutOfRange, match="0 to 499 mW"):
        rig.light.move(replace(HERE, power_mw=900.0))
    assert ("amplifier", "set_amplifier_current") not in rig.asked()


def test_lines_stand_at_rest_plus_or_minus_the_doppler_shift(rig: Any) -> None:
    rest_mhz = -204.1
    assert rig.light.line_as_set_mhz(85, None) == pytest.approx(rest_mhz + 260.0, abs=0.1)
    counter = rig.config.model_copy(update={"geometry": "counter"})
    against = LightControl(rig.instruments, counter, axis_of(counter))
    assert against.line_as_set_mhz(85, None) == pytest.approx(rest_mhz - 260.0, abs=0.1)
    assert rig.light.line_as_set_mhz(84, None) == pytest.approx(290.0)


def test_a_line_is_named_by_its_momenta(rig: Any) -> None:
    target = rig.light.resolve(Target(line="9/2-11/2"), 85)
    assert target.detuning_mhz == pytest.approx(-471.3 + 260.0, abs=0.1)
    with pytest.raises(OutOfRange, match="its lines are"):
        rig.light.resolve(Target(line="3/2-5/2"), 85)


def test_a_lost_lock_is_no_reading(rig: Any) -> None:
    lock = rig.instruments.lock
    lock.answers["status"] = replace(lock.answers["status"], locked=False, reason="mode hop?")
    with pytest.raises(DeviceFault, match="mode hop"):
        rig.light.read()
