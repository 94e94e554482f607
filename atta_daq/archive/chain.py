"""Runs that go on with one another, as one measurement.

A resumed run names the run that it goes on with. The chain has every block exactly once: the
first run that took it whole. What an earlier run took of a block that was cut short stays on disk
and in the list, flagged.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from atta_daq.analysis.records import Segment
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.journal import Document, DocumentKind
from atta_daq.archive.run_folder import (
    JOURNAL,
    Note,
    Procedure,
    Run,
    RunWriter,
    open_run,
    run_folders,
)
from atta_daq.scans.blocks import Block
from atta_daq.scans.decisions import Decision


class ChainedRun(Run):
    """The last run of a chain, with the segments of all of it. One run alone is its own chain."""

    def __init__(self, runs: Sequence[Run]) -> None:
        last = runs[-1]
        super().__init__(last.folder, last.content)
        self.runs = tuple(runs)

    @property
    def first_id(self) -> str:
        return self.runs[0].run_id

    @property
    def start(self) -> Document:
        """Of the chain's first run."""
        return self.runs[0].start

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        return joined(self.runs)

    @property
    def notes(self) -> tuple[Note, ...]:
        """Of all its runs, at the chain's rig times."""
        return tuple(
            replace(note, rig_s=note.rig_s + shift_s)
            for run, shift_s in self._shifted
            for note in run.notes
        )

    @property
    def procedures(self) -> tuple[Procedure, ...]:
        """Of all its runs, at the chain's rig times."""
        return tuple(
            replace(procedure, rig_s=procedure.rig_s + shift_s)
            for run, shift_s in self._shifted
            for procedure in run.procedures
        )

    @property
    def _shifted(self) -> Iterable[tuple[Run, float]]:
        return zip(self.runs, _shifts(self.runs), strict=True)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """What its scan chose at run time, in the order of the blocks."""
        return tuple(
            Decision.from_dict(document.body)
            for run in self.runs
            for document in run.content.of(DocumentKind.DECISION)
        )


def open_chain(folder: Path) -> ChainedRun:
    """A run with all that it goes on with, oldest first. Raises as `open_run`, and `ArchiveError`
    when one of them is missing or they go round in a circle."""
    runs = [open_run(folder)]
    while (earlier := runs[0].header.resumes) is not None:
        if any(run.run_id == earlier for run in runs):
            raise ArchiveError(f"{folder.name}: its runs go on with each other in a circle")
        path = folder.parent / earlier
        if not path.is_dir():
            raise ArchiveError(f"{runs[0].run_id} goes on with {earlier}, which is not in {path}")
        runs.insert(0, open_run(path))
    return ChainedRun(runs)


def whole_blocks(segments: Sequence[Segment], plan: Sequence[Block]) -> set[int]:
    """Indices of the blocks that these segments of one run hold whole.

    A block is whole when its last attempt took everything in it unflagged and closed it by its
    bracket; what "pause now" ended counts as taken by what replayed it. The opening bracket may be
    the one that closed the block before.
    """
    whole = set()
    for block in plan:
        taken = closed_attempt(segments, block.index)
        inside = sum(not s.bracket for s in taken)
        if taken and inside == sum(not s.bracket for s in block.segments):
            whole.add(block.index)
    return whole


def closed_attempt(segments: Sequence[Segment], block: int) -> list[Segment]:
    """The last attempt of one run at a block, when its bracket closed it and nothing in it is
    flagged; else nothing. A segment that was paused counts as what it was replayed by."""
    mine = [s for s in segments if s.block == block]
    last = _without_paused([s for s in mine if s.attempt == mine[-1].attempt])
    return last if last and last[-1].bracket and not any(s.flag for s in last) else []


def _without_paused(attempt: Sequence[Segment]) -> list[Segment]:
    """Without the flagged takes that the same segment follows at once: only a pause lets an attempt
    go on behind a fault, by taking that one segment again."""
    kept = [a for a, b in pairwise(attempt) if not (a.flag and _planned(a) == _planned(b))]
    return [*kept, *attempt[-1:]]


def _planned(segment: Segment) -> tuple[object, ...]:
    return segment.kind, segment.isotope, segment.pumping, segment.point, segment.bracket


def missing_blocks(segments: Sequence[Segment], plan: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of the plan that a chain's segments do not hold whole, in the plan's order."""
    by_run: dict[str, list[Segment]] = {}
    for segment in segments:
        by_run.setdefault(segment.run_id, []).append(segment)
    whole = set().union(*(whole_blocks(taken, plan) for taken in by_run.values()), set())
    return tuple(block for block in plan if block.index not in whole)


def joined(runs: Sequence[Run]) -> tuple[Segment, ...]:
    """All segments of runs that go on with one another, numbered through.

    The last run's stand as they are. Of an earlier one, a block that a later run took again is
    flagged. Rig clocks that were set anew in between (a simulated rig that was restarted) are
    moved so that the time between two runs is the time that passed.
    """
    shifts_s = _shifts(runs)
    retaken_by = _retakers(runs)
    segments: list[Segment] = []
    for run, shift_s, retaken in zip(runs, shifts_s, retaken_by, strict=True):
        first = len(segments)
        segments += (_of_chain(s, first, shift_s, retaken) for s in run.segments)
    return tuple(segments)


def earlier_of(chain: ChainedRun, writer: RunWriter, plan: Iterable[Block]) -> tuple[Segment, ...]:
    """The segments of a chain for the run that goes on with it and has just begun, to be seen with
    its own while it takes `plan`, the blocks that are missing.

    They are what `joined` makes of them once the run has taken these blocks, but at the run's own
    rig times.
    """
    shift_s = _shifts(chain.runs)[-1] + _set_back_s(chain.runs[-1], writer.start)
    retaken = {block.index: writer.run_id for block in plan}
    return tuple(_of_chain(s, 0, -shift_s, retaken) for s in chain.segments)


def _of_chain(segment: Segment, first: int, shift_s: float, retaken: Mapping[int, str]) -> Segment:
    """A segment of an earlier run; `retaken`: block to the later run that takes it again."""
    later = retaken.get(segment.block)
    return replace(
        segment,
        index=first + segment.index,
        start_rig_s=segment.start_rig_s + shift_s,
        end_rig_s=segment.end_rig_s + shift_s,
        flag=segment.flag or (f"its block was cut short; {later} took it" if later else ""),
    )


def _retakers(runs: Sequence[Run]) -> list[dict[int, str]]:
    """For each run, block to the later run that has it too.

    A run goes on with blocks that were not whole, so the later one counts.
    """
    later: dict[int, str] = {}
    found: list[dict[int, str]] = []
    for run in reversed(runs):
        found.insert(0, dict(later))
        later |= dict.fromkeys(_blocks(run.segments), run.run_id)
    return found


def _blocks(segments: Collection[Segment]) -> set[int]:
    return {segment.block for segment in segments}


def _shifts(runs: Sequence[Run]) -> list[float]:
    """Seconds to add to each run's rig times; 0 where the clock went on."""
    shifts_s = [0.0]
    for former, run in pairwise(runs):
        shifts_s.append(shifts_s[-1] + _set_back_s(former, run.start))
    return shifts_s


def _set_back_s(former: Run, start: Document) -> float:
    """How far the rig clock was set back between a run and the start of the one that goes on with
    it (s), the time that passed included; 0 where the clock went on."""
    # A stop document of a dead run was written at the next start, perhaps on another clock.
    last = [d for d in former.content.documents if d.doc is not DocumentKind.STOP][-1]
    rig_s = start.rig_s - last.rig_s
    return 0.0 if rig_s >= 0.0 else max(start.utc_s - last.utc_s, 0.0) - rig_s


def successor(folder: Path) -> str | None:
    """Name of the run that goes on with this one, if there is one already."""
    return successors(folder.parent).get(folder.name)


def newest_of(run_id: str, later: Mapping[str, str]) -> str:
    """The last of the runs that go on with this one, itself without any; `later`: `successors`."""
    passed = {run_id}
    while (after := later.get(run_id)) is not None and after not in passed:
        passed.add(after)
        run_id = after
    return run_id


def successors(data: Path) -> dict[str, str]:
    """Run to the run that goes on with it, of all runs below `data`.

    Their names do not tell: a clock that was set back makes the younger one look older.
    """
    found: dict[str, str] = {}
    for other in run_folders(data):
        with (other / JOURNAL).open("rb") as journal:
            first = journal.readline()
        with suppress(ValueError):
            resumes = Document.from_line(first).body.get("resumes")
            if resumes:
                found[str(resumes)] = other.name
    return found
