"""Goes on by itself, at the start of a station, with the run in which the last one died.

What a full disk refuses then is tried again, as the queue does it, and as a run under way waits for
its disk. But a rig that somebody works at starts nothing by itself: STOP, an abort, a move or
another run ends the trying.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from atta_daq.client.errors import CommandRefused
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.errors import NothingMissing, RigBusy
from atta_daq.station.log import Say
from atta_daq.station.queue.entry import Outcome
from atta_daq.station.queue.fate import fate_of, went_on
from atta_daq.station.queue.keeper import NotKept, QueuePaused
from atta_daq.station.resuming import crashed
from atta_daq.station.rig_use import RigUse

log = logging.getLogger(__name__)

INTERVAL_S = 5.0
"""Wall time between two tries: each reads the whole journal of the run."""
CLOSE_S = 30.0
"""Wall time that a try under way may hold up the end of the station."""
ALARM = "run:not_resumed"


class ResumeAtStart:
    """`begin` it once, when the station serves. Methods may be called from any thread."""

    def __init__(
        self, data: Path, rig: str, go_on_with: Callable[..., object], use: RigUse, alarms: Alarms,
        say: Say,
    ) -> None:  # fmt: skip
        """`go_on_with` as `Commands.go_on_with`, by whose refusal it is tried again or not."""
        self._data = data
        self._rig = rig
        self._go_on_with = go_on_with
        self._use = use
        self._alarms = alarms
        self._say = say
        self._run_id = ""
        """The run whose station died; '' as long as the list of runs cannot be read."""
        self._waits = False
        self._trying = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Try at once; what the disk refuses is tried again on a thread of its own. Clients are
        served already: who has pressed STOP since, or moved the rig, was faster."""
        with self._trying:
            try:
                with self._use.as_of(0):
                    why = self._somebody()
                    if not why:
                        self._try(gently=False)
            except RigBusy as stopped:
                why = str(stopped)
            if why:
                self._came_first(why)
            if self._waits:
                self._thread = threading.Thread(target=self._run, name="resume", daemon=True)
                self._thread.start()

    def end(self, reason: str) -> str:
        """Try no more. Returns what waited, in words; '' for nothing."""
        with self._trying:
            if not self._waits:
                return ""
            self._give_up(reason)
            return self._named

    def close(self) -> None:
        """With the station; the next one tries anew."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    @property
    def _named(self) -> str:
        return f"run {self._run_id}" if self._run_id else "the run whose station died"

    def _run(self) -> None:
        while not self._closing.wait(INTERVAL_S):
            with self._trying:
                if self._waits:
                    self._again()
                if not self._waits:
                    return

    def _again(self) -> None:
        try:
            with self._use.as_of(0):
                why = self._somebody()
                if not why:
                    self._try(gently=True)
                elif self._done_by_others():
                    self._settle()
                else:
                    self._give_up(why)
        except RigBusy as stopped:
            self._give_up(str(stopped))
        except Exception as error:
            log.exception("resume at start")
            self._give_up(str(error) or type(error).__name__)

    def _came_first(self, why: str) -> None:
        """Before the first try; told only if there was something to try."""
        with suppress(OSError, sqlite3.Error):
            self._run_id = crashed(self._data, self._rig) or ""
            if not self._run_id:
                return
        self._give_up(why)

    def _try(self, *, gently: bool) -> None:
        """`gently`: whatever is under way on the rig is not ended for it, but stands in its way."""
        try:
            run_id = crashed(self._data, self._rig)
            if run_id is not None:
                self._run_id = run_id
                self._go_on_with(run_id, "station", by_queue=gently)
            elif self._run_id and not self._done_by_others():
                self._give_up("another run was taken")
                return
        except NothingMissing as nothing:
            self._say(str(nothing), source="run")
        except QueuePaused as paused:
            self._give_up(str(paused))
            return
        except (RigBusy, NotKept, OSError, sqlite3.Error) as refused:
            if why := self._somebody():
                self._give_up(why)
            else:
                self._wait(str(refused))
            return
        except CommandRefused as refused:
            self._give_up(str(refused))
            return
        self._settle()

    def _somebody(self) -> str:
        """What has been done with the rig since the start of the station; '' for nothing."""
        moved = "the rig was moved by hand" if self._use.moves else ""
        return self._use.stopped() or self._use.busy() or moved

    def _done_by_others(self) -> bool:
        """Whether the queue, or an operator, was faster to go on with the run, or to close it."""
        if not self._run_id:
            return False
        died = fate_of(self._data, self._run_id).outcome is Outcome.DIED
        return not died or bool(went_on(self._data, self._run_id))

    def _wait(self, why: str) -> None:
        self._waits = True
        said = (
            f"{self._named} is not resumed yet: {why}; see to the disk. It is tried again until it "
            "begins, unless STOP, an abort, a move or another run comes first"
        )
        self._alarms.raise_(Cause(ALARM, "run", said))

    def _settle(self) -> None:
        self._waits = False
        self._alarms.clear(ALARM)

    def _give_up(self, why: str) -> None:
        self._waits = False
        command = " ".join(("atta-daq resume", *self._run_id.split(), "--config RIG.toml"))
        said = f"{self._named} is not resumed: {why}; to take what is missing: {command}"
        self._alarms.raise_(Cause(ALARM, "run", said, once=True))
