"""The transfer cavity lock, and what its cavity shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivers.interfaces.base import Instrument


@dataclass(frozen=True)
class LockStatus:
    """State of the transfer-cavity lock. Ratios are r = (x_slave - x_m1)/(x_m2 - x_m1)."""

    locked: bool
    reason: str
    """Why not locked, in words; empty when locked."""
    ratio: float
    """Measured, mean of the last ramps."""
    ratio_setpoint: float
    ratio_rms: float
    """Scatter of the single-ramp ratios around their mean."""
    actuator_fraction: float
    """Position of the slave's actuator in its range, 0 to 1."""
    peaks_us: tuple[float, ...] = ()
    """Peaks on the last ramp: master, slave, next master on the way up, then in the order in which
    they come on the way down; empty when the lock does not tell them."""


class TransferCavityLock(Instrument, Protocol):
    """Holds the 819-nm laser to the 811-nm master through a scanned cavity."""

    @property
    def ratio_resolution(self) -> float:
        """Smallest step of the setpoint."""
        ...

    def status(self) -> LockStatus: ...

    def set_ratio(self, ratio: float) -> LockStatus:
        """Move the setpoint, wait until the laser has followed, return what was measured.

        Raises `DeviceFault` when the lock is lost or does not land.
        """
        ...

    def freeze(self) -> None:
        """Hold the actuator where it is; integrate nothing."""
        ...

    def relock(self) -> LockStatus:
        """Close the loop again after `freeze` or a loss."""
        ...


@dataclass(frozen=True)
class CavityTraces:
    """One sweep of a scanned cavity, thinned for a window: each point the highest of its samples,
    so that no peak is lost."""

    times_us: NDArray[np.float64]
    """After the start of the record, (n,), n at most 1000."""
    master_v: NDArray[np.float64]
    """Photodiode of the master, (n,)."""
    slave_v: NDArray[np.float64]
    """Photodiode of the slave, (n,)."""
    master_peaks_us: tuple[float, ...]
    """Fitted positions in the record, in the order of time."""
    slave_peaks_us: tuple[float, ...]
    errors: NDArray[np.float64]
    """Ratio less its setpoint in the last sweeps, oldest first."""


@runtime_checkable
class CavityScope(Protocol):
    """What a lock that digitises the cavity offers beside `TransferCavityLock`."""

    def traces(self) -> CavityTraces | None:
        """The last sweep; None before the first."""
        ...


class ModeCheck(Protocol):
    """Tells by the reference cell whether the slave is on the right mode."""

    def __call__(self, go_to: Callable[[float], LockStatus]) -> str:
        """Why the mode is wrong, '' when it is right. `go_to` moves the lock to a ratio and returns
        when it has landed; the lock goes back by itself afterwards. May raise DriverError."""
        ...


@runtime_checkable
class ModeChecked(Protocol):
    """A lock that relocks by itself and wants the mode checked before it calls itself locked."""

    mode_check: ModeCheck | None
