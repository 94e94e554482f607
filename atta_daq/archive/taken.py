"""When a run took its segments, in UTC. Segments carry rig time alone, their journal has both."""

import tomllib
from dataclasses import dataclass

from atta_daq.analysis.records import Segment
from atta_daq.archive.chain import ChainedRun
from atta_daq.archive.journal import DocumentKind
from atta_daq.archive.run_folder import Run


@dataclass(frozen=True)
class TakenSegment:
    """A segment with its time in UTC (s since 1970)."""

    segment: Segment
    begin_utc_s: float
    end_utc_s: float


def taken_segments(run: Run) -> tuple[TakenSegment, ...]:
    """The segments of a run, or of all runs of a chain, in the order taken. A segment is journaled
    when it ends."""
    times: list[tuple[float, float]] = []
    for part in run.runs if isinstance(run, ChainedRun) else (run,):
        rate = clock_rate(part)
        ends = [d.utc_s for d in part.content.of(DocumentKind.EVENT) if "segment" in d.body]
        for segment, end_utc_s in zip(part.segments, ends, strict=True):
            length_s = (segment.end_rig_s - segment.start_rig_s) / rate
            times.append((end_utc_s - length_s, end_utc_s))
    return tuple(
        TakenSegment(segment, begin, end)
        for segment, (begin, end) in zip(run.segments, times, strict=True)
    )


def clock_rate(run: Run) -> float:
    """Rig seconds a second of UTC; 1 where the rig file says nothing."""
    try:
        return float(tomllib.loads(run.rig_toml).get("clock", {}).get("rate", 1.0))
    except (tomllib.TOMLDecodeError, TypeError, ValueError):
        return 1.0
