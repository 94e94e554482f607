"""Takes one segment: puts the rig into place, looks, and says what was measured."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.efficiency import EfficiencyCurve
from atta_daq.counting.loading import LoadingError, loading_slope_rate, quench_burst_rate
from atta_daq.counting.segment import SegmentCounter
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.frame_pump import FrameConsumer, FramePump
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.provisional import Provisional
from atta_daq.rig.standing import camera_warm
from atta_daq.rig.trap_control import TrapControl
from atta_daq.scans.blocks import PlannedSegment
from drivers.errors import DeviceFault, DriverError
from drivers.interfaces import CameraSettings, Frame, Trace

STALL_EXPOSURES = 20
STALL_MARGIN_S = 1.8
"""On top of those exposures, so that a stall is told within 2 s on top of them."""


@dataclass(frozen=True)
class CountingSetup:
    """How this run counts: calibrated from its own frames."""

    calibration: CountingCalibration
    efficiency: EfficiencyCurve


@dataclass(frozen=True)
class Place:
    """Where a segment stands in its run."""

    run_id: str
    block: int
    attempt: int
    index: int


@dataclass
class _Measured:
    start_s: float
    end_s: float
    live_s: float
    fields: dict = field(default_factory=dict)
    dead_s: dict[str, float] = field(default_factory=dict)
    flag: str = ""


class SegmentTaker:
    """Does the work of a segment with real or simulated instruments alike.

    `archive` takes every frame of a counting segment; `counting` is there once the run has
    calibrated it; without it frames are taken and nothing is counted.
    """

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        clock: RigClock,
        light: LightControl,
        trap: TrapControl,
    ) -> None:
        self._instruments = instruments
        self._config = config
        self._clock = clock
        self._light = light
        self.trap = trap
        self._interrupt = ""
        self._trips = 0
        self._lock = threading.Lock()
        self._last_end_s: float | None = None
        self.counting: CountingSetup | None = None
        self.archive: FrameConsumer | None = None
        self.provisional = Provisional()
        self.looking: object | None = None
        """One object for as long as frames of a segment are waited for."""
        self.loading_trace: Trace | None = None
        """The last one that the loading detector took."""
        self.guard: Callable[[], str] = lambda: ""
        """Asked while a segment runs; a reason ends it, flagged (lock lost, amplifier tripped)."""

        self.verdict: Callable[[Segment], str] = lambda _segment: ""
        """Asked of a segment taken without a flag; a reason flags it (too little is loaded)."""

    def interrupt(self, cause: str) -> None:
        """End the segment under way; it is kept, flagged with `cause`."""
        with self._lock:
            self._interrupt = cause

    def spoil(self, cause: str) -> None:
        """The same for a fault that may be over when it is asked for; what ended it first stays."""
        with self._lock:
            self._interrupt = self._interrupt or cause

    def restart_clock(self) -> None:
        """The time until now belongs to no segment (start of a run, a pause)."""
        self._last_end_s = None

    def take(
        self, planned: PlannedSegment, place: Place, ended: Callable[[], str] = lambda: ""
    ) -> Segment:
        """Take one segment. A fault of the rig flags it; only STOP and bugs raise.

        `ended`: why it was to end before it began, which `interrupt` cannot tell: what that said
        until now was meant for another segment.
        """
        with self._lock:
            # Asked behind the clearing, as seen by who says why first and interrupts then: whatever
            # comes meanwhile is in the one or in the other.
            self._interrupt = ""
            over = self._interrupt = ended()
        self._trips = self._instruments.camera.protection().trips
        self.provisional.begin()
        begun_s = self._clock.now_s()
        since_s = begun_s if self._last_end_s is None else self._last_end_s
        setting = Setting()
        dead: dict[str, float] = {}
        try:
            if over:
                # Nothing is moved, and neither light nor gain goes on.
                measured = _Measured(begun_s, begun_s, 0.0, flag=over)
            else:
                setting, dead = self._prepare(planned)
                measured = self._measure(planned)
            if planned.pumping and not measured.flag:
                # The light must have stood at its place until the end, not only at the start.
                self._light.read()
        except (DriverError, LoadingError) as error:
            now_s = self._clock.now_s()
            self._light.forget()
            measured = _Measured(now_s, now_s, 0.0, flag=str(error))
        dead |= measured.dead_s
        length_s = measured.end_s - since_s
        # Whatever is neither live nor accounted for is the program's own overhead.
        dead["overhead"] = max(0.0, length_s - measured.live_s - sum(dead.values()))
        self._last_end_s = measured.end_s
        segment = Segment(
            run_id=place.run_id,
            block=place.block,
            attempt=place.attempt,
            index=place.index,
            kind=planned.kind,
            isotope=planned.isotope,
            pumping=planned.pumping,
            point=planned.point,
            bracket=planned.bracket,
            setting=setting,
            start_rig_s=measured.start_s,
            end_rig_s=measured.end_s,
            live_s=measured.live_s,
            dead_s={key: round(value, 6) for key, value in dead.items() if value > 0.0},
            flag=measured.flag,
            **measured.fields,
        )
        return segment if segment.flag else replace(segment, flag=self.verdict(segment))

    def _prepare(self, planned: PlannedSegment) -> tuple[Setting, dict[str, float]]:
        """Move light, trap and shutter. Returns where the light stands and the dead time."""
        start_s = self._clock.now_s()
        setting = Setting()
        # A blank looks at the light wherever it stands: its stray light is all that matters.
        if planned.pumping and planned.isotope:
            self._light.move(self._light.resolve(planned.target, planned.isotope))
        moved_s = self._clock.now_s()
        self.trap.pump(planned.pumping)
        switching_s, settling_s = self.trap.to(planned.isotope)
        if planned.pumping:
            setting = self._light.read()
        return setting, {
            "moving": moved_s - start_s,
            "switching": switching_s,
            "settling": settling_s,
        }

    def _measure(self, planned: PlannedSegment) -> _Measured:
        if planned.kind in (SegmentKind.RARE, SegmentKind.BLANK):
            return self._count(planned)
        return self._load(planned)

    def _load(self, planned: PlannedSegment) -> _Measured:
        """83Kr: quench bursts; 84Kr: slope after clearing. The camera is dark (TrapControl)."""
        config, detector = self._config.loading, self._instruments.loading
        bursts = planned.bursts or config.bursts
        start_s = self._clock.now_s()
        if planned.kind in (SegmentKind.LOADING_83, SegmentKind.CHECK_83):
            trace = detector.quench_bursts(bursts, config.load_s, config.quench_s)
            self.loading_trace = trace
            result = quench_burst_rate(
                trace.volts, trace.dt_s, bursts, config.load_s, config.quench_s
            )
            rates, live_s = result.bursts, bursts * config.load_s
        else:
            # Several slopes: what one trace cannot show is how well it repeats.
            rates = np.array([self.slope() for _ in range(bursts)])
            live_s = bursts * config.slope_record_s
        end_s = self._clock.now_s()
        return _Measured(
            start_s,
            end_s,
            live_s,
            {
                "rate": float(rates.mean()),
                "rate_error": float(rates.std(ddof=1) / math.sqrt(bursts)),
                "exposures": bursts,
            },
            {"record": max(0.0, end_s - start_s - live_s)},
            flag=self._guarded(),
        )

    def slope(self) -> float:
        """84Kr loading rate (V/s) of one slope after clearing. Raises LoadingError."""
        config = self._config.loading
        trace = self._instruments.loading.loading_slope(config.quench_s, config.slope_record_s)
        self.loading_trace = trace
        return loading_slope_rate(trace.volts, trace.dt_s, config.quench_s).rate

    def _count(self, planned: PlannedSegment) -> _Measured:
        assert planned.dwell_s is not None
        camera, config = self._instruments.camera, self._config.camera
        settle = self._config.timing.settle_frames
        wanted = math.ceil(planned.dwell_s / config.exposure_s - 1e-9)
        consumers: list[FrameConsumer] = [self.provisional.add]
        if self.archive is not None:
            consumers.append(self.archive)
        counter = self.provisional.counter = self._counter(settle, wanted)
        if counter is not None:

            def count(frame: Frame) -> None:
                counter.add(frame.image, frame.unique_id, frame.rig_time_s)

            consumers.append(count)
        camera.set_em_gain(config.em_gain)
        camera.open_shutter()
        pump = FramePump(wanted, settle, config.frame_shape, tuple(consumers))
        start_s = self._clock.now_s()
        with pump.fed_by(camera):
            self.looking = pump
            try:
                flag = pump.wait(self.stall_s, self._guarded)
            finally:
                self.looking = None
        frames = pump.received
        end_s = self._clock.now_s()
        flag = flag or self._warm()
        if counter is None:
            return _Measured(start_s, end_s, frames * config.exposure_s, flag=flag)
        result = counter.finish()
        return _Measured(
            start_s,
            end_s,
            result.live_s,
            {
                "counts": result.counts,
                "efficiency": result.efficiency,
                "efficiency_error": result.efficiency_error,
                "exposures": result.exposures,
                "frames_lost": result.frames_lost,
            },
            {
                "settle-frames": settle * config.exposure_s,
                "lost-frames": result.frames_lost * config.exposure_s,
            },
            flag=flag or self._guarded(),
        )

    def _counter(self, settle: int, wanted: int) -> SegmentCounter | None:
        if self.counting is None:
            return None
        setup = self.counting
        counter = SegmentCounter(setup.calibration, setup.efficiency, settle_frames=settle)
        # The camera's driver hands over frames of this acquisition only: any time stamp is good.
        counter.arm(-math.inf, wanted)
        return counter

    @property
    def stall_s(self) -> float:
        """Wall time without a frame after which the camera counts as stalled."""
        exposures_s = STALL_EXPOSURES * self._config.camera.exposure_s
        return self._clock.wall_s(exposures_s) + STALL_MARGIN_S

    def configure_camera(self) -> None:
        """Region of interest, exposure, gain off, shutter closed; for the start of a run."""
        config, camera = self._config.camera, self._instruments.camera
        roi = (config.roi_x, config.roi_y, config.roi_width, config.roi_height)
        camera.stop()
        camera.configure(CameraSettings(config.exposure_s, roi, 0))
        camera.close_shutter()

    def require_frame(self, interrupted: Callable[[], str]) -> None:
        """Wait for one frame of the configured, dark camera. Raises DeviceFault without one."""
        pump = FramePump(1, 0, self._config.camera.frame_shape, ())
        with pump.fed_by(self._instruments.camera):
            missing = pump.wait(self.stall_s, interrupted)
        if missing:
            raise DeviceFault("camera", missing, "see to its server and its trigger")

    def _warm(self) -> str:
        """Why the frames just taken may come from a warm sensor; '' when they do not.

        ADAndor reads no temperature while it acquires, and again in the look at the camera that
        finds it idle, for which `stop` waits.
        """
        return camera_warm(self._instruments.camera.status())

    def _guarded(self) -> str:
        with self._lock:
            return self._interrupt or self._tripped() or self.guard()

    def _tripped(self) -> str:
        """Why the camera's protection has acted in this segment; '' when it has not."""
        protection = self._instruments.camera.protection()
        return f"camera: {protection.trip}" if protection.trips > self._trips else ""
