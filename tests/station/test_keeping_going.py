"""Suspend, recover, skip, stop: whatever breaks and mends, the plan and its journal stay honest.

The plan of a scan is carried out message by message on a rig made here, whose parts break and are
mended at any moment, with the real waits, rules and skips between. Time is a number.
"""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.chain import whole_blocks
from atta_daq.rig.recipes import Recipe
from atta_daq.scans.blocks import Block, PlannedSegment, Target
from atta_daq.scans.plans import ScanFailed, scan_plan
from atta_daq.scans.rules import FaultRules
from atta_daq.station.keeping_going import KeepGoing, Shown
from drivers.errors import DeviceFault

PARTS = ("lock", "camera", "source")
RARE = PlannedSegment(SegmentKind.RARE, 85, True, 0, Target(), 10.0, None)
BRACKET = PlannedSegment(SegmentKind.LOADING_83, 83, False, None, Target(), None, None, True)


def block(index: int) -> Block:
    rare = PlannedSegment(SegmentKind.RARE, 85, True, index, Target(), 10.0, None)
    return Block(index, f"x-{index:04d}", (BRACKET, rare, BRACKET))


class Journal:
    """What a run writer is asked for."""

    def __init__(self) -> None:
        self.documents: list[tuple[str, dict[str, Any]]] = []

    def append(self, doc: str, body: dict[str, Any]) -> None:
        self.documents.append((str(doc), dict(body)))


class Lab:
    """A rig, the device that takes segments on it, and a run."""

    def __init__(self, rules: FaultRules, blocks: int, attempts: int) -> None:
        self.rules = rules
        self.broken: set[str] = set()
        self.curable: set[str] = set()
        """Parts that the next try of their recipe mends."""
        self.now_s = 0.0
        self.segments: list[Segment] = []
        self.journal = Journal()
        self.acts: dict[str, int] = {}
        self.said: list[str] = []
        recipes = [Recipe(f"mend {part}", "", self._wrong(part), self._act(part)) for part in PARTS]
        shown = Shown(self.said.append, lambda _t: None, lambda _n: None)
        self.keep = KeepGoing(rules, recipes, self.journal, shown, lambda: self.now_s)  # type: ignore[arg-type]
        self.plan_blocks = tuple(block(n) for n in range(blocks))
        # --- the device of the plan
        self.name = "segment"
        self.parent = None
        self.last: Segment | None = None
        self._attempts: dict[int, int] = {}
        self._planned: tuple[PlannedSegment, int] | None = None
        self.plan = scan_plan(
            self.plan_blocks, self, attempts, {}, self._after_fault, self._give_up
        )
        self.waiting = False
        self.ended = ""
        self._answer: Any = None

    def _wrong(self, part: str):
        return lambda: f"{part}: broken" if part in self.broken else ""

    def _act(self, part: str):
        def act() -> None:
            self.acts[part] = self.acts.get(part, 0) + 1
            if part not in self.curable:
                raise DeviceFault(part, "it stays broken", "")
            self.broken.discard(part)
            self.curable.discard(part)

        return act

    def retry(self, block: int) -> None:
        self._attempts[block] = self._attempts.get(block, 0) + 1

    def _after_fault(self, flag: str) -> Generator[Any, Any, str]:
        assert self.last is not None
        self.keep.begin(flag, self.last.block, self.last.attempt)
        yield "wait"
        return self.keep.given_up

    def _give_up(self, lost: Block, cause: str) -> Generator[Any, Any, bool]:
        if not self.keep.skip(lost, cause):
            return False
        if not self.keep.given_up:
            assert self.last is not None
            self.keep.begin(cause, lost.index, self.last.attempt)
            yield "wait"
        return True

    def take(self) -> None:
        assert self._planned is not None
        planned, index = self._planned
        flag = "; ".join(f"{part}: broken" for part in sorted(self.broken))
        self.last = Segment(
            "run", index, self._attempts.get(index, 0), len(self.segments), planned.kind,
            planned.isotope, planned.pumping, planned.point, planned.bracket, Setting(),
            self.now_s, self.now_s + 10.0, 10.0, flag=flag,
        )  # fmt: skip
        self.now_s += 10.0
        self.segments.append(self.last)
        self.keep.segment(index)

    def step(self) -> None:
        """One message of the plan, or one look of a wait."""
        if self.waiting:
            self.now_s += 0.5
            self.waiting = bool(self.keep.step())
            return
        try:
            message = self.plan.send(None)
        except StopIteration:
            self.ended = "through"
            return
        except ScanFailed as failed:
            self.ended = f"stopped: {failed}"
            return
        if message == "wait":
            self.waiting = True
        elif message.command == "set":
            self._planned = message.args[0]
        elif message.command == "trigger":
            self.take()


class KeptGoing(RuleBasedStateMachine):
    """Breaks and mends at any moment."""

    lab: Lab

    @initialize(
        after=st.sampled_from(("skip", "stop")),
        tries=st.none() | st.integers(1, 4),
        wait_s=st.none() | st.floats(1.0, 40.0),
        row=st.integers(1, 3),
        attempts=st.integers(1, 3),
    )
    def begin(self, after: Any, tries: Any, wait_s: Any, row: int, attempts: int) -> None:
        rules = FaultRules(
            after_tries=after, tries=tries, wait_at_most_s=wait_s, skips_in_a_row=row
        )
        self.lab = Lab(rules, blocks=4, attempts=attempts)

    @rule(n=st.integers(1, 12))
    @precondition(lambda self: not self.lab.ended)
    def go_on(self, n: int) -> None:
        for _ in range(n):
            if not self.lab.ended:
                self.lab.step()

    @rule(part=st.sampled_from(PARTS), curable=st.booleans())
    def breaks(self, part: str, curable: bool) -> None:
        self.lab.broken.add(part)
        (self.lab.curable.add if curable else self.lab.curable.discard)(part)

    @rule(part=st.sampled_from(PARTS))
    def somebody_mends(self, part: str) -> None:
        self.lab.broken.discard(part)

    @invariant()
    def blocks_are_taken_once_or_skipped(self) -> None:
        if not hasattr(self, "lab"):
            return
        lab = self.lab
        whole = whole_blocks(lab.segments, lab.plan_blocks)
        skipped = [b.index for b, _ in lab.keep.skipped]
        assert len(set(skipped)) == len(skipped)
        assert not whole & set(skipped)
        if lab.rules.after_tries == "stop":
            assert not skipped
        if lab.ended == "through":
            assert whole | set(skipped) == {b.index for b in lab.plan_blocks}
        written = [b["block"] for doc, b in lab.journal.documents if doc == "skipped"]
        assert written == skipped, "each skip is journaled"

    @invariant()
    def skips_in_a_row_are_bounded(self) -> None:
        if not hasattr(self, "lab"):
            return
        skipped = {b.index for b, _ in self.lab.keep.skipped}
        row = longest = 0
        for b in self.lab.plan_blocks:
            row = row + 1 if b.index in skipped else 0
            longest = max(longest, row)
        assert longest < self.lab.rules.skips_in_a_row

    @invariant()
    def the_journal_tells_every_wait_and_try(self) -> None:
        if not hasattr(self, "lab"):
            return
        lab = self.lab
        open_wait = False
        tries: dict[str, int] = {}
        all_tries = 0
        for doc, body in lab.journal.documents:
            if doc != "recovery":
                continue
            if body["event"] == "suspended":
                assert not open_wait, "one wait at a time"
                open_wait, tries = True, {}
            elif body["event"] == "try":
                assert open_wait
                name = body["recipe"]
                tries[name] = tries.get(name, 0) + 1
                all_tries += 1
                assert body["try"] == tries[name], "no try is left out"
                assert lab.rules.tries is None or tries[name] <= lab.rules.tries
            else:
                assert open_wait
                open_wait = False
                if body["event"] == "given up":
                    assert lab.rules.tries is not None or lab.rules.wait_at_most_s is not None
        assert open_wait == lab.waiting
        assert all_tries == sum(lab.acts.values()), "nothing is tried silently"

    def teardown(self) -> None:
        """Everything is mended: the run ends, and never with a block that nobody answers for."""
        if not hasattr(self, "lab"):
            return
        lab = self.lab
        lab.broken.clear()
        for _ in range(2000):
            if lab.ended:
                break
            lab.step()
        assert lab.ended
        if lab.rules.tries is None and lab.rules.wait_at_most_s is None:
            assert "given up" not in lab.ended
        lab.keep.close()
        lab.plan.close()


KeptGoing.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestKeptGoing = KeptGoing.TestCase


@pytest.mark.parametrize(("after", "ended"), [("skip", "through"), ("stop", "stopped")])
def test_a_block_that_fails_for_good(after: Any, ended: str) -> None:
    lab = Lab(FaultRules(after_tries=after, tries=2), blocks=3, attempts=3)
    while not lab.segments:
        lab.step()
    lab.broken.add("lock")
    while not lab.ended:
        if lab.keep.skipped:
            lab.broken.clear()
        lab.step()
    assert lab.ended.startswith(ended)
    if after == "skip":
        gaps = lab.keep.gaps()
        assert gaps.startswith("1 of 3 blocks were skipped and are missing: block 0 is given up: ")
        assert whole_blocks(lab.segments, lab.plan_blocks) == {1, 2}
    else:
        assert "'mend lock' was tried 2 times" in lab.ended


def test_a_run_that_ends_in_a_wait_says_so() -> None:
    lab = Lab(FaultRules(), blocks=2, attempts=3)
    lab.broken.add("source")
    while not lab.waiting:
        lab.step()
    lab.keep.close()
    events = [b["event"] for d, b in lab.journal.documents if d == "recovery"]
    assert events[0] == "suspended"
    assert events[-1] == "ended"
    lab.plan.close()


@pytest.mark.parametrize("row", [1, 2, 3])
def test_a_rig_that_stays_away_stops_the_run(row: int) -> None:
    lab = Lab(FaultRules(after_tries="skip", tries=1, skips_in_a_row=row), blocks=6, attempts=2)
    lab.broken.add("source")
    while not lab.ended:
        lab.step()
    assert lab.ended.startswith("stopped")
    assert [b.index for b, _ in lab.keep.skipped] == list(range(row - 1))


def test_a_block_that_is_whole_ends_a_row_of_skips() -> None:
    lab = Lab(FaultRules(after_tries="skip", tries=1, skips_in_a_row=2), blocks=6, attempts=1)
    while not lab.ended:
        lab.broken = {"source"} if lab._planned and lab._planned[1] % 2 else set()
        lab.step()
    assert lab.ended == "through"
    assert [b.index for b, _ in lab.keep.skipped] == [1, 3, 5]
