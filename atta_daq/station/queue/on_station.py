"""The queue on its station: what it may ask of the rig, what it serves."""

import math
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.light import LightControl
from atta_daq.scans.course import whole_course
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.check_scan import archive_bytes, duration_s
from atta_daq.station.commands import Commands
from atta_daq.station.control import Control
from atta_daq.station.errors import RigBusy
from atta_daq.station.log import Say
from atta_daq.station.planned import planned
from atta_daq.station.queue.commands import QueueCommands
from atta_daq.station.queue.conditions import OWN_ALARMS, Look
from atta_daq.station.queue.entry import Entry
from atta_daq.station.queue.fate import Fate, fate_of, went_on
from atta_daq.station.queue.keeper import Announce, QueueKeeper
from atta_daq.station.queue.starter import SOURCE, Starter
from atta_daq.station.queue.store import QueueStore
from atta_daq.station.queue.table import reason_of, rows, state_of
from atta_daq.station.rig_use import RigUse
from atta_daq.station.runs import Runs
from atta_daq.station.server import Handler, StationServer


class NightQueue:
    """Made before the server, whose commands it handles; `serve` gives it the rest."""

    def __init__(
        self, config: RigConfig, data: Path, clock: RigClock, light: LightControl,
        control: Control, use: RigUse, alarms: Alarms, say: Say, numeric: tuple[str, ...],
    ) -> None:  # fmt: skip
        """`numeric`: readings that only this rig has."""
        self._config = config
        self._data = data
        # A start time is UTC: as the computer has it now, not as it had it when the station started
        # (decision 17). A rig whose clock runs faster has nights of its own.
        self._now = time.time if config.clock.rate == 1.0 else clock.now_s
        self._light = light
        self._use = use
        self._server: StationServer | None = None
        self._commands: Commands | None = None
        self._runs: Runs | None = None
        self._posted: list[dict[str, Any]] | None = None
        store = QueueStore(data, config.name)
        self.keeper = QueueKeeper(store, self.fate, time.time)
        look = Look(self._latest, alarms.current, self._free_bytes)
        self._starter = Starter(
            self.keeper, self, look, self._now, time.time, numeric, say, self._post
        )
        self._handlers = QueueCommands(
            self.keeper, control, self._measure, self._room_bytes, time.time, numeric, say,
            self._starter.wake,
        )  # fmt: skip

    def handlers(self) -> dict[str, Handler]:
        """Handler of each command."""
        return self._handlers.handlers()

    def open(self) -> None:
        """Settle what the last station left; before there can be a run."""
        self._starter.open(by_itself=self._config.unattended.resume_at_start)

    def serve(self, server: StationServer, commands: Commands, runs: Runs) -> None:
        """The station is complete."""
        self._server, self._commands, self._runs = server, commands, runs
        self._post()

    def start(self) -> None:
        """Begin to start entries."""
        self._starter.start()

    def stop(self) -> None:
        """Start nothing more; before the runs are closed."""
        self._starter.stop()

    def close(self) -> None:
        """Note how the last run ended; after the runs are closed."""
        self._starter.close()

    def causes(self) -> Iterable[Cause]:
        """What somebody has to look at."""
        pause = self.keeper.night.pause
        if self.keeper.problem:
            yield Cause("queue:file", OWN_ALARMS, self.keeper.problem)
        elif pause is not None and pause.kind != "operator":
            severity = "major" if pause.kind == "fault" else "minor"
            yield Cause("queue:paused", OWN_ALARMS, f"queue paused: {pause.reason}", severity)

    # --- what the starter asks (`starter.Rig`) -------------------------------------------

    def under_way(self) -> str:
        session = self._runs.session if self._runs is not None else None
        return session.run_id if session is not None else ""

    def busy(self) -> str:
        return self._use.busy()

    def take(self, entry: Entry, announce: Announce) -> None:
        self._require_room(entry)
        self._station().take(entry.scan, f"entry {entry.number}", SOURCE, announce)

    def go_on_with(self, run_id: str) -> None:
        entry = self.keeper.night.entry_of(run_id)
        if entry is not None:
            self._require_room(entry)
        self._station().go_on_with(run_id, SOURCE, by_queue=True)

    def fate(self, run_id: str) -> Fate:
        return fate_of(self._data, run_id)

    def went_on(self, run_id: str) -> str:
        return went_on(self._data, run_id)

    # --- parts ---------------------------------------------------------------------------

    def _station(self) -> Commands:
        if self._commands is None:
            raise RigBusy("the station is still starting")
        return self._commands

    def _measure(self, scan: str, path: str) -> tuple[str, float, float]:
        ready = planned(scan, path, self._config, self._light, self._data)
        config = self._config.with_calibrations(self._light.calibrations)
        # Not `ready.plan`: of a scan that chooses its blocks that is the beginning.
        plan = whole_course(ready.definition, config.scan_timing())
        took_s = duration_s(ready.definition, plan, config)
        return ready.definition.name, took_s, float(archive_bytes(plan, config))

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._data).free

    def _room_bytes(self) -> float:
        return self._free_bytes() - self._config.unattended.leave_free_gb * 1e9

    def _require_room(self, entry: Entry) -> None:
        """Raises RigBusy where the disk does not take what the present measurement still writes."""
        needed, room = entry.archive_bytes - self._written_bytes(entry), self._room_bytes()
        if needed > room:
            raise RigBusy(
                f"the disk has room for {room / 1e9:.1f} GB, entry {entry.number} needs "
                f"{needed / 1e9:.1f} GB; free some"
            )

    def _written_bytes(self, entry: Entry) -> int:
        """What the runs that the present measurement goes on with hold already."""
        written, wanted = 0, entry.to_resume
        for run in reversed(entry.runs):
            if wanted and run.run_id == wanted:
                written += sum(path.stat().st_size for path in (self._data / wanted).glob("*"))
                wanted = run.resumes
        return written

    def _latest(self, name: str) -> object:
        return self._server.latest(name) if self._server is not None else None

    def _post(self) -> None:
        server, night, problem = self._server, self.keeper.night, self.keeper.problem
        if server is None:
            return
        waits, busy = self._starter.waits, self._starter.busy
        halted = self.keeper.halted
        stopped = problem or halted
        server.post("queue:state", "paused" if stopped else state_of(night))
        server.post("queue:reason", stopped or reason_of(night, waits, busy))
        server.post("queue:paused", bool(stopped) or night.pause is not None)
        server.post("queue:entry", night.running.number if night.running else 0)
        remaining = self._latest("run:remaining")
        left_s = float(remaining) if isinstance(remaining, int | float) else math.nan
        table = rows(night, waits, self._now(), left_s)
        if self._posted is None or repr(table) != repr(self._posted):
            # By their text: NaN is not equal to itself.
            self._posted = table
            server.post_table(table, "queue:table")
