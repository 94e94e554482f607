"""What a client can ask of a station. Every command answers, or is refused with a reason."""

import sqlite3
import threading
from collections.abc import Callable, Mapping

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.errors import ArchiveError, WriteFailed
from atta_daq.client.client import CommandRefused
from atta_daq.client.names import STOPS_SEEN
from atta_daq.owner import AlreadyOwned
from atta_daq.rig.config import ConfigError, RigConfig
from atta_daq.rig.light import LightControl
from atta_daq.station.arguments import Arguments, number
from atta_daq.station.control import Control
from atta_daq.station.errors import NothingMissing, RigBusy
from atta_daq.station.fitting import FitRequest
from atta_daq.station.log import Say
from atta_daq.station.planned import planned
from atta_daq.station.precheck import plan_warnings, require_reachable
from atta_daq.station.prior import prior_from_run
from atta_daq.station.queue.keeper import Announce, QueueKeeper
from atta_daq.station.resuming import Rest, last_to_resume, rest_of
from atta_daq.station.rig_use import RigUse
from atta_daq.station.runs import Runs
from atta_daq.station.server import Handler
from atta_daq.station.session import RunSession
from drivers.errors import OutOfRange


class Commands:
    """The handlers of the server, each on a thread of the server's."""

    def __init__(
        self,
        config: RigConfig,
        light: LightControl,
        control: Control,
        use: RigUse,
        others: Mapping[str, Handler],
        say: Say,
        shut_down: Callable[[], None],
        queue: QueueKeeper,
    ) -> None:
        """`others` are the handlers of the commands that stand in modules of their own."""
        self._config = config
        self._light = light
        self._control = control
        self._use = use
        self._others = others
        self._say = say
        self._shut_down = shut_down
        self._queue = queue
        self.runs: Runs | None = None
        """Given once the server that it posts to is there."""
        self.end_waiting: Callable[[str], str] = lambda _reason: ""
        """Ends the trying to resume a run; returns what waited, '' for nothing."""

    def handlers(self) -> dict[str, Handler]:
        """Handler of each command."""
        handlers = {
            "run": self.run,
            "resume_run": self.resume_run,
            "pause": self.pause,
            "resume": self.resume,
            "abort": self.abort,
            "stop": self.stop,
            "take_control": self.take_control,
            "release_control": self.release_control,
            "shutdown": self.shutdown,
            **self._others,
        }
        return {name: self._unless_stopped(handler) for name, handler in handlers.items()}

    def _unless_stopped(self, handler: Handler) -> Handler:
        """Refuses the rest of a client's sequence of commands after a STOP, and what a command
        still wants to move when one comes while it is carried out."""

        def handle(client: str, arguments: Arguments) -> object:
            seen = round(number(arguments, STOPS_SEEN)) if STOPS_SEEN in arguments else None
            rest = {name: value for name, value in arguments.items() if name != STOPS_SEEN}
            with self._use.as_of(seen):
                return handler(client, rest)

        return handle

    def run(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        if "scan" not in arguments:
            raise CommandRefused("scan is missing")
        return self.take(arguments["scan"], arguments.get("path", "scan"), client)

    def take(
        self, scan_toml: str, path: str, client: str, announce: Announce | None = None
    ) -> dict[str, object]:
        """Start a run. Raises CommandRefused.

        The queue hears its id by `announce` before it begins; what else is under way on the rig
        is not ended for it, but raises RigBusy.
        """
        runs = self._runs()
        with self._use.as_of():
            ready = planned(scan_toml, path, self._config, self._light, runs.data)
            with self._use.free() if announce else self._use.before_run():
                run_id = runs.start(
                    ready.definition, ready.plan, ready.request, scan_toml,
                    announce=announce or _tell_nobody,
                )  # fmt: skip
        self._say(f"run {run_id} started", "info", client)
        return {
            "run": run_id,
            "folder": str((runs.data / run_id).resolve()),
            "warnings": plan_warnings(ready.plan, self._light.calibrations),
        }

    def resume_run(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        rig = self._config.name
        name = arguments.get("run", "") or last_to_resume(self._runs().data, rig.__eq__)
        if name is None:
            raise CommandRefused(
                f"no run of rig '{rig}' has ended too early: there is nothing to resume"
            )
        return self.go_on_with(name, client)

    def go_on_with(self, name: str, client: str, *, by_queue: bool = False) -> dict[str, object]:
        """Take what is missing of a run; the queue hears of it if the run is one of its own.

        Raises CommandRefused; for the queue RigBusy when something else is under way or the disk is
        full.
        """
        with self._use.as_of():
            return self._go_on_with(name, client, by_queue)

    def _go_on_with(self, name: str, client: str, by_queue: bool) -> dict[str, object]:
        runs = self._runs()
        config = self._config.with_calibrations(self._light.calibrations)
        try:
            rest = self._rest(name, config)
            require_reachable(rest.ahead, self._light, config)
            prior = prior_from_run(rest.definition, runs.data, rest.chain.first_id)
        except sqlite3.Error as error:
            # A full disk, most often.
            raise RigBusy(f"the list of runs in {runs.data} cannot be read: {error}") from error
        except (ArchiveError, ConfigError, OutOfRange, ValueError) as error:
            raise CommandRefused(f"{name} cannot be resumed: {error}") from error
        request = FitRequest(rest.definition, config, prior)
        hold = self._use.free() if by_queue else self._use.before_run()
        with self._queue.goes_on(rest.chain.run_id, by_queue=by_queue) as announce, hold:
            run_id = runs.start(
                rest.definition, rest.plan, request, rest.chain.scan_toml,
                resumed=rest.chain, announce=announce,
            )  # fmt: skip
        self._say(
            f"run {run_id} goes on with {rest.chain.run_id}: {len(rest.ahead)} blocks are missing",
            "info",
            client,
        )
        return {
            "run": run_id,
            "folder": str((runs.data / run_id).resolve()),
            "resumes": rest.chain.run_id,
            "blocks": len(rest.ahead),
            "warnings": plan_warnings(rest.ahead, self._light.calibrations),
        }

    def _rest(self, name: str, config: RigConfig) -> Rest:
        """What is left of a run. One whose station died behind its last block only wants its end
        and its report; they are made, and NothingMissing says so."""
        runs = self._runs()
        try:
            return rest_of(runs.data, name, config)
        except NothingMissing as nothing:
            run_id = Catalogue(runs.data).resolve(name).name
            try:
                closed = runs.close_whole(run_id)
            except (OSError, WriteFailed, AlreadyOwned) as error:
                raise RigBusy(f"run {run_id} cannot be closed as complete: {error}") from error
            if not closed:
                raise
            raise NothingMissing(
                f"{nothing}; it is closed as complete, its report is being made"
            ) from nothing

    def pause(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        when = arguments.get("when", "segment")
        if when not in ("segment", "now"):
            raise CommandRefused(f"pause when '{when}'? 'segment' or 'now'")
        session = self._session()
        session.engine.pause(now=when == "now")
        self._say(f"pause run {session.run_id} ({when})", "info", client)
        return {"pausing": when}

    def resume(self, client: str, _arguments: Arguments) -> object:
        self._control.require(client)
        session = self._session()
        if session.engine.state != "paused":
            raise CommandRefused("the run is not paused")
        session.resume()
        self._say(f"resume run {session.run_id}", "info", client)
        return {"resumed": session.run_id}

    def abort(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        reason = arguments.get("reason") or f"aborted by {client}"
        waited = self.end_waiting(reason)
        # A run of somebody else may have begun before the one that waits has seen it.
        if waited and self._runs().session is None:
            return {"aborted": waited}
        session = self._session()
        self._say(f"abort run {session.run_id}", "info", client)
        session.end(reason)
        return {"aborted": session.run_id}

    def stop(self, client: str, _arguments: Arguments) -> object:
        reason = f"STOP by {client}"
        self._queue.halt(reason)
        # Beside the hardware, which may take long: the next start must find the queue paused.
        threading.Thread(target=self._queue.keep_halt, daemon=True).start()
        # Until the server's first second is over there is no run that could be ended.
        done = self._use.stop_all(reason) if self.runs is None else self.runs.stop(reason)
        self._queue.keep_halt()
        safe = all("NOT SAFE" not in line for line in done)
        self._say(f"STOP: {'; '.join(done)}", "warning" if safe else "error", client)
        return {"done": done}

    def take_control(self, client: str, arguments: Arguments) -> object:
        self._control.take(client, force=arguments.get("force", "").lower() == "true")
        self._say("has control", "info", client)
        return {"control": client}

    def release_control(self, client: str, _arguments: Arguments) -> object:
        self._control.release(client)
        return {"control": ""}

    def shutdown(self, client: str, _arguments: Arguments) -> object:
        self._control.require(client)
        self._say("shut the station down", "info", client)
        self._shut_down()
        return {"shutdown": True}

    def _runs(self) -> Runs:
        if self.runs is None:
            raise CommandRefused("the station is still starting; ask again in a second")
        return self.runs

    def _session(self) -> RunSession:
        session = self._runs().session
        if session is None:
            raise CommandRefused("no run is under way")
        return session


def _tell_nobody(_run_id: str) -> None:
    """A run that no queue waits for."""
