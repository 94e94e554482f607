"""What became of a run, from its folder alone: the archive is the truth, the queue follows it."""

from dataclasses import dataclass
from pathlib import Path

from atta_daq.archive.chain import successor
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.journal import read_journal
from atta_daq.archive.run_folder import JOURNAL, RunState, asked_to_end, open_run
from atta_daq.station.queue.entry import Outcome

SHUT_DOWN = "the station was shut down"
"""Reason of a run that was ended with its station: nobody wanted to be rid of the run."""


@dataclass(frozen=True)
class Fate:
    """How a run stands."""

    began: bool
    """Whether anything of it is on disk."""
    outcome: Outcome = Outcome.UNDER_WAY
    reason: str = ""


def fate_of(data: Path, run_id: str) -> Fate:
    """What the folder of the runs knows of a run."""
    folder = data / run_id
    try:
        if not (folder / JOURNAL).exists() or not read_journal(folder / JOURNAL).documents:
            return Fate(began=False)
        run = open_run(folder)
        stop = run.stop
        if stop is None:
            if run.state is RunState.RUNNING:
                return Fate(began=True)
            if asked := asked_to_end(run.content):
                # As it is closed by a station that can.
                return Fate(True, Outcome.ABORTED, asked)
            return Fate(True, Outcome.DIED, "its writer died")
    except ArchiveError as error:
        # A journal that cannot be read: somebody has to look at it.
        return Fate(True, Outcome.FAULT, str(error))
    reason = str(stop.body.get("reason", ""))
    if run.state is RunState.COMPLETE:
        return Fate(True, Outcome.COMPLETE)
    if run.state is RunState.GAPS:
        # It went through as its scan had said; what it skipped can be resumed by hand.
        return Fate(True, Outcome.COMPLETE, reason)
    if run.state is RunState.CRASHED or reason == SHUT_DOWN:
        return Fate(True, Outcome.DIED, reason)
    fault = bool(stop.body.get("fault", False))
    return Fate(True, Outcome.FAULT if fault else Outcome.ABORTED, reason)


def went_on(data: Path, run_id: str) -> str:
    """The run that goes on with this one; '' for none."""
    return successor(data / run_id) or ""
