"""What a calibration works with, and what it hands back."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from atta_daq.calibration.result import Quantity, diagonal
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.taker import SegmentTaker
from drivers.errors import DeviceFault

FloatArray = NDArray[np.float64]
Waiter = Callable[[float], object]
"""Waits so many seconds of wall time."""


@dataclass(frozen=True)
class Bench:
    """The rig, with nobody else moving it."""

    instruments: Instruments
    config: RigConfig
    light: LightControl
    taker: SegmentTaker
    clock: RigClock
    interrupted: Callable[[], str]
    """Why to give up; empty while it may go on."""
    tell: Callable[[str], None] = lambda _text: None
    """Progress, in words."""
    show: Callable[[FloatArray, FloatArray], None] = lambda _x, _y: None
    """Samples of the reference cell so far: detuning on the axis in use (MHz), signal (V)."""
    sleep: Waiter = field(default_factory=lambda: threading.Event().wait)

    def check(self, name: str) -> None:
        """Raises DeviceFault when the calibration shall end."""
        cause = self.interrupted()
        if cause:
            raise DeviceFault(name, f"the calibration was interrupted: {cause}")

    def wait(self, rig_s: float) -> None:
        """Let rig time pass."""
        self.sleep(self.clock.wall_s(rig_s))


@dataclass(frozen=True)
class Finding:
    """A calibration as measured, before it gets its name and date."""

    quantities: tuple[Quantity, ...]
    valid_days: float
    method: str
    raw: Mapping[str, NDArray]
    """Everything that was read, by name. `x`, `y`, `y_error`, `fit_x`, `fit_y` are plotted."""
    covariance: tuple[tuple[float, ...], ...] = ()
    """Empty: the quantities are independent."""
    notes: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def full_covariance(self) -> tuple[tuple[float, ...], ...]:
        """In the order of the quantities."""
        return self.covariance or diagonal(self.quantities)
