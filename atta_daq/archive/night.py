"""A night: every measurement that ran in a stretch of time, and what disturbed it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from atta_daq.analysis.records import Segment
from atta_daq.archive.account import COUNTING, CountLine, count_lines
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import ChainedRun, closed_attempt, open_chain
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.history_records import AlarmEvent
from atta_daq.archive.intervals import Interval, intervals
from atta_daq.archive.parts import RunPart, run_parts
from atta_daq.archive.run_folder import Run, RunState
from atta_daq.archive.taken import TakenSegment, taken_segments

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueueEntry:
    """An entry of the queue, as the night report needs it."""

    number: int
    name: str
    state: str
    """waiting, running, interrupted, done, aborted, failed."""
    done: int
    repeats: int
    reason: str
    runs: tuple[str, ...]
    ended_utc_s: float | None
    """When its newest run ended."""

    @property
    def left(self) -> bool:
        """It has not ended."""
        return self.state in ("waiting", "running", "interrupted")


@dataclass(frozen=True)
class BadInterval:
    """An interval without data, and whether anything is missing for it."""

    interval: Interval
    retaken: bool
    """What it cost was taken again, flagged by nothing; or it cost no data but time."""

    @property
    def length_s(self) -> float:
        """UTC."""
        return self.interval.end_utc_s - self.interval.start_utc_s

    @property
    def waits(self) -> bool:
        """Its run still waits for the rig."""
        return self.interval.ended == "waiting"


@dataclass(frozen=True)
class AlarmSpan:
    """An alarm from its beginning to its end."""

    begin_utc_s: float
    end_utc_s: float | None
    """None: it was not over when the night was."""
    source: str
    severity: str
    text: str
    acknowledged: bool


@dataclass(frozen=True)
class Measurement:
    """A run with all that it goes on with, read as one."""

    chain: ChainedRun
    parts: tuple[RunPart, ...]
    taken: tuple[TakenSegment, ...]
    """Of the whole chain, in the order taken."""
    bad: tuple[BadInterval, ...]
    """Of the whole chain, by their beginning."""
    counts: tuple[CountLine, ...]
    open_s: float
    """Camera open in unflagged counting segments, rig time."""
    run_rig_s: float
    """From each run's first to its last segment, summed over the chain, rig time."""
    begin_utc_s: float
    end_utc_s: float

    @property
    def complete(self) -> bool:
        """Every block that the scan asked for."""
        return self.chain.state is RunState.COMPLETE

    @property
    def reason(self) -> str:
        """Why it ended, as its last run says."""
        stop = self.chain.stop
        return str(stop.body.get("reason", "")) if stop is not None else ""

    @property
    def counted(self) -> int:
        """Atoms of rare isotopes in unflagged segments."""
        return sum(line.counts or 0 for line in self.counts if line.what != "blank")


@dataclass(frozen=True)
class Night:
    """All of it."""

    since_utc_s: float
    until_utc_s: float
    measurements: tuple[Measurement, ...]
    """By their beginning."""
    unreadable: dict[str, str]
    """Runs that could not be read, with the reason."""
    alarms: tuple[AlarmSpan, ...] | None
    """None: nobody kept any."""
    queue: tuple[QueueEntry, ...] | None
    queue_paused: str
    """Why the queue starts nothing; empty when it does."""
    rig: str
    """Whose night; empty: of all rigs that measure there."""


def read_night(
    data: Path,
    since_utc_s: float,
    until_utc_s: float,
    *,
    alarms: Sequence[AlarmEvent] | None = None,
    queue: Sequence[QueueEntry] | None = None,
    queue_paused: str = "",
    rig: str = "",
) -> Night:
    """Every measurement of which some part ran between the two times (UTC, s since 1970); with
    `rig` of this one, or of none that is known.

    `alarms`: events in their order, from before the night on; those that touch it are kept.
    """
    entries = [
        entry
        for entry in Catalogue(data).runs(until_utc_s=until_utc_s)
        # One that waits writes nothing meanwhile.
        if (entry.end_utc_s >= since_utc_s or entry.state is RunState.RUNNING)
        and entry.measured_by(rig)
    ]
    measurements: list[Measurement] = []
    unreadable: dict[str, str] = {}
    earlier: set[str] = set()
    # Newest first, as far as names tell: a run that a later one goes on with belongs to that one.
    for entry in entries:
        if entry.run_id in earlier:
            continue
        try:
            chain = open_chain(data / entry.run_id)
            measurements.append(_measurement(chain, until_utc_s))
        except (ArchiveError, OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("%s: %s", entry.run_id, error)
            unreadable[entry.run_id] = str(error)
            continue
        earlier |= {run.run_id for run in chain.runs[:-1]}
    # Its own later run may look older, by a clock that was set back: it was read first then.
    measurements = [m for m in measurements if m.chain.run_id not in earlier]
    return Night(
        since_utc_s=since_utc_s,
        until_utc_s=until_utc_s,
        measurements=tuple(sorted(measurements, key=lambda m: m.begin_utc_s)),
        unreadable=unreadable,
        alarms=None
        if alarms is None
        else tuple(
            span
            for span in alarm_spans(alarms)
            if span.begin_utc_s <= until_utc_s
            and (span.end_utc_s is None or span.end_utc_s >= since_utc_s)
        ),
        queue=None if queue is None else tuple(queue),
        queue_paused=queue_paused,
        rig=rig,
    )


def _measurement(chain: ChainedRun, until_utc_s: float) -> Measurement:
    taken = taken_segments(chain)
    good = [s for s in chain.segments if not s.flag]
    return Measurement(
        chain=chain,
        parts=run_parts(chain),
        taken=taken,
        bad=bad_intervals(chain, until_utc_s),
        counts=count_lines(chain.segments),
        open_s=sum(s.live_s for s in good if s.kind in COUNTING),
        run_rig_s=sum(_length_s(run) for run in chain.runs),
        begin_utc_s=chain.start.utc_s,
        end_utc_s=chain.content.documents[-1].utc_s,
    )


def _length_s(run: Run) -> float:
    if not run.segments:
        return 0.0
    begin_s = min(s.start_rig_s - sum(s.dead_s.values()) for s in run.segments[:1])
    return max(s.end_rig_s for s in run.segments) - begin_s


def bad_intervals(chain: ChainedRun, until_utc_s: float) -> tuple[BadInterval, ...]:
    """The intervals without data of a measurement. A wait that is not over lasts until the night's
    end: nothing is journaled while a run waits for what no recipe cures."""
    good = {_what(s) for s in chain.segments if not s.flag}
    found = []
    for one in intervals(chain):
        if one.ended == "waiting":
            one = replace(one, end_utc_s=max(one.end_utc_s, until_utc_s))
        # A chain numbers its attempts anew in each run.
        lost = [
            _what(s)
            for s in chain.segments
            if s.flag and (s.run_id, s.block, s.attempt) == (one.run_id, one.block, one.attempt)
        ]
        retaken = all(what in good for what in lost) if lost else _went_on(chain, one)
        found.append(BadInterval(one, retaken))
    return tuple(found)


def _what(segment: Segment) -> tuple[object, ...]:
    """What a segment was to measure."""
    return (segment.block, segment.point, segment.kind, segment.pumping, segment.isotope)


def _went_on(chain: ChainedRun, wait: Interval) -> bool:
    """Whether the block that a wait held up, before a segment of it was taken, was taken then."""
    return wait.block < 0 or any(closed_attempt(r.segments, wait.block) for r in chain.runs)


def alarm_spans(events: Sequence[AlarmEvent]) -> tuple[AlarmSpan, ...]:
    """Alarms by their beginning, from their events in order."""
    spans: list[AlarmSpan] = []
    newest: dict[str, int] = {}
    for event in events:
        place = newest.get(event.id)
        lasting = place is not None and spans[place].end_utc_s is None
        if event.event == "raised" or (event.event in ("changed", "over") and not lasting):
            if place is not None and lasting:  # its station died before it was over
                spans[place] = replace(spans[place], end_utc_s=event.utc_s)
            newest[event.id] = len(spans)
            end_s = event.utc_s if event.event == "over" else None
            spans.append(
                AlarmSpan(event.utc_s, end_s, event.source, event.severity, event.text, False)
            )
        elif place is None:
            continue
        elif event.event == "changed":
            spans[place] = replace(spans[place], severity=event.severity, text=event.text)
        elif event.event == "over":
            spans[place] = replace(spans[place], end_utc_s=event.utc_s)
        else:
            spans[place] = replace(spans[place], acknowledged=True)
    return tuple(sorted(spans, key=lambda span: span.begin_utc_s))
