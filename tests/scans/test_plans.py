"""The order in which a plan takes its blocks: everything counted is between two brackets."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.chain import missing_blocks
from atta_daq.scans.blocks import Block, PlannedSegment, Timing, blocks
from atta_daq.scans.definition import parse_scan
from atta_daq.scans.plans import ScanFailed, scan_plan

SCAN = """name = "eight"
bracket_period_s = 25.0
check_83 = { cycles = 1 }
blanks = { dwell_s = 10.0 }
[[part]]
isotope = 85
dwell_s = 10.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
start = 0.0
stop = 700.0
points = 8
"""
PLAN = blocks(parse_scan(SCAN), Timing())

Spoilt = Callable[[int, PlannedSegment, int], bool]


class Taker:
    """The plan's device; `spoilt` says which of its segments are flagged, by their number, counted
    from 0, what they are, and their block."""

    name = "segment"
    parent = None

    def __init__(self, spoilt: Spoilt = lambda _number, _planned, _block: False) -> None:
        self.taken: list[Segment] = []
        self.last: Segment | None = None
        self._spoilt = spoilt
        self._attempts: dict[int, int] = {}

    def retry(self, block: int) -> None:
        self._attempts[block] = self._attempts.get(block, 0) + 1

    def take(self, planned: PlannedSegment, block: int) -> None:
        number = len(self.taken)
        self.last = Segment(
            "run", block, self._attempts.get(block, 0), number, planned.kind, planned.isotope,
            planned.pumping, planned.point, planned.bracket, Setting(), 10.0 * number,
            10.0 * number + 9.0, 9.0, flag="spoilt" if self._spoilt(number, planned, block) else "",
        )  # fmt: skip
        self.taken.append(self.last)


def carried_out(
    plan: Sequence[Block], taker: Taker, attempts: int = 3, *, leave_out: bool = True
) -> list[Segment]:
    """Everything that was taken of these blocks; `leave_out` a block that fails for good."""

    def give_up(_block: Block, _cause: str) -> Any:
        yield from ()
        return leave_out

    device: Any = taker
    for message in scan_plan(plan, device, attempts, {}, give_up=give_up):
        if message.command == "set":
            planned, block = message.args[0]
            taker.take(planned, block)
    return taker.taken


def require_opened_and_closed(taken: Sequence[Segment], whole: Sequence[Block]) -> None:
    """Each of these blocks is taken once in full, right behind a bracket and closed by one."""
    for block in whole:
        mine = [s for s in taken if s.block == block.index]
        last = [s for s in mine if s.attempt == mine[-1].attempt]
        inside = [s for s in last if not s.bracket]
        assert not any(s.flag for s in last)
        assert len(inside) == len(block.segments) - 2
        opening = taken[inside[0].index - 1]
        assert inside[0].index > 0, f"block {block.index} begins with no bracket"
        assert opening.bracket, f"block {block.index} comes behind {opening}"
        assert not opening.flag
        assert last[-1].bracket
        assert last[-1].index == inside[-1].index + 1


def test_a_scan_shares_the_bracket_between_two_blocks() -> None:
    taken = carried_out(PLAN, Taker())
    require_opened_and_closed(taken, PLAN)
    assert sum(s.bracket for s in taken) == len(PLAN) + 1
    assert not any(a.bracket and b.bracket for a, b in pairwise(taken))


@pytest.mark.parametrize("whole", [(0,), (0, 1, 2), (1, 3), (0, 1, 2, 3, 4, 5)])
def test_every_missing_block_of_a_resumed_plan_is_opened_by_a_bracket(whole: tuple) -> None:
    cut = next(block.index for block in PLAN if block.index not in whole)
    # Of one block the earlier run has the beginning only.
    earlier = [
        s
        for s in carried_out(PLAN, Taker())
        if s.block in whole or (s.block == cut and not s.bracket)
    ]
    left = missing_blocks(earlier, PLAN)
    assert [block.index for block in left] == [b.index for b in PLAN if b.index not in whole]
    taken = carried_out(left, Taker())
    assert taken[0].bracket, "what an earlier run closed with opens nothing now"
    require_opened_and_closed(taken, left)


@pytest.mark.parametrize("spoilt", range(12))
def test_a_block_that_is_taken_again_is_opened_anew(spoilt: int) -> None:
    left = PLAN[1:4]
    taken = carried_out(left, Taker(lambda number, _planned, _block: number == spoilt))
    require_opened_and_closed(taken, left)
    if spoilt < len(taken) - 1 and taken[spoilt].flag:
        assert taken[spoilt + 1].bracket, "nothing counted stands behind a fault"


def test_the_block_behind_one_that_is_left_out_is_opened_anew() -> None:
    """The second block fails in both of its attempts, behind its bracket."""
    left = PLAN[1:4]
    failed = left[1].index
    taker = Taker(lambda _number, planned, block: block == failed and not planned.bracket)
    taken = carried_out(left, taker, attempts=2)
    assert {s.block for s in taken if s.flag} == {failed}
    require_opened_and_closed(taken, [left[0], left[2]])


def test_a_block_that_fails_and_may_not_be_left_out_ends_the_scan() -> None:
    taker = Taker(lambda _number, _planned, _block: True)
    with pytest.raises(ScanFailed, match="block 0 failed 2 times; last: spoilt"):
        carried_out(PLAN, taker, attempts=2, leave_out=False)
    assert len(taker.taken) == 2


def test_the_plan_of_these_tests_has_blanks_and_checks() -> None:
    kinds = {s.kind for block in PLAN for s in block.segments}
    assert {SegmentKind.BLANK, SegmentKind.CHECK_83, SegmentKind.RARE} <= kinds
    assert len(PLAN) > 6
