"""Is the 819-nm laser on its right mode? The reference cell tells.

A lock cannot see whole free spectral ranges: after a mode hop it may hold the right ratio three
gigahertz away. There the cell is dark; and a cavity that stands on another order of the master
shifts the line by 28 MHz. So the lock is led over the 84Kr line, which must stand where the axis
has it. An axis whose zero is not known to a third of half an order cannot say on which order it is.
A component of 83Kr looks like it but for its height, which the rig file tells (`line_height_v`).
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
"""Half of what one order of the master shifts the line by (28 MHz); never more, or the check would
pass on any order."""


class CellModeCheck:
    """A `ModeCheck` by the 84Kr line. `axis` is asked anew each time, for its zero and for the
    error of it; `read_s` is the length of one record of the cell, `expected_v` the height of its
    84Kr line, None where nobody has said.

    On a fresh rig the zero is a guess that tells no orders apart, and the lock must close before
    the zero can be measured. The first look then accepts a line in view, tells `say` that the
    order is not verified, and remembers where the line stood: later looks are held against that
    as long as the zero is the same.
    """

    def __init__(
        self,
        cell: ReferenceCell,
        axis: Callable[[], AxisCalibration],
        read_s: float,
        say: Callable[[str], None],
        expected_v: float | None = None,
    ) -> None:
        self._cell = cell
        self._axis = axis
        self._read_s = read_s
        self._say = say
        self._expected_v = expected_v
        self._seen: tuple[float, float] | None = None
        """A guessed zero, and where on its axis the line stood in the last look (MHz)."""

    def __call__(self, go_to: Callable[[float], LockStatus]) -> str:
        axis = self._axis()
        detunings, volts = [], []
        for detuning in np.linspace(-HALF_WIDTH_MHZ, HALF_WIDTH_MHZ, POINTS):
            status = go_to(axis.detuning_to_ratio(float(detuning)))
            detunings.append(axis.ratio_to_detuning(status.ratio))
            volts.append(float(self._cell.read_signal(self._read_s).volts.mean()))
        try:
            line = fit_reference_line(np.array(detunings), np.array(volts), self._expected_v)
        except ValueError as error:
            return f"no 84Kr line in the reference cell ({error}): another mode or order"
        return self._wrong_place(axis, line.centre_mhz)

    def _wrong_place(self, axis: AxisCalibration, centre_mhz: float) -> str:
        error_mhz = axis.error_mhz(0.0)
        if 3.0 * error_mhz <= TOLERANCE_MHZ:
            if abs(centre_mhz) <= TOLERANCE_MHZ:
                return ""
            return (
                f"the 84Kr line stands at {centre_mhz:+.0f} MHz, allowed are {TOLERANCE_MHZ:.0f}: "
                "the cavity is on another order of the master, or its zero is wrong (then retire "
                "the measured zeros and zero it anew)"
            )
        if self._seen is not None and self._seen[0] == axis.zero.value:
            moved_mhz = centre_mhz - self._seen[1]
            if abs(moved_mhz) <= TOLERANCE_MHZ:
                self._seen = axis.zero.value, centre_mhz
                return ""
            return (
                f"the 84Kr line stands {moved_mhz:+.0f} MHz from where it stood before, allowed "
                f"are {TOLERANCE_MHZ:.0f}: the cavity is on another order of the master"
            )
        self._seen = axis.zero.value, centre_mhz
        self._say(
            f"the 84Kr line is in view at {centre_mhz:+.0f} MHz, but the order of the master is "
            f"not verified: the axis' zero is known to {error_mhz:.0f} MHz only, and orders are "
            f"{2.0 * TOLERANCE_MHZ:.0f} MHz apart; zero it (`atta-daq calibrate axis-zero`)"
        )
        return ""


def mode_check(
    instruments: Instruments,
    config: RigConfig,
    axis: Callable[[], AxisCalibration],
    say: Callable[[str], None],
) -> CellModeCheck:
    """The check by this rig's reference cell; `say` is told when it cannot verify the order."""
    cell = config.reference_cell
    return CellModeCheck(instruments.reference_cell, axis, cell.read_s, say, cell.line_height_v)


def checked_by_itself(lock: TransferCavityLock) -> bool:
    """Whether the lock looks at the cell itself before it says that it is locked."""
    return isinstance(lock, ModeChecked) and lock.mode_check is not None


def install_mode_check(
    instruments: Instruments,
    config: RigConfig,
    axis: Callable[[], AxisCalibration],
    say: Callable[[str], None],
) -> None:
    """Give a lock that asks for it the check by this rig's reference cell."""
    if isinstance(instruments.lock, ModeChecked) and config.lock.wants_mode_check:
        instruments.lock.mode_check = mode_check(instruments, config, axis, say)
