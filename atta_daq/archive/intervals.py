"""The intervals of a run that gave no data: when, why, what brought the rig back, and their share.

An interval is what one fault cost: the segments of the attempt at a block that it spoilt, and the
wait for the rig behind them. All of it stays on disk; none of it is summed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from atta_daq.analysis.records import Segment
from atta_daq.archive.chain import ChainedRun
from atta_daq.archive.journal import Document, DocumentKind
from atta_daq.archive.run_folder import Run, RunState
from atta_daq.archive.taken import TakenSegment, clock_rate, taken_segments

CONSEQUENCE = "its block was "
"""How the flags begin that follow from another segment's."""


@dataclass(frozen=True)
class RecipeUse:
    """A recipe in one wait."""

    recipe: str
    tries: int
    outcome: str
    """Of its last try."""
    routine: bool = False
    """Done in every wait, whatever was wrong."""


@dataclass(frozen=True)
class Interval:
    """One interval without data. Times on the rig's clock, as the segments' are, and in UTC (s
    since 1970)."""

    run_id: str
    block: int
    """-1 before the first block."""
    attempt: int
    start_rig_s: float
    end_rig_s: float
    start_utc_s: float
    """By the journal."""
    end_utc_s: float
    """So long after the start as the rig's clock says: a clock that was set changes no length."""
    cause: str
    segments: int
    """Flagged segments in it."""
    lost_live_s: float
    """Live time of these segments."""
    ended: str
    """'resumed', 'given up', 'ended' with the run, 'waiting' while it still does; '' when nothing
    was waited for."""
    cured_by: tuple[str, ...] = ()
    recipes: tuple[RecipeUse, ...] = ()

    @property
    def length_s(self) -> float:
        return self.end_rig_s - self.start_rig_s

    @property
    def tried(self) -> tuple[RecipeUse, ...]:
        """The recipes without those of every wait."""
        return tuple(use for use in self.recipes if not use.routine)

    @property
    def end_in_words(self) -> str:
        """'by itself', the recipes that cured it, or why it never ended."""
        if self.ended == "given up":
            return "given up"
        if self.ended == "ended":
            return "the run ended"
        if self.ended == "waiting":
            return "still waiting"
        if self.ended == "":
            return "taken again" if self.block >= 0 else ""
        return ", ".join(self.cured_by) or "by itself"


@dataclass(frozen=True)
class Duty:
    """How much of a scan's rig time gave data."""

    scan_s: float
    """From the first segment to the last, or to the end of the last wait; of a chain the sum."""
    good_live_s: float
    """Live time of the segments without a flag."""
    bad_s: float
    """Sum of the intervals."""

    @property
    def duty_cycle(self) -> float:
        """Good live time over all; 0 for a run without segments."""
        return self.good_live_s / self.scan_s if self.scan_s > 0.0 else 0.0

    @property
    def bad_share(self) -> float:
        """Share of the scan that faults cost."""
        return self.bad_s / self.scan_s if self.scan_s > 0.0 else 0.0


def intervals(run: Run) -> tuple[Interval, ...]:
    """Every interval without data of a run, or of all runs of a chain, in the order of time."""
    found: list[Interval] = []
    for part, taken in _runs(run):
        shift_s = _shift(part, taken)
        waits = [
            replace(
                wait, start_rig_s=wait.start_rig_s + shift_s, end_rig_s=wait.end_rig_s + shift_s
            )
            for wait in _waits(part)
        ]
        rate = clock_rate(part)
        found += [
            replace(one, end_utc_s=one.start_utc_s + one.length_s / rate)
            for one in _joined(taken, waits)
        ]
    return tuple(sorted(found, key=lambda interval: interval.start_rig_s))


def duty(run: Run) -> Duty:
    """Good and bad time of a run, or of all runs of a chain."""
    bad = intervals(run)
    scan_s = good_s = 0.0
    for part, taken in _runs(run):
        segments = [t.segment for t in taken]
        if not segments:
            continue
        ends = [s.end_rig_s for s in segments]
        ends += [i.end_rig_s for i in bad if i.run_id == part.run_id and i.block >= 0]
        scan_s += max(ends) - min(s.start_rig_s for s in segments)
        good_s += sum(s.live_s for s in segments if not s.flag)
    return Duty(scan_s, good_s, sum(i.length_s for i in bad if i.block >= 0))


def _runs(run: Run) -> Iterable[tuple[Run, Sequence[TakenSegment]]]:
    """Each run with its segments as the chain sees them: flags and times."""
    taken = taken_segments(run)
    if not isinstance(run, ChainedRun):
        yield run, taken
        return
    first = 0
    for part in run.runs:
        count = len(part.segments)
        yield part, taken[first : first + count]
        first += count


def _shift(run: Run, taken: Sequence[TakenSegment]) -> float:
    """By how much a chain has moved the run's clock."""
    return taken[0].segment.start_rig_s - run.segments[0].start_rig_s if taken else 0.0


def _waits(run: Run) -> list[Interval]:
    """The waits that the run's journal tells of. One without an end lasted as long as the run, or
    lasts still: up to the last document then."""
    found: list[Interval] = []
    begun: Document | None = None
    tries: list[Document] = []
    for document in run.content.documents:
        if document.doc is DocumentKind.RECOVERY:
            event = document.body.get("event")
            if event == "suspended":
                begun, tries = document, []
            elif event == "try":
                tries.append(document)
            elif begun is not None:
                found.append(_wait(run, begun, tries, document, str(event)))
                begun = None
    if begun is not None:
        written = [d for d in run.content.documents if d.doc is not DocumentKind.STOP]
        under_way = run.state is RunState.RUNNING
        found.append(_wait(run, begun, tries, written[-1], "waiting" if under_way else "ended"))
    return found


def _wait(run: Run, begun: Document, tries: list[Document], end: Document, ended: str) -> Interval:
    uses: dict[str, RecipeUse] = {}
    for document in tries:
        body = document.body
        name = str(body["recipe"])
        uses[name] = RecipeUse(
            name, int(body["try"]), str(body["outcome"]), bool(body.get("routine"))
        )
    return Interval(
        run_id=run.run_id,
        block=int(begun.body["block"]),
        attempt=int(begun.body["attempt"]),
        start_rig_s=begun.rig_s,
        end_rig_s=end.rig_s,
        start_utc_s=begun.utc_s,
        end_utc_s=end.utc_s,
        cause=str(begun.body["cause"]),
        segments=0,
        lost_live_s=0.0,
        ended=ended,
        cured_by=tuple(end.body.get("cured_by", ())) if ended == "resumed" else (),
        recipes=tuple(uses.values()),
    )


def _joined(taken: Sequence[TakenSegment], waits: list[Interval]) -> list[Interval]:
    """Flagged segments of one attempt become one interval with the wait that followed."""
    attempts: dict[tuple[int, int], list[TakenSegment]] = {}
    for t in taken:
        if t.segment.flag:
            attempts.setdefault((t.segment.block, t.segment.attempt), []).append(t)
    found = []
    for (block, attempt), spoilt_ones in attempts.items():
        begin = min(spoilt_ones, key=lambda t: t.segment.start_rig_s)
        flagged, first = [t.segment for t in spoilt_ones], begin.segment
        spoilt = Interval(
            run_id=first.run_id,
            block=block,
            attempt=attempt,
            start_rig_s=first.start_rig_s,
            end_rig_s=max(s.end_rig_s for s in flagged),
            start_utc_s=begin.begin_utc_s,
            end_utc_s=begin.end_utc_s,
            cause=_cause(flagged),
            segments=len(flagged),
            lost_live_s=sum(s.live_s for s in flagged),
            ended="",
        )
        mine = [w for w in waits if (w.block, w.attempt) == (block, attempt)]
        waits = [w for w in waits if w not in mine]
        for wait in mine:
            spoilt = replace(
                spoilt,
                end_rig_s=max(spoilt.end_rig_s, wait.end_rig_s),
                # A fault between two segments flags neither: the wait alone knows it.
                cause=wait.cause if spoilt.cause.startswith(CONSEQUENCE) else spoilt.cause,
                ended=wait.ended,
                cured_by=(*spoilt.cured_by, *wait.cured_by),
                recipes=(*spoilt.recipes, *wait.recipes),
            )
        found.append(spoilt)
    return [*found, *waits]


def _cause(flagged: Sequence[Segment]) -> str:
    """The flag that the others follow from."""
    own = [s.flag for s in flagged if not s.flag.startswith(CONSEQUENCE)]
    return own[0] if own else flagged[0].flag
