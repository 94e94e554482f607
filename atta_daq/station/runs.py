"""The run of the moment: starts it, shows and fits it while it runs, finishes it."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.fit_run import warm_up
from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.analysis.results import FitResult
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import ChainedRun, earlier_of
from atta_daq.archive.disk import is_full
from atta_daq.archive.errors import ArchiveError, RunClosed, WriteFailed
from atta_daq.archive.header import new_run_id
from atta_daq.archive.run_folder import RunWriter
from atta_daq.client.errors import CommandRefused
from atta_daq.counting.calibration import CountingCalibration
from atta_daq.heap import give_back
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.counting_check import what_moved
from atta_daq.rig.cures import Obstacles
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.taker import SegmentTaker
from atta_daq.scans.blocks import Block, predicted_duration_s
from atta_daq.scans.course import Course
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.calibration_keeper import CalibrationKeeper
from atta_daq.station.drift_watch import DriftWatch
from atta_daq.station.errors import RigBusy
from atta_daq.station.finish import Finished, finish_late, finish_run, left_unfinished
from atta_daq.station.fit_worker import FitWorker
from atta_daq.station.fitting import FitRequest
from atta_daq.station.live import LiveResult, Told, live_result
from atta_daq.station.log import Say
from atta_daq.station.points import part_points
from atta_daq.station.precheck import plan_warnings
from atta_daq.station.queue.fate import SHUT_DOWN
from atta_daq.station.resuming import close_whole
from atta_daq.station.rig_use import RigUse
from atta_daq.station.run_display import RunDisplay
from atta_daq.station.run_header import run_header
from atta_daq.station.session import Hooks, RunSession
from atta_daq.station.under_way import point_under_way
from atta_daq.station.zeroing import AxisZeroing

log = logging.getLogger(__name__)

LIVE_FIT_S = 60.0
FINISH_S = 300.0
STOP_S = 10.0
"""How long the end of the station waits for what is under way."""
STOP_WAIT_S = 5.0
"""How long STOP waits for all that is under way. With the instruments' own ten seconds before and
after it the answer comes before the client gives up."""
CAMERA_STALLED = "camera:stalled"
COUNTING_MOVED = "run:counting"


class Runs:
    """At most one run at a time. Methods may be called from any thread."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        rig_toml: str,
        data: Path,
        clock: RigClock,
        light: LightControl,
        taker: SegmentTaker,
        use: RigUse,
        zeroing: AxisZeroing,
        calibrations: CalibrationKeeper,
        display: RunDisplay,
        alarms: Alarms,
        say: Say,
        obstacles: Obstacles | None = None,
    ) -> None:
        """`obstacles`: what keeps a run from going on now; None for a rig that never has any."""
        self._obstacles = obstacles or Obstacles()
        self._instruments = instruments
        self._config = config
        self._rig_toml = rig_toml
        self.data = data
        self._clock = clock
        self._light = light
        self._taker = taker
        self._use = use
        self._zeroing = zeroing
        self._calibrations = calibrations
        self._display = display
        self._alarms = alarms
        self._say = say
        self._mutex = threading.Lock()
        self.drift = DriftWatch(config, alarms)
        self._session: RunSession | None = None
        self._writer: RunWriter | None = None
        self._thread: threading.Thread | None = None
        self._request: FitRequest | None = None
        self._to_fit = self._fitted = 0
        """Segments at the end of the last block; segments that the last live fit includes."""
        self._told = Told()
        self._in_view = ""
        """The run that is shown: the one under way, else the last."""
        use.run = lambda: self._session
        self._worker = FitWorker(self._on_fit, self._on_fit_worker_died)
        self._worker.submit(warm_up)

    @cached_property
    def _catalogue(self) -> Catalogue:
        """Opened when it is first asked: a full disk refuses even that, and the station serves."""
        return Catalogue(self.data)

    def finish_what_was_left(self) -> None:
        """Make the report that the last station did not live to make. Raises OSError,
        sqlite3.Error when the list of runs cannot be brought up to date."""
        folder = left_unfinished(self._catalogue, self._config.name)
        if folder is not None:
            self._worker.submit_late(finish_late, folder)

    def close_whole(self, run_id: str) -> bool:
        """Close a run that holds all of its blocks as complete and make its report, if it ended
        with its station; returns whether it did. Raises as the function of this name."""
        if not close_whole(self.data, run_id, self._clock.now_s):
            return False
        self._worker.submit_late(finish_late, self.data / run_id)
        return True

    @property
    def session(self) -> RunSession | None:
        """The run under way, if there is one."""
        return self._session

    @property
    def _drift(self) -> DriftSpectrum:
        """What is known of the source beside the brackets of the run."""
        config = self._request.config if self._request is not None else None
        return TYPICAL if config is None else config.calibrations.source.spectrum()

    @property
    def writer(self) -> RunWriter | None:
        """Its archive."""
        return self._writer

    def note(self, text: str, author: str) -> str:
        """Keep a note with the run under way; returns its id, '' when there is none."""
        writer = self._writer
        if writer is None:
            return ""
        try:
            writer.note(text, author)
        except RunClosed:
            return ""
        self._display.note(text)
        return writer.run_id

    def remark(self, text: str, author: str) -> None:
        """The same for a thread that must live on when the disk takes nothing."""
        try:
            self.note(text, author)
        except ArchiveError as error:
            self._say(f"not kept with the run ({error}): {text}", "warning", "run")

    def start(
        self,
        definition: ScanDefinition,
        plan: tuple[Block, ...],
        request: FitRequest,
        scan_toml: str,
        resumed: ChainedRun | None = None,
        announce: Callable[[str], None] = lambda run_id: None,
    ) -> str:
        """Start a run on a thread of its own; returns its id.

        With `resumed` it goes on with that one. `announce` hears the id before anything of the run
        is on disk; what it raises leaves no run. Raises RigBusy while another one is under way and
        when the disk has no room for a run, CommandRefused for another fault of the archive.
        """
        with self._mutex:
            if self._session is not None:
                raise RigBusy(
                    f"run {self._session.run_id} is under way; abort it or wait for its end"
                )
            self._request = request
            self.drift.begin(definition, request.config or self._config)
            try:
                self._session = self._new_session(definition, plan, scan_toml, resumed, announce)
            except WriteFailed as error:
                why = error.__cause__
                if why is None or is_full(why):
                    raise RigBusy(str(error)) from error
                # Nobody gives a run the right to write, or mends the disk, while the queue waits.
                raise CommandRefused(str(error)) from error
            except ArchiveError as error:
                raise CommandRefused(str(error)) from error
            if why := self._use.stopped():
                # STOP came while it was made, and has looked for a run before this one was there.
                self._session.end(why)
            run_id = self._session.run_id
            self._thread = threading.Thread(target=self._run, name="run", daemon=True)
            self._thread.start()
        return run_id

    def end(self, reason: str) -> None:
        """End the run under way as soon as may be."""
        session = self._session
        if session is not None:
            session.end(reason)

    def stop(self, reason: str) -> list[str]:
        """STOP: hardware first, then whatever is under way, then the hardware again.

        The second time undoes what a run, an activity or a manual move may have sent between the
        first and its end.
        """
        session, writer = self._session, self._writer
        if session is not None:
            session.expect_end(reason)
        if writer is not None:
            # Beside the hardware, which may take long: whoever kills the station meanwhile must
            # not see the next one go on with the run by itself.
            threading.Thread(target=self._keep_end, args=(writer, reason), daemon=True).start()
        busy = self._use.stop(reason)
        done = self._instruments.make_safe()
        self._light.forget()
        deadline_s = time.monotonic() + STOP_WAIT_S
        busy |= self._end_and_wait(reason, deadline_s)
        if busy:
            self._use.settle(deadline_s - time.monotonic())
            # One that was being started is there by now; it has seen STOP, and ends.
            self._end_and_wait(reason, deadline_s)
            done = self._instruments.make_safe()
            self._light.forget()
        return done

    def _keep_end(self, writer: RunWriter, reason: str) -> None:
        try:
            writer.ends(reason)
        except RunClosed:
            pass
        except ArchiveError as error:
            self._say(f"not kept with the run ({error}): {reason}", "warning", "run")

    def _end_and_wait(self, reason: str, deadline_s: float) -> bool:
        """End the run, if there is one, and wait until it no longer touches the rig."""
        session = self._session
        if session is None:
            return False
        session.end(reason)
        session.ended.wait(max(0.0, deadline_s - time.monotonic()))
        return True

    def halt(self) -> None:
        """End run and activity with the station, and wait until they have let go of the rig."""
        self._use.shut_down(SHUT_DOWN)
        self.end(SHUT_DOWN)
        self._use.settle(STOP_S)
        session = self._session
        if session is not None:
            session.ended.wait()

    def close(self) -> None:
        """After `halt`: wait for the last document and report, release the archive."""
        if self._thread is not None:
            self._thread.join()
        self._worker.close()
        try:
            self._catalogue.close()
        except (OSError, sqlite3.Error) as error:
            # What is left to be released, the rig above all, does not wait for the disk.
            log.warning("the list of runs could not be closed: %s", error)

    def _new_session(
        self,
        definition: ScanDefinition,
        plan: tuple[Block, ...],
        scan_toml: str,
        resumed: ChainedRun | None,
        announce: Callable[[str], None],
    ) -> RunSession:
        isotopes = tuple(dict.fromkeys(part.isotope for part in definition.parts))
        timing = self._config.scan_timing()
        history = resumed.decisions if resumed else ()
        ahead = Course(definition, plan, timing, history=history).left()
        started_utc_s = time.time()
        run_id = new_run_id(isotopes, definition.name, started_utc_s)
        announce(run_id)
        self._writer = RunWriter.create(
            self.data,
            run_header(
                run_id,
                definition,
                self._config,
                ahead,
                self._calibrations.in_use,
                resumes=resumed.run_id if resumed else None,
            ),
            rig_now=self._clock.now_s,
            utc_now=time.time,
            scan_toml=scan_toml,
            rig_toml=self._rig_toml,
        )
        for text in plan_warnings(ahead, self._calibrations.in_use.values):
            self._alarms.raise_(Cause("run:calibration", "run", text, "minor", once=True))
        self._to_fit = self._fitted = 0
        self._told = Told()
        self._in_view = run_id
        self._display.begin(run_id, definition, scan_toml, started_utc_s)
        hooks = Hooks(
            state=self._display.state,
            segment=self._on_segment,
            block_done=self._on_block,
            say=lambda text: self._say(text, "warning", "run"),
            suspended=self._display.suspended,
            planned=self._display.planned,
            recovery=self._display.recovery,
            skipped=self._display.skipped,
            flagged=self._display.flagged,
            counting=self._on_counting,
            begun=lambda planned: self._display.begun(
                point_under_way(planned, definition, self._light)
            ),
        )
        session = RunSession(
            definition, plan, self._writer, self._instruments, self._config, self._light,
            self._taker, self._zeroing, hooks, self._clock, self._obstacles,
            earlier_of(resumed, self._writer, plan) if resumed else (), history,
        )  # fmt: skip
        self._display.planned(session.total_segments, predicted_duration_s(ahead, timing))
        return session

    def _on_counting(self, found: CountingCalibration) -> None:
        entries = self._calibrations.in_use.entries
        if moved := what_moved(found, self._config.camera.em_gain, entries):
            self._alarms.raise_(
                Cause(COUNTING_MOVED, "camera", "; ".join(moved), "minor", once=True)
            )

    def _run(self) -> None:
        self._carry_out()
        give_back()

    def _carry_out(self) -> None:
        session = self._session
        assert session is not None
        state, reason = session.run()
        said = f"run {session.run_id}: {state.value}{f', {reason}' if reason else ''}"
        if session.fault or session.skipped:
            self._alarms.raise_(Cause("run:fault", "run", said, once=True))
        else:
            self._say(said, source="run")
        self._alarms.clear(CAMERA_STALLED)
        self.drift.end(session.measurement)
        folder = self.data / session.run_id
        self._worker.drain(LIVE_FIT_S)
        self._display.points(
            part_points(session.definition, session.measurement, running=False, drift=self._drift)
        )
        self._worker.submit_last(finish_run, folder, self._request)
        if not self._worker.drain(FINISH_S):
            self._say(
                f"the report takes long; make it later: atta-daq report {session.run_id}",
                "warning", "run",
            )  # fmt: skip
        try:
            self._catalogue.update(folder)
        except (OSError, sqlite3.Error, ArchiveError) as error:
            # The list can be made anew from the folders at any time; the next run must be free.
            self._say(f"the list of runs could not be written: {error}", "warning", "run")
        # Who sees the outcome may start the next run at once; it waits here, and what is shown of
        # it comes behind what is shown of this one.
        with self._mutex:
            self._session = None
            self._writer = None
            self._display.end(state.value, reason)
            self._display.state("idle")

    def _on_segment(self, segment: Segment, remaining_s: float) -> None:
        self._display.segment(segment, remaining_s)
        if segment.flag:
            self._say(f"segment {segment.index} flagged: {segment.flag}", "warning", "run")
        if segment.flag.startswith("camera stalled"):
            self._alarms.raise_(Cause(CAMERA_STALLED, "camera", segment.flag))
        elif segment.kind in (SegmentKind.RARE, SegmentKind.BLANK) and not segment.flag:
            self._alarms.clear(CAMERA_STALLED)
        session = self._session
        if session is not None and segment.bracket and not segment.flag:
            self.drift.bracket(session.measurement)
        self._refresh()

    def _on_block(self) -> None:
        session = self._session
        if session is not None:
            self._to_fit = len(session.measurement)
            self._refresh()

    def _refresh(self) -> None:
        """Ask for the points, and for a fit when one is due: a later request replaces this one."""
        session = self._session
        if session is not None and self._request is not None:
            due = self._to_fit > self._fitted
            self._worker.submit(
                live_result, session.run_id, session.measurement, self._request, due
            )

    def _on_fit_worker_died(self, text: str) -> None:
        self._alarms.raise_(Cause("run:fit-worker", "run", text, "minor", once=True))

    def _on_fit(self, result: Any, error: str) -> None:
        if error:
            self._say(f"fit: {error}", "warning", "run")
        elif isinstance(result, LiveResult):
            self._on_live(result)
        elif isinstance(result, Finished):
            self._on_finished(result)
        elif isinstance(result, str):
            self._say(result, source="run")

    def _on_live(self, result: LiveResult) -> None:
        # No other run begins meanwhile: it would get the points and fits of this one.
        with self._mutex:
            if result.run_id != self._in_view:
                return
            self._display.points(result.points)
            if result.fits is not None:
                self._fitted = result.segments
                session = self._session
                if session is not None:
                    session.known = {**session.known, **result.known}
                self._show_fits(result.fits)
        for text in self._told.news(result.unusable):
            self._say(text, "warning", "run")

    def _on_finished(self, result: Finished) -> None:
        with self._mutex:
            in_view = result.run_id == self._in_view
            if in_view:
                self._show_fits(result.fits)
        # A report that took long may belong to a run before this one; its folder has it.
        whose = "" if in_view else f"run {result.run_id}: "
        for text in result.lacking:
            self._say(f"{whose}{text}", "warning", "run")

    def _show_fits(self, fits: dict[str, FitResult]) -> None:
        if fits:
            self._display.fits(fits)
            self._journal(fits)

    def _journal(self, fits: dict[str, FitResult]) -> None:
        writer = self._writer
        if writer is None:
            return
        try:
            for name, fit in fits.items():
                writer.fit(name, fit)
        except RunClosed:
            log.info("a live fit came after the run had ended; the final fit replaces it")
        except ArchiveError as error:
            self._say(f"a live fit could not be journaled: {error}", "warning", "run")
