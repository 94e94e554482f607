"""Takes the entries of the queue in turn: looks how the last run ended, starts the next."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from atta_daq.client.errors import CommandRefused
from atta_daq.station.errors import NothingMissing, RigBusy
from atta_daq.station.log import Say
from atta_daq.station.queue.conditions import Look, parse
from atta_daq.station.queue.entry import Entry, EntryRun, EntryState, Outcome
from atta_daq.station.queue.fate import SHUT_DOWN, Fate
from atta_daq.station.queue.keeper import Announce, NotKept, QueueKeeper
from atta_daq.station.queue.times import in_words

log = logging.getLogger(__name__)

INTERVAL_S = 0.2
CLOSE_S = 30.0
"""Wall time that a start which waits for a manual move may hold up the end of the station."""
SOURCE = "queue"


class Rig(Protocol):
    """What the queue asks of the station."""

    def under_way(self) -> str:
        """Id of the run under way; '' for none."""
        ...

    def busy(self) -> str:
        """What keeps a run from being started now; '' for nothing."""
        ...

    def take(self, entry: Entry, announce: Announce) -> None:
        """Start a run of the entry. Raises RigBusy to be asked again, CommandRefused for good."""
        ...

    def go_on_with(self, run_id: str) -> None:
        """As `take`, with what is missing of a run; NothingMissing when nothing is."""
        ...

    def fate(self, run_id: str) -> Fate:
        """What became of a run, by the archive."""
        ...

    def went_on(self, run_id: str) -> str:
        """The run that goes on with this one, by the archive; '' for none."""
        ...


class Starter:
    """The queue's own thread. `step` may be called without it, in tests."""

    def __init__(
        self, keeper: QueueKeeper, rig: Rig, look: Look,
        now: Callable[[], float], utc_now: Callable[[], float],
        numeric: tuple[str, ...], say: Say, after: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`now`: what start times are compared with; `numeric`: readings that only this rig has;
        `after` is called after every step."""
        self._keeper = keeper
        self._rig = rig
        self._look = look
        self._now = now
        self._utc_now = utc_now
        self._numeric = numeric
        self._say = say
        self._after = after
        self._said = ""
        self.waits: dict[int, str] = {}
        """What each open entry waits for; '' for its turn alone."""
        self.busy = ""
        """What is under way on the rig that keeps the next entry from its turn."""
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="queue", daemon=True)

    def open(self, *, by_itself: bool) -> None:
        """At the start of a station: settle what the last one left. Unless the rig file lets the
        station go on `by_itself`, what is left then waits for an operator. What a full disk
        refuses, `step` tries again."""
        if self._keeper.problem:
            self._say(self._keeper.problem, "error", SOURCE)
            return
        try:
            self._settle()
            night = self._keeper.night
            if night.startable and not by_itself and night.pause is None:
                self._keeper.pause(
                    "restart", "the station was started anew; resume the queue to go on with it"
                )
        except NotKept as refused:
            if not by_itself:
                self._keeper.halt(str(refused))
            self._say(str(refused), "error", SOURCE)

    def start(self) -> None:
        """Begin to start entries."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once."""
        self._wake.set()

    def stop(self) -> None:
        """Start nothing more, and wait until nothing is being started. Runs go on."""
        self._closing = True
        self._keeper.close(SHUT_DOWN)
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def close(self) -> None:
        """Once the last run has ended: note how."""
        if not self._keeper.problem:
            try:
                self._settle()
            except NotKept as refused:
                self._say(str(refused), "warning", SOURCE)

    def step(self) -> None:
        """Note how a run ended; start the next if it may be."""
        try:
            if self._keeper.problem:
                return
            self._settle()
            if not self._keeper.keep_halt() or self._keeper.halted:
                return
            self._start_next()
        except NotKept as refused:
            # A full disk: asked again in a moment, said once.
            self._say_once(str(refused))
        else:
            self._said = ""

    # --- how runs ended ------------------------------------------------------------------

    def _settle(self) -> None:
        while self._settle_one():
            pass

    def _settle_one(self) -> bool:
        """Whether there may be more to settle."""
        entry = self._keeper.night.running
        if entry is None or entry.last is None:
            return False
        run_id = entry.last.run_id
        # In this order: a run is under way before it stops beginning.
        if self._keeper.is_beginning(run_id) or self._rig.under_way() == run_id:
            return False
        fate = self._rig.fate(run_id)
        if not fate.began:
            self._keeper.change(lambda night: night.never_began(run_id))
            self._say(f"entry {entry.number}: run {run_id} never began", "info", SOURCE)
            return False
        outcome, reason = fate.outcome, fate.reason
        if outcome is Outcome.UNDER_WAY:
            outcome, reason = Outcome.DIED, "the station lost the run"
        now = self._utc_now()
        night = self._keeper.change(lambda night: night.run_ended(run_id, outcome, reason, now))
        self._tell(night.entry(entry.number))
        # An older program, or one without a queue, may have gone on with it.
        later = self._rig.went_on(run_id) if outcome is not Outcome.COMPLETE else ""
        if not later:
            return False
        run = EntryRun(run_id=later, resumes=run_id, begun_utc_s=now)
        self._keeper.change(lambda night: night.begins(entry.number, run))
        return True

    def _tell(self, entry: Entry) -> None:
        last = entry.last
        assert last is not None
        text = f"entry {entry.number} ({entry.name}): {entry.done} of {entry.repeats} done"
        if last.outcome is not Outcome.COMPLETE:
            text = f"entry {entry.number} ({entry.name}) {entry.state}: {last.reason}"
        bad = entry.state in (EntryState.FAILED, EntryState.INTERRUPTED)
        self._say(text, "warning" if bad else "info", SOURCE)
        pause = self._keeper.night.pause
        if pause is not None and pause.kind != "restart" and last.outcome is not Outcome.COMPLETE:
            self._say(f"the queue is paused: {pause.reason}", "warning", SOURCE)

    # --- what comes next -----------------------------------------------------------------

    def _start_next(self) -> None:
        night = self._keeper.night
        self.waits = {entry.number: self._why_not(entry) for entry in night.startable}
        self.busy = "" if night.running else self._rig.busy()
        if night.pause is not None or night.running is not None or self.busy:
            return
        for entry in night.startable:
            if not self.waits[entry.number]:
                self._start(entry)
                return

    def _why_not(self, entry: Entry) -> str:
        """What an entry waits for; '' when it may start. Conditions are for a measurement that
        begins: one that was interrupted goes on when the rig lets it."""
        if entry.state is EntryState.INTERRUPTED:
            return ""
        if entry.not_before_s is not None and self._now() < entry.not_before_s:
            return f"not before {in_words(entry.not_before_s)}"
        try:
            for text in entry.conditions:
                if unmet := parse(text, self._numeric).unmet(self._look):
                    return unmet
        except ValueError as error:  # the rig file has lost a reading since
            return str(error)
        return ""

    def _start(self, entry: Entry) -> None:
        try:
            if entry.state is EntryState.INTERRUPTED and entry.to_resume:
                self._rig.go_on_with(entry.to_resume)
            else:
                with self._keeper.begins(entry.number) as announce:
                    self._rig.take(entry, announce)
        except RigBusy as busy:
            self.busy = str(busy)
        except NotKept:
            raise
        except NothingMissing as nothing:
            now = self._utc_now()
            self._keeper.change(lambda night: night.completed_after_all(entry.number, now))
            self._say(f"entry {entry.number}: {nothing}", "info", SOURCE)
        except Exception as error:
            if not isinstance(error, CommandRefused):
                log.exception("entry %d", entry.number)
            self._refuse(entry, str(error) or type(error).__name__)

    def _refuse(self, entry: Entry, reason: str) -> None:
        now = self._utc_now()
        known = {e.number for e in self._keeper.night.startable}
        # Otherwise an operator was faster, or the run began and says itself how it ended.
        if entry.number in known:
            self._keeper.change(lambda night: night.refused(entry.number, reason, now))
            self._say(f"entry {entry.number} ({entry.name}) failed: {reason}", "warning", SOURCE)

    def _say_once(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(text, "error", SOURCE)

    def _run(self) -> None:
        while not self._closing:
            try:
                self.step()
                self._after()
            except Exception:
                log.exception("queue")
            self._wake.wait(INTERVAL_S)
            self._wake.clear()
