"""The mode of the lock, told by the reference cell of the simulated world."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from atta_daq.calibration.axis import AxisCalibration
from atta_daq.rig.config import load_rig
from atta_daq.rig.mode_check import CellModeCheck, mode_check
from atta_daq.station.precheck import axis_of
from drivers.errors import DeviceFault
from drivers.interfaces import LockStatus, Trace
from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.world import World

EXAMPLE = Path(__file__).parents[2] / "examples" / "rig.toml"
ORDER_MHZ = (1.0 / 0.9906 - 1.0) * 3000.0 * 0.9906
"""What one order of the master shifts the line by."""


class Lab:
    """A lock that lands exactly where it is told, some MHz off in truth, and the cell there."""

    def __init__(self, off_mhz: float, zero_error_mhz: float = 1.0) -> None:
        self.now_s = 1.8e9
        self.world = World(Truth(), RigClock(1.0, lambda: self.now_s), 4)
        self.world.light.set_seed(enabled=True)
        self.axis = AxisCalibration.from_numbers(
            fsr_mhz=3000.0,
            fsr_error_mhz=1.0,
            sign=1,
            zero_ratio=0.40,
            zero_error_mhz=zero_error_mhz,
        )
        self.off_mhz = off_mhz
        self.said: list[str] = []
        self._check = CellModeCheck(self, lambda: self.axis, 0.01, self.said.append)  # type: ignore[arg-type]
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

    def check(self) -> str:
        return self._check(self.go_to)


def test_the_right_mode() -> None:
    assert Lab(0.0).check() == ""
    assert Lab(6.0).check() == ""


@pytest.mark.parametrize("orders", [-2, -1, 1, 2])
def test_whole_orders_off_the_cell_is_dark(orders) -> None:
    assert "no 84Kr line" in Lab(3000.0 * orders).check()


@pytest.mark.parametrize("orders", [-1, 1])
def test_another_order_of_the_master_shifts_the_line(orders) -> None:
    """One order of the master is 1 in ratio, one of the slave 1.0095: 28 MHz."""
    assert pytest.approx(28.2, abs=0.1) == ORDER_MHZ
    assert "84Kr line stands at" in Lab(orders * ORDER_MHZ).check()


def of_the_example(off_mhz: float) -> tuple[Lab, CellModeCheck]:
    """The check as the station makes it for the rig file of the examples: zero within 30 MHz."""
    lab = Lab(off_mhz)
    config = load_rig(EXAMPLE)
    lab.axis = axis_of(config)
    instruments = SimpleNamespace(reference_cell=lab)
    return lab, mode_check(instruments, config, lambda: lab.axis, lab.said.append)  # type: ignore[arg-type]


def test_a_guessed_zero_closes_a_fresh_rig_and_is_called_not_verified() -> None:
    lab, check = of_the_example(15.0)
    assert check(lab.go_to) == ""
    assert len(lab.said) == 1
    assert "order of the master is not verified" in lab.said[0]
    assert "known to 30 MHz only" in lab.said[0]
    assert "atta-daq calibrate axis-zero" in lab.said[0]


@pytest.mark.parametrize("orders", [-1, 1])
def test_with_a_guessed_zero_the_line_must_stay_where_it_was_first_seen(orders) -> None:
    lab, check = of_the_example(15.0)
    assert check(lab.go_to) == ""
    lab.off_mhz = 15.0 + 4.0
    assert check(lab.go_to) == ""
    assert len(lab.said) == 1
    lab.off_mhz = 15.0 + orders * ORDER_MHZ
    assert "from where it stood before" in check(lab.go_to)
    lab.off_mhz = 15.0
    assert check(lab.go_to) == "", "a refused place is not remembered"


@pytest.mark.parametrize("off_mhz", [-ORDER_MHZ, -16.0, 16.0, ORDER_MHZ])
def test_the_zero_in_use_counts_not_that_of_the_rig_file(off_mhz) -> None:
    """A run has zeroed since the rig file was written: its error holds from then on."""
    lab, check = of_the_example(off_mhz)
    lab.axis = lab.axis.with_zero(lab.axis.zero.value, 0.3, None, "reference cell, 84Kr")
    assert "another order of the master" in check(lab.go_to)
    assert not lab.said
    lab.off_mhz = 5.0
    assert check(lab.go_to) == ""


def test_another_guess_is_looked_at_anew() -> None:
    """Whoever retires a zero says that the place of the line is unknown: the rig must close."""
    lab, check = of_the_example(15.0)
    assert check(lab.go_to) == ""
    lab.axis = lab.axis.with_zero(lab.axis.zero.value + 0.005, 30.0, None, "rig file")
    lab.off_mhz += ORDER_MHZ
    assert check(lab.go_to) == ""
    assert len(lab.said) == 2


def test_the_widest_allowed_place_is_half_an_order() -> None:
    assert Lab(13.0, zero_error_mhz=4.6).check() == ""
    lab = Lab(15.0, zero_error_mhz=4.6)
    assert "allowed are 14" in lab.check()
    assert not lab.said


def test_a_lock_that_does_not_follow_is_its_own_error() -> None:
    lab = Lab(0.0)

    def lost(_ratio: float) -> LockStatus:
        raise DeviceFault("lock", "lost")

    checker = CellModeCheck(lab, lambda: lab.axis, 0.01, lab.said.append)  # type: ignore[arg-type]
    with pytest.raises(DeviceFault, match="lost"):
        checker(lost)
