"""A scan that decides while it runs: its order, budget, end, and going on after a kill."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from atta_daq.analysis.knowledge import Knowledge, Place, Wanted
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.scans.blocks import Block, Timing, blocks, predicted_duration_s
from atta_daq.scans.course import Course, whole_course
from atta_daq.scans.decisions import (
    ADAPTIVE,
    CLOSING,
    EVEN,
    STOP,
    Decision,
    blocks_decided,
    floor_dwells,
    remade,
)
from atta_daq.scans.definition import ScanDefinition, parse_scan

TIMING = Timing()
UNIFORM = """
name = "small"
bracket_period_s = 200.0
[[part]]
isotope = 85
dwell_s = 90.0
reference_every = 3
[[part.axis]]
quantity = "detuning_mhz"
values = [-300.0, -100.0, 100.0, 300.0, 500.0, 700.0]
[blanks]
dwell_s = 50.0
"""
SCAN = UNIFORM + '[adaptive]\nparameter = "position_mhz"\nfloor_s = 30.0\nseed = 4\n'
STOPS = '[stop_when]\nparameter = "position_mhz"\nuncertainty = 12.0\n'
TOTAL_S = 8 * 90.0


def knowledge_of(error: float = 30.0, segments: int = 0) -> Knowledge:
    """Of one parameter that only the point 2 tells about."""
    places = (*(Place(i, True) for i in range(6)), Place(None, False))
    gradient = np.zeros((1, 7, 1))
    gradient[0, 2, 0] = 0.01
    return Knowledge(
        wanted=Wanted("position_mhz"),
        value=60.0,
        names=("position_mhz",),
        parameters=np.array([[60.0]]),
        information=np.array([[[1.0 / error**2]]]),
        direction=np.array([[1.0]]),
        places=places,
        rate_per_s=np.ones((1, 7)),
        gradient_per_s=gradient,
        noise_per_s2=np.zeros((1, 7)),
        segments=segments,
    )


def counted(block: Block, first: int) -> list[Segment]:
    """The segments of a block as a run would have taken them."""
    return [
        Segment("run", block.index, 0, first + i, s.kind, s.isotope, s.pumping, s.point, s.bracket,
                Setting(), 0.0, 0.0, s.dwell_s or 5.0)
        for i, s in enumerate(block.segments)
    ]  # fmt: skip


class Taken:
    """A course with what it has taken and decided."""

    def __init__(self, text: str = SCAN, **options) -> None:
        self.definition: ScanDefinition = parse_scan(text)
        self.known: dict[str, Knowledge] = {}
        self.segments: list[Segment] = []
        self.decisions: list[Decision] = list(options.get("history", ()))
        self.blocks: list[Block] = []
        fixed = options.pop("fixed", None)
        self.course = Course(
            self.definition,
            blocks(self.definition, TIMING) if fixed is None else fixed,
            TIMING,
            taken=lambda: self.segments,
            known=lambda: self.known,
            record=self.decisions.append,
            **options,
        )
        self.coming = iter(self.course)

    def take(self, number: int | None = None) -> "Taken":
        for block in islice(self.coming, number):
            self.blocks.append(block)
            self.segments += counted(block, len(self.segments))
        return self


def rare_s(plan, point: int | None = ...) -> float:  # type: ignore[assignment]
    return sum(
        s.dwell_s or 0.0
        for b in plan
        for s in b.segments
        if s.kind is SegmentKind.RARE and point in (..., s.point)
    )


def test_a_plain_scan_is_its_list_of_blocks() -> None:
    definition = parse_scan(UNIFORM)
    plan = blocks(definition, TIMING)
    course = Course(definition, plan, TIMING)
    assert course.left() == plan
    assert tuple(course) == plan
    assert whole_course(definition, TIMING) == plan
    assert course.reason == ""


def test_floor_first_then_evenly_without_a_fit() -> None:
    taken = Taken().take()
    assert rare_s(taken.blocks) == pytest.approx(TOTAL_S)
    floor = blocks(taken.definition, TIMING)
    assert tuple(taken.blocks[: len(floor)]) == floor
    assert [d.kind for d in taken.decisions] == [EVEN] * (len(taken.decisions) - 1) + [CLOSING]
    # References have two visits in the floor round: they get no more than their share.
    assert all(rare_s(taken.blocks, p) == pytest.approx(105.0, abs=16.0) for p in range(6))
    ends = [b for b in taken.blocks if any(s.kind is SegmentKind.BLANK for s in b.segments)]
    assert ends == [taken.blocks[0], taken.blocks[-1]]
    assert [b.index for b in taken.blocks] == list(range(len(taken.blocks)))
    assert len({b.id for b in taken.blocks}) == len(taken.blocks)
    # Nobody knew before, and it was told right.
    assert tuple(taken.blocks) == whole_course(taken.definition, TIMING)


def test_the_fit_is_followed_as_soon_as_there_is_one() -> None:
    taken = Taken()
    floor = len(blocks(taken.definition, TIMING))
    taken.take(floor + 1)
    taken.known = {"adaptive": knowledge_of(segments=len(taken.segments))}
    taken.take()
    kinds = [d.kind for d in taken.decisions]
    assert kinds[0] == EVEN
    assert set(kinds[1:-1]) == {ADAPTIVE}
    later = taken.blocks[floor + 1 : -1]
    assert rare_s(later, 2) == pytest.approx(rare_s(later))
    assert rare_s(taken.blocks) == pytest.approx(TOTAL_S)
    floors = floor_dwells(taken.definition, 0)
    assert set(floors.values()) == {30.0, 60.0}
    assert all(rare_s(taken.blocks, p) >= 30.0 for p in range(6))


def test_a_decision_is_recorded_before_its_block_is_taken_and_can_be_made_again() -> None:
    taken = Taken()
    taken.known = {"adaptive": knowledge_of()}
    floor = len(blocks(taken.definition, TIMING))
    taken.take(floor)
    block = next(taken.coming)
    (decision,) = taken.decisions
    assert blocks_decided(taken.definition, [decision]) == (block,)
    stored = Decision.from_dict(json.loads(json.dumps(decision.to_dict())))
    assert remade(stored) == stored.visits == decision.visits
    assert stored.basis["expected_error"] < knowledge_of().error
    assert stored.basis["seed"] == [4, floor]


def test_it_ends_at_the_wanted_error_with_its_blanks() -> None:
    taken = Taken(SCAN + STOPS)
    floor = len(blocks(taken.definition, TIMING))
    taken.take(floor)
    taken.known = {
        "adaptive": knowledge_of(14.0, len(taken.segments)),
        "stop_when": knowledge_of(14.0, len(taken.segments)),
    }
    taken.take()
    # 14 MHz, and 1e-4 per second of point 2: 12 MHz need 19 s more, which is one block.
    assert [d.kind for d in taken.decisions] == [ADAPTIVE, STOP, CLOSING]
    assert taken.course.reason.startswith("wanted precision reached: position_mhz 60 ± 7")
    assert taken.course.left() == ()
    assert rare_s(taken.blocks) < TOTAL_S


@pytest.mark.parametrize("aim", ["uncertainty = 12.0", "total_s = 60.0"])
@pytest.mark.parametrize("killed_after", [None, 1, 2])
def test_every_point_gets_its_floor_however_soon_enough_is_known(
    aim: str, killed_after: int | None
) -> None:
    """A fit of the first points may be very sure, of a spectrum that it has not seen."""
    text = SCAN.replace("period_s = 200.0", "period_s = 60.0")
    text += STOPS.replace("uncertainty = 12.0", aim)
    taken = first = Taken(text)
    first.known = {"stop_when": knowledge_of(3.0)}
    first.take(killed_after)
    if killed_after is not None:
        left = blocks(first.definition, TIMING)[killed_after:]
        taken = Taken(text, fixed=left, history=first.decisions)
        taken.segments = list(first.segments)
        taken.known = first.known
        taken.take()
        taken.blocks = [*first.blocks, *taken.blocks]
    floor = blocks(taken.definition, TIMING)
    assert len(floor) > 2
    assert tuple(taken.blocks[:-1]) == floor
    assert [d.kind for d in taken.decisions] == [STOP, CLOSING]
    assert taken.course.reason


def test_a_plain_scan_ends_early_too_and_keeps_its_blanks() -> None:
    taken = Taken(UNIFORM + STOPS)
    taken.take(2)
    taken.known = {"stop_when": knowledge_of(11.9)}
    taken.take()
    assert [b.index for b in taken.blocks] == [0, 1, len(blocks(taken.definition, TIMING)) - 1]
    assert [d.kind for d in taken.decisions] == [STOP]


def test_a_wanted_counting_time_ends_it_without_any_fit() -> None:
    taken = Taken(UNIFORM + STOPS.replace("uncertainty = 12.0", "total_s = 300.0")).take()
    assert 300.0 <= rare_s(taken.blocks) <= 300.0 + 200.0
    assert taken.course.reason.startswith("wanted counting time reached: ")


@pytest.mark.parametrize("killed_after", range(1, 9))
def test_a_chain_of_kills_takes_every_block_once(killed_after: int) -> None:
    """Killed after each block and before its next: the course of the second run is the rest."""
    whole = Taken()
    whole.known = {"adaptive": knowledge_of()}
    whole.take()
    first = Taken()
    first.known = {"adaptive": knowledge_of()}
    first.take(killed_after)
    cut = next(first.coming, None)  # chosen and recorded, perhaps begun, never finished
    plan = (*blocks(first.definition, TIMING), *blocks_decided(first.definition, first.decisions))
    done = {b.index for b in first.blocks}
    left = [b for b in plan if b.index not in done]
    assert cut is None or cut in left
    second = Taken(fixed=left, history=first.decisions)
    second.segments = list(first.segments)
    second.known = {"adaptive": knowledge_of()}
    assert predicted_duration_s(second.course.left(), TIMING) > 0.0 or cut is None
    second.take()
    assert [*first.blocks, *second.blocks] == whole.blocks
    kinds = [d.kind for d in second.decisions]
    assert kinds == [d.kind for d in whole.decisions]


def test_a_kill_after_the_stop_leaves_only_the_blanks() -> None:
    first = Taken(SCAN + STOPS)
    first.take(len(blocks(first.definition, TIMING)))
    first.known = {"stop_when": knowledge_of(3.0)}
    closing = next(first.coming)
    kinds = [d.kind for d in first.decisions]
    assert kinds == [STOP, CLOSING]
    second = Taken(SCAN + STOPS, fixed=[closing], history=first.decisions).take()
    assert second.blocks == [closing]
    assert second.course.reason == first.course.reason
    assert second.decisions == first.decisions


def test_every_place_of_an_adaptive_scan_is_checked_even_when_nothing_fixed_is_left() -> None:
    taken = Taken(fixed=[])
    points = {s.point for b in taken.course.every_place for s in b.segments}
    assert points >= set(range(6))


def test_example_scan_with_adaptive_time_is_as_long_as_without() -> None:
    text = Path("scans/spectrum_85kr.toml").read_text()
    adaptive = text + '[adaptive]\nparameter = "position_mhz"\nfloor_s = 60.0\n'
    even, plain = (
        predicted_duration_s(whole_course(parse_scan(t), TIMING), TIMING) for t in (adaptive, text)
    )
    assert even == pytest.approx(plain, rel=0.02)
