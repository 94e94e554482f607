"""The software lock over an hour of rig time, judged by the simulated world's own frequency."""

import numpy as np
import pytest
from stcl_bench import Bench

MHZ_PER_RATIO = 3000.0 * 0.9906


def held(bench: Bench, duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the laser from its setpoint at every sweep (MHz): the mean frequency, and with the
    jitter of single ramps; a lost sweep fails."""
    target_mhz = bench.world.cavity.detuning_of(bench.core.setpoint)
    mean, instant = [], []
    end_s = bench.now_s + duration_s
    while bench.now_s < end_s:
        bench.run(1)
        assert bench.core.state.value == "locked", bench.core.status().reason
        mean.append(bench.true_mhz() - target_mhz)
        instant.append(bench.world.cavity.detuning_mhz() - target_mhz)
    return np.array(mean), np.array(instant)


def rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


@pytest.mark.soak
@pytest.mark.parametrize("period_s", [0.05, 0.1, 0.2])
def test_an_hour_with_drift_and_jitter(period_s: float) -> None:
    """Cavity and laser both wander by 10 MHz a minute, each ramp jitters by the default truth."""
    bench = Bench(7, period_s, drift_mhz_per_min=10.0, laser_drift_mhz_per_min=10.0).lock()
    bench.jump(0.30)
    mean, instant = held(bench, 3600.0)
    print(
        f"\n{1 / period_s:.0f} Hz: {rms(instant):.3f} MHz rms with jitter, {rms(mean):.3f} without"
    )
    assert rms(instant) < 1.0


@pytest.mark.soak
def test_an_hour_without_the_kicks_of_the_drift() -> None:
    """The mean frequency of each sweep: the jitter of single ramps, which no lock can follow, is
    0.5 MHz by itself."""
    bench = Bench(8, 0.1, drift_mhz_per_min=0.0, laser_drift_mhz_per_min=0.0).lock()
    bench.jump(0.30)
    mean, _ = held(bench, 3600.0)
    print(f"\nwithout drift: {rms(mean):.3f} MHz rms, offset {mean.mean():+.3f} MHz")
    assert rms(mean) < 0.3


@pytest.mark.soak
def test_fifty_jumps_of_500_mhz_land_within_1_mhz() -> None:
    """Twenty of them across an order; the frequency is averaged over 2 s after landing."""
    step = 500.0 / MHZ_PER_RATIO
    worst = 0.0
    for seed in range(10):
        bench = Bench(100 + seed).lock()
        for ratio in (0.10, 0.10 - step, 0.10, 0.10 + step, 0.10 + 2 * step, 0.10 + step):
            bench.jump(ratio, 40)
            assert bench.core.state.value == "locked", bench.core.status().reason
            mean, _ = held(bench, 2.0)
            worst = max(worst, abs(float(mean.mean())))
    print(f"\nworst landing {worst:.3f} MHz")
    assert worst < 1.0
