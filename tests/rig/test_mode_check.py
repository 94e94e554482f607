"""The mode of the lock, told by the reference cell of the simulated world."""

import math

import numpy as np
import pytest

from atta_daq.calibration.axis import AxisCalibration
from atta_daq.rig.mode_check import CellModeCheck
from drivers.errors import DeviceFault
from drivers.interfaces import LockStatus, Trace
from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.world import World


class Lab:
    """A lock that lands exactly where it is told, some MHz off in truth, and the cell there."""

    def __init__(self, off_mhz: float) -> None:
        self.now_s = 1.8e9
        self.world = World(Truth(), RigClock(1.0, lambda: self.now_s), 4)
        self.world.light.set_seed(enabled=True)
        self.axis = AxisCalibration.from_numbers(
            fsr_mhz=3000.0, fsr_error_mhz=1.0, sign=1, zero_ratio=0.40, zero_error_mhz=1.0
        )
        self.off_mhz = off_mhz
        self.detuning_mhz = math.nan
        self.visited: list[float] = []
        self._noise = np.random.default_rng(5)

    def go_to(self, ratio: float) -> LockStatus:
        self.visited.append(ratio)
        self.detuning_mhz = self.axis.ratio_to_detuning(ratio) + self.off_mhz
        return LockStatus(True, "", ratio, ratio, 1e-4, 0.5)

    def read_signal(self, duration_s: float) -> Trace:
        volts = self.world.cell.spectrum_v(np.full(1000, self.detuning_mhz))
        return Trace(volts + 0.005 * self._noise.standard_normal(1000), duration_s / 1000, None)

    def check(self, zero_error_mhz: float = 1.0) -> str:
        checker = CellModeCheck(self, lambda: self.axis, zero_error_mhz, 0.01)  # type: ignore[arg-type]
        return checker(self.go_to)


def test_the_right_mode() -> None:
    assert Lab(0.0).check() == ""
    assert Lab(6.0).check() == ""


@pytest.mark.parametrize("orders", [-2, -1, 1, 2])
def test_whole_orders_off_the_cell_is_dark(orders) -> None:
    assert "no 84Kr line" in Lab(3000.0 * orders).check()


@pytest.mark.parametrize("orders", [-1, 1])
def test_another_order_of_the_master_shifts_the_line(orders) -> None:
    """One order of the master is 1 in ratio, one of the slave 1.0095: 28 MHz."""
    shift_mhz = orders * (1.0 / 0.9906 - 1.0) * 3000.0 * 0.9906
    assert abs(shift_mhz) == pytest.approx(28.2, abs=0.1)
    assert "84Kr line stands at" in Lab(shift_mhz).check()


def test_a_zero_that_is_not_known_better_allows_more() -> None:
    assert Lab(30.0).check(zero_error_mhz=15.0) == ""


def test_a_lock_that_does_not_follow_is_its_own_error() -> None:
    lab = Lab(0.0)

    def lost(_ratio: float) -> LockStatus:
        raise DeviceFault("lock", "lost")

    checker = CellModeCheck(lab, lambda: lab.axis, 1.0, 0.01)  # type: ignore[arg-type]
    with pytest.raises(DeviceFault, match="lost"):
        checker(lost)
