"""A scan that decides while it runs, as it goes if the rig file is right: pure forecasts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from atta_daq.analysis.results import FitResult
from atta_daq.rig.light import LightControl
from atta_daq.scans.adaptive import part_number, total_s_of
from atta_daq.scans.blocks import Block, Timing, blocks, predicted_duration_s
from atta_daq.scans.course import Course, whole_course
from atta_daq.scans.decisions import EVEN, Decision
from atta_daq.scans.stopping import stop_reason, wanted_error
from atta_daq.station.expected import CountingRate, expected_segments
from atta_daq.station.fitting import FitRequest, fit_all
from atta_daq.station.knowing import known_of

Counting = Callable[[int], CountingRate | None]


def foreseen_plan(
    request: FitRequest, timing: Timing, light: LightControl, counting: Counting
) -> tuple[Block, ...]:
    """All blocks up to the allowed counting time, chosen ones as the expected fit chooses them.

    Where no fit can be expected (an unknown rate) the time is spread evenly, as the run would.
    """
    definition = request.definition.model_copy(update={"stop_when": None})
    even = whole_course(definition, timing)
    if definition.adaptive is None:
        return even
    expected = FitRequest(definition, request.config, request.prior, request.free_width)
    # Parameters from the whole scan: the few counts of a floor are rounded too much for them.
    fits = fit_all(expected_segments(expected, even, light, counting), expected, minos=False)
    fixed = blocks(definition, timing)
    known = known_of(expected_segments(expected, fixed, light, counting), expected, fits)
    taken = list(fixed)
    decided: list[Decision] = []
    course = Course(
        definition,
        fixed,
        timing,
        taken=lambda: expected_segments(expected, taken, light, counting),
        known=lambda: known,
        record=decided.append,
    )
    for block in course:
        if block.index >= len(fixed):
            taken.append(block)
    if any(decision.kind == EVEN for decision in decided):
        return even
    return tuple(taken)


@dataclass(frozen=True)
class EarlyEnd:
    """What `stop_when` makes of a scan."""

    after_s: float | None
    """Rig time from the first block; None: not before the last block."""
    error: float
    """Expected at the end, early or not."""
    wanted: float
    """The error that is good enough; 0 when only a counting time is wanted."""


def early_end(
    request: FitRequest,
    plan: Sequence[Block],
    timing: Timing,
    light: LightControl,
    counting: Counting,
    fits: Mapping[str, FitResult],
) -> EarlyEnd | None:
    """When a scan will know enough; None when that cannot be told. `fits`: of the whole plan."""
    definition = request.definition
    aim = definition.stop_when
    if aim is None:
        return None
    number = part_number(aim, definition.parts)
    isotope = definition.parts[number].isotope

    def look(taken: int) -> tuple[bool, float, float] | None:
        segments = expected_segments(request, plan[:taken], light, counting)
        knowledge = known_of(segments, request, fits).get("stop_when")
        if knowledge is None:
            return None
        counted_s = sum(s.live_s for s in segments if s.isotope == isotope and not s.bracket)
        done = bool(stop_reason(aim, knowledge, (), counted_s))
        return done, knowledge.error, wanted_error(aim, knowledge.value)

    whole = look(len(plan))
    if whole is None:
        return None
    if not whole[0]:
        return EarlyEnd(None, whole[1], whole[2])
    # An early part that cannot be fitted yet has not told enough; adaptive time owes its floor.
    low = 0 if definition.adaptive is None else len(blocks(definition, timing)) - 1
    high, found = len(plan), whole
    while high - low > 1:
        middle = (low + high) // 2
        seen = look(middle) if middle else None
        if seen is not None and seen[0]:
            high, found = middle, seen
        else:
            low = middle
    if high == len(plan):
        return EarlyEnd(None, whole[1], whole[2])
    return EarlyEnd(predicted_duration_s(tuple(plan[:high]), timing), found[1], found[2])


def decision_notes(
    request: FitRequest,
    number: int,
    plan: tuple[Block, ...],
    light: LightControl,
    rates: Mapping[int, CountingRate | None],
    fits: Mapping[str, FitResult],
) -> list[str]:
    """What the forecast of a part rests on when its scan decides while it runs.

    `fits`: of the whole plan."""
    definition, config = request.definition, request.config
    assert config is not None
    notes = []
    adaptive, aim = definition.adaptive, definition.stop_when
    if adaptive is not None and part_number(adaptive, definition.parts) == number:
        total_s = total_s_of(adaptive, definition.parts[number])
        notes.append(
            f"{total_s / 3600.0:.2g} h of counting in all, spent for {adaptive.parameter}; the "
            "duration is for all of it"
        )
    if aim is None or part_number(aim, definition.parts) != number:
        return notes
    end = early_end(request, plan, config.scan_timing(), light, rates.get, fits)
    if end is None:
        notes.append("when it may end early cannot be told")
    elif end.after_s is None:
        wanted = f"{end.wanted:.3g} wanted" if end.wanted else "a counting time is wanted"
        notes.append(
            f"no early end to expect: {aim.parameter} ± {end.error:.3g} after the last block, "
            f"{wanted}"
        )
    else:
        notes.append(
            f"expected to end early, after {end.after_s / 3600.0:.2g} h with {aim.parameter} ± "
            f"{end.error:.3g}"
        )
    return notes
