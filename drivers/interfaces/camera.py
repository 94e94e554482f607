"""The camera that sees single atoms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivers.interfaces.base import Instrument, Range


@dataclass(frozen=True)
class Frame:
    """One exposure of the region of interest."""

    unique_id: int
    """Counts every exposure since the camera was started; a gap is a lost frame."""
    rig_time_s: float
    """End of the exposure on the rig's clock."""
    image: NDArray[np.uint16]
    """(rows, columns), ADU."""


@dataclass(frozen=True)
class CameraSettings:
    exposure_s: float
    roi: tuple[int, int, int, int]
    """x, y, width, height in pixels of the sensor."""
    em_gain: int
    """0 switches multiplication off."""


@dataclass(frozen=True)
class CameraStatus:
    acquiring: bool
    temperature_c: float
    temperature_stable: bool
    em_gain: int
    exposure_s: float
    shutter_open: bool
    frames_delivered: int
    """Since `start`."""
    frames_lost: int
    """Gaps in `unique_id` since `start`."""
    message: str
    failure: str = ""
    """Why the frames have ended without `stop`, in words; empty while all is well."""


@dataclass(frozen=True)
class CameraLimits:
    exposure_s: Range
    em_gain: Range
    temperature_c: Range
    em_gain_unlocked: bool = False
    """Gain above 300 may be used: the lab accepts that the sensor ages fast."""
    saturated_adu: int = 65535
    """Highest count of the converter: pixels at it are saturated."""


@dataclass(frozen=True)
class CameraProtection:
    """What the guard of the multiplication register has seen; costs no exchange with the camera."""

    dose_nc: float
    """Charge that left the register at gain since the driver was made."""
    trips: int
    """How often it took the gain away."""
    trip: str
    """Why, the last time; empty again once a new acquisition has been started."""
    saturated_fraction: float
    """Of the pixels of the latest frame."""


class AtomCamera(Instrument, Protocol):
    """The EMCCD that sees single atoms."""

    def status(self) -> CameraStatus: ...

    def configure(self, settings: CameraSettings) -> CameraSettings:
        """Apply while idle; return what the camera kept. EM gain is set by `set_em_gain` only
        if the sensor is cold: refused with `InterlockOpen` otherwise."""
        ...

    def set_em_gain(self, gain: int) -> None: ...

    def open_shutter(self) -> None: ...

    def close_shutter(self) -> None: ...

    def start(self, sink: Callable[[Frame], None]) -> None:
        """Run continuously; hand every frame of this acquisition to `sink` in order, on the
        driver's thread. Frames of an earlier acquisition are never delivered."""
        ...

    def stop(self) -> None:
        """Stop; when it returns no frame will come any more."""
        ...

    def protection(self) -> CameraProtection:
        """State of the register's guard, which stops the camera, closes the shutter and takes
        the gain away when too many pixels saturate."""
        ...

    def enforce(self) -> str:
        """Look at the gain that the camera has now, whoever set it. Where it may not be on, make
        the camera safe and return why; else ''. Asked twice a second by the station."""
        ...


@runtime_checkable
class CooledCamera(Protocol):
    """A camera whose cooler can be told to cool."""

    def cool(self) -> None:
        """Cooler on, at the set point that the camera has. Returns at once; refused while it
        acquires. Raises DeviceFault when the camera keeps it off."""
        ...
