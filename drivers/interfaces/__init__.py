"""What each kind of instrument can do, whoever made it.

One Protocol a kind. Units stand in the names; times called `rig_time_s` are seconds since 1970
on the rig's clock, as the instruments stamp them. Every method may raise a `DriverError`; every
setter reads back what it set and raises `DeviceFault` when the box kept another value. Limits
are checked before a byte is sent (`OutOfRange`).

All drivers are safe to call from several threads: one connection, one lock.
"""

from drivers.interfaces.amplifier import (
    AmplifierLimits,
    AmplifierStatus,
    CommandedAmplifier,
    Guard,
    GuardTrial,
    TaperedAmplifier,
)
from drivers.interfaces.base import Identity, Instrument, Range
from drivers.interfaces.camera import (
    AtomCamera,
    CameraLimits,
    CameraProtection,
    CameraSettings,
    CameraStatus,
    CooledCamera,
    Frame,
)
from drivers.interfaces.loading import LoadingDetector
from drivers.interfaces.lock import (
    CavityScope,
    CavityTraces,
    LockStatus,
    ModeCheck,
    ModeChecked,
    TransferCavityLock,
)
from drivers.interfaces.power_meter import PowerMeter, PowerReading
from drivers.interfaces.reference_cell import ReferenceCell
from drivers.interfaces.sidebands import SidebandGenerator, SidebandLimits, SidebandStatus
from drivers.interfaces.slow_control import Severity, SlowControl, SlowReading
from drivers.interfaces.trace import Trace
from drivers.interfaces.trap_switch import TrapStatus, TrapSwitch

__all__ = [
    "AmplifierLimits",
    "AmplifierStatus",
    "AtomCamera",
    "CameraLimits",
    "CameraProtection",
    "CameraSettings",
    "CameraStatus",
    "CavityScope",
    "CavityTraces",
    "CommandedAmplifier",
    "CooledCamera",
    "Frame",
    "Guard",
    "GuardTrial",
    "Identity",
    "Instrument",
    "LoadingDetector",
    "LockStatus",
    "ModeCheck",
    "ModeChecked",
    "PowerMeter",
    "PowerReading",
    "Range",
    "ReferenceCell",
    "Severity",
    "SidebandGenerator",
    "SidebandLimits",
    "SidebandStatus",
    "SlowControl",
    "SlowReading",
    "TaperedAmplifier",
    "Trace",
    "TransferCavityLock",
    "TrapStatus",
    "TrapSwitch",
]
