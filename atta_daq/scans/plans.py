"""How a scan is carried out: a Bluesky plan over the blocks of a definition.

The plan knows the order of things; the segment device knows the rig. A block whose segment comes
back flagged is taken again as a new attempt, opened by its bracket; after `max_attempts` the run
ends with the reason.
"""

from collections.abc import Generator, Iterable
from typing import Any, Protocol

from bluesky import plan_stubs as bps
from bluesky.utils import Msg

from atta_daq.analysis.records import Segment
from atta_daq.scans.blocks import Block, PlannedSegment

STREAM = "segments"


class SegmentTakingDevice(Protocol):
    """What the plan needs of the device; see `rig.devices.SegmentDevice`."""

    name: str
    last: Segment | None

    def retry(self, block: int) -> None: ...


class ScanFailed(Exception):
    """A block could not be taken in the allowed number of attempts."""


def scan_plan(
    blocks: Iterable[Block],
    device: SegmentTakingDevice,
    max_attempts: int,
    metadata: dict[str, Any],
    after_fault: Any = None,
) -> Generator[Msg, Any, None]:
    """Take all blocks; each is asked for when the one before has been taken.

    `after_fault` is a plan that brings the rig back (relock) between tries."""
    yield from bps.open_run(metadata)
    closed_by_bracket = False
    for block in blocks:
        for attempt in range(max_attempts):
            # The closing bracket of one block opens the next, unless something came between.
            segments = block.segments[1:] if closed_by_bracket and not attempt else block.segments
            flag = yield from _attempt(block.index, segments, device)
            closed_by_bracket = not flag
            if not flag:
                break
            device.retry(block.index)
            if after_fault is not None:
                yield from after_fault(flag)
        else:
            yield from bps.close_run(exit_status="fail", reason=flag)
            raise ScanFailed(f"block {block.index} failed {max_attempts} times; last: {flag}")
    yield from bps.close_run()


def _attempt(
    block: int, segments: tuple[PlannedSegment, ...], device: Any
) -> Generator[Msg, Any, str]:
    """Take the segments of a block; returns the flag of the first that failed, or ''."""
    for planned in segments:
        yield from bps.checkpoint()
        yield from bps.abs_set(device, (planned, block), wait=True)
        yield from bps.trigger(device, wait=True)
        yield from bps.create(STREAM)
        yield from bps.read(device)
        yield from bps.save()
        if device.last is not None and device.last.flag:
            return device.last.flag
    return ""
