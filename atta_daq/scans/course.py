"""The blocks of a scan one after another, those that are chosen at run time included.

A scan without adaptive time and without `stop_when` is its list of blocks. Else a course decides
when the block before has been taken: whether the scan ends here, and what the next block is. Each
decision is recorded before anything of it is taken, so a run that died is continued with the block
that it had chosen. A course does no I/O: what has been taken, what is known and where decisions are
written comes in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from atta_daq.analysis.allocation import Room, Visit, best_visits, error_with, even_visits
from atta_daq.analysis.knowledge import Knowledge, Place
from atta_daq.analysis.points import usable
from atta_daq.analysis.records import Segment
from atta_daq.scans.adaptive import part_number, total_s_of
from atta_daq.scans.blocks import (
    Block,
    Timing,
    blocks,
    closing_batches,
    predicted_duration_s,
)
from atta_daq.scans.decisions import (
    ADAPTIVE,
    CLOSING,
    EVEN,
    STOP,
    Decision,
    block_of_decision,
    floor_dwells,
    plain_visit,
)
from atta_daq.scans.definition import ScanDefinition
from atta_daq.scans.selection import segments_of
from atta_daq.scans.stopping import stop_reason

Known = Mapping[str, Knowledge]
"""What the last fit knows: of 'adaptive' and of 'stop_when', as far as the scan asks."""


def _nothing() -> Known:
    return {}


class Course:
    """Iterated once, by the plan. `left` may be asked for at any time."""

    def __init__(
        self,
        definition: ScanDefinition,
        fixed: Sequence[Block],
        timing: Timing,
        *,
        history: Sequence[Decision] = (),
        taken: Callable[[], Sequence[Segment]] = tuple,
        known: Callable[[], Known] = _nothing,
        record: Callable[[Decision], None] = lambda _decision: None,
    ) -> None:
        """`fixed`: blocks known before that are to be taken; `history`: decisions of the runs that
        this one goes on with, whose unfinished blocks stand in `fixed`."""
        self.definition = definition
        self.timing = timing
        self.reason = ""
        """Why the scan ended before its last block."""
        self._fixed = list(fixed)
        self._decisions = list(history)
        self._taken = taken
        self._known = known
        self._record = record
        ended = [d.reason for d in history if d.kind == STOP]
        if ended:
            self.reason = ended[-1]

    @property
    def fixed(self) -> tuple[Block, ...]:
        """Blocks that are known without a choice and not yet begun."""
        return tuple(self._fixed)

    @property
    def every_place(self) -> tuple[Block, ...]:
        """Blocks with every segment's setting that may come: for checks before the start."""
        if self.definition.adaptive is None:
            return self.fixed
        return (*self._fixed, *blocks(self.definition, self.timing))

    def __iter__(self) -> Iterator[Block]:
        while True:
            if not self.reason:
                self._look_whether_to_stop()
            block = self._next()
            if block is None:
                return
            yield block

    def left(self) -> tuple[Block, ...]:
        """What is still to be taken if the scan does not end early; blocks that are chosen at run
        time stand in it as if their time were spread evenly."""
        ahead = list(self._fixed)
        if self.definition.adaptive is not None:
            decisions = list(self._decisions)
            while not self.reason and (choice := self._choice(decisions, {})) is not None:
                decisions.append(choice)
                ahead.append(block_of_decision(self.definition, choice))
            while (closing := self._closing(decisions)) is not None:
                decisions.append(closing)
                ahead.append(block_of_decision(self.definition, closing))
        return tuple(ahead)

    def left_s(self) -> float:
        """Rig time of what is left (s)."""
        return predicted_duration_s(self.left(), self.timing)

    def _next(self) -> Block | None:
        if self._fixed:
            return self._fixed.pop(0)
        if self.definition.adaptive is None:
            return None
        decision = None
        if not self.reason:
            decision = self._choice(self._decisions, self._known())
        if decision is None:
            decision = self._closing(self._decisions)
        if decision is None:
            return None
        self._decide(decision)
        return block_of_decision(self.definition, decision)

    def _decide(self, decision: Decision) -> None:
        self._record(decision)
        self._decisions.append(decision)

    def _look_whether_to_stop(self) -> None:
        aim = self.definition.stop_when
        if aim is None or self._owes_floor():
            return
        mine = self._mine(part_number(aim, self.definition.parts))
        knowledge = self._known().get("stop_when")
        since = _visits(mine, knowledge) if knowledge else []
        reason = stop_reason(aim, knowledge, since, sum(s.live_s for s in mine))
        if not reason:
            return
        self.reason = reason
        basis: dict[str, Any] = {"taken": [plain_visit(v) for v in since]}
        if knowledge is not None:
            basis["knowledge"] = knowledge.to_dict()
        self._decide(Decision(STOP, -1, (), reason, basis))
        self._fixed = closing_of(self.definition, self._fixed, self.timing, self._decisions)

    def _owes_floor(self) -> bool:
        """Whether something is still to be taken of what every point gets before any choice."""
        if self.definition.adaptive is None:
            return False
        floor = len(blocks(self.definition, self.timing))
        return any(block.index < floor for block in self._fixed)

    def _choice(self, decisions: Sequence[Decision], known: Known) -> Decision | None:
        """The next adaptive block; None when the counting time is spent."""
        adaptive = self.definition.adaptive
        assert adaptive is not None
        number = part_number(adaptive, self.definition.parts)
        part = self.definition.parts[number]
        chosen = [visit for d in decisions if d.kind in (ADAPTIVE, EVEN) for visit in d.visits]
        floor = floor_dwells(self.definition, number)
        spent_s = sum(floor.values()) + sum(visit.dwell_s for visit in chosen)
        budget_s = total_s_of(adaptive, part) - spent_s
        if budget_s <= 1e-6:
            return None
        index = self._next_index(decisions)
        period_s = self.definition.bracket_period_s
        if isinstance(period_s, str):
            raise ValueError("bracket_period_s is still to be chosen by a rig")
        room = Room(period_s, budget_s, adaptive.floor_s)
        knowledge = known.get("adaptive")
        basis: dict[str, Any] = {
            "fill_s": room.fill_s, "budget_s": budget_s, "quantum_s": room.quantum_s,
        }  # fmt: skip
        if knowledge is None:
            counted = dict(floor)
            for visit in chosen:
                counted[visit.place] = counted.get(visit.place, 0.0) + visit.dwell_s
            visits = even_visits(counted, room, self.timing.settle_frames * self.timing.exposure_s)
            return Decision(EVEN, index, visits, "no fit yet", basis)
        since = _visits(self._mine(number), knowledge)
        seed = (adaptive.seed, index)
        visits = best_visits(knowledge, since, room, seed)
        basis |= {
            "seed": list(seed),
            "taken": [plain_visit(v) for v in since],
            "expected_error": error_with(knowledge, [*since, *visits]),
            "knowledge": knowledge.to_dict(),
        }
        return Decision(ADAPTIVE, index, visits, "", basis)

    def _closing(self, decisions: Sequence[Decision]) -> Decision | None:
        """The next of the blocks that end an adaptive scan, each once."""
        number = sum(d.kind == CLOSING for d in decisions)
        if number == len(closing_batches(self.definition)):
            return None
        return Decision(CLOSING, self._next_index(decisions), (), "", {"number": number})

    def _next_index(self, decisions: Sequence[Decision]) -> int:
        floor = len(blocks(self.definition, self.timing))
        return max([floor, *(d.block + 1 for d in decisions)])

    def _mine(self, number: int) -> list[Segment]:
        """What was counted of a part so far and is used."""
        found = usable(segments_of(self.definition, number, self._taken()))
        isotope = self.definition.parts[number].isotope
        return [s for s in found if s.isotope == isotope and not s.bracket]


def whole_course(definition: ScanDefinition, timing: Timing) -> tuple[Block, ...]:
    """All blocks of a scan that does not end early; adaptive time as if spread evenly."""
    return Course(definition, blocks(definition, timing), timing).left()


def _visits(mine: Sequence[Segment], knowledge: Knowledge) -> list[Visit]:
    """What was counted since the knowledge was gained."""
    return [
        Visit(Place(s.point, s.pumping), s.live_s) for s in mine if s.index >= knowledge.segments
    ]


def closing_of(
    definition: ScanDefinition,
    fixed: Sequence[Block],
    timing: Timing,
    decisions: Sequence[Decision],
) -> list[Block]:
    """What is still taken of these blocks when the scan ends early."""
    if definition.adaptive is not None:
        last = {d.block for d in decisions if d.kind == CLOSING}
    else:
        whole = len(blocks(definition, timing))
        last = set(range(whole - len(closing_batches(definition)), whole))
    return [block for block in fixed if block.index in last]
