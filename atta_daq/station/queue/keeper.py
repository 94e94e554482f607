"""Holds the queue: every change is on the medium before anything acts on it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from atta_daq.client.errors import CommandRefused
from atta_daq.station.errors import RigBusy
from atta_daq.station.queue.entry import Entry, EntryRun, EntryState, Outcome, Pause
from atta_daq.station.queue.fate import Fate
from atta_daq.station.queue.night import Night, NotPossible
from atta_daq.station.queue.store import QueueDamaged, QueueStore

Announce = Callable[[str], None]
"""Hears the id of a run before anything of the run is on disk."""


class NotKept(CommandRefused):
    """The disk did not take a change of the queue."""


class QueuePaused(RigBusy):
    """An operator wants nothing of the queue started."""


class QueueKeeper:
    """The queue of one rig. Methods may be called from any thread."""

    def __init__(
        self, store: QueueStore, fate: Callable[[str], Fate], utc_now: Callable[[], float]
    ) -> None:
        """`fate` tells what the archive knows of a run."""
        self._store = store
        self._fate = fate
        self._utc_now = utc_now
        self._mutex = threading.RLock()
        self._beginning: set[str] = set()
        self._halted = ""
        self._closed = ""
        self.problem = ""
        """Why the queue cannot be used at all; '' when it can."""
        self._night = Night()
        try:
            self._night = store.load()
        except (QueueDamaged, OSError) as error:
            self.problem = f"the queue cannot be read: {error}"

    @property
    def night(self) -> Night:
        """The queue as it stands on disk."""
        return self._night

    @property
    def halted(self) -> str:
        """Why nothing may start although the queue does not say so on disk yet; '' for nothing."""
        return self._closed or self._halted

    def change(self, step: Callable[[Night], Night]) -> Night:
        """Carry a change out. Returns the new queue, which is on the medium.

        Raises CommandRefused when it makes no sense, `NotKept` when the disk refuses it.
        """
        with self._mutex:
            if self.problem:
                raise CommandRefused(self.problem)
            try:
                changed = step(self._night)
            except NotPossible as error:
                raise CommandRefused(str(error)) from error
            if changed != self._night:
                self._save(changed)
            return changed

    def halt(self, reason: str) -> None:
        """Start nothing from now on. Waits for no disk and no lock: STOP calls it."""
        self._halted = reason

    def close(self, reason: str) -> None:
        """Start nothing more in this life of the station; the next one decides anew."""
        self._closed = reason

    def keep_halt(self) -> bool:
        """Put the halt on disk, as a pause of what is in the queue. False when the disk refuses;
        it holds all the same."""
        reason = self._halted
        if not reason:
            return True
        if not self._night.open:
            self._halted = ""
            return True
        try:
            self.pause("operator", reason)
        except CommandRefused:
            return False
        self._halted = ""
        return True

    def pause(self, kind: str, reason: str) -> None:
        """Start nothing more."""
        pause = Pause.model_validate({"kind": kind, "reason": reason, "utc_s": self._utc_now()})
        self.change(lambda night: night.paused(pause))

    def resume(self, number: int | None) -> None:
        """Start entries again; with a number, that one first."""

        def step(night: Night) -> Night:
            return (night if number is None else night.reopened(number)).resumed()

        self.change(step)
        self._halted = ""

    def is_beginning(self, run_id: str) -> bool:
        """Whether this run is being made at the moment."""
        with self._mutex:
            return run_id in self._beginning

    @contextmanager
    def begins(
        self, number: int, resumes: str = "", *, by_queue: bool = True
    ) -> Iterator[Announce]:
        """Around the start of a run of an entry. If the start fails the entry is as it was.

        A start by the queue itself raises RigBusy when an operator has paused or changed it. Any
        does while the disk has not taken how the last run of the entry ended.
        """
        begun: list[str] = []

        def announce(run_id: str) -> None:
            run = EntryRun(run_id=run_id, resumes=resumes, begun_utc_s=self._utc_now())
            with self._mutex:
                running = self._night.running
                if running is not None and running.last and running.last.run_id == resumes:
                    raise RigBusy(f"the queue could not note yet how run {resumes} ended")
                if by_queue:
                    self._may_start(number)
                self.change(lambda night: night.begins(number, run))
                begun.append(run_id)
                self._beginning.add(run_id)

        try:
            yield announce
        except BaseException:
            for run_id in begun:
                # What cannot be noted now is found by the next look at how the run ended.
                with suppress(CommandRefused):
                    if not self._fate(run_id).began:
                        self.change(lambda night, run_id=run_id: night.never_began(run_id))
            raise
        finally:
            with self._mutex:
                self._beginning.difference_update(begun)

    @contextmanager
    def goes_on(self, run_id: str, *, by_queue: bool) -> Iterator[Announce]:
        """As `begins`, for a run that goes on with this one, whether or not it is of the queue.

        A run that ended complete with gaps has done its entry: what fills them is nobody's.
        """
        entry = None if self.problem else self._night.entry_of(run_id)
        last = entry.last if entry is not None else None
        if entry is None or (last is not None and last.outcome is Outcome.COMPLETE):
            yield _nobody
            return
        with self.begins(entry.number, run_id, by_queue=by_queue) as announce:
            yield announce

    def _may_start(self, number: int) -> None:
        night = self._night
        if night.pause is not None or self.halted:
            raise QueuePaused("the queue was paused")
        known: Entry | None = next((e for e in night.open if e.number == number), None)
        if known is None or known.state is EntryState.RUNNING:
            raise RigBusy(f"entry {number} was taken out of the queue")

    def _save(self, changed: Night) -> None:
        try:
            self._store.save(changed)
        except OSError as error:
            # What a reader would find counts: the new name may be there although its folder
            # could not be flushed.
            self._night = self._store.load()
            raise NotKept(
                f"the queue was not changed: {self._store.path}: {error.strerror or error}"
            ) from error
        self._night = changed


def _nobody(_run_id: str) -> None:
    """A run that is none of the queue's."""
