"""What a run that has ended does not hold: points without any good segment, blocks given up."""

from collections.abc import Callable
from dataclasses import dataclass

from atta_daq.archive.chain import ChainedRun, closed_attempt
from atta_daq.archive.journal import DocumentKind
from atta_daq.archive.parts import scan_of
from atta_daq.archive.run_folder import Run, RunState
from atta_daq.scans.blocks import Target, targets
from atta_daq.scans.definition import Part
from atta_daq.scans.selection import number_of_points, part_name

MOST_NAMED = 12
_UNITS = {"detuning_mhz": "MHz", "power_mw": "mW", "sideband_frequency_mhz": "MHz sideband"}


@dataclass(frozen=True)
class SkippedBlock:
    """A block that a run gave up."""

    run_id: str
    block: int
    cause: str
    points: tuple[int, ...]
    taken_later: bool
    """A run that goes on with this one took the block whole. What other repeats hold of its points
    does not count; a block of blanks or of a check has none."""


def missing_points(run: Run) -> dict[str, list[str]]:
    """For each part of an ended run the points that have no good segment, in words.

    Parts that lack nothing are left out; so is everything of a run under way and of an imported
    one.
    """
    good = _points_with_data(run)
    return _points_in_words(run, lambda point: point not in good)


def lost_repeats(run: Run) -> dict[str, list[str]]:
    """For each part of an ended run the points that have data, but not of a repeat that the run
    gave up and that nothing took later, in words."""
    good = _points_with_data(run)
    given_up = {p for block in skipped_blocks(run) if not block.taken_later for p in block.points}
    return _points_in_words(run, lambda point: point in good and point in given_up)


def missing_notes(run: Run) -> dict[str, tuple[str, ...]]:
    """What the fit of each part must say of what the run does not hold; nothing of whole parts."""
    notes: dict[str, tuple[str, ...]] = {
        part: (missing_note(points),) for part, points in missing_points(run).items()
    }
    for part, points in lost_repeats(run).items():
        notes[part] = (*notes.get(part, ()), f"A repeat is missing at {_named(points)}")
    return notes


def _points_with_data(run: Run) -> set[int]:
    return {s.point for s in run.segments if s.point is not None and not s.flag and not s.bracket}


def _points_in_words(run: Run, named: Callable[[int], bool]) -> dict[str, list[str]]:
    """For each part of an ended run the points that are to be named."""
    scan = scan_of(run)
    if scan is None or run.header.origin == "imported" or run.state is RunState.RUNNING:
        return {}
    found: dict[str, list[str]] = {}
    first = 0
    for number, part in enumerate(scan.parts):
        count = number_of_points(part)
        left = [
            _words(first + n, part, target)
            for n, target in enumerate(targets(part))
            if named(first + n)
        ]
        if left:
            found[part_name(scan, number)] = left
        first += count
    return found


def missing_note(points: list[str]) -> str:
    """What a fit must say of its missing points."""
    return f"No data at {len(points)} of the scan's points: {_named(points)}"


def _named(points: list[str]) -> str:
    more = f" and {len(points) - MOST_NAMED} more" if len(points) > MOST_NAMED else ""
    return ", ".join(points[:MOST_NAMED]) + more


def skipped_blocks(run: Run) -> tuple[SkippedBlock, ...]:
    """The blocks that a run, or a chain's runs, gave up."""
    runs = run.runs if isinstance(run, ChainedRun) else (run,)
    found = []
    for place, part in enumerate(runs):
        for document in part.content.of(DocumentKind.SKIPPED):
            body = document.body
            points = tuple(int(p) for p in body["points"])
            block, cause = int(body["block"]), str(body["cause"])
            later = any(
                not segment.bracket
                for after in runs[place + 1 :]
                for segment in closed_attempt(after.segments, block)
            )
            found.append(SkippedBlock(part.run_id, block, cause, points, later))
    return tuple(found)


def _words(index: int, part: Part, target: Target) -> str:
    """'4 (225 MHz)'."""
    swept = [
        f"{getattr(target, axis.quantity):g} {_UNITS.get(axis.quantity, axis.quantity)}"
        for axis in part.axes
    ]
    return f"{index} ({', '.join(swept)})" if swept else f"{index}"
