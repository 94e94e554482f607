import pytest

from simulators.clock import RigClock
from simulators.rig import SimulatedRig
from simulators.truth import Truth
from simulators.world.world import World

ZERO_RATIO = Truth().cavity.ratio_at_zero


@pytest.fixture
def rig(wall) -> SimulatedRig:
    """Not started: no instrument listens."""
    world = World(Truth(), RigClock(1.0, wall), 1)
    world.light.set_seed(enabled=True)
    world.light.set_amplifier(enabled=True, current_ma=2500.0)
    world.cavity.firmware.end_startup()
    wall.pass_(20.0)
    return SimulatedRig(world)


def test_everything_is_well_at_first(rig) -> None:
    status = rig.status()
    assert status["power_mw"] == pytest.approx(500.0, rel=0.02)
    assert status["lock_error"] == 0
    assert status["detuning_mhz"] == pytest.approx((1230 / 2400 - ZERO_RATIO) * 2971.8, abs=5.0)
    assert status["damage_dose_a_s"] == 0.0
    assert status["amplifier_destroyed"] is False


def test_the_amplifier_trips(rig) -> None:
    rig.fault("amplifier", "trip", {"reason": "over-temperature"})
    assert rig.status()["amplifier_current_ma"] == 0.0
    assert rig.status()["amplifier_trip"] == "over-temperature"
    assert rig.status()["seed_power_mw"] == pytest.approx(20.0)


def test_the_seed_is_lost_slowly(rig, wall) -> None:
    rig.fault("amplifier", "seed_loss", {"kept": 0.6, "decay_s": 2.0})
    wall.pass_(60.0)
    assert rig.status()["seed_power_mw"] == pytest.approx(12.0)
    assert rig.status()["amplifier_trip"] == ""
    rig.fault("amplifier", "seed_loss", {"kept": 0.4, "decay_s": 2.0})
    wall.pass_(60.0)
    assert rig.status()["amplifier_trip"] == "seed power too low"


def test_the_interlock_opens(rig) -> None:
    rig.fault("amplifier", "interlock_open", {})
    assert rig.status()["power_mw"] == 0.0
    assert rig.status()["lock_error"] == -14


def test_the_laser_hops(rig, wall) -> None:
    before_mhz = rig.status()["detuning_mhz"]
    rig.fault("lock", "mode_hop", {"jump_mhz": -4000.0})
    assert rig.status()["detuning_mhz"] == pytest.approx(before_mhz - 4000.0, abs=5.0)
    assert rig.status()["lock_error"] == -14
    wall.pass_(10.0)
    assert rig.status()["lock_error"] == -14


def test_the_cavity_jumps(rig, wall) -> None:
    rig.fault("lock", "cavity_jump", {"mhz": 1500.0})
    assert rig.status()["lock_error"] == -12
    rig.fault("lock", "cavity_jump", {"mhz": -1500.0})
    wall.pass_(20.0)
    assert rig.status()["lock_error"] == 0


@pytest.mark.parametrize(
    "parameters", [{"kept": 2.0}, {"decay_s": 0.0}, {"kept": "all"}, {"kept": True}, {"often": 1}]
)
def test_impossible_parameters_are_refused(rig, parameters) -> None:
    with pytest.raises(ValueError, match=next(iter(parameters))):
        rig.fault("amplifier", "seed_loss", parameters)
