"""Decisions that a scan takes while it runs, and the blocks that follow from them.

A decision is one document of the journal, written before anything of it is taken. It carries all
that it was made of, so that it can be made again from the journal alone (`remade`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from atta_daq.analysis.allocation import Room, Visit, best_visits
from atta_daq.analysis.knowledge import Knowledge, Place
from atta_daq.scans.adaptive import floor_of, part_number
from atta_daq.scans.blocks import (
    Block,
    PlannedSegment,
    blank_pair,
    block_of,
    closing_batches,
    planned_segments,
    targets,
)
from atta_daq.scans.definition import ScanDefinition
from atta_daq.scans.selection import number_of_points

ADAPTIVE = "adaptive"
"""A block chosen by what a fit knew."""
EVEN = "even"
"""A block chosen without a fit: where least was counted so far."""
CLOSING = "closing"
"""One of the blocks that end every scan, such as the blanks."""
STOP = "stop"
"""The scan ends early; no block."""


@dataclass(frozen=True)
class Decision:
    """What was decided, and what it was made of."""

    kind: str
    block: int
    """Index of the block; -1 for none."""
    visits: tuple[Visit, ...]
    reason: str = ""
    basis: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON types: seed, room, visits since the fit, and the fit's knowledge."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "kind": self.kind,
            "block": self.block,
            "visits": [plain_visit(visit) for visit in self.visits],
            "reason": self.reason,
            "basis": dict(self.basis),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Decision":
        """Inverse of `to_dict`. Raises KeyError on a record of another shape."""
        visits = tuple(visit_of(visit) for visit in data["visits"])
        return cls(data["kind"], data["block"], visits, data["reason"], data["basis"])


def plain_visit(visit: Visit) -> dict[str, Any]:
    """A visit in plain JSON types."""
    return {"point": visit.place.point, "pumping": visit.place.pumping, "dwell_s": visit.dwell_s}


def visit_of(data: Mapping[str, Any]) -> Visit:
    """Inverse of `plain_visit`."""
    return Visit(Place(data["point"], data["pumping"]), data["dwell_s"])


def remade(decision: Decision) -> tuple[Visit, ...]:
    """The visits of an adaptive decision, chosen again from its own record."""
    basis = decision.basis
    return best_visits(
        Knowledge.from_dict(basis["knowledge"]),
        [visit_of(visit) for visit in basis["taken"]],
        Room(basis["fill_s"], basis["budget_s"], basis["quantum_s"]),
        basis["seed"],
    )


def blocks_decided(definition: ScanDefinition, decisions: Iterable[Decision]) -> tuple[Block, ...]:
    """The blocks of these decisions, in their order."""
    return tuple(block_of_decision(definition, d) for d in decisions if d.kind != STOP)


def block_of_decision(definition: ScanDefinition, decision: Decision) -> Block:
    """The block, the same from the same decision.

    A reference belongs to no point: the 819-nm light stays where the visit before has left it.
    """
    blanks = definition.blanks
    inside: list[PlannedSegment] = []
    if decision.kind == CLOSING:
        batch = closing_batches(definition)[decision.basis["number"]]
        return block_of(definition, decision.block, batch)
    if blanks is not None and blanks.every_blocks and decision.block % blanks.every_blocks == 0:
        inside += blank_pair(blanks)
    assert definition.adaptive is not None
    number = part_number(definition.adaptive, definition.parts)
    part = definition.parts[number]
    first = first_point(definition, number)
    at = targets(part)
    pattern = planned_segments(part, first, np.random.default_rng(0))[0]
    target = at[0]
    for visit in decision.visits:
        if visit.place.point is not None:
            target = at[visit.place.point - first]
        inside.append(
            PlannedSegment(
                pattern.kind,
                part.isotope,
                visit.place.pumping,
                visit.place.point,
                target,
                visit.dwell_s,
                None,
            )
        )
    return block_of(definition, decision.block, inside)


def first_point(definition: ScanDefinition, number: int) -> int:
    """Number of a part's first point: they are counted through the parts."""
    return sum(number_of_points(part) for part in definition.parts[:number])


def floor_dwells(definition: ScanDefinition, number: int) -> dict[Place, float]:
    """Counting time at each place in the floor round (s), in the order of the visits."""
    adaptive = definition.adaptive
    assert adaptive is not None
    part = floor_of(adaptive, definition.parts[number])
    rng = np.random.default_rng(definition.seed)
    dwells: dict[Place, float] = {}
    for segment in planned_segments(part, first_point(definition, number), rng):
        assert segment.dwell_s is not None
        place = Place(segment.point, segment.pumping)
        dwells[place] = dwells.get(place, 0.0) + segment.dwell_s
    return dwells
