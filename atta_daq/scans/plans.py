"""How a scan is carried out: a Bluesky plan over the blocks of a definition.

The plan knows the order of things; the segment device knows the rig. A block whose segment comes
back flagged is taken again as a new attempt, opened by its bracket; after `max_attempts`, or when
the rig does not come back, the block is skipped or the run ends with the reason.
"""

from collections.abc import Callable, Generator, Iterable
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


AfterFault = Callable[[str], Generator[Msg, Any, str]]
"""Brings the rig back between two tries; returns '' or why it is given up."""
GiveUp = Callable[[Block, str], Generator[Msg, Any, bool]]
"""Asked with a block that failed and why; True leaves it out and goes on with the next."""


def scan_plan(
    blocks: Iterable[Block],
    device: SegmentTakingDevice,
    max_attempts: int,
    metadata: dict[str, Any],
    after_fault: AfterFault | None = None,
    give_up: GiveUp | None = None,
) -> Generator[Msg, Any, None]:
    """Take all blocks; each is asked for when the one before has been taken or given up.

    Raises ScanFailed for a block that failed and was not to be skipped.
    """
    yield from bps.open_run(metadata)
    closed_by_bracket = False
    for block in blocks:
        failed = yield from _until_whole(
            block, closed_by_bracket, device, max_attempts, after_fault
        )
        closed_by_bracket = not failed
        if failed:
            skipped = (yield from give_up(block, failed)) if give_up is not None else False
            if not skipped:
                yield from bps.close_run(exit_status="fail", reason=failed)
                raise ScanFailed(failed)
    yield from bps.close_run()


def _until_whole(
    block: Block,
    opened: bool,
    device: Any,
    max_attempts: int,
    after_fault: AfterFault | None,
) -> Generator[Msg, Any, str]:
    """Take a block in as many attempts as are allowed; returns why it failed, or ''.

    `opened`: the closing bracket of the block before opens it, unless something comes between.
    """
    flag = ""
    for attempt in range(max_attempts):
        segments = block.segments[1:] if opened and not attempt else block.segments
        flag = yield from _attempt(block.index, segments, device)
        if not flag:
            return ""
        device.retry(block.index)
        if after_fault is not None and attempt + 1 < max_attempts:
            lost = yield from after_fault(flag)
            if lost:
                return f"block {block.index} is given up: {lost}"
    return f"block {block.index} failed {max_attempts} times; last: {flag}"


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
