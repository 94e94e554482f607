"""The whole queue as one value: every change makes a new one, and refuses what makes no sense."""

from collections.abc import Mapping

from pydantic import Field

from atta_daq.station.queue.entry import (
    OPEN,
    UNFINISHED,
    Entry,
    EntryRun,
    EntryState,
    Kept,
    Outcome,
    Pause,
)

MOST_ENDED = 200
"""The oldest are forgotten: the file is written whole at every change."""


class NotPossible(ValueError):
    """The queue cannot be changed in this way; the message says why."""


class Night(Kept):
    """Entries in their order, and whether the queue starts any.

    `open` is sorted: the higher priority first; within one priority it is the order in which they
    were added, or that an operator has given them.
    """

    open: tuple[Entry, ...] = ()
    ended: tuple[Entry, ...] = ()
    """In the order in which they ended."""
    next_number: int = Field(default=1, ge=1)
    pause: Pause | None = None

    # --- questions -----------------------------------------------------------------------

    @property
    def running(self) -> Entry | None:
        """The entry whose run is under way."""
        return next((e for e in self.open if e.state is EntryState.RUNNING), None)

    @property
    def startable(self) -> tuple[Entry, ...]:
        """In the order in which they are asked: what was interrupted first."""
        interrupted = (e for e in self.open if e.state is EntryState.INTERRUPTED)
        return (*interrupted, *(e for e in self.open if e.state is EntryState.WAITING))

    def entry(self, number: int) -> Entry:
        """Raises NotPossible for a number that no entry has."""
        for entry in (*self.open, *self.ended):
            if entry.number == number:
                return entry
        raise NotPossible(f"the queue has no entry {number}")

    def entry_of(self, run_id: str) -> Entry | None:
        """The entry whose newest run this is."""
        for entry in (*self.open, *self.ended):
            if entry.last is not None and entry.last.run_id == run_id:
                return entry
        return None

    # --- what an operator changes --------------------------------------------------------

    def add(self, entry: Entry) -> "Night":
        """Behind all of its priority. Its number must be `next_number`."""
        if entry.number != self.next_number:
            raise NotPossible(f"entry {entry.number} where {self.next_number} is next")
        return self._with(
            open=_placed((*self.open, entry)), next_number=self.next_number + 1
        )  # fmt: skip

    def move(self, number: int, before: str) -> "Night":
        """Before another open entry: 'first', 'last' or a number.

        An entry that is moved among others of another priority takes the nearest that fits there.
        """
        entry = self._waiting(number)
        others = [e for e in self.open if e is not entry]
        place = self._place(others, before)
        above = others[place - 1].priority if place else None
        below = others[place].priority if place < len(others) else None
        priority = entry.priority
        if above is not None:
            priority = min(priority, above)
        if below is not None:
            priority = max(priority, below)
        others.insert(place, entry.model_copy(update={"priority": priority}))
        return self._with(open=tuple(others))

    def prioritise(self, number: int, priority: int) -> "Night":
        """Give an entry another priority; it stands last among its new equals."""
        entry = self._waiting(number)
        others = tuple(e for e in self.open if e is not entry)
        changed = entry.model_copy(update={"priority": priority})
        return self._with(open=_placed((*others, changed)))

    def change(self, number: int, changes: Mapping[str, object]) -> "Night":
        """Give an entry that waits other fields (`scan` with what was predicted of it, `repeats`,
        `not_before_s`, `conditions`, `on_fault`); it keeps its place."""
        entry = self._waiting(number)
        if "scan" in changes and entry.runs:
            raise NotPossible(
                f"entry {number} has begun to be measured, its scan stays: add another entry"
            )
        changed = entry.model_copy(update=dict(changes))
        if changed.left == 0:
            raise NotPossible(
                f"entry {number} has been measured {entry.done} times: ask for more, or remove it"
            )
        return self._with(open=tuple(changed if e is entry else e for e in self.open))

    def remove(self, number: int) -> "Night":
        """Take an entry out; what its runs measured stays on disk."""
        entry = self.entry(number)
        if entry.state is EntryState.RUNNING:
            raise NotPossible(f"entry {number} runs: abort its run first")
        return self.without(number)

    def without(self, number: int) -> "Night":
        """The rest of the queue."""
        return self._with(
            open=tuple(e for e in self.open if e.number != number),
            ended=tuple(e for e in self.ended if e.number != number),
        )

    def clear(self, *, everything: bool) -> "Night":
        """Forget what has ended; with `everything` all but what runs."""
        kept = [e for e in self.open if not everything or e.state is EntryState.RUNNING]
        return self._with(open=tuple(kept), ended=())

    def paused(self, pause: Pause) -> "Night":
        """Start nothing more."""
        return self._with(pause=pause)

    def resumed(self) -> "Night":
        """Start entries again."""
        return self._with(pause=None)

    def reopened(self, number: int) -> "Night":
        """An entry that was aborted or has failed is to be gone on with, before all others."""
        entry = self.entry(number)
        if entry.state not in UNFINISHED:
            raise NotPossible(f"entry {number} is {entry.state}: there is nothing to go on with")
        to = EntryState.INTERRUPTED if entry.to_resume else EntryState.WAITING
        return self._changed(entry, state=to, reason="")

    # --- what runs change ----------------------------------------------------------------

    def begins(self, number: int, run: EntryRun) -> "Night":
        """A run of an entry is about to be made; nothing of it is on disk yet."""
        entry = self.entry(number)
        if self.running is not None:
            raise NotPossible(f"entry {self.running.number} runs")
        if entry.state is EntryState.DONE:
            raise NotPossible(f"entry {number} is done")
        if run.resumes != entry.to_resume:
            raise NotPossible(f"entry {number} goes on with {entry.to_resume or 'nothing'}")
        return self._changed(entry, state=EntryState.RUNNING, reason="", runs=(*entry.runs, run))

    def never_began(self, run_id: str) -> "Night":
        """Nothing of a run that was about to be made has come to the disk."""
        entry = self._running_with(run_id)
        runs = entry.runs[:-1]
        state, reason = EntryState.WAITING, ""
        if runs and runs[-1].outcome is not Outcome.COMPLETE:
            state, reason = _state_after(runs[-1].outcome), runs[-1].reason
        return self._changed(entry, state=state, reason=reason, runs=runs)

    def run_ended(self, run_id: str, outcome: Outcome, reason: str, utc_s: float) -> "Night":
        """How a run ended, and what follows for its entry and for the queue."""
        entry = self._running_with(run_id)
        last = entry.runs[-1].model_copy(
            update={"outcome": outcome, "reason": reason, "ended_utc_s": utc_s}
        )
        runs = (*entry.runs[:-1], last)
        if outcome is Outcome.COMPLETE:
            state = (
                EntryState.DONE
                if entry.model_copy(update={"runs": runs}).left == 0
                else EntryState.WAITING
            )
            return self._changed(entry, state=state, reason="", runs=runs)
        after = self._changed(entry, state=_state_after(outcome), reason=reason, runs=runs)
        return after._stopped_by(entry, outcome, reason, utc_s)

    def completed_after_all(self, number: int, utc_s: float) -> "Night":
        """The run of an interrupted entry turns out to hold every block."""
        entry = self.entry(number)
        last = entry.last
        if entry.state not in UNFINISHED or last is None:
            raise NotPossible(f"entry {number} is {entry.state}")
        under_way = last.model_copy(update={"outcome": Outcome.UNDER_WAY})
        again = self._changed(entry, state=EntryState.RUNNING, runs=(*entry.runs[:-1], under_way))
        return again.run_ended(last.run_id, Outcome.COMPLETE, "", last.ended_utc_s or utc_s)

    def refused(self, number: int, reason: str, utc_s: float) -> "Night":
        """The rig cannot take an entry (any more)."""
        entry = self.entry(number)
        after = self._changed(entry, state=EntryState.FAILED, reason=reason)
        return after._stopped_by(entry, Outcome.FAULT, reason, utc_s)

    # --- parts ---------------------------------------------------------------------------

    def _stopped_by(self, entry: Entry, outcome: Outcome, reason: str, utc_s: float) -> "Night":
        """The queue after an entry ended early; a pause that is there already keeps its reason."""
        if self.pause is not None:
            return self
        if outcome is Outcome.ABORTED:
            text = f"the run of entry {entry.number} ({entry.name}) was aborted: {reason}"
            return self.paused(Pause(kind="operator", reason=text, utc_s=utc_s))
        if outcome is Outcome.FAULT and entry.on_fault == "pause":
            text = f"entry {entry.number} ({entry.name}) failed: {reason}"
            return self.paused(Pause(kind="fault", reason=text, utc_s=utc_s))
        return self

    def _running_with(self, run_id: str) -> Entry:
        entry = self.entry_of(run_id)
        if entry is None or entry.state is not EntryState.RUNNING:
            raise NotPossible(f"no entry of the queue runs {run_id}")
        return entry

    def _waiting(self, number: int) -> Entry:
        entry = self.entry(number)
        if entry.state is not EntryState.WAITING:
            raise NotPossible(f"entry {number} is {entry.state}: only a waiting one can be changed")
        return entry

    def _place(self, others: list[Entry], before: str) -> int:
        if before == "first":
            return 0
        if before == "last":
            return len(others)
        if not before.isdecimal():
            raise NotPossible(f"before '{before}'? 'first', 'last' or the number of an entry")
        for place, other in enumerate(others):
            if other.number == int(before):
                return place
        raise NotPossible(f"no entry {before} waits in the queue")

    def _changed(self, entry: Entry, **changes: object) -> "Night":
        """The entry in its place, or moved between what is open and what has ended."""
        changed = entry.model_copy(update=changes)
        opened = changed.state in OPEN
        if opened and any(e.number == entry.number for e in self.open):
            return self._with(
                open=tuple(changed if e.number == entry.number else e for e in self.open)
            )
        rest = self.without(entry.number)
        if opened:
            return rest._with(open=_placed((changed, *rest.open)))
        return rest._with(ended=(*rest.ended, changed)[-MOST_ENDED:])

    def _with(self, **changes: object) -> "Night":
        return self.model_copy(update=changes)


def _placed(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: -entry.priority))


def _state_after(outcome: Outcome) -> EntryState:
    return {
        Outcome.DIED: EntryState.INTERRUPTED,
        Outcome.ABORTED: EntryState.ABORTED,
        Outcome.FAULT: EntryState.FAILED,
    }[outcome]
