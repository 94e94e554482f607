"""A camera behind Micro-Manager's core, in this process (pymmcore).

There is no wire: adapter libraries run inside this program, and a call that hangs in one of them
cannot be timed out from outside. What protects the register stands in `camera_protection`.
"""

import contextlib
import ctypes
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from drivers.camera_protection import GainRules, RegisterGuard
from drivers.camera_settings import check_exposure_and_roi
from drivers.errors import ConnectionLost, DeviceFault, DriverError, OutOfRange
from drivers.interfaces import (
    CameraLimits,
    CameraProtection,
    CameraSettings,
    CameraStatus,
    Frame,
    Identity,
)
from drivers.micromanager_core import Core, MicroManagerDevice, load_camera, new_core
from drivers.micromanager_frames import SequenceStream
from drivers.micromanager_properties import Properties, PropertyNames

_log = logging.getLogger(__name__)

UNTIL_STOPPED = 2 ** (8 * ctypes.sizeof(ctypes.c_long) - 1) - 1
"""Number of images that adapters take as 'run until stopped' (LONG_MAX)."""
HIGHEST_OFF_GAIN = 2
"""As in `areadetector`: Andor's register goes down to the lowest gain that it knows, 1 or 2."""
EXPOSURE_TOLERANCE = 0.01
STABLE_WITHIN_K = 1.0
BUFFER_MB = 64


def _new_metadata() -> Any:
    import pymmcore

    return pymmcore.Metadata()


class MicroManagerCamera:
    """The EMCCD, or any camera, that Micro-Manager has an adapter for.

    `properties` says what the adapter calls things. Without a gain property every gain but 0 is
    refused. `rig_now` gives rig time; the acquisition's start is stamped with it, its frames with
    the core's own count of time since. `new_core` and `new_metadata` are injected in tests.
    """

    def __init__(
        self,
        name: str,
        device: MicroManagerDevice,
        limits: CameraLimits,
        properties: PropertyNames,
        *,
        gain_permit: Callable[[], str] = lambda: "",
        bias_adu: float = 0.0,
        electrons_per_adu: float = 1.0,
        rig_now: Callable[[], float] = time.time,
        buffer_mb: int = BUFFER_MB,
        new_core: Callable[[str], Core] = new_core,
        new_metadata: Callable[[], Any] = _new_metadata,
    ) -> None:
        self._name = name
        self._device = device
        self._limits = limits
        self._names = properties
        self._rules = GainRules(name, limits, gain_permit)
        self._guard = RegisterGuard(bias_adu, electrons_per_adu)
        self._gain = 0
        self._rig_now = rig_now
        self._buffer_mb = buffer_mb
        self._new_core = new_core
        self._new_metadata = new_metadata
        self._lock = threading.RLock()
        self._core: Core | None = None
        self._label = ""
        self._properties: Properties | None = None
        self._sensor_px = (0, 0)
        self._stream: SequenceStream | None = None

    @property
    def name(self) -> str:
        return self._name

    def connect(self) -> Identity:
        """Load adapter and camera; verify that it has every property the rig file names.

        Raises ConnectionLost when it cannot be loaded, DeviceFault naming a property that is
        missing.
        """
        with self._lock:
            if self._core is None:
                core = self._new_core(self._name)
                label = load_camera(core, self._name, self._device)
                try:
                    properties = Properties(core, self._name, label)
                    properties.require(self._names)
                    self._asked(core.setCircularBufferMemoryFootprint, self._buffer_mb)
                    self._asked(core.clearROI)
                    width, height = core.getImageWidth, core.getImageHeight
                    self._sensor_px = (self._asked(width), self._asked(height))
                except DriverError:
                    with contextlib.suppress(RuntimeError):
                        core.unloadAllDevices()
                    raise
                self._core, self._label, self._properties = core, label, properties
            core, properties = self._open()
            serial = properties.text(self._names.serial) if self._names.serial in properties else ""
            return Identity(
                self._asked(core.getDeviceLibrary, self._label),
                self._asked(core.getDeviceName, self._label),
                serial,
                core.getVersionInfo(),
            )

    def close(self) -> None:
        """Unload the camera; what its adapter then does with the cooler is the adapter's affair."""
        with self._lock:
            core, self._core = self._core, None
            if core is None:
                return
            try:
                if self._stream is not None:
                    self._stream.cease()
                core.stopSequenceAcquisition()
                if self._stream is not None:
                    self._stream.close()
                core.unloadAllDevices()
            except RuntimeError:
                _log.exception("%s: Micro-Manager did not let go of the camera", self._name)

    def make_safe(self) -> None:
        """Acquisition stopped, shutter closed, gain 0; every one is tried even if another fails,
        the first failure is raised."""
        failures: list[DriverError] = []
        with self._lock:
            self._guard.unverified = False
            for step in (self.stop, self.close_shutter, self._gain_off):
                try:
                    step()
                except DriverError as error:
                    failures.append(error)
        if failures:
            raise failures[0]

    # --- state ---------------------------------------------------------------------------

    def status(self) -> CameraStatus:
        core, properties = self._open()
        temperature_c, stable, _ = self._temperature()
        stream, names = self._stream, self._names
        failure = stream.failure if stream else ""
        return CameraStatus(
            acquiring=bool(self._asked(core.isSequenceRunning)),
            temperature_c=temperature_c,
            temperature_stable=stable,
            em_gain=self._read_gain(),
            exposure_s=float(self._asked(core.getExposure, self._label)) / 1e3,
            shutter_open=not names.shutter
            or properties.text(names.shutter) != names.shutter_closed,
            frames_delivered=stream.delivered if stream else 0,
            frames_lost=stream.lost if stream else 0,
            message=self._guard.state().trip or failure,
            failure=failure,
        )

    def protection(self) -> CameraProtection:
        return self._guard.state()

    # --- settings ------------------------------------------------------------------------

    def configure(self, settings: CameraSettings) -> CameraSettings:
        """Apply while idle; return what the camera kept.

        The exposure kept may differ by 1 %. Gain goes to 0 first and up last, and is refused
        before anything is changed.
        """
        self._check_gain(settings.em_gain)
        with self._lock:
            core, properties = self._open()
            check_exposure_and_roi(self._name, settings, self._limits, self._sensor_px)
            self._require_stopped()
            if settings.em_gain:
                self._require_gain_allowed()
            self._gain_off()
            names = self._names
            if names.binning:
                properties.set(names.binning, "1")
            if names.trigger:
                properties.set(names.trigger, names.trigger_internal)
            for prop, value in self._device.settings.items():
                properties.set(prop, value)
            size = self._asked(core.getBytesPerPixel)
            if size != 2:
                raise DeviceFault(
                    self._name,
                    f"its pixels have {8 * size} bits, not 16",
                    "set the adapter's pixel type in [camera.settings], "
                    'such as PixelType = "16bit"',
                )
            exposure_s = self._set_exposure(settings.exposure_s)
            self._set_roi(settings.roi)
            if settings.em_gain:
                self.set_em_gain(settings.em_gain)
            return CameraSettings(exposure_s, settings.roi, settings.em_gain)

    def set_em_gain(self, gain: int) -> None:
        """0 switches multiplication off. Only while the camera stands still (DeviceFault)."""
        self._check_gain(gain)
        with self._lock:
            self._require_stopped()
            if not gain:
                self._gain_off()
                return
            self._require_gain_allowed()
            _, properties = self._open()
            self._gain = gain
            if self._names.gain_switch:
                properties.set(self._names.gain_switch, "On")
            properties.set(self._names.gain, str(gain))

    def open_shutter(self) -> None:
        """Only while the camera stands still (DeviceFault); refused with InterlockOpen when gain
        is on and may not be. Does nothing on a camera without a shutter."""
        with self._lock:
            self._require_stopped()
            self._require_gain_allowed_if_on()
            self._move_shutter(self._names.shutter_open)

    def close_shutter(self) -> None:
        """Only while the camera stands still (DeviceFault)."""
        with self._lock:
            self._require_stopped()
            self._move_shutter(self._names.shutter_closed)

    # --- acquisition -----------------------------------------------------------------------

    def start(self, sink: Callable[[Frame], None]) -> None:
        """Run continuously; hand every frame of this acquisition to `sink` in order, on the
        driver's thread. Frames of an earlier acquisition are never delivered. `sink` must return
        soon (a queue) and not call the camera."""
        with self._lock:
            core, _ = self._open()
            self._require_gain_allowed_if_on()
            self.stop()
            converter_adu = 2 ** min(16, int(self._asked(core.getImageBitDepth))) - 1
            saturated_adu = min(converter_adu, self._limits.saturated_adu)
            self._guard.begin(self._read_gain() > HIGHEST_OFF_GAIN, saturated_adu)
            # Starting empties the buffer: no image of before can be in it.
            start_rig_s = self._rig_now()
            self._asked(core.startSequenceAcquisition, UNTIL_STOPPED, 0.0, True)
            self._stream = SequenceStream(
                core, lambda frame: self._take(frame, sink), start_rig_s, self._new_metadata
            )

    def stop(self) -> None:
        """Stop; when it returns no frame will come any more."""
        with self._lock:
            core, _ = self._open()
            if self._stream is not None:
                self._stream.cease()
            try:
                self._asked(core.stopSequenceAcquisition)
            finally:
                if self._stream is not None:
                    self._stream.close()
            if self._guard.unverified:
                self.close_shutter()
                self._gain_off()
                self._guard.unverified = False

    def _take(self, frame: Frame, sink: Callable[[Frame], None]) -> None:
        """On the driver's thread: the guard first, it must not wait for anybody."""
        if self._guard.frame(frame.image):
            core, _ = self._open()
            for order in (
                lambda: self._asked(core.stopSequenceAcquisition),
                lambda: self._move_shutter(self._names.shutter_closed),
                self._gain_off,
            ):
                try:
                    order()
                except DriverError:
                    _log.exception("%s: an order of the register's guard failed", self._name)
        sink(frame)

    # --- protection ------------------------------------------------------------------------

    def enforce(self) -> str:
        """Look at the gain that the camera has now. Where it may not be on, make the camera safe
        and return why; else ''."""
        with self._lock:
            if self._guard.unverified:
                self.stop()
            gain = self._read_gain()
            if gain <= HIGHEST_OFF_GAIN:
                return ""
            reason = self._objection(gain)
            if reason:
                self._guard.trip(f"{reason}; gain taken away, shutter closed")
                self.make_safe()
            return reason

    def _objection(self, gain: int) -> str:
        if gain != max(self._gain, HIGHEST_OFF_GAIN):
            return f"the camera has EM gain {gain}, which this program did not set"
        if self._stream is not None and self._stream.failure:
            return f"EM gain is on and {self._stream.failure}"
        return self._rules.forbidden() or self._rules.not_cold(*self._temperature())

    def _check_gain(self, gain: int) -> None:
        self._rules.check_limit(gain)
        if gain and not self._names.gain:
            raise OutOfRange(
                self._name,
                f"EM gain {gain} is impossible: this camera has no multiplication register",
                "set em_gain = 0, or name the property in [camera.properties] gain",
            )

    def _require_gain_allowed(self) -> None:
        self._rules.require_permit()
        self._rules.require_cold(*self._temperature())

    def _require_gain_allowed_if_on(self) -> None:
        if self._read_gain() > HIGHEST_OFF_GAIN:
            self._require_gain_allowed()

    def _temperature(self) -> tuple[float, bool, str]:
        """Temperature (degC), whether it is stable, and what the cooler says.

        A camera without a thermometer has no temperature (NaN), is stable, and gets no gain.
        """
        _, properties = self._open()
        names = self._names
        if not names.temperature:
            return float("nan"), True, "no thermometer"
        temperature_c = properties.number(names.temperature)
        words = f"cooler {properties.text(names.cooler)}" if names.cooler else ""
        if not names.temperature_setpoint:
            return temperature_c, temperature_c in self._limits.temperature_c, words
        setpoint_c = properties.number(names.temperature_setpoint)
        return temperature_c, abs(temperature_c - setpoint_c) <= STABLE_WITHIN_K, words

    def _read_gain(self) -> int:
        _, properties = self._open()
        names = self._names
        if not names.gain:
            return 0
        if names.gain_switch and properties.text(names.gain_switch) != "On":
            return 0
        return round(properties.number(names.gain))

    def _gain_off(self) -> None:
        _, properties = self._open()
        names = self._names
        if names.gain:
            properties.set(names.gain, f"{max(0.0, properties.lowest(names.gain)):g}")
        if names.gain_switch:
            properties.set(names.gain_switch, "Off")
        gain = self._read_gain()
        if gain > HIGHEST_OFF_GAIN:
            raise DeviceFault(
                self._name, f"its EM gain does not go below {gain}", "switch the camera off"
            )
        self._gain = 0

    # --- the core ----------------------------------------------------------------------------

    def _set_exposure(self, exposure_s: float) -> float:
        core, _ = self._open()
        self._asked(core.setExposure, self._label, 1e3 * exposure_s)
        kept_s = float(self._asked(core.getExposure, self._label)) / 1e3
        if abs(kept_s - exposure_s) > EXPOSURE_TOLERANCE * exposure_s:
            raise DeviceFault(
                self._name,
                f"the exposure was set to {exposure_s:g} s but the camera kept {kept_s:g} s",
                "choose an exposure that it can do",
            )
        return kept_s

    def _set_roi(self, roi: tuple[int, int, int, int]) -> None:
        core, _ = self._open()
        # Regions count from the corner of the sensor only while none is set.
        self._asked(core.clearROI)
        self._asked(core.setROI, self._label, *roi)
        kept = tuple(int(edge) for edge in self._asked(core.getROI, self._label))
        if kept != roi:
            raise DeviceFault(
                self._name,
                f"the region was set to {roi} but the camera kept {kept}",
                "choose a region that it can do",
            )

    def _move_shutter(self, word: str) -> None:
        _, properties = self._open()
        if self._names.shutter:
            properties.set(self._names.shutter, word)

    def _require_stopped(self) -> None:
        core, _ = self._open()
        if self._asked(core.isSequenceRunning):
            raise DeviceFault(self._name, "it is acquiring", "stop it before changing settings")

    def _open(self) -> tuple[Core, Properties]:
        core, properties = self._core, self._properties
        if core is None or properties is None:
            raise ConnectionLost(self._name, "not connected", "connect it first")
        return core, properties

    def _asked(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """One call of the core, whose errors are RuntimeErrors with words of their own."""
        try:
            return call(*arguments)
        except RuntimeError as error:
            raise DeviceFault(self._name, f"Micro-Manager says: {error}", "retry") from error
