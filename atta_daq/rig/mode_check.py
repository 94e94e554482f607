"""Is the 819-nm laser on its right mode? The reference cell tells.

A lock cannot see whole free spectral ranges: after a mode hop it may hold the right ratio three
gigahertz away. There the cell is dark; and a cavity that stands on another order of the master
shifts the line by 28 MHz. So the lock is led over the 84Kr line, which must stand where the axis
has it.
"""

from collections.abc import Callable

import numpy as np

from atta_daq.calibration.axis import AxisCalibration
from atta_daq.calibration.reference_zero import fit_reference_line
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from drivers.interfaces import LockStatus, ModeChecked, ReferenceCell, TransferCavityLock

HALF_WIDTH_MHZ = 80.0
POINTS = 9
TOLERANCE_MHZ = 14.0
"""Half of what one order of the master shifts the line by (28 MHz)."""


class CellModeCheck:
    """A `ModeCheck` by the 84Kr line. `axis` is asked anew each time; `zero_error_mhz` is one
    standard error of its zero, `read_s` the length of one record of the cell."""

    def __init__(
        self,
        cell: ReferenceCell,
        axis: Callable[[], AxisCalibration],
        zero_error_mhz: float,
        read_s: float,
    ) -> None:
        self._cell = cell
        self._axis = axis
        self._zero_error_mhz = zero_error_mhz
        self._read_s = read_s

    def __call__(self, go_to: Callable[[float], LockStatus]) -> str:
        axis = self._axis()
        detunings, volts = [], []
        for detuning in np.linspace(-HALF_WIDTH_MHZ, HALF_WIDTH_MHZ, POINTS):
            status = go_to(axis.detuning_to_ratio(float(detuning)))
            detunings.append(axis.ratio_to_detuning(status.ratio))
            volts.append(float(self._cell.read_signal(self._read_s).volts.mean()))
        try:
            line = fit_reference_line(np.array(detunings), np.array(volts))
        except ValueError as error:
            return f"no 84Kr line in the reference cell ({error}): another mode or order"
        # The axis on the rig file may be farther off than one that was zeroed.
        allowed = max(TOLERANCE_MHZ, 3.0 * self._zero_error_mhz)
        if abs(line.centre_mhz) > allowed:
            return (
                f"the 84Kr line stands at {line.centre_mhz:+.0f} MHz, allowed are {allowed:.0f}: "
                "the cavity is on another order of the master, or its zero is wrong"
            )
        return ""


def mode_check(
    instruments: Instruments, config: RigConfig, axis: Callable[[], AxisCalibration]
) -> CellModeCheck:
    """The check by this rig's reference cell."""
    return CellModeCheck(
        instruments.reference_cell,
        axis,
        config.calibrations.cavity.zero_error_mhz,
        config.reference_cell.read_s,
    )


def checked_by_itself(lock: TransferCavityLock) -> bool:
    """Whether the lock looks at the cell itself before it says that it is locked."""
    return isinstance(lock, ModeChecked) and lock.mode_check is not None


def install_mode_check(
    instruments: Instruments, config: RigConfig, axis: Callable[[], AxisCalibration]
) -> None:
    """Give a lock that asks for it the check by this rig's reference cell."""
    if isinstance(instruments.lock, ModeChecked) and config.lock.wants_mode_check:
        instruments.lock.mode_check = mode_check(instruments, config, axis)
