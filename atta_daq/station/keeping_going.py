"""What a run does when its rig fails and nobody is there: waits, cures, skips; all of it written.

    recovery  {"event": "suspended", "cause", "block", "attempt"}
              {"event": "try", "cause", "recipe", "try", "outcome", "routine"}
              {"event": "resumed" | "given up" | "ended", "cause", "cured_by", "reason"}
    skipped   {"block", "id", "cause", "points"}

Every document carries rig time and UTC of its own.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atta_daq.archive.journal import DocumentKind
from atta_daq.archive.run_folder import RunWriter
from atta_daq.rig.recipes import Recipe, Suspension, Try
from atta_daq.scans.blocks import Block
from atta_daq.scans.rules import FaultRules

NAMED_SKIPS = 3
"""Skipped blocks whose causes stand in the outcome of a run."""


@dataclass(frozen=True)
class Shown:
    """Where clients see it."""

    say: Callable[[str], None]
    recovery: Callable[[str], None]
    """Recipe and try under way; '' for none."""
    skipped: Callable[[int], None]
    """How many blocks were skipped so far."""


class KeepGoing:
    """Waits and skips of one run. `begin` and `step` are called on the thread of the wait."""

    def __init__(
        self,
        rules: FaultRules,
        recipes: Sequence[Recipe],
        writer: RunWriter,
        shown: Shown,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: wall time, as `FaultRules.wait_at_most_s` is."""
        self._rules = rules
        self._recipes = recipes
        self._writer = writer
        self._shown = shown
        self._now = now
        self._wait: Suspension | None = None
        self._in_a_row = 0
        self._block = -1
        self._seen: set[int] = set()
        self.skipped: list[tuple[Block, str]] = []
        """Blocks that were given up, each with its cause."""

    def begin(self, cause: str, block: int, attempt: int) -> None:
        """A fault: the next calls of `step` bring the rig back. A wait that is not over was
        paused: it begins anew, as nobody knows what was moved by hand meanwhile."""
        self._end_open("the run was paused")
        self._journal("suspended", cause=cause, block=block, attempt=attempt)
        self._wait = Suspension(
            cause, self._recipes, self._rules, self._tried, self._shown.recovery, self._now
        )

    def step(self) -> str:
        """What is still in the way; '' when the rig is back, or given up (`given_up`)."""
        wait = self._wait
        if wait is None or wait.over:
            return ""
        in_the_way = wait.step()
        if wait.over:
            event = "given up" if wait.given_up else "resumed"
            self._end(wait, event, wait.given_up)
        return in_the_way

    @property
    def given_up(self) -> str:
        """Why the last wait was given up; '' when the rig came back."""
        return self._wait.given_up if self._wait is not None else ""

    def close(self) -> None:
        """The run ends: so does a wait under way."""
        self._end_open("the run ended")
        self._shown.recovery("")

    def segment(self, block: int) -> None:
        """A segment of `block` was taken: the block before it was either skipped or is whole."""
        if block == self._block:
            return
        if not any(skipped.index == self._block for skipped, _ in self.skipped):
            self._in_a_row = 0
        self._block = block
        self._seen.add(block)

    def skip(self, block: Block, cause: str) -> bool:
        """Whether the run goes on without `block`. What it leaves out is journaled."""
        if self._rules.after_tries != "skip" or self._in_a_row + 1 >= self._rules.skips_in_a_row:
            return False
        self._in_a_row += 1
        self.skipped.append((block, cause))
        points = sorted({s.point for s in block.segments if s.point is not None})
        body = {"block": block.index, "id": block.id, "cause": cause, "points": points}
        self._writer.append(DocumentKind.SKIPPED, body)
        self._shown.skipped(len(self.skipped))
        self._shown.say(f"block {block.index} is skipped and stays missing: {cause}")
        return True

    def gaps(self) -> str:
        """What is missing of the blocks so far, in words; '' when nothing is."""
        if not self.skipped:
            return ""
        named = [cause for _, cause in self.skipped[:NAMED_SKIPS]]
        more = len(self.skipped) - len(named)
        return (
            f"{len(self.skipped)} of {len(self._seen)} blocks were skipped and are missing: "
            + "; ".join(named)
            + (f"; and {more} more" if more else "")
        )

    def _tried(self, tried: Try) -> None:
        self._journal(
            "try",
            cause=tried.cause,
            recipe=tried.recipe,
            outcome=tried.outcome,
            routine=tried.routine,
            **{"try": tried.number},
        )
        self._shown.say(f"{tried.cause}: {tried.recipe}, try {tried.number}: {tried.outcome}")

    def _end_open(self, reason: str) -> None:
        wait = self._wait
        if wait is not None and not wait.over:
            wait.over = True
            self._end(wait, "ended", reason)

    def _end(self, wait: Suspension, event: str, reason: str) -> None:
        self._journal(event, cause=wait.cause, cured_by=list(wait.cured_by), reason=reason)
        if reason:
            self._shown.say(f"the rig is not back: {reason}")

    def _journal(self, event: str, **body: object) -> None:
        self._writer.append(DocumentKind.RECOVERY, {"event": event, **body})
