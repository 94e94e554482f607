"""What a run that has ended does not hold: points without any good segment, blocks given up."""

from dataclasses import dataclass

from atta_daq.archive.chain import ChainedRun
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
    """A run that goes on with this one has all its points."""


def missing_points(run: Run) -> dict[str, list[str]]:
    """For each part of an ended run the points that have no good segment, in words.

    Parts that lack nothing are left out; so is everything of a run under way and of an imported
    one.
    """
    scan = scan_of(run)
    if scan is None or run.header.origin == "imported" or run.state is RunState.RUNNING:
        return {}
    good = {s.point for s in run.segments if s.point is not None and not s.flag and not s.bracket}
    found: dict[str, list[str]] = {}
    first = 0
    for number, part in enumerate(scan.parts):
        count = number_of_points(part)
        left = [
            _words(first + n, part, target)
            for n, target in enumerate(targets(part))
            if first + n not in good
        ]
        if left:
            found[part_name(scan, number)] = left
        first += count
    return found


def missing_note(points: list[str]) -> str:
    """What a fit must say of its missing points."""
    named = ", ".join(points[:MOST_NAMED])
    more = f" and {len(points) - MOST_NAMED} more" if len(points) > MOST_NAMED else ""
    return f"No data at {len(points)} of the scan's points: {named}{more}"


def skipped_blocks(run: Run) -> tuple[SkippedBlock, ...]:
    """The blocks that a run, or a chain's runs, gave up."""
    runs = run.runs if isinstance(run, ChainedRun) else (run,)
    good = {s.point for s in run.segments if s.point is not None and not s.flag}
    found = []
    for part in runs:
        for document in part.content.of(DocumentKind.SKIPPED):
            body = document.body
            points = tuple(int(p) for p in body["points"])
            later = len(runs) > 1 and bool(points) and set(points) <= good
            block, cause = int(body["block"]), str(body["cause"])
            found.append(SkippedBlock(part.run_id, block, cause, points, later))
    return tuple(found)


def _words(index: int, part: Part, target: Target) -> str:
    """'4 (225 MHz)'."""
    swept = [
        f"{getattr(target, axis.quantity):g} {_UNITS.get(axis.quantity, axis.quantity)}"
        for axis in part.axes
    ]
    return f"{index} ({', '.join(swept)})" if swept else f"{index}"
