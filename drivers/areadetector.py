"""The EMCCD behind an EPICS areaDetector server (ADAndor serves the Andor iXon), over pvAccess.

The server's `ShutterMode` must be "Detector output", else ADAndor ignores its own shutter
setting. What protects the register stands in `camera_protection`; here it is carried out.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.areadetector_pvs import (
    ADVANCED,
    COOLER,
    IMAGE,
    MODES,
    ROI,
    SHUTTER,
    SHUTTER_CLOSED,
    SHUTTER_OPEN,
    STATUS,
    CameraPvs,
    temperature_is_stable,
)
from drivers.camera_protection import GainRules, RegisterGuard
from drivers.camera_settings import check_exposure_and_roi
from drivers.errors import ConnectionLost, DeviceFault, DriverError
from drivers.interfaces import (
    CameraLimits,
    CameraProtection,
    CameraSettings,
    CameraStatus,
    Frame,
    Identity,
)
from drivers.plausible import require_plausible
from drivers.pva_frames import HALF_COUNTER, FrameStream
from drivers.pva_link import PvaLink

_log = logging.getLogger(__name__)

HIGHEST_OFF_GAIN = 2
"""In "Real EM Gain" ADAndor raises a gain of 0 to the lowest that the camera knows, 1 or 2; that
is as far off as it goes."""
EXPOSURE_TOLERANCE = 0.01
"""The camera rounds an exposure to its own clock; a greater difference is a refusal."""
SENSOR_C = (-150.0, 80.0)
"""Temperatures of any sensor in any state."""
WATCHED = "cam1:Acquire_RBV"
"""Its subscription tells when the server is away."""
QUEUE_FRAMES = 2048
QUEUE_S = 2.0
QUEUE_BYTES = 1 << 28
"""The server buffers what the client has not fetched: 256 MB at most for large frames."""


@dataclass(frozen=True)
class FrameProgress:
    """How far the running acquisition has come; costs no exchange with the camera."""

    delivered: int
    lost: int
    last_frame_wall_s: float | None
    """Monotonic wall time of the last frame; None before the first."""
    failure: str
    """Why no frame comes any more, in words; empty while all is well."""


class AreaDetectorCamera:
    """The EMCCD that sees single atoms.

    `gain_permit` returns why gain is forbidden now, or ""; like the sink of the frames it must
    not call the camera, which waits for it. `limits.temperature_c` is the range of
    the sensor in which gain is allowed, `limits.saturated_adu` the end of the converter that the
    camera is run with: the server does not tell how many bits it has. `bias_adu` and
    `electrons_per_adu` turn counts into the register's dose. `timeout_s` is for one write, or
    one look at many PVs together, `action_s` for the camera to have done what it was asked (both
    wall time). `sleep` and `monotonic` are injected in tests.
    """

    def __init__(
        self,
        name: str,
        address: str,
        limits: CameraLimits,
        *,
        gain_permit: Callable[[], str] = lambda: "",
        bias_adu: float = 0.0,
        electrons_per_adu: float = 1.0,
        timeout_s: float = 1.2,
        action_s: float = 5.0,
        poll_s: float = 0.003,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = PvaLink(
            name,
            address,
            timeout_s=timeout_s,
            action_s=action_s,
            poll_s=poll_s,
            sleep=sleep,
            monotonic=monotonic,
        )
        self._pvs = CameraPvs(self._link)
        self._limits = limits
        self._rules = GainRules(name, limits, gain_permit)
        self._guard = RegisterGuard(bias_adu, electrons_per_adu)
        self._gain = 0
        """What this driver has set last; the camera may have another one."""
        self._lock = threading.RLock()
        self._stream: FrameStream | None = None
        self._watch: Any = None
        self._seen = threading.Event()
        self._interrupted = threading.Event()

    @property
    def name(self) -> str:
        return self._link.name

    def connect(self) -> Identity:
        """Find every PV that the driver uses; who answers.

        Raises ConnectionLost when no PV answers, Timeout naming those that are missing.
        """
        with self._lock:
            self._link.open()
            try:
                identity = self._pvs.find()
            except DriverError:
                # A client that has searched in vain searches ever more rarely: begin anew.
                self._forget_client()
                self._link.open()
                raise
            if self._watch is None:
                self._watch = self._link.monitor(WATCHED, self._on_watched, 2)
            self._interrupted.clear()
            return identity

    def _on_watched(self, update: Any) -> None:
        """The client library reconnects without a word; what was set may be lost all the same.
        Every subscription starts with one notice of a lost connection."""
        if not isinstance(update, Exception):
            self._seen.set()
        elif self._seen.is_set():
            self._interrupted.set()

    def close(self) -> None:
        with self._lock:
            self._forget_client()

    def _forget_client(self) -> None:
        if self._stream is not None:
            self._stream.close()
        if self._watch is not None:
            self._watch.close()
            self._watch = None
            self._seen.clear()
        self._link.close()

    def make_safe(self) -> None:
        """Acquisition stopped, shutter closed, gain 0.

        All three are sent at once, before anything is waited for, then verified. Every one is
        tried even if another fails; the first failure is raised.
        """
        failures: list[DriverError] = []

        def attempt(step: Callable[[], None]) -> None:
            try:
                step()
            except DriverError as error:
                failures.append(error)

        for order in self._dark_orders():
            attempt(order)
        with self._lock:
            # What `stop` would carry out for the guard is done here, one by one.
            self._guard.unverified = False
            attempt(self.stop)
            attempt(self.close_shutter)
            attempt(self._gain_off)
        if failures:
            raise failures[0]

    # --- state ---------------------------------------------------------------------------

    def status(self) -> CameraStatus:
        """Raises ConnectionLost, once, after the server was away, however short."""
        if self._interrupted.is_set():
            self._interrupted.clear()
            raise ConnectionLost(
                self.name,
                "the camera server was away for a moment",
                "its settings may be lost; the next run or view sets them anew",
            )
        values: dict[str, Any] = dict(zip(STATUS, self._pvs.get(*STATUS), strict=True))

        def number(pv: str) -> float:
            return self._link.as_number(pv, values[pv])

        def text(pv: str) -> str:
            return self._link.as_text(pv, values[pv])

        progress = self.progress()
        return CameraStatus(
            acquiring=number("Acquire_RBV") != 0,
            temperature_c=require_plausible(
                self.name, "the sensor", number("TemperatureActual"), *SENSOR_C, "°C"
            ),
            temperature_stable=temperature_is_stable(text("AndorTempStatus_RBV")),
            em_gain=round(number("AndorEMGain_RBV")),
            exposure_s=number("AcquireTime_RBV"),
            shutter_open=text(SHUTTER) != SHUTTER_CLOSED,
            frames_delivered=progress.delivered,
            frames_lost=progress.lost,
            message=self._guard.state().trip or progress.failure or text("AndorMessage_RBV"),
            failure=progress.failure,
        )

    def progress(self) -> FrameProgress:
        """Frames of the running or last acquisition, to detect a stall."""
        stream = self._stream
        if stream is None:
            return FrameProgress(0, 0, None, "")
        return FrameProgress(
            stream.delivered, stream.lost, stream.last_frame_wall_s, stream.failure
        )

    # --- settings ------------------------------------------------------------------------

    def configure(self, settings: CameraSettings) -> CameraSettings:
        """Apply while idle; return what the camera kept.

        The exposure kept may differ by 1 %. Gain goes to 0 first and up last, and is refused
        (InterlockOpen) before anything is changed.
        """
        self._rules.check_limit(settings.em_gain)
        with self._lock:
            check_exposure_and_roi(self.name, settings, self._limits, self._pvs.sensor_px)
            self._require_stopped()
            if settings.em_gain:
                self._require_gain_allowed()
            self._gain_off()
            labels = {**MODES, "AndorEMGainAdvanced": ADVANCED[self._limits.em_gain_unlocked]}
            modes = {pv: self._pvs.index(pv, label) for pv, label in labels.items()}
            self._pvs.set({**modes, "ArrayCallbacks": 1})
            # Offsets before sizes: areaDetector cuts a size that does not fit its offset.
            self._pvs.set({"BinX": 1, "BinY": 1, **dict(zip(ROI, settings.roi, strict=True))})
            self._pvs.set({"AcquireTime": settings.exposure_s}, tolerance=EXPOSURE_TOLERANCE)
            # Back to back; the camera lengthens the period to what its readout needs.
            self._pvs.put("AcquirePeriod", settings.exposure_s)
            if settings.em_gain:
                self.set_em_gain(settings.em_gain)
            exposure_s = self._pvs.number("AcquireTime_RBV")
            return CameraSettings(exposure_s, settings.roi, settings.em_gain)

    def set_em_gain(self, gain: int) -> None:
        """0 switches multiplication off. Only while the camera stands still (DeviceFault)."""
        self._rules.check_limit(gain)
        with self._lock:
            self._require_stopped()
            if not gain:
                self._gain_off()
                return
            self._require_gain_allowed()
            self._gain = gain
            self._pvs.set({"AndorEMGain": gain})

    def open_shutter(self) -> None:
        """Only while the camera stands still (DeviceFault); refused with InterlockOpen when gain
        is on and may not be."""
        with self._lock:
            self._require_stopped()
            self._require_gain_allowed_if_on()
            self._move_shutter(SHUTTER_OPEN)

    def close_shutter(self) -> None:
        """Only while the camera stands still (DeviceFault); `make_safe` closes it at any time."""
        with self._lock:
            self._require_stopped()
            self._move_shutter(SHUTTER_CLOSED)

    def cool(self) -> None:
        """Cooler on, at the set point that the camera server has; returns at once. Only while the
        camera stands still (DeviceFault)."""
        with self._lock:
            self._require_stopped()
            self._pvs.set({COOLER: 1})

    # --- acquisition -----------------------------------------------------------------------

    def start(self, sink: Callable[[Frame], None]) -> None:
        """Run continuously; hand every frame of this acquisition to `sink` in order, on the
        driver's thread. Frames of an earlier acquisition are never delivered. `sink` must return
        soon (a queue) and not call the camera."""
        with self._lock:
            self._require_gain_allowed_if_on()
            # Also ends what a crashed client left running.
            self.stop()
            if self._pvs.text("ImageMode_RBV") != MODES["ImageMode"]:
                raise DeviceFault(self.name, "it is not set to run continuously", "configure it")
            multiplying = self._pvs.number("AndorEMGain_RBV") > HIGHEST_OFF_GAIN
            self._guard.begin(multiplying, self._limits.saturated_adu)
            stream = FrameStream(
                self._link,
                IMAGE,
                lambda frame: self._take(frame, sink),
                last_id=self._last_id(),
                queue_size=self._queue_size(),
                wall=self._link.monotonic,
            )
            stream.open()
            self._stream = stream
            try:
                self._pvs.put("Acquire", 1)
                self._pvs.wait(lambda: self._pvs.number("Acquire_RBV") == 1, "start")
            except DriverError:
                stream.close()
                raise

    def stop(self) -> None:
        """Stop; when it returns no frame will come any more."""
        with self._lock:
            try:
                self._pvs.put("Acquire", 0)
                # ADAndor ignores a start until it is idle again.
                self._pvs.wait(self._idle, "stop")
            finally:
                if self._stream is not None:
                    self._stream.close()
            self._verify_dark()

    def _take(self, frame: Frame, sink: Callable[[Frame], None]) -> None:
        """On the driver's thread: the guard first, it must not wait for anybody."""
        if self._guard.frame(frame.image):
            for order in self._dark_orders():
                try:
                    order()
                except DriverError:
                    _log.exception("%s: an order of the register's guard failed", self.name)
        sink(frame)

    def _idle(self) -> bool:
        acquiring, state = self._pvs.get("Acquire_RBV", "DetectorState_RBV")
        return (
            self._link.as_number("Acquire_RBV", acquiring) == 0
            and self._link.as_text("DetectorState_RBV", state) == "Idle"
        )

    def _last_id(self) -> int:
        last_id = round(self._pvs.number("ArrayCounter_RBV"))
        if last_id > HALF_COUNTER:
            # Before its 32 bits run over; frames of before are then behind the new count.
            self._pvs.set({"ArrayCounter": 0})
            return 0
        return last_id

    def _queue_size(self) -> int:
        period_s, width, height = self._pvs.numbers("AcquirePeriod_RBV", "SizeX_RBV", "SizeY_RBV")
        affordable = QUEUE_BYTES / max(1.0, 2.0 * width * height)
        return math.ceil(max(QUEUE_S / max(period_s, 1e-4), min(QUEUE_FRAMES, affordable), 16))

    def _require_stopped(self) -> None:
        """The SDK refuses settings and the shutter while it acquires; say so at once."""
        if self._pvs.number("Acquire_RBV") != 0:
            raise DeviceFault(self.name, "it is acquiring", "stop it before changing settings")

    # --- protection ------------------------------------------------------------------------

    def protection(self) -> CameraProtection:
        return self._guard.state()

    def enforce(self) -> str:
        """Look at the gain that the camera has now, whoever set it. Where it may not be on, make
        the camera safe and return why; else ''.

        ADAndor does not read the temperature while it acquires: a cooler that fails in mid-run
        is seen when the acquisition ends, and flags its segment.
        """
        with self._lock:
            if self._guard.unverified:
                self.stop()
            gain = round(self._pvs.number("AndorEMGain_RBV"))
            if gain <= HIGHEST_OFF_GAIN:
                return ""
            reason = self._objection(gain)
            if reason:
                self._guard.trip(f"{reason}; gain taken away, shutter closed")
                self.make_safe()
            return reason

    def _objection(self, gain: int) -> str:
        if gain != max(self._gain, HIGHEST_OFF_GAIN):
            return (
                f"the camera has EM gain {gain}, which this program did not set "
                "(the camera server restarted, or another client)"
            )
        if self.progress().failure:
            return f"EM gain is on and {self.progress().failure}"
        return self._rules.forbidden() or self._rules.not_cold(*self._temperature())

    def _dark_orders(self) -> tuple[Callable[[], None], ...]:
        """Stop, shutter, gain: sent without waiting for the camera. The SDK refuses a new gain
        while it acquires, hence this order."""
        return (
            lambda: self._pvs.put("Acquire", 0),
            lambda: self._put_shutter(SHUTTER_CLOSED),
            lambda: self._pvs.put("AndorEMGain", 0),
        )

    def _verify_dark(self) -> None:
        """What the guard ordered may have been refused while the camera was still stopping."""
        if not self._guard.unverified:
            return
        self.close_shutter()
        self._gain_off()
        self._guard.unverified = False

    def _temperature(self) -> tuple[float, bool, str]:
        text, actual = self._pvs.get("AndorTempStatus_RBV", "TemperatureActual")
        words = self._link.as_text("AndorTempStatus_RBV", text)
        temperature_c = self._link.as_number("TemperatureActual", actual)
        return temperature_c, temperature_is_stable(words), words

    def _gain_off(self) -> None:
        self._pvs.put("AndorEMGain", 0)
        self._pvs.expect({"AndorEMGain": (0, HIGHEST_OFF_GAIN)})
        self._gain = 0

    def _require_gain_allowed_if_on(self) -> None:
        if self._pvs.number("AndorEMGain_RBV") > HIGHEST_OFF_GAIN:
            self._require_gain_allowed()

    def _require_gain_allowed(self) -> None:
        # Before the camera is asked anything: the rig's word costs it nothing.
        self._rules.require_permit()
        self._rules.require_cold(*self._temperature())

    def _put_shutter(self, label: str) -> None:
        self._pvs.put(SHUTTER, self._pvs.index(SHUTTER, label))

    def _move_shutter(self, label: str) -> None:
        self._put_shutter(label)
        self._pvs.wait(lambda: self._pvs.text(SHUTTER) == label, f"set the shutter {label}")
