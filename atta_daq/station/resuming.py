"""Going on with a run that ended too early: only the blocks that it does not hold are taken."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import (
    ChainedRun,
    missing_blocks,
    newest_of,
    open_chain,
    successor,
    successors,
)
from atta_daq.archive.run_folder import RunState, close_as_complete, close_dead_run, open_run
from atta_daq.client.client import CommandRefused
from atta_daq.rig.config import RigConfig
from atta_daq.scans.blocks import Block, blocks
from atta_daq.scans.course import Course, closing_of
from atta_daq.scans.decisions import STOP, blocks_decided
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.errors import NothingMissing
from atta_daq.station.finish import definition_of, rig_of
from atta_daq.station.queue.entry import Outcome
from atta_daq.station.queue.fate import fate_of
from atta_daq.station.run_header import with_geometry

ENDED_EARLY = (RunState.CRASHED, RunState.ABORTED, RunState.GAPS)


@dataclass(frozen=True)
class Rest:
    """What is left of a measurement."""

    chain: ChainedRun
    definition: ScanDefinition
    plan: tuple[Block, ...]
    """The missing blocks that are known already."""
    ahead: tuple[Block, ...]
    """All that is left, with the blocks that are chosen at run time as if their time were spread
    evenly."""


def last_to_resume(data: Path, mine: Callable[[str], bool]) -> str | None:
    """The youngest run that ended too early and that nothing goes on with, of the rigs that are
    `mine` by their name or of none that is known; None without one."""
    gone_on_with = successors(data)
    for entry in Catalogue(data).runs():
        ended_early = entry.measured_by("") and entry.state in ENDED_EARLY
        if ended_early and entry.run_id not in gone_on_with and (not entry.rig or mine(entry.rig)):
            return entry.run_id
    return None


def crashed(data: Path, rig: str = "") -> str | None:
    """The youngest run of this rig (empty: of any), or the last that goes on with it, if its
    station died or was ended in it; else None. A run that names no rig counts as this one's, unless
    several rigs measure there."""
    every = Catalogue(data).runs()
    entries = {entry.run_id: entry for entry in every if entry.measured_by(rig)}
    if not entries:
        return None
    # By a clock that was set back the run that goes on with another may look older.
    last = newest_of(next(iter(entries)), successors(data))
    if last not in entries or fate_of(data, last).outcome is not Outcome.DIED:
        return None
    others = any(entry.rig not in ("", rig) for entry in every)
    return None if rig and others and not entries[last].rig else last


def rest_of(data: Path, name: str, config: RigConfig) -> Rest:
    """What is left of the run `name` (its name, the start of one, or 'last') on this rig.

    Raises CommandRefused with what stands in the way.
    """
    chain = open_chain(Catalogue(data).resolve(name))
    run_id = chain.run_id
    if chain.state is RunState.RUNNING:
        raise CommandRefused(f"run {run_id} is under way")
    if not chain.scan_toml:
        raise CommandRefused(f"run {run_id} was not taken here: it has no scan to go on with")
    later = successor(chain.folder)
    if later is not None:
        raise CommandRefused(f"run {later} goes on with {run_id} already; resume that one")
    definition = with_geometry(definition_of(chain), config)
    timing = config.scan_timing()
    plan = blocks(definition, timing)
    then = rig_of(chain)
    if then is not None and blocks(definition, then.scan_timing()) != plan:
        raise CommandRefused(
            f"run {run_id} was laid out for other times of exposure, loading or settling; set "
            f"them in the rig file as they stand in {chain.folder / 'rig.toml'}, or run the scan "
            "anew"
        )
    decisions = chain.decisions
    plan = (*plan, *blocks_decided(definition, decisions))
    left = missing_blocks(chain.segments, plan)
    ended = next((d.reason for d in decisions if d.kind == STOP), "")
    if ended:
        left = tuple(closing_of(definition, left, timing, decisions))
    ahead = Course(definition, left, timing, history=decisions).left()
    if not ahead:
        raise NothingMissing(
            f"run {run_id} ended as its scan asked: {ended}"
            if ended
            else f"run {run_id} holds all of its {len(plan)} blocks"
        )
    return Rest(chain, definition, left, ahead)


def close_whole(data: Path, run_id: str, rig_now: Callable[[], float]) -> bool:
    """Close a run that holds all of its blocks as complete, if it ended with its station; returns
    whether it did. Its report is still to be made.

    Raises ArchiveError, OSError, AlreadyOwned while somebody writes the run.
    """
    folder = data / run_id
    # No station may have started since, to close it. One that was written on another computer
    # stays without an end: whether its writer lives cannot be seen from here.
    close_dead_run(folder, rig_now=rig_now, utc_now=time.time)
    if open_run(folder).stop is None or fate_of(data, run_id).outcome is not Outcome.DIED:
        return False
    close_as_complete(folder, rig_now=rig_now, utc_now=time.time)
    return True
