"""One run from its first preparation to its last document."""

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bluesky import plan_stubs as bps
from bluesky.utils import FailedStatus, Msg

from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.counting.calibration import CountingCalibration
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.cures import Cures, Obstacles
from atta_daq.rig.devices import SegmentDevice
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.loading_floor import LoadingFloor
from atta_daq.rig.procedures import CalibrationFlagged, calibrate_counting
from atta_daq.rig.recovery import Recovery
from atta_daq.rig.status import WorkStatus
from atta_daq.rig.taker import CountingSetup, SegmentTaker
from atta_daq.scans.blocks import (
    Block,
    PlannedSegment,
    predicted_duration_s,
    segment_duration_s,
    segments_to_take,
)
from atta_daq.scans.course import Course, Known
from atta_daq.scans.decisions import Decision
from atta_daq.scans.definition import ScanDefinition
from atta_daq.scans.plans import ScanFailed, scan_plan
from atta_daq.station.engine import Engine
from atta_daq.station.keeping_going import KeepGoing, Shown
from atta_daq.station.precheck import require_reachable
from atta_daq.station.zeroing import AxisZeroing
from drivers.errors import DeviceFault, DriverError, OutOfRange
from drivers.interfaces import CooledCamera

log = logging.getLogger(__name__)

COOL_DOWN_TIMEOUT_S = 1800.0
T = TypeVar("T")


class RunEnded(Exception):
    """The run was asked to end while it was being prepared."""


@dataclass(frozen=True)
class Hooks:
    """What a session tells the station; called on the session's threads."""

    state: Callable[[str], None]
    segment: Callable[[Segment, float], None]
    """A new segment, and the rig time that is left."""
    block_done: Callable[[], None]
    say: Callable[[str], None]
    suspended: Callable[[str], None]
    """Why the run waits; '' when it goes on."""
    recovery: Callable[[str], None]
    """Recipe and try by which the rig is brought back; '' for none."""
    skipped: Callable[[int], None]
    """How many blocks were given up so far."""
    flagged: Callable[[int, str], None]
    """A segment of this run that was good until now, and why it is not used."""
    begun: Callable[[PlannedSegment], None]
    """A segment that is about to be taken."""
    counting: Callable[[CountingCalibration], None] = lambda _found: None
    """The counting as it was calibrated from this run's frames."""
    planned: Callable[[int, float], None] = lambda _segments, _remaining_s: None
    """Segments of the whole run and the rig time that is left, when a decision has changed them."""


class RunSession:
    """Prepares the rig, runs the plan, journals everything."""

    def __init__(
        self,
        definition: ScanDefinition,
        blocks: tuple[Block, ...],
        writer: RunWriter,
        instruments: Instruments,
        config: RigConfig,
        light: LightControl,
        taker: SegmentTaker,
        zeroing: AxisZeroing,
        hooks: Hooks,
        clock: RigClock,
        obstacles: Obstacles,
        earlier: Sequence[Segment] = (),
        history: Sequence[Decision] = (),
    ) -> None:
        """`obstacles`: what the station knows to keep the run from going on; `history`: what the
        runs that this one goes on with have decided."""
        self.definition = definition
        self.segments: list[Segment] = []
        self.earlier = tuple(earlier)
        """Segments of the runs that this one goes on with, as `earlier_of`."""
        self.known: Known = {}
        """What the last fits know; the scan's decisions go by it."""
        self._course = Course(
            definition,
            blocks,
            config.scan_timing(),
            history=history,
            taken=lambda: self.measurement,
            known=lambda: self.known,
            record=self._on_decision,
        )
        ahead = self._course.left()
        self.total_segments = segments_to_take(ahead)
        self._rare = any(
            s.kind in (SegmentKind.RARE, SegmentKind.BLANK) for b in ahead for s in b.segments
        )
        self._writer = writer
        self._instruments = instruments
        self._config = config
        self._light = light
        self._taker = taker
        self._zeroing = zeroing
        self._hooks = hooks
        self.fault = False
        """Whether something ended it that nobody had asked for."""
        self._ending = ""
        self._cooled = threading.Event()
        self.ended = threading.Event()
        """Set when the run no longer touches the rig."""
        self._device = SegmentDevice(taker, self._on_flagged, hooks.begun, lambda: self._ending)
        self._device.start_run(writer.run_id)
        self._engine = Engine(self._on_document)
        self._floor = LoadingFloor(config.faults.loading(definition.faults), earlier)
        cures = Cures(
            instruments, config, light, taker, clock, obstacles, self._floor, self._rare,
            lambda: self._ending, hooks.say,
        )  # fmt: skip
        shown = Shown(hooks.say, hooks.recovery, hooks.skipped)
        self._keep = KeepGoing(definition.faults, cures.recipes(), writer, shown)
        self._recovery = Recovery(self._keep.step, self._suspended)
        self._remaining_s = predicted_duration_s(ahead, config.scan_timing())

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self._writer.run_id

    @property
    def measurement(self) -> list[Segment]:
        """Everything so far that belongs to the measurement, numbered through."""
        shift = len(self.earlier)
        return [*self.earlier, *(replace(s, index=s.index + shift) for s in self.segments)]

    @property
    def skipped(self) -> int:
        """Blocks that were given up so far."""
        return len(self._keep.skipped)

    @property
    def engine(self) -> Engine:
        """For pause and resume."""
        return self._engine

    @property
    def paused(self) -> bool:
        """It waits for `resume` and moves nothing."""
        moves = self._device.busy or self._recovery.busy
        return self._engine.state == "paused" and not moves

    def resume(self) -> None:
        """Go on after a pause."""
        self._engine.resume()
        self._hooks.state("running")

    def expect_end(self, reason: str) -> None:
        """Whatever ends the run from now on, this is why (STOP reaches the hardware first)."""
        self._ending = self._ending or reason

    def end(self, reason: str) -> None:
        """End the run as soon as may be; what was taken is kept."""
        self.expect_end(reason)
        self._cooled.set()
        self._recovery.give_up()
        self._taker.interrupt(reason)
        self._engine.end(reason)

    def run(self) -> tuple[RunState, str]:
        """Carry the run out on the calling thread. Returns how it ended and why."""
        state, reason = RunState.COMPLETE, ""
        before_nc = self._instruments.camera.protection().dose_nc
        try:
            self._hooks.state("preparing")
            self._prepare()
            self._check_ending()
            self._hooks.state("running")
            plan = scan_plan(
                self._blocks(),
                self._device,
                self.definition.max_attempts,
                {"run_id": self.run_id, "scan": self.definition.digest},
                self._after_fault,
                self._give_up,
            )
            reason = self._engine.run(plan, lambda: self._hooks.state("paused"))
            if reason:
                state = RunState.ABORTED
            else:
                reason = self._course.reason
                if gaps := self._keep.gaps():
                    state = RunState.GAPS
                    reason = f"{gaps}; {reason}" if reason else gaps
        except RunEnded as ended:
            state, reason = RunState.ABORTED, str(ended)
        except Exception as error:  # whatever ends a run is written into it
            cause = _cause(error)
            self.fault = not self._ending
            if self.fault:
                log.error("run %s ended", self.run_id, exc_info=cause)
            state = RunState.ABORTED
            reason = self._ending or str(cause) or type(cause).__name__
        self._hooks.state("stopping")
        self._recovery.close()
        self._device.close()
        self._engine.close()
        self._taker.verdict = lambda _segment: ""
        self._leave_dark()
        if self.fault:
            # Nobody may come for hours: a rig that failed is not left with its light on.
            self._leave_safe()
        self.ended.set()
        dose_nc = self._instruments.camera.protection().dose_nc - before_nc
        self._close_archive(state, reason, dose_nc)
        return state, reason

    def _close_archive(self, state: RunState, reason: str, dose_nc: float) -> None:
        """A disk that refuses the last document must not keep the station from its next run."""
        try:
            self._keep.close()
            body = {"register_dose_nc": dose_nc, "fault": self.fault}
            self._writer.close(state, reason, body)
        except ArchiveError as error:
            self._hooks.say(f"the run's end could not be written, it counts as crashed: {error}")
            self._writer.abandon()

    def _prepare(self) -> None:
        self._taker.verdict = self._floor.judge
        self._until_done(self._taker.configure_camera)
        self._until_done(self._taker.trap.start)
        if self._rare:
            self._until_done(self._wait_until_cold)
            camera = self._config.camera
            frames = self._writer.open_frames(*camera.frame_shape)
            self._taker.archive = lambda frame: frames.append(
                frame.image, frame.unique_id, frame.rig_time_s
            )
        self._until_done(self._light.switch_on)
        self._check_ending()
        if self.definition.zero_on_reference_cell:
            self._until_done(lambda: self._zeroing.zero(lambda: self._ending))
            # The axis has moved a little: a point at its edge may now lie beyond.
            require_reachable(self._course.every_place, self._light, self._config)
        self._calibration("axis zero", self._light.axis.describe())
        self._check_ending()
        self._taker.counting = None
        if self._rare and self.definition.calibrate_counting_s:
            counting = self._calibrated(self.definition.calibrate_counting_s)
            self._taker.counting = counting
            self._calibration("counting", counting.calibration.to_dict())
            self._hooks.counting(counting.calibration)
        self._taker.restart_clock()

    def _calibrated(self, dwell_s: float) -> CountingSetup:
        """The counting, calibrated; taken again when the rig failed meanwhile."""
        return self._until_done(
            lambda: calibrate_counting(
                self._taker, self._config, self.run_id, dwell_s, lambda: self._ending
            )
        )

    def _until_done(self, step: Callable[[], T]) -> T:
        """One step of the preparation; when the rig fails in it, it is brought back and the step
        is taken again, as a block is. A setting that no rig can have is no fault."""
        for attempt in range(self.definition.max_attempts):
            # STOP between two steps must not find the next one switching something on.
            self._check_ending()
            try:
                return step()
            except OutOfRange:
                raise
            except DriverError as error:
                self._check_ending()
                if attempt + 1 == self.definition.max_attempts:
                    raise
                cause = error.reason if isinstance(error, CalibrationFlagged) else str(error)
                self._hooks.say(f"taken again: {cause}")
                self._keep.begin(cause, -1, attempt)
                self._recovery.wait()
                self._check_ending()
                if self._keep.given_up:
                    raise ScanFailed(self._keep.given_up) from error
        raise AssertionError("max_attempts is at least 1")

    def _wait_until_cold(self) -> None:
        """Wall time: on a real rig this takes minutes."""
        camera = self._instruments.camera
        if isinstance(camera, CooledCamera) and not camera.status().temperature_stable:
            camera.cool()  # its server may have come up with the cooler off
        waited_s = 0.0
        while not (status := camera.status()).temperature_stable:
            if waited_s > COOL_DOWN_TIMEOUT_S:
                raise DeviceFault(
                    "camera", f"not cold after {waited_s:.0f} s ({status.temperature_c:.1f} C)"
                )
            self._cooled.wait(1.0)
            waited_s += 1.0
            self._check_ending()

    def _blocks(self) -> Iterator[Block]:
        """As the plan takes them; each that is chosen changes what is left."""
        chooses = self.definition.adaptive or self.definition.stop_when
        for block in self._course:
            if chooses:
                ahead = (block, *self._course.left())
                self._remaining_s = predicted_duration_s(ahead, self._config.scan_timing())
                done = sum(not segment.flag for segment in self.segments)
                self.total_segments = done + segments_to_take(ahead)
                self._hooks.planned(self.total_segments, self._remaining_s)
            yield block

    def _on_decision(self, decision: Decision) -> None:
        self._writer.append("decision", decision.to_dict())
        what = decision.reason or f"{len(decision.visits)} visits"
        log.info("block %d, %s: %s", decision.block, decision.kind, what)

    def _check_ending(self) -> None:
        if self._ending:
            raise RunEnded(self._ending)

    def _calibration(self, name: str, values: dict[str, Any]) -> None:
        self._writer.append("calibration", {"name": name, **values})

    def _after_fault(self, flag: str) -> Generator[Msg, Any, str]:
        """Between two tries of a block: wait until the rig is back. Returns why it is not."""
        self._hooks.say(f"block retaken: {flag}")
        block = self._device.current_block
        self._flag_block(block, "its block was retaken")
        yield from self._wait_for_rig(flag, block)
        return self._keep.given_up

    def _give_up(self, block: Block, cause: str) -> Generator[Msg, Any, bool]:
        """A block has failed for good. Returns whether the run goes on with the next one."""
        skipped = self._keep.skip(block, cause)
        self._flag_block(block.index, f"its block was {'skipped' if skipped else 'given up'}")
        if not skipped:
            return False
        for planned in block.segments[1:]:
            self._remaining_s -= segment_duration_s(planned, self._config.scan_timing())
        if not self._keep.given_up:
            # It failed on a rig that came back each time: let it come back for the next block too.
            yield from self._wait_for_rig(cause, block.index)
        return True

    def _wait_for_rig(self, cause: str, block: int) -> Generator[Msg, Any, None]:
        last = self._device.last
        attempt = last.attempt if last is not None else 0
        self._recovery.begin = lambda: self._keep.begin(cause, block, attempt)
        # A pause in the wait replays the wait alone, from its beginning.
        yield from bps.checkpoint()
        yield from bps.trigger(self._recovery, wait=True)

    def _flag_block(self, block: int, cause: str) -> None:
        """What was taken well of a block that is not whole is not used."""
        for n, segment in enumerate(self.segments):
            if segment.block == block and not segment.flag:
                self._writer.flag(segment.index, cause)
                self.segments[n] = replace(segment, flag=cause)
                self._hooks.flagged(segment.index, cause)

    def _suspended(self, reason: str) -> None:
        if reason:
            self._hooks.say(f"the run waits: {reason}")
        self._hooks.suspended(reason)

    def _on_document(self, name: str, document: dict[str, Any]) -> None:
        if name == "event":
            segment = self._device.last
            assert segment is not None
            self._record(segment, document)
        else:
            self._writer.append("bluesky", {"name": name, "document": document})

    def _on_flagged(self, segment: Segment) -> None:
        """An attempt cut short by a pause: it has no event, but it is kept."""
        self._record(segment, None)

    def _record(self, segment: Segment, event: dict[str, Any] | None) -> None:
        if self.segments and self.segments[-1].index == segment.index:
            return  # replayed by the engine after a pause: it is written already
        self._writer.segment(segment, {"event": event} if event else None)
        self.segments.append(segment)
        self._keep.segment(segment.block)
        if not segment.flag:
            planned = self._device.planned
            if planned is not None:
                self._remaining_s -= segment_duration_s(planned, self._config.scan_timing())
        self._hooks.segment(segment, max(0.0, self._remaining_s))
        if segment.bracket:
            self._hooks.block_done()

    def _leave_safe(self) -> None:
        self._light.forget()
        for line in self._instruments.make_safe():
            self._hooks.say(line)

    def _leave_dark(self) -> None:
        for failure in self._instruments.leave_dark():
            self._hooks.say(failure)


def _cause(error: BaseException) -> BaseException:
    """What a device's work raised, behind the engine's FailedStatus."""
    if isinstance(error, FailedStatus) and isinstance(error.args[0], WorkStatus):
        return error.args[0].exception() or error
    return error
