import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import RigClock
from simulators.truth import Light, Truth
from simulators.world.seed import SeedDiode
from simulators.world.world import World

QUIET = {"power_noise": 0.0, "seed_noise": 0.0}
FULL_MW = 1000.0 * 0.35 * (2.5 - 0.8)


def lit(world, current_ma=2500.0):
    world.light.set_seed(enabled=True)
    world.light.set_amplifier(enabled=True, current_ma=current_ma)
    return world.light


def test_everything_is_dark_at_the_start(make_world) -> None:
    light = make_world().light
    assert light.seed_power_mw() == 0.0
    assert light.output_power_mw() == 0.0
    assert light.field().power_mw == 0.0


def test_full_current_gives_half_a_watt_at_the_atoms_once_warm(make_world, wall) -> None:
    light = lit(make_world(light=QUIET))
    assert light.seed_power_mw() == pytest.approx(20.0)
    wall.pass_(60.0)
    assert light.output_power_mw() == pytest.approx(FULL_MW)
    assert light.field().power_mw == pytest.approx(0.84 * FULL_MW)


def test_a_cold_chip_gives_more(make_world, wall) -> None:
    light = lit(make_world(light=QUIET))
    cold_mw = light.output_power_mw()
    assert cold_mw == pytest.approx(1.03 * FULL_MW)
    wall.pass_(2.0)
    assert light.output_power_mw() == pytest.approx(FULL_MW * (1.0 + 0.03 / np.e))


def test_below_threshold_it_gives_nothing(make_world, wall) -> None:
    light = lit(make_world(light=QUIET), current_ma=790.0)
    wall.pass_(1.0)
    assert light.output_power_mw() == 0.0


def test_the_seed_saturates_the_chip(make_world, wall) -> None:
    light = lit(make_world(light=QUIET))
    wall.pass_(60.0)
    light.set_seed(current_ma=65.0)
    assert light.seed_power_mw() == pytest.approx(10.0)
    assert light.field().power_mw == pytest.approx(
        0.84 * FULL_MW * (1 - np.exp(-3)) / (1 - np.exp(-6))
    )


def test_power_noise_has_its_size(make_world, wall) -> None:
    light = lit(make_world(light={"power_noise": 0.01, "power_noise_time_s": 0.1}))
    wall.pass_(60.0)
    powers = []
    for _ in range(2000):
        wall.pass_(1.0)
        powers.append(light.output_power_mw())
    assert np.std(powers) / np.mean(powers) == pytest.approx(0.01, rel=0.08)


def test_the_seed_protects_from_damage(make_world, wall) -> None:
    light = lit(make_world())
    wall.pass_(36000.0)
    light.advance()
    assert light.amplifier.dose_a_s == 0.0


def disarmed(world):
    light = lit(world)
    light.set_guard(seed_limits_delay_s=0.0, seedonly_delay_s=0.0)
    return light


def test_without_seed_and_guard_it_is_destroyed_in_its_time_and_for_good(make_world, wall) -> None:
    light = disarmed(make_world(light=QUIET))
    light.set_seed(enabled=False)
    wall.pass_(0.29)
    light.advance()
    assert not light.amplifier.destroyed
    wall.pass_(0.02)
    light.advance()
    assert light.amplifier.destroyed
    light.set_seed(enabled=True)
    light.set_amplifier(enabled=True)
    wall.pass_(60.0)
    assert light.output_power_mw() == pytest.approx(0.02 * FULL_MW)


def test_without_seed_the_ceiling_is_harmless(make_world, wall) -> None:
    light = disarmed(make_world())
    light.set_amplifier(current_ma=300.0)
    light.set_seed(enabled=False)
    wall.pass_(1e5)
    light.advance()
    assert light.amplifier.dose_a_s == 0.0


def test_an_unseeded_chip_shines_broadband_and_nothing_on_the_line(make_world, wall) -> None:
    light = disarmed(make_world(light={**QUIET, "damage_time_s": 1e9}))
    light.set_seed(enabled=False)
    wall.pass_(60.0)
    assert light.output_power_mw() == pytest.approx(0.1 * FULL_MW)
    assert light.field().power_mw == 0.0


def test_lost_seed_light_shuts_the_amplifier_down_after_the_delay(make_world, wall) -> None:
    light = lit(make_world())
    light.lose_seed(kept=0.0, decay_s=1e-3)
    wall.pass_(0.04)
    light.advance()
    assert light.amplifier.enabled
    wall.pass_(10.0)
    light.advance()
    assert not light.amplifier.enabled
    assert light.amplifier_trip == "seed power too low"
    assert light.seed_limits.status(light.seed_limits.delay_s, 0.0)[1] == "shutdown"
    # Below half of the power for 50 ms; what is still there then adds up to 1 ms of the minimum.
    missing_s = 0.05 - 1e-3
    assert light.amplifier.dose_a_s == pytest.approx(2.2 * missing_s, rel=1e-4)
    assert not light.amplifier.destroyed


def test_a_dead_diode_is_seen_by_the_second_guard_alone(make_world, wall) -> None:
    light = lit(make_world())
    light.set_guard(seed_limits_delay_s=0.0, seedonly_delay_s=0.1)
    light.lose_seed()
    wall.pass_(0.2)
    light.advance()
    assert light.amplifier.enabled, "light is lost, but the diode emits"
    light.set_seed(enabled=False)
    wall.pass_(0.11)
    light.advance()
    assert light.amplifier_trip == "amplifier without seed"


def test_a_seed_that_returns_in_time_resets_the_timer(make_world, wall) -> None:
    light = lit(make_world())
    for _ in range(5):
        light.lose_seed()
        wall.pass_(0.03)
        light.recover_seed()
        wall.pass_(0.03)
    light.advance()
    assert light.amplifier.enabled
    assert light.amplifier.dose_a_s > 0.0


def test_the_guard_runs_in_rig_time(make_world, wall) -> None:
    light = lit(make_world(speed=100.0))
    light.lose_seed()
    wall.pass_(0.0004)
    light.advance()
    assert light.amplifier.enabled
    wall.pass_(0.0002)
    light.advance()
    assert not light.amplifier.enabled


@settings(max_examples=30, deadline=None)
@given(
    cuts=st.lists(st.floats(0.001, 0.2), max_size=12),
    decay_s=st.floats(0.001, 0.5),
    kept=st.floats(0.0, 0.9),
)
def test_what_happens_does_not_depend_on_who_looks(cuts, decay_s, kept) -> None:
    def run(times: list[float]) -> tuple[float, bool, str]:
        now = [1.8e9]
        light = lit(World(Truth(), RigClock(1.0, lambda: now[0]), 1))
        light.lose_seed(kept, decay_s)
        for t in times:
            now[0] = 1.8e9 + t
            light.advance()
        return light.amplifier.dose_a_s, light.amplifier.enabled, light.amplifier_trip

    often, once = run(sorted([*cuts, 1.0])), run([1.0])
    assert often[1:] == once[1:]
    assert often[0] == pytest.approx(once[0], rel=1e-4, abs=1e-7)


def test_an_open_interlock_stops_all_light_until_the_button(make_world, wall) -> None:
    light = lit(make_world(light=QUIET))
    wall.pass_(1.0)
    light.set_interlock(True)
    assert light.output_power_mw() == 0.0
    assert light.seed_power_mw() == 0.0
    light.set_interlock(False)
    assert light.output_power_mw() == 0.0
    light.set_emission_button(True)
    assert light.output_power_mw() > 0.9 * FULL_MW


def test_the_modulator_has_its_depth_only_with_rf(make_world) -> None:
    light = make_world().light
    light.set_rf(230.0, 4.139, True)
    field = light.field()
    assert field.sideband_frequency_mhz == 230.0
    assert field.sideband_depth == pytest.approx(0.4, abs=1e-3)
    light.set_rf(230.0, 4.139, False)
    assert light.field().sideband_depth == 0.0


@settings(max_examples=50, deadline=None)
@given(
    kept=st.floats(0.0, 1.0),
    decay_s=st.floats(0.01, 10.0),
    start_s=st.floats(0.0, 5.0),
    span_s=st.floats(0.01, 5.0),
    minimum_mw=st.floats(0.1, 40.0),
)
def test_the_missing_share_is_integrated_exactly(kept, decay_s, start_s, span_s, minimum_mw):
    seed = SeedDiode(Light())
    seed.enabled = True
    seed.lose(1.0, kept, decay_s)
    start_s += 1.0
    times_s, width_s = np.linspace(start_s, start_s + span_s, 401, retstep=True)
    missing = [max(0.0, 1.0 - seed.power_mw(t) / minimum_mw) for t in times_s]
    numeric_s = np.trapezoid(missing, dx=width_s)
    exact_s = seed.deficit_s(minimum_mw, start_s, start_s + span_s)
    assert exact_s == pytest.approx(numeric_s, abs=1e-3 * span_s)
