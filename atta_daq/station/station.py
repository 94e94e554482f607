"""The station: instruments, run engine, archive, server and fits of one rig."""

import logging
import os
import threading
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atta_daq import __version__
from atta_daq.analysis.fit_run import warm_up
from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.analysis.results import FitResult
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.header import new_run_id
from atta_daq.archive.run_folder import RunWriter, close_dead_runs, run_folders
from atta_daq.client.client import CommandRefused, Endpoint
from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import ConfigError, RigConfig, validated
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.rig.taker import SegmentTaker
from atta_daq.rig.trap_control import TrapControl
from atta_daq.scans.blocks import Block, blocks
from atta_daq.scans.definition import ScanDefinition, rename_parts
from atta_daq.station.finish import finish_run
from atta_daq.station.fit_worker import FitWorker
from atta_daq.station.fitting import FitRequest, fit_all
from atta_daq.station.monitor import Monitor
from atta_daq.station.ownership import RigLock
from atta_daq.station.precheck import axis_of, require_reachable
from atta_daq.station.prior import prior_from_run
from atta_daq.station.server import StationServer
from atta_daq.station.session import Hooks, RunSession, run_header, with_geometry
from drivers.errors import DriverError

log = logging.getLogger(__name__)

DISPLAY_S = 0.2
"""Windows take the latest value; nothing is posted faster than this for them."""


class RigUnreachable(Exception):
    """An instrument did not answer when the station opened the rig."""


class Station:
    """Open it, let clients command it, close it."""

    def __init__(self, config: RigConfig, rig_toml: str, data: Path) -> None:
        self._config = config
        self._rig_toml = rig_toml
        self._data = data
        self._clock = RigClock(config.clock.rate, config.clock.origin_s)
        self._lock = RigLock(config.name)
        self._ended = threading.Event()
        self._control = ""
        self._mutex = threading.RLock()
        self._session: RunSession | None = None
        self._run_thread: threading.Thread | None = None
        self._writer: RunWriter | None = None
        self._rows: list[dict[str, Any]] = []
        self._request: FitRequest | None = None
        self._fits: dict[str, FitResult] = {}

    def open(self) -> Endpoint:
        """Take the rig, connect every instrument, serve.

        Raises `archive.errors.RunOwned` for a second station and `RigUnreachable` with every
        instrument that did not answer; whatever had answered is released.
        """
        self._lock.acquire(time.time())
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            closed = close_dead_runs(
                run_folders(self._data), rig_now=self._clock.now_s, utc_now=time.time
            )
            self._catalogue = Catalogue(self._data)
            self._assemble()
        except BaseException:
            self._lock.release()
            raise
        for run_id in closed:
            self._say(f"run {run_id} had crashed; closed. What it acknowledged is kept")
        endpoint = Endpoint(
            rig=self._config.name,
            host="127.0.0.1",
            tcp_port=self._server.tcp_port,
            udp_port=self._server.udp_port,
            pid=os.getpid(),
            version=__version__,
        )
        self._server.post("station:version", __version__)
        self._server.post("run:state", "idle")
        self._server.post("station:control", "")
        self._server.post("run:suspended", "")
        self._monitor.start()
        self._display = threading.Thread(target=self._show, name="display", daemon=True)
        self._display.start()
        self._lock.publish(endpoint)
        return endpoint

    def _assemble(self) -> None:
        rig = RigAssembly(self._config)
        self._instruments = rig.instruments
        answers = rig.instruments.connect()
        failed = [answer for answer in answers if answer.error is not None]
        if failed:
            rig.instruments.close()
            raise RigUnreachable("\n".join(f"{a.error} (address {a.address})" for a in failed))
        self._light = LightControl(rig.instruments, self._config, axis_of(self._config))
        self._trap = TrapControl(rig.instruments, self._config, self._clock)
        rig.allow_gain(self._trap.gain_forbidden)
        self._taker = SegmentTaker(
            rig.instruments, self._config, self._clock, self._light, self._trap
        )
        handlers = {
            "run": self._run,
            "pause": self._pause,
            "resume": self._resume,
            "abort": self._abort,
            "stop": self._stop,
            "light_on": self._light_on,
            "light_off": self._light_off,
            "move_light": self._move_light,
            "relock": self._relock,
            "take_control": self._take_control,
            "release_control": self._release_control,
            "note": self._note,
            "shutdown": self._shutdown,
        }
        self._server = StationServer(self._config.name, handlers, time.time)
        self._monitor = Monitor(rig.instruments, self._config, self._light, self._server, self._say)
        self._taker.guard = self._monitor.fault
        self._worker = FitWorker(self._on_fit)
        self._worker.submit(warm_up)

    def wait(self, poll: Any = None) -> None:
        """Block until a client shuts the station down, or `poll()` says so (asked twice a s)."""
        while not self._ended.wait(0.5):
            if poll is not None and poll():
                return

    def close(self) -> None:
        """End the run if there is one, make everything safe, release the rig."""
        self._end_session("the station was shut down")
        if self._run_thread is not None:
            self._run_thread.join()
        self._ended.set()
        self._monitor.close()
        self._display.join()
        for line in self._instruments.make_safe():
            self._say(line)
        self._instruments.close()
        self._worker.close()
        self._server.close()
        self._catalogue.close()
        self._lock.release()

    # --- commands: on threads of the server --------------------------------------------------

    def _run(self, client: str, arguments: Mapping[str, str]) -> object:
        self._require_control(client)
        try:
            definition = with_geometry(scan_of(arguments), self._config)
            plan = blocks(definition, self._config.scan_timing())
            require_reachable(plan, self._light, self._config)
            request = FitRequest(definition, self._config, prior_from_run(definition, self._data))
        except Exception as error:
            raise CommandRefused(f"the scan cannot be used: {error}") from error
        with self._mutex:
            if self._session is not None:
                raise CommandRefused(
                    f"run {self._session.run_id} is under way; abort it or wait for its end"
                )
            self._request = request
            self._session = self._new_session(definition, plan, arguments["scan"])
            run_id = self._session.run_id
        self._run_thread = threading.Thread(target=self._carry_out, name="run", daemon=True)
        self._run_thread.start()
        return {"run": run_id, "folder": str((self._data / run_id).resolve())}

    def _new_session(
        self, definition: ScanDefinition, plan: tuple[Block, ...], scan_toml: str
    ) -> RunSession:
        isotopes = tuple(dict.fromkeys(part.isotope for part in definition.parts))
        run_id = new_run_id(isotopes, definition.name, time.time())
        self._writer = RunWriter.create(
            self._data,
            run_header(run_id, definition, self._config, plan),
            rig_now=self._clock.now_s,
            utc_now=time.time,
            scan_toml=scan_toml,
            rig_toml=self._rig_toml,
        )
        self._rows, self._fits = [], {}
        self._server.post_table([])
        self._server.post("run:fit", "")
        self._server.post("run:id", run_id)
        self._server.post("run:outcome", "")
        self._server.post("run:segment", 0)
        hooks = Hooks(
            state=lambda state: self._server.post("run:state", state),
            segment=self._on_segment,
            block_done=self._on_block,
            say=self._say,
        )
        session = RunSession(
            definition, plan, self._writer, self._instruments, self._config, self._light,
            self._taker, hooks,
        )  # fmt: skip
        self._server.post("run:segments", session.total_segments)
        return session

    def _carry_out(self) -> None:
        session = self._session
        assert session is not None
        state, reason = session.run()
        self._say(f"run {session.run_id}: {state.value}{f', {reason}' if reason else ''}")
        folder = self._data / session.run_id
        self._worker.drain(60.0)
        self._worker.submit(finish_run, folder, self._request)
        self._worker.drain(300.0)
        self._catalogue.update(folder)
        self._server.post("run:outcome", f"{state.value}: {reason}" if reason else state.value)
        with self._mutex:
            self._session = None
            self._writer = None
        self._server.post("run:state", "idle")

    def _pause(self, client: str, arguments: Mapping[str, str]) -> object:
        self._require_control(client)
        when = arguments.get("when", "segment")
        if when not in ("segment", "now"):
            raise CommandRefused(f"pause when '{when}'? 'segment' or 'now'")
        self._require_session().engine.pause(now=when == "now")
        return {"pausing": when}

    def _resume(self, client: str, _arguments: Mapping[str, str]) -> object:
        self._require_control(client)
        session = self._require_session()
        if session.engine.state != "paused":
            raise CommandRefused("the run is not paused")
        session.engine.resume()
        self._server.post("run:state", "running")
        return {"resumed": session.run_id}

    def _abort(self, client: str, arguments: Mapping[str, str]) -> object:
        self._require_control(client)
        session = self._require_session()
        session.end(arguments.get("reason") or f"aborted by {client}")
        return {"aborted": session.run_id}

    def _stop(self, client: str, _arguments: Mapping[str, str]) -> object:
        """STOP: hardware first, then the run."""
        session, reason = self._session, f"STOP by {client}"
        if session is not None:
            session.expect_end(reason)
        done = self._instruments.make_safe()
        self._light.forget()
        self._end_session(reason)
        self._say(f"STOP by {client}: {'; '.join(done)}")
        return {"done": done}

    def _light_on(self, client: str, _arguments: Mapping[str, str]) -> object:
        self._require_idle(client)
        self._light.switch_on()
        return {"light": "on"}

    def _light_off(self, client: str, _arguments: Mapping[str, str]) -> object:
        self._require_idle(client)
        self._light.switch_off()
        return {"light": "off"}

    def _move_light(self, client: str, arguments: Mapping[str, str]) -> object:
        self._require_idle(client)
        try:
            target = ResolvedTarget(
                float(arguments["detuning_mhz"]), float(arguments["power_mw"]), 0.0, 0.0
            )
        except (KeyError, ValueError) as error:
            raise CommandRefused(f"detuning_mhz and power_mw must be numbers: {error}") from error
        try:
            self._light.move(target)
            setting = self._light.read()
        except DriverError as error:
            raise CommandRefused(str(error)) from error
        return {"detuning_mhz": setting.detuning_mhz, "power_mw": setting.power_mw}

    def _relock(self, client: str, _arguments: Mapping[str, str]) -> object:
        self._require_control(client)
        try:
            status = self._instruments.lock.relock()
        except DriverError as error:
            raise CommandRefused(str(error)) from error
        return {"locked": status.locked, "ratio": status.ratio}

    def _take_control(self, client: str, arguments: Mapping[str, str]) -> object:
        with self._mutex:
            if self._control not in ("", client) and arguments.get("force", "").lower() != "true":
                raise CommandRefused(f"{self._control} holds control; ask there, or take by force")
            self._control = client
        self._server.post("station:control", client)
        self._say(f"{client} has control")
        return {"control": client}

    def _release_control(self, client: str, _arguments: Mapping[str, str]) -> object:
        self._require_control(client)
        with self._mutex:
            self._control = ""
        self._server.post("station:control", "")
        return {"control": ""}

    def _note(self, client: str, arguments: Mapping[str, str]) -> object:
        writer = self._writer
        if writer is None:
            raise CommandRefused("no run is under way that could keep a note")
        writer.note(arguments.get("text", ""), client)
        return {"noted": writer.run_id}

    def _shutdown(self, client: str, _arguments: Mapping[str, str]) -> object:
        self._require_control(client)
        self._ended.set()
        return {"shutdown": True}

    # --- what the session tells --------------------------------------------------------------

    def _on_segment(self, segment: Segment, remaining_s: float) -> None:
        record = segment.to_dict()
        self._rows.append({**record, **record["setting"], "mid_rig_s": segment.mid_rig_s})
        post = self._server.post
        self._server.post_table(self._rows)
        post("run:segment", sum(not row["flag"] for row in self._rows))
        post("run:block", segment.block)
        post("run:remaining", remaining_s)
        if segment.flag:
            self._say(f"segment {segment.index} flagged: {segment.flag}")
        elif segment.kind is SegmentKind.RARE and segment.counts is not None:
            exposure_h = segment.live_s * (segment.efficiency or 1.0) / 3600.0
            post("rate:counting", segment.counts / exposure_h)
        elif segment.rate is not None:
            name = "83" if segment.kind is SegmentKind.LOADING_83 else "84"
            post(f"rate:loading_{name}", segment.rate)

    def _on_block(self) -> None:
        session = self._session
        if session is not None and self._request is not None:
            self._worker.submit(_live_fit, list(session.segments), self._request)

    def _on_fit(self, result: Any, error: str) -> None:
        if error:
            self._say(f"fit: {error}")
        elif isinstance(result, dict):
            self._fits = result
            self._server.post("run:fit", _fits_json(result))
            writer = self._writer
            if writer is not None and result:
                self._journal_fits(writer, result)

    def _journal_fits(self, writer: RunWriter, fits: dict[str, FitResult]) -> None:
        from atta_daq.archive.errors import RunClosed

        try:
            for name, fit in fits.items():
                writer.fit(name, fit)
        except RunClosed:
            log.info("a live fit came after the run had ended; the final fit replaces it")

    def _show(self) -> None:
        shown = None
        while not self._ended.wait(DISPLAY_S):
            provisional = self._taker.provisional
            self._server.post("station:rig_time", self._clock.now_s())
            self._server.post("camera:frames", provisional.frames)
            self._server.post("rate:counts", provisional.counts)
            self._server.post("trap:isotope", -1 if (i := self._trap.isotope) is None else i)
            frame = provisional.frame
            if frame is not None and frame is not shown:
                self._server.post_image(frame.image)
                shown = frame

    def _say(self, text: str) -> None:
        log.info(text)
        self._server.post("station:message", text)

    def _end_session(self, reason: str) -> None:
        session = self._session
        if session is not None:
            session.end(reason)

    # --- who may ------------------------------------------------------------------------------

    def _require_control(self, client: str) -> None:
        """The first who commands takes control; others are refused until it is released."""
        with self._mutex:
            if not self._control:
                self._control = client
                self._server.post("station:control", client)
            if self._control != client:
                raise CommandRefused(
                    f"{self._control} holds control; take it over first, or use STOP"
                )

    def _require_session(self) -> RunSession:
        session = self._session
        if session is None:
            raise CommandRefused("no run is under way")
        return session

    def _require_idle(self, client: str) -> None:
        self._require_control(client)
        if self._session is not None:
            raise CommandRefused(f"run {self._session.run_id} is under way and moves the light")


def scan_of(arguments: Mapping[str, str]) -> ScanDefinition:
    """The scan that a client sent. Raises ConfigError in an operator's words."""
    name = arguments.get("path", "scan")
    try:
        data = tomllib.loads(arguments["scan"])
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{name}: not a scan file: {error}") from error
    return validated(ScanDefinition, rename_parts(data), name)


def _live_fit(segments: list[Segment], request: FitRequest) -> dict[str, FitResult]:
    return fit_all(segments, request, minos=False)


def _fits_json(fits: dict[str, FitResult]) -> str:
    import json

    return json.dumps({name: fit.to_dict() for name, fit in fits.items()})
