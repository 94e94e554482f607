"""The lock on the simulated cavity, stepped by hand; the world's own frequency judges."""

import dataclasses

import numpy as np
import pytest
from stcl_bench import SETTINGS, Bench

from atta_daq.physics.sidebands import power_dbm_from_depth
from drivers.errors import DeviceFault, OutOfRange
from drivers.interfaces import Range
from drivers.stcl.core import LockCore, LockState
from drivers.stcl.loss import Loss
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import ScanTraces

MHZ_PER_RATIO = 3000.0 * 0.9906
STEP_500 = 500.0 / MHZ_PER_RATIO


def settings_with(**changes) -> StclSettings:
    return dataclasses.replace(SETTINGS, **changes)


def mean_error_mhz(bench: Bench, sweeps: int = 20) -> float:
    """Mean of the true frequency less that of the setpoint."""
    target = bench.world.cavity.detuning_of(bench.core.setpoint)
    errors = []
    for _ in range(sweeps):
        bench.run(1)
        errors.append(bench.true_mhz() - target)
    return float(np.mean(errors))


def test_it_locks_where_the_laser_stands_and_holds_it_against_drift() -> None:
    bench = Bench(1, drift_mhz_per_min=10.0, laser_drift_mhz_per_min=10.0).lock()
    assert bench.core.setpoint == pytest.approx(bench.true_ratio(), abs=1e-3)
    target = bench.world.cavity.detuning_of(bench.core.setpoint)
    errors = []
    for _ in range(600):
        bench.run(1)
        errors.append(bench.world.cavity.detuning_mhz() - target)
    assert np.sqrt(np.mean(np.square(errors))) < 1.0
    status = bench.core.status()
    assert status.locked
    assert status.ratio == pytest.approx(bench.core.setpoint, abs=2e-4)


def test_without_the_kicks_of_the_drift_it_adds_less_than_300_khz() -> None:
    bench = Bench(2, drift_mhz_per_min=0.0, laser_drift_mhz_per_min=0.0).lock()
    target = bench.world.cavity.detuning_of(bench.core.setpoint)
    errors = []
    for _ in range(400):
        bench.run(1)
        errors.append(bench.true_mhz() - target)
    assert np.sqrt(np.mean(np.square(errors))) < 0.3


@pytest.mark.parametrize("start", [0.10, 0.30, 0.60])
def test_jumps_of_500_mhz_land_within_1_mhz_also_across_an_order(start) -> None:
    bench = Bench(3).lock()
    bench.jump(start)
    for ratio in (start - STEP_500, start, start + STEP_500):
        bench.jump(ratio, 40)
        assert bench.core.state is LockState.LOCKED, bench.core.status().reason
        assert abs(mean_error_mhz(bench)) < 1.0
        assert bench.core.status().ratio == pytest.approx(ratio, abs=3e-4)


def test_the_first_jump_across_an_order_is_one() -> None:
    """The ratio of the peaks themselves comes back from the other side, 1/0.9906 farther."""
    bench = Bench(3).lock()
    bench.jump(0.10)
    bench.jump(0.10 - STEP_500)
    sweep = bench.core.sweep
    assert sweep is not None
    middle = min(sweep.rising.slaves, key=lambda p: abs(p.position - 0.5))
    assert sweep.rising.ratio(middle) == pytest.approx(0.10 - STEP_500 + 1 / 0.9906, abs=0.01)


def test_a_peak_at_the_turning_point_of_the_ramp_does_no_harm() -> None:
    """Near ratios of 0.15 and 0.86 another order of the slave stands where the ramp turns."""
    bench = Bench(3).lock()
    for ratio in (*np.arange(0.09, 0.22, 0.004), *np.arange(0.78, 0.95, 0.004)):
        bench.jump(float(ratio), 12)
        assert bench.core.loss is None, bench.core.status().reason
        assert bench.core.status().locked


def test_a_new_lock_finds_the_order_of_a_laser_that_an_old_one_left_in_another() -> None:
    bench = Bench(3).lock()
    bench.jump(-0.07)
    bench.core = bench.loop.core = LockCore(SETTINGS, outputs=bench.core.outputs)
    bench.lock()
    assert bench.core.setpoint == pytest.approx(-0.07, abs=2e-3)
    bench.jump(0.3)
    assert abs(mean_error_mhz(bench)) < 1.0


@pytest.mark.parametrize("ratio", [0.0, 0.03, 0.97, 1.0, 1.02, -0.02])
def test_a_setpoint_too_near_a_master_peak_is_refused(ratio) -> None:
    bench = Bench(1).lock()
    before = bench.core.outputs
    with pytest.raises(OutOfRange, match="master peak"):
        bench.core.go_to(ratio)
    assert bench.core.outputs == before


def test_setpoints_out_of_range_or_of_the_actuators_reach_are_refused() -> None:
    bench = Bench(1).lock()
    with pytest.raises(OutOfRange, match=r"outside -0\.9 to 1\.9"):
        bench.core.go_to(2.5)
    with pytest.raises(OutOfRange, match="V on the laser's actuator"):
        bench.core.go_to(1.5)
    with pytest.raises(DeviceFault, match="relock it first"):
        LockCore(SETTINGS).go_to(0.4)


def test_ramp_polarity_may_be_known_to_be_negative() -> None:
    """A lab that calibrated a falling scale holds as well."""
    bench = Bench(4, settings=settings_with(ratio_per_v=-0.74), ratio_sign=-1).lock()
    bench.jump(0.3)
    assert bench.core.state is LockState.LOCKED
    assert abs(mean_error_mhz(bench)) < 1.0


def test_rising_and_falling_ramp_differ_by_the_hysteresis_and_their_mean_does_not() -> None:
    bench = Bench(5, hysteresis=0.03, laser_jitter_mhz=0.0).lock()
    sweep = bench.core.sweep
    assert sweep is not None
    up = sweep.rising.ratio(sweep.rising.slaves[0])
    down = sweep.falling.ratio(sweep.falling.slaves[0])
    assert up - down > 0.01
    assert 0.5 * (up + down) == pytest.approx(bench.true_ratio(), abs=5e-4)


# --- loss -----------------------------------------------------------------------------------------


def held_after(bench: Bench, sweeps: int = 4) -> str:
    """Run; the kind of loss, after seeing that the laser's actuator did not move any more."""
    for _ in range(sweeps):
        before = bench.core.outputs.laser_v
        bench.run(1)
        if bench.core.state is LockState.LOST:
            assert bench.core.outputs.laser_v == before
            held = bench.core.outputs.laser_v
            bench.run(5)
            assert bench.core.outputs.laser_v == held
            assert not bench.core.status().locked
            assert bench.core.loss is not None
            assert bench.core.loss.text in bench.core.status().reason
            return bench.core.loss.kind
    return ""


def steady(**truth) -> Bench:
    return Bench(6, settings=settings_with(auto_relock=False), **truth).lock()


def test_seed_off_is_a_power_drop() -> None:
    bench = steady()
    bench.world.light.set_seed(enabled=False)
    assert held_after(bench) == "power drop"


def test_a_fading_seed_is_a_power_drop() -> None:
    bench = steady()
    light = bench.world.truth.light
    above_ma = light.seed_current_ma - light.seed_threshold_ma
    bench.world.light.set_seed(current_ma=light.seed_threshold_ma + 0.4 * above_ma)
    assert held_after(bench) == "power drop"


def test_a_mode_hop_is_a_jump_or_a_missing_peak() -> None:
    bench = steady()
    bench.world.cavity.hop(5000.0, multimode=False)
    assert held_after(bench) == "jump"
    bench = steady()
    bench.world.cavity.hop(5000.0, multimode=True)
    assert held_after(bench) == "power drop"


def test_a_jump_of_the_cavity() -> None:
    bench = steady()
    bench.world.cavity.jump(150.0)
    assert held_after(bench) == "cavity jump"


@pytest.mark.parametrize("cavity_mhz", [-2950.0, -3000.0, 2950.0, 3000.0, 3050.0])
def test_a_jump_of_the_cavity_by_one_order_is_a_step_of_28_mhz(cavity_mhz) -> None:
    """The masters stand where they stood; only the slave's peak has moved, by 0.0095."""
    bench = steady()
    bench.jump(0.45)
    before_mhz = bench.true_mhz()
    bench.world.cavity.jump(cavity_mhz)
    assert held_after(bench, 1) == "jump"
    assert "another order" in bench.core.status().reason
    assert bench.true_mhz() == pytest.approx(before_mhz, abs=3.0), "not led 28 MHz away"


@pytest.mark.parametrize("hop_mhz", [2975.0, 3025.0])
def test_a_hop_of_the_laser_near_one_order_is_a_step(hop_mhz) -> None:
    bench = steady()
    bench.world.cavity.hop(hop_mhz, multimode=False)
    assert held_after(bench, 1) == "jump"


def test_the_scatter_of_sweeps_is_no_step() -> None:
    """At the slowest rate and with drift a sweep stays three times within the step's limit."""
    bench = Bench(4, 0.2, drift_mhz_per_min=10.0, laser_drift_mhz_per_min=10.0).lock()
    errors = []
    for _ in range(300):
        bench.run(1)
        errors.append(bench.core.errors[-1])
    assert bench.core.state is LockState.LOCKED
    assert np.abs(np.diff(errors)).max() < SETTINGS.limits.step_ratio / 3.0


def test_a_master_that_leaves_the_ramp_is_missed() -> None:
    bench = steady()
    bench.world.cavity.jump(900.0)
    assert held_after(bench) == "peak count"


def test_the_same_record_again_is_stale() -> None:
    bench = steady()
    bench.frozen_record = bench.record_sweep()
    assert held_after(bench) == "stale"


def test_the_same_record_again_is_stale_in_the_probe_of_the_wiring_too() -> None:
    """No fault of the wiring, for which somebody would look at the cables of the actuator."""
    bench = Bench(6, settings=settings_with(auto_relock=False))
    rest_v = bench.core.outputs.laser_v
    bench.core.relock(probe=True)
    while bench.core.outputs.laser_v == rest_v:
        bench.run(1)
    bench.frozen_record = bench.loop.traces
    bench.run(2)
    assert bench.core.loss is not None
    assert bench.core.loss.kind == "stale"
    assert bench.core.outputs.laser_v == rest_v
    bench.frozen_record = None
    bench.lock()


def test_no_sweep_for_two_seconds_is_stale() -> None:
    bench = steady()
    held = bench.core.outputs
    bench.core.step(None, bench.now_s + 1.5)
    assert bench.core.state is LockState.LOCKED
    bench.core.step(None, bench.now_s + 2.5)
    assert bench.core.loss is not None
    assert bench.core.loss.kind == "stale"
    assert bench.core.outputs == held


def test_the_actuator_near_its_rail() -> None:
    bench = steady()
    # The laser's own piezo pulls away by 10 MHz a sweep; the lock's actuator has to follow.
    kind = ""
    for step in range(300):
        bench.world.cavity.set_piezo(70.0 + 0.1 * step)
        bench.run(1)
        if bench.core.loss is not None:
            kind = bench.core.loss.kind
            break
    assert kind == "rail"
    assert abs(bench.core.outputs.laser_v) > 0.89


@pytest.mark.parametrize(
    ("channel", "factor", "kind"),
    [("master", 0.5, "height"), ("master", 1.41, "height"), ("slave", 0.5, "power drop")],
)
def test_heights_out_of_their_band(channel, factor, kind) -> None:
    limits = dataclasses.replace(SETTINGS.limits, height_share=Range(0.6, 1.3), clipped_v=2.0)
    bench = Bench(6, settings=settings_with(auto_relock=False, limits=limits)).lock()
    traces = bench.record_sweep()
    values = {f"{channel}_v": factor * getattr(traces, f"{channel}_v")}
    bench.frozen_record = dataclasses.replace(traces, **values)
    assert held_after(bench, 1) == kind


def test_a_clipped_trace() -> None:
    bench = steady()
    traces = bench.record_sweep()
    bench.frozen_record = dataclasses.replace(traces, master_v=np.minimum(2 * traces.master_v, 1.0))
    assert held_after(bench, 1) == "height"
    assert "clipped" in bench.core.status().reason


def stretched(traces: ScanTraces, factor: float) -> ScanTraces:
    """The master's trace stretched about the middle of its passes."""
    n = traces.master_v.size
    samples = np.arange(n, dtype=float)
    period = 1.0 / (SETTINGS.ramp_hz * traces.dt_s)
    volts = traces.master_v.copy()
    for middle in (0.5 * period, period):
        inside = np.abs(samples - middle) <= 0.25 * period
        at = middle + (samples[inside] - middle) / factor
        volts[inside] = np.interp(at, samples, traces.master_v)
    return dataclasses.replace(traces, master_v=volts)


def test_a_wrong_spacing() -> None:
    bench = steady()
    bench.frozen_record = stretched(bench.record_sweep(), 1.04)
    assert held_after(bench, 1) == "master spacing"
    bench = steady()
    bench.frozen_record = stretched(bench.record_sweep(), 0.96)
    assert held_after(bench, 1) == "master spacing"


def test_a_wide_peak() -> None:
    bench = steady()
    spoil_width(bench)
    assert held_after(bench, 1) == "width"


# --- relock ---------------------------------------------------------------------------------------


def test_it_comes_back_by_itself_and_says_that_the_mode_is_unchecked() -> None:
    bench = Bench(7).lock()
    bench.jump(0.3)
    bench.world.cavity.hop(5000.0, multimode=True)
    bench.run(120)
    assert bench.core.state is LockState.LOCKED
    assert not bench.core.status().locked
    assert "mode" in bench.core.status().reason
    bench.core.mode_checked("")
    assert bench.core.status().locked
    assert abs(mean_error_mhz(bench)) < 1.0


def spoil_height(bench: Bench) -> None:
    traces = bench.record_sweep()
    bench.frozen_record = dataclasses.replace(traces, master_v=0.5 * traces.master_v)


def spoil_width(bench: Bench) -> None:
    traces = bench.record_sweep()
    smeared = np.convolve(traces.slave_v, np.ones(31) / 31, mode="same") * 1.4
    bench.frozen_record = dataclasses.replace(traces, slave_v=smeared)


def spoil_spacing(bench: Bench) -> None:
    bench.frozen_record = stretched(bench.record_sweep(), 1.04)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda bench: bench.world.cavity.jump(150.0), "cavity jump"),
        # Relocked on another order of the master: 28 MHz off at the old ratio.
        (lambda bench: bench.world.cavity.jump(2900.0), "cavity jump"),
        (spoil_height, "height"),
        (spoil_width, "width"),
        (spoil_spacing, "master spacing"),
        (lambda bench: bench.core.lose(Loss("rail", "test")), "rail"),
        (lambda bench: bench.core.lose(Loss("landing", "test")), "landing"),
    ],
)
def test_after_a_loss_that_may_hide_a_change_of_order_the_mode_is_doubted(spoil, kind) -> None:
    bench = Bench(7).lock()
    bench.jump(0.45)
    spoil(bench)
    if bench.core.state is not LockState.LOST:
        bench.run(1)
    assert bench.core.loss is not None
    assert bench.core.loss.kind == kind
    bench.frozen_record = None
    bench.run(120)
    assert bench.core.state is LockState.LOCKED, bench.core.status().reason
    assert "mode has not been checked" in bench.core.status().reason
    assert not bench.core.status().locked
    bench.core.mode_checked("")
    assert bench.core.status().locked


@pytest.mark.parametrize(("moved_mhz", "doubted"), [(0.0, False), (25.0, True)])
def test_after_a_silence_only_a_laser_that_has_moved_is_doubted(moved_mhz, doubted) -> None:
    bench = Bench(7).lock()
    bench.jump(0.45)
    bench.core.lose(Loss("stale", "test"))
    bench.world.cavity.hop(moved_mhz, multimode=False)
    bench.run(60)
    assert bench.core.state is LockState.LOCKED, bench.core.status().reason
    assert bench.core.status().locked is not doubted


def test_a_wrong_mode_is_lost_and_tried_again_a_few_times() -> None:
    bench = Bench(8).lock()
    for _ in range(SETTINGS.relock_attempts):
        bench.core.mode_checked("no line of krypton here")
        assert bench.core.state is LockState.LOST
        bench.run(60)
        assert bench.core.state is LockState.LOCKED
    bench.core.mode_checked("no line of krypton here")
    bench.run(100)
    assert bench.core.state is LockState.LOST


def test_after_a_jump_of_the_cavity_it_finds_its_masters() -> None:
    bench = Bench(9).lock()
    bench.world.cavity.jump(700.0)
    bench.run(150)
    assert bench.core.state is LockState.LOCKED, bench.core.status().reason
    assert abs(mean_error_mhz(bench)) < 1.0


def test_frozen_it_moves_nothing() -> None:
    bench = Bench(10).lock()
    bench.core.freeze()
    held = bench.core.outputs
    bench.world.cavity.hop(30.0, multimode=False)
    bench.run(30)
    assert bench.core.outputs == held
    assert bench.core.status().reason.startswith("frozen")
    bench.core.relock()
    bench.run(40)
    assert bench.core.state is LockState.LOCKED


def test_frozen_while_its_mode_is_checked_it_stays_frozen() -> None:
    bench = Bench(10).lock()
    bench.core.freeze()
    held = bench.core.outputs
    bench.core.mode_checked("no line of krypton here")
    bench.run(60)
    assert bench.core.state is LockState.FROZEN
    assert bench.core.outputs == held
    bench.core.relock()
    bench.run(60)
    assert bench.core.state is LockState.LOCKED
    assert "no line of krypton here" in bench.core.status().reason


def test_lost_while_its_mode_is_checked_it_is_doubted_all_the_same() -> None:
    bench = Bench(10).lock()
    bench.core.lose(Loss("jump", "test"))
    bench.core.mode_checked("")
    bench.run(60)
    assert bench.core.state is LockState.LOCKED
    assert not bench.core.status().locked


# --- wiring ---------------------------------------------------------------------------------------


def acquired(bench: Bench) -> str:
    bench.core.relock(probe=True)
    bench.run(60)
    assert bench.core.loss is not None, "the fault was not seen"
    return bench.core.loss.kind


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("start_mhz", [120.0, -350.0])
@pytest.mark.parametrize(
    ("switch", "kind"),
    [("swapped_photodiodes", "swapped photodiodes"), ("inverted_ramp", "ramp polarity")],
)
def test_wiring_faults_are_named(switch, kind, start_mhz, seed) -> None:
    bench = Bench(seed, laser_start_mhz=start_mhz)
    setattr(bench.world.scan, switch, True)
    assert acquired(bench) == kind
    attempts = bench.core.outputs
    bench.run(40)
    assert bench.core.state is LockState.LOST, "cables do not mend themselves"
    assert bench.core.outputs.laser_v == attempts.laser_v


@pytest.mark.parametrize(
    ("switch", "kind"),
    [("swapped_photodiodes", "swapped photodiodes"), ("inverted_ramp", "ramp polarity")],
)
def test_cables_changed_while_it_is_locked_are_named_by_its_own_attempt(switch, kind) -> None:
    bench = Bench(1).lock()
    bench.jump(0.3)
    setattr(bench.world.scan, switch, True)
    bench.run(100)
    assert bench.core.state is LockState.LOST
    assert bench.core.loss is not None
    assert bench.core.loss.kind == kind


def test_an_actuator_that_leads_nowhere() -> None:
    bench = Bench(1, board_laser_mhz_per_v=1e-3)
    assert acquired(bench) == "actuator"


@pytest.mark.parametrize("frequency_mhz", [60.0, 230.0, 700.0])
@pytest.mark.parametrize("depth", [0.4, 1.0, 1.2, 1.4, 1.6])
def test_a_pickoff_behind_the_eom(depth, frequency_mhz) -> None:
    """From 4 % of the carrier's height to higher than the carrier; close ones follow the probe's
    stroke like another's, wide ones are bent by the piezo's hysteresis."""
    bench = Bench(1)
    bench.world.light.set_rf(frequency_mhz, power_dbm_from_depth(depth, 4.0), on=True)
    bench.world.scan.pickoff_after_eom = True
    assert acquired(bench) == "sidebands"
    assert "behind the EOM" in bench.core.status().reason


def test_rf_that_is_switched_on_behind_the_eom_while_it_is_locked() -> None:
    bench = steady()
    bench.world.scan.pickoff_after_eom = True
    bench.world.light.set_rf(230.0, power_dbm_from_depth(1.4, 4.0), on=True)
    assert held_after(bench) == "sidebands"


def test_sidebands_behind_the_pickoff_do_no_harm() -> None:
    bench = Bench(1)
    bench.world.light.set_rf(230.0, 12.1, on=True)
    bench.lock()
