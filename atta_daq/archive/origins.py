"""Where the segments of a chain come from: a chain numbers them through, each run its own."""

from dataclasses import dataclass

from atta_daq.archive.chain import ChainedRun
from atta_daq.archive.run_folder import Run


@dataclass(frozen=True)
class Origin:
    """A segment as the run that took it knows it; `frames.h5` of that run names it so."""

    run_id: str
    index: int
    """Position in that run."""


def runs_of(run: Run) -> tuple[Run, ...]:
    """The runs of a chain, oldest first; a run alone is its own."""
    return run.runs if isinstance(run, ChainedRun) else (run,)


def origins(run: Run) -> tuple[Origin, ...]:
    """Of `run.segments`, in the same order."""
    return tuple(Origin(one.run_id, s.index) for one in runs_of(run) for s in one.segments)
