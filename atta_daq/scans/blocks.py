"""A definition laid out in time: points, planned segments, blocks. Pure and deterministic."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from atta_daq.analysis.records import SegmentKind
from atta_daq.scans.adaptive import floor_of, part_number
from atta_daq.scans.definition import Blanks, Check83, Part, ScanDefinition


@dataclass(frozen=True)
class Target:
    """Where the 819-nm light shall stand. None: from the rig file (closed line, full power)."""

    detuning_mhz: float | None = None
    line: str | None = None
    power_mw: float | None = None
    sideband_frequency_mhz: float = 0.0
    sideband_depth: float = 0.0


@dataclass(frozen=True)
class PlannedSegment:
    """One thing to look at."""

    kind: SegmentKind
    isotope: int
    pumping: bool
    point: int | None
    target: Target
    dwell_s: float | None
    bursts: int | None
    bracket: bool = False


@dataclass(frozen=True)
class Block:
    """The unit that is taken exactly once: opening bracket, segments, closing bracket."""

    index: int
    id: str
    segments: tuple[PlannedSegment, ...]


@dataclass(frozen=True)
class Timing:
    """What the rig needs around the counting; defaults of the rig file."""

    exposure_s: float = 0.1
    load_s: float = 1.0
    quench_s: float = 0.05
    bursts: int = 5
    switching_s: float = 1.0
    settling_s: float = 0.5
    settle_frames: int = 5
    slope_record_s: float = 1.0


_KINDS = {
    81: SegmentKind.RARE,
    85: SegmentKind.RARE,
    83: SegmentKind.LOADING_83,
    84: SegmentKind.LOADING_84,
}


def targets(part: Part) -> list[Target]:
    """The points of a part in the order of its axes (the last axis moves fastest)."""
    names = [axis.quantity for axis in part.axes]
    points: list[Target] = []
    for values in product(*(axis.grid() for axis in part.axes)):
        at = dict(zip(names, values, strict=True))
        points.append(
            Target(
                detuning_mhz=at.get("detuning_mhz", part.light.detuning_mhz),
                line=part.light.line,
                power_mw=at.get("power_mw", part.light.power_mw),
                sideband_frequency_mhz=at.get(
                    "sideband_frequency_mhz", part.light.sideband_frequency_mhz
                ),
                sideband_depth=at.get("sideband_depth", part.light.sideband_depth),
            )
        )
    return points


def visiting_order(n: int, order: str, rng: np.random.Generator) -> list[int]:
    """Indices 0..n-1 in the order of their visit.

    'interleaved' takes every fourth point, then the gaps: slow drifts fall on all of the axis.
    """
    if order == "shuffled":
        return [int(i) for i in rng.permutation(n)]
    if order == "interleaved":
        return [i for start in (0, 2, 1, 3) for i in range(start, n, 4)]
    return list(range(n))


def planned_segments(
    part: Part, first_point: int, rng: np.random.Generator
) -> list[PlannedSegment]:
    """The segments of a part in the order in which they are taken."""
    kind = _KINDS[part.isotope]
    points = targets(part)

    def segment(index: int | None, target: Target, pumping: bool, dwell: float | None):
        return PlannedSegment(kind, part.isotope, pumping, index, target, dwell, part.bursts)

    off_dwell = part.dwell_off_s or part.dwell_s
    planned: list[PlannedSegment] = []
    for _ in range(part.repeats):
        for count, i in enumerate(visiting_order(len(points), part.order, rng), start=1):
            at, index = points[i], first_point + i
            if part.pumping == "abba":
                on = segment(index, at, True, part.dwell_s)
                off = segment(index, at, False, off_dwell)
                planned += [off, on, on, off]
            else:
                planned.append(segment(index, at, part.pumping == "on", part.dwell_s))
            if part.reference_every and count % part.reference_every == 0:
                dwell = part.reference_dwell_s or part.dwell_s
                planned.append(segment(None, at, False, dwell))
    return planned


def bracket(definition: ScanDefinition) -> PlannedSegment:
    """The 83Kr loading measurement that normalises the others."""
    return PlannedSegment(
        SegmentKind.LOADING_83,
        83,
        definition.bracket_pumping,
        None,
        Target(),
        None,
        None,
        bracket=True,
    )


def blocks(definition: ScanDefinition, timing: Timing) -> tuple[Block, ...]:
    """The scan as blocks that are closed by a bracket at least every `bracket_period_s`.

    Of a scan with adaptive time all that is known before it begins: every point once, for the
    floor. See `course` for what follows. Raises ValueError for a period that is still to be chosen.
    """
    rng = np.random.default_rng(definition.seed)
    planned: list[PlannedSegment] = []
    first_point = 0
    adaptive = definition.adaptive
    chooses = None if adaptive is None else part_number(adaptive, definition.parts)
    for number, part in enumerate(definition.parts):
        first = part if adaptive is None or number != chooses else floor_of(adaptive, part)
        planned += planned_segments(first, first_point, rng)
        first_point += len(targets(part))
    blanks = definition.blanks
    period_s = definition.bracket_period_s
    if period_s == "auto":
        raise ValueError("bracket_period_s = 'auto' is chosen by a rig; this scan has seen none")
    laid_out = batches(planned, period_s, timing)
    if blanks is not None:
        pair = blank_pair(blanks)
        if blanks.every_blocks:
            for i in range(blanks.every_blocks, len(laid_out), blanks.every_blocks):
                laid_out[i] = [*pair, *laid_out[i]]
        if blanks.at_ends:
            laid_out = [pair, *laid_out]
    if definition.check_83 is not None:
        laid_out = [check_segments(definition.check_83), *laid_out]
    if adaptive is None:
        laid_out += closing_batches(definition)
    return tuple(block_of(definition, i, batch) for i, batch in enumerate(laid_out))


def block_of(definition: ScanDefinition, index: int, inside: Sequence[PlannedSegment]) -> Block:
    """A block between its brackets."""
    ends = bracket(definition)
    return Block(index, f"{definition.digest}-{index:04d}", (ends, *inside, ends))


def closing_batches(definition: ScanDefinition) -> list[list[PlannedSegment]]:
    """What is taken after everything else, each in a block of its own, even of a scan that ends
    early."""
    blanks, check = definition.blanks, definition.check_83
    closing = [blank_pair(blanks)] if blanks is not None and blanks.at_ends else []
    return closing if check is None else [*closing, check_segments(check)]


def blank_pair(blanks: Blanks) -> list[PlannedSegment]:
    """Once in each state of the light that the counting sees: 819-nm light leaks too."""
    return [
        PlannedSegment(SegmentKind.BLANK, 0, pumping, None, Target(), blanks.dwell_s, None)
        for pumping in (False, True)
    ]


def check_segments(check: Check83) -> list[PlannedSegment]:
    """83Kr off, on, on, off, as often as asked."""
    light = check.light
    at = Target(
        light.detuning_mhz, light.line, light.power_mw,
        light.sideband_frequency_mhz, light.sideband_depth,
    )  # fmt: skip
    return [
        PlannedSegment(SegmentKind.CHECK_83, 83, pumping, None, at, None, check.bursts)
        for _ in range(check.cycles)
        for pumping in (False, True, True, False)
    ]


def batches(
    planned: Sequence[PlannedSegment], period_s: float, timing: Timing
) -> list[list[PlannedSegment]]:
    """What is taken between two brackets: as many segments as go into the period, at least one."""
    found: list[list[PlannedSegment]] = []
    current: list[PlannedSegment] = []
    length = 0.0
    for segment in planned:
        segment_s = segment_duration_s(segment, timing)
        if current and length + segment_s > period_s:
            found.append(current)
            current, length = [], 0.0
        current = [*current, segment]
        length += segment_s
    return [*found, current] if current else found


def segment_duration_s(segment: PlannedSegment, timing: Timing) -> float:
    """Rig time of one segment without the switch before it (s)."""
    if segment.kind in (SegmentKind.RARE, SegmentKind.BLANK):
        assert segment.dwell_s is not None
        return segment.dwell_s + timing.settle_frames * timing.exposure_s
    bursts = segment.bursts or timing.bursts
    if segment.kind is SegmentKind.LOADING_84:
        return bursts * (timing.quench_s + timing.slope_record_s)
    return (bursts + 1) * timing.quench_s + bursts * timing.load_s


def segments_to_take(plan: Sequence[Block]) -> int:
    """How many segments these blocks are: a closing bracket opens the next block."""
    return sum(len(block.segments) for block in plan) - max(0, len(plan) - 1)


def predicted_duration_s(plan: tuple[Block, ...], timing: Timing) -> float:
    """Rig time of the whole scan (s): segments, switches of the isotope, settling."""
    total, isotope = 0.0, None
    for i, block in enumerate(plan):
        # The closing bracket of one block is the opening bracket of the next.
        for segment in block.segments[1 if i else 0 :]:
            total += segment_duration_s(segment, timing)
            if segment.isotope != isotope:
                total += timing.switching_s + timing.settling_s
                isotope = segment.isotope
    return total
