"""An entry of the queue: a scan, when it may be taken, and the runs that took it."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

OnFault = Literal["pause", "skip"]
"""What a run that ended by a fault does to the queue: stop it, or go on with the next entry."""


class Kept(BaseModel):
    """Stands in the queue's file; a key that is not known there is damage, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EntryState(StrEnum):
    """How an entry stands."""

    WAITING = "waiting"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """Its run died with the station, or was ended with it: to be gone on with."""
    DONE = "done"
    ABORTED = "aborted"
    """An operator ended its run, or STOP."""
    FAILED = "failed"
    """A fault ended its run, or the rig refused it."""


OPEN = (EntryState.WAITING, EntryState.RUNNING, EntryState.INTERRUPTED)
UNFINISHED = (EntryState.INTERRUPTED, EntryState.ABORTED, EntryState.FAILED)


class Outcome(StrEnum):
    """How a run of an entry ended."""

    UNDER_WAY = ""
    COMPLETE = "complete"
    ABORTED = "aborted"
    FAULT = "fault"
    DIED = "died"
    """With its station: by kill -9 or loss of power, or when the station was shut down."""


class EntryRun(Kept):
    """One run of an entry. A run that goes on with another one names it: both are one measurement.

    The name is on disk before the run's folder is: a run of which there is no folder never began.
    """

    run_id: str
    resumes: str = ""
    begun_utc_s: float
    ended_utc_s: float | None = None
    outcome: Outcome = Outcome.UNDER_WAY
    reason: str = ""


class Entry(Kept):
    """A scan that waits for its turn, is measured, or was."""

    number: int = Field(ge=1)
    """Given once, never again to another."""
    name: str
    scan: str
    """The scan file, whole (TOML)."""
    priority: int = 0
    """The higher first."""
    repeats: int = Field(default=1, ge=1)
    """So many complete measurements are wanted."""
    not_before_s: float | None = None
    """UTC, seconds since 1970; on a rig whose clock runs faster, rig time."""
    conditions: tuple[str, ...] = ()
    """See `conditions.parse`."""
    on_fault: OnFault = "pause"
    added_by: str
    added_utc_s: float
    duration_s: float
    """Rig time of one measurement, predicted when it was added."""
    archive_bytes: float
    """Of one measurement, predicted when it was added."""
    state: EntryState = EntryState.WAITING
    reason: str = ""
    """Why it ended early; empty when it did not."""
    runs: tuple[EntryRun, ...] = ()

    @property
    def done(self) -> int:
        """Complete measurements."""
        return sum(run.outcome is Outcome.COMPLETE for run in self.runs)

    @property
    def left(self) -> int:
        """Measurements still to be completed."""
        return max(0, self.repeats - self.done)

    @property
    def last(self) -> EntryRun | None:
        """Its newest run."""
        return self.runs[-1] if self.runs else None

    @property
    def to_resume(self) -> str:
        """The run that the present measurement goes on with; '' when a new one begins."""
        last = self.last
        if last is None or last.outcome in (Outcome.COMPLETE, Outcome.UNDER_WAY):
            return ""
        return last.run_id


class Pause(Kept):
    """Why the queue starts nothing."""

    kind: Literal["operator", "fault", "restart"]
    reason: str
    utc_s: float
