"""What each kind of instrument can do, whoever made it.

One Protocol a kind. Units stand in the names; times called `rig_time_s` are seconds since 1970
on the rig's clock, as the instruments stamp them. Every method may raise a `DriverError`; every
setter reads back what it set and raises `DeviceFault` when the box kept another value. Limits
are checked before a byte is sent (`OutOfRange`).

All drivers are safe to call from several threads: one connection, one lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Identity:
    """Who answered at an address."""

    maker: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True)
class Range:
    """An allowed closed interval, in the unit of the quantity that it limits."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


class Instrument(Protocol):
    """What every driver offers."""

    @property
    def name(self) -> str:
        """Name from the rig file, used in every message."""
        ...

    def connect(self) -> Identity:
        """Open the wire, learn who answers, check what must be armed. Idempotent."""
        ...

    def close(self) -> None:
        """Release the wire. Never raises; changes nothing on the instrument."""
        ...

    def make_safe(self) -> None:
        """Bring the instrument into its safe state, whatever it was doing (STOP)."""
        ...


# --- amplifier -----------------------------------------------------------------------------


@dataclass(frozen=True)
class AmplifierLimits:
    """The envelope inside which seed and amplifier may move."""

    seed_current_ma: Range
    amplifier_current_ma: Range
    unseeded_ceiling_ma: float
    """Highest amplifier current without a verified seed."""
    seed_power_min_mw: float
    """Seed power at the amplifier's input below which it counts as unseeded."""
    seed_reading_max_age_s: float = 1.0
    """A seed-power reading older than this (wall time) is no verification."""
    ramp_step_ma: float = 50.0
    ramp_interval_s: float = 0.02


@dataclass(frozen=True)
class AmplifierStatus:
    """One reading of seed and amplifier, all read in the same poll."""

    seed_on: bool
    seed_current_set_ma: float
    """Setpoint as the box holds it, with the seed off too."""
    seed_current_ma: float
    """What flows."""
    seed_power_mw: float
    amplifier_on: bool
    amplifier_current_set_ma: float
    amplifier_current_ma: float
    output_power_mw: float
    interlock_open: bool
    emission_enabled: bool
    """Key and emission button allow light."""
    seed_protection_armed: bool
    """The box's own guard against an unseeded amplifier is active."""
    message: str
    """The box's own health text."""


@dataclass(frozen=True)
class Guard:
    """One guard of the amplifier, as it stands now."""

    fault: str
    """What it guards against."""
    by: str
    """Who guards: the driver, a setting of a box, a wire."""
    state: str
    """How it stands, in words."""
    armed: bool
    remedy: str = ""
    """What to do when it is not armed."""


@dataclass(frozen=True)
class GuardTrial:
    """The box's own guard, provoked at a harmless current. Wall times."""

    passed: bool
    current_ma: float
    """Amplifier current while its seed was taken away."""
    trip_s: float
    """From the command that switched the seed off until the amplifier was read as off: what
    passed at most, the wire included. inf when it stayed on."""
    allowed_s: float
    by: str
    """What the box says that tripped; empty when it does not say."""
    take_down_s: float
    """How long the driver itself takes to bring the amplifier down and off."""


class TaperedAmplifier(Instrument, Protocol):
    """Seed diode and tapered amplifier, never pumped unseeded.

    Order on: seed, then amplifier; off: amplifier, then seed. The driver enforces it.
    """

    def status(self) -> AmplifierStatus: ...

    def set_seed_current(self, current_ma: float) -> None: ...

    def seed_on(self) -> None: ...

    def seed_off(self) -> None:
        """Refused with `InterlockOpen` while the amplifier is above its unseeded ceiling."""
        ...

    def amplifier_on(self) -> None:
        """Switch the amplifier on, at its unseeded ceiling or below."""
        ...

    def amplifier_off(self) -> None:
        """Ramp down, then off."""
        ...

    def set_amplifier_current(self, current_ma: float) -> None:
        """Ramp to `current_ma`; above the unseeded ceiling only with a verified, fresh seed."""
        ...

    def guards(self) -> tuple[Guard, ...]:
        """Who guards the amplifier against what, read from the box now."""
        ...

    def exercise_guard(self, seed_current_ma: float) -> GuardTrial:
        """Provoke the box's own guard at a current that is harmless without seed.

        Refused with `InterlockOpen` unless seed and amplifier are off; both are off afterwards,
        however it ends.
        """
        ...


@runtime_checkable
class CommandedAmplifier(Protocol):
    """An amplifier that tells what it was told: the watchdog holds its readings against it."""

    def commanded_ma(self) -> float | None:
        """The current that the box was last told and has kept (mA); None while a current is on its
        way, after an 'off', and before the first one."""
        ...


# --- sidebands ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SidebandLimits:
    frequency_mhz: Range
    power_dbm: Range


@dataclass(frozen=True)
class SidebandStatus:
    frequency_mhz: float
    power_dbm: float
    rf_on: bool
    pll_locked: bool | None
    """None: this box cannot tell."""
    temperature_c: float | None
    """None: this box cannot tell."""


class SidebandGenerator(Instrument, Protocol):
    """RF source of the electro-optical modulator."""

    def status(self) -> SidebandStatus: ...

    def set_frequency(self, frequency_mhz: float) -> float:
        """Set and return the frequency read back (MHz)."""
        ...

    def set_power(self, power_dbm: float) -> float:
        """Set and return the power read back (dBm)."""
        ...

    def rf_on(self) -> None: ...

    def rf_off(self) -> None: ...


# --- lock -----------------------------------------------------------------------------------


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


# --- camera ---------------------------------------------------------------------------------


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


# --- Red Pitaya family ------------------------------------------------------------------------


@dataclass(frozen=True)
class Trace:
    """A digitised voltage against time."""

    volts: NDArray[np.float64]
    dt_s: float
    rig_time_s: float | None
    """Rig time of the first sample if the box stamps it; None where it cannot."""

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Seconds after the first sample."""
        return np.arange(self.volts.size, dtype=np.float64) * self.dt_s


class LoadingDetector(Instrument, Protocol):
    """Photodiode on the trap, with the gate of the 810-nm quench light on the same box."""

    def quench_bursts(self, bursts: int, load_s: float, quench_s: float) -> Trace:
        """`bursts` + 1 quench pulses of `quench_s` with `load_s` of darkness between them; the
        first clears the trap.

        The trace (877.9-nm light, V) starts with the rising edge of the first pulse.
        """
        ...

    def loading_slope(self, clear_s: float, record_s: float) -> Trace:
        """One quench pulse of `clear_s`; the trace (811-nm light, V) starts with its rising
        edge and lasts at least `clear_s + record_s`."""
        ...


@dataclass(frozen=True)
class TrapStatus:
    offset_mhz: float
    """Frequency of the isotope-offset generator as read back."""
    lasers_locked: bool
    pumping_light: bool
    """True when the 819-nm shutter is open."""
    trap_light: bool


class TrapSwitch(Instrument, Protocol):
    """Which isotope the trap lasers address, and the 819-nm shutter."""

    def status(self) -> TrapStatus: ...

    def set_offset(self, offset_mhz: float, odd: bool) -> None:
        """Move the trap lasers by `offset_mhz` from the 84Kr master and switch the hyperfine
        repumping light of the odd isotopes; return when every laser reports lock."""
        ...

    def set_pumping_light(self, on: bool) -> None:
        """Open or close the 819-nm shutter; return when the line is read back."""
        ...

    def set_trap_light(self, on: bool) -> None: ...


class ReferenceCell(Instrument, Protocol):
    """Modulation-transfer signal of the stable isotopes at the laser's present frequency."""

    def read_signal(self, duration_s: float) -> Trace:
        """Error signal (V), averaged by the caller."""
        ...


# --- power meter --------------------------------------------------------------------------------


@dataclass(frozen=True)
class PowerReading:
    """One reading of the power meter."""

    power_mw: float
    """On the head. NaN when over range."""
    over_range: bool
    """More light than the present range or the head can show; there is no measurement then."""
    wavelength_nm: float | None = None
    """That the meter corrects for; None: the head needs none."""
    range_mw: float | None = None
    """Largest power of the present range."""
    dark_mw: float | None = None
    """Offset of the last dark zero, which the meter subtracts; None: it does not tell."""
    zeroing: bool | None = None
    """A dark zero is under way; None: the meter cannot tell."""


class PowerMeter(Instrument, Protocol):
    """Thermal or photodiode head in the 819-nm light. It moves nothing: `make_safe` has nothing
    to do."""

    def read(self) -> PowerReading: ...

    def zero(self) -> None:
        """Take the present reading as darkness; the head must be dark. Returns when done.

        Raises `OutOfRange`, with nothing sent, when it is not.
        """
        ...


# --- slow control -------------------------------------------------------------------------------

Severity = Literal["ok", "minor", "major", "invalid"]


@dataclass(frozen=True)
class SlowReading:
    """One quantity that something else on the lab's network publishes."""

    value: float
    """NaN while it is not connected."""
    unit: str
    severity: Severity
    """The worse of the publisher's own alarm and the limits of the rig file; `invalid`: silent."""
    reason: str
    """Why not ok, in words; empty when ok."""
    rig_time_s: float
    """When the publisher stamped it; NaN while it is not connected."""


class SlowControl(Instrument, Protocol):
    """Read-only: pressures, RF power of the discharge, source temperature, other locks."""

    def readings(self) -> dict[str, SlowReading]:
        """Name from the rig file to its latest reading."""
        ...
