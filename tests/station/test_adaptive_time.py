"""Adaptive time on drawn counts, from the scan file to the resumed run; no process is started."""

import math
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from adaptive_rig import DrawnRig, config, take_scan

from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.archive.chain import earlier_of, open_chain
from atta_daq.archive.header import RunHeader
from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.client.client import CommandRefused
from atta_daq.scans.blocks import Block, blocks, predicted_duration_s
from atta_daq.scans.course import Course, Known
from atta_daq.scans.decisions import ADAPTIVE, CLOSING, EVEN, STOP, remade
from atta_daq.scans.definition import parse_scan
from atta_daq.scans.stopping import REACHED
from atta_daq.station.check_scan import check_scan
from atta_daq.station.fitting import FitRequest, fit_all
from atta_daq.station.knowing import known_of
from atta_daq.station.resuming import rest_of

UNIFORM = """
name = "spectrum"
[[part]]
isotope = 85
dwell_s = 240.0
reference_every = 5
[[part.axis]]
quantity = "detuning_mhz"
start = -600.0
stop = 1400.0
points = 21
"""
UNIFORM_S = 25 * 240.0
CHOOSES = f"""
[adaptive]
parameter = "position_mhz"
floor_s = 60.0
total_s = {0.7 * UNIFORM_S}
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_less_time_tells_the_position_better(seed: int) -> None:
    """The benchmark with its scatter over 20 seeds: tests/benchmarks/test_adaptive.py."""
    even, adaptive = take_scan(UNIFORM, seed), take_scan(UNIFORM + CHOOSES, seed)
    assert adaptive.rig.counted_s() == pytest.approx(0.7 * UNIFORM_S)
    assert {d.kind for d in adaptive.decisions} <= {ADAPTIVE, EVEN}
    assert sum(d.kind == ADAPTIVE for d in adaptive.decisions) >= 4
    assert all(remade(d) == d.visits for d in adaptive.decisions if d.kind == ADAPTIVE)
    least = min(
        sum(s.live_s for s in adaptive.rig.segments if s.point == p and s.pumping)
        for p in range(21)
    )
    assert least >= 60.0
    there, here = even.fit["position_mhz"], adaptive.fit["position_mhz"]
    assert here.error < 0.85 * there.error
    assert abs(here.value - there.value) < 4.0 * math.hypot(here.error, there.error)


def test_the_expected_error_is_the_one_that_comes() -> None:
    """What the last decision expected against what the fit of all data then says."""
    taken = take_scan(UNIFORM + CHOOSES, 3)
    last = [d for d in taken.decisions if d.kind == ADAPTIVE][-1]
    expected = last.basis["expected_error"]
    assert taken.fit["position_mhz"].error == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ('[adaptive]\nparameter = "increase"\nat = 50.0\nfloor_s = 60.0\n', "increase"),
        ('[adaptive]\nparameter = "background"\nfloor_s = 60.0\n', "background"),
    ],
)
def test_other_numbers_draw_the_time_elsewhere(more: str, name: str) -> None:
    taken = take_scan(UNIFORM + more, 4)
    counted: dict[int | None, float] = {}
    for s in taken.rig.segments:
        if s.kind is SegmentKind.RARE:
            counted[s.point] = counted.get(s.point, 0.0) + s.live_s
    most = max(counted, key=lambda point: counted[point])
    if name == "background":
        assert most is None
    else:
        # Between light on near the wanted point and light off.
        assert counted[None] > 2.0 * 4 * 60.0
        near = sum(counted[p] for p in (5, 6, 7, 8))
        assert near > 2.0 * 4 * 60.0


def test_a_scan_check_foretells_what_then_happens(tmp_path: Path) -> None:
    text = UNIFORM + CHOOSES
    (even,) = check_scan(UNIFORM, config(), tmp_path)["parts"]
    answer = check_scan(text, config(), tmp_path)
    (part,) = answer["parts"]
    assert "spent for position_mhz" in part["note"]
    error = part["errors"]["position_mhz"]["error"]
    assert error < 0.8 * even["errors"]["position_mhz"]["error"]
    taken = take_scan(text, 5, world="same")
    assert taken.fit["position_mhz"].error == pytest.approx(error, rel=0.25)
    span_s = taken.rig.segments[-1].end_rig_s - taken.rig.segments[0].start_rig_s
    assert answer["duration_s"] - 240.0 == pytest.approx(span_s, rel=0.1)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("uncertainty = 30.0", "expected to end early, after"),
        ("uncertainty = 3.0", "no early end to expect: position_mhz ±"),
        ("total_s = 2400.0", "expected to end early, after"),
    ],
)
def test_a_scan_check_tells_of_an_early_end(tmp_path: Path, wanted: str, said: str) -> None:
    stop = f'[stop_when]\nparameter = "position_mhz"\n{wanted}\n'
    (part,) = check_scan(UNIFORM + stop, config(), tmp_path)["parts"]
    assert said in part["note"]


def test_no_early_end_is_foretold_within_the_floor(tmp_path: Path) -> None:
    stop = '[stop_when]\nparameter = "position_mhz"\nuncertainty = 300.0\n'
    text = UNIFORM + CHOOSES + stop
    (part,) = check_scan(text, config(), tmp_path)["parts"]
    told = re.search(r"expected to end early, after (\S+) h", part["note"])
    assert told, part["note"]
    timing = config().scan_timing()
    floor = blocks(parse_scan(text).model_copy(update={"geometry": config().geometry}), timing)
    floor_h = predicted_duration_s(floor, timing) / 3600.0
    assert float(told[1]) == pytest.approx(floor_h, rel=0.06)


class Night:
    """Runs of one scan in a data folder, each ended by a kill or by its plan."""

    def __init__(self, data: Path, text: str) -> None:
        self.data, self.text = data, text
        self.definition = parse_scan(text).model_copy(update={"geometry": config().geometry})
        self.request = FitRequest(self.definition, config())
        self.rig = DrawnRig(11)

    def run(self, name: str, number: int | None, *, mid_block: bool = False) -> str:
        """Take so many blocks (None: all); with `mid_block` die two segments into the next.

        Returns why it ended.
        """
        timing = config().scan_timing()
        chain = rest_of(self.data, "last", config()) if list(self.data.glob("*Kr*")) else None
        fixed: tuple[Block, ...] = chain.plan if chain else blocks(self.definition, timing)
        writer = RunWriter.create(
            self.data,
            RunHeader(name, "spectrum", (85,), "co", ("detuning_mhz",), resumes=chain.chain.run_id
                      if chain else None),
            rig_now=lambda: self.rig.clock_s,
            utc_now=lambda: self.rig.clock_s,
            scan_toml=self.text,
        )  # fmt: skip
        earlier = earlier_of(chain.chain, writer, fixed) if chain else ()
        self.rig.segments = []
        self.rig.closed = False
        known: Known = {}

        def measurement() -> list[Segment]:
            shift = len(earlier)
            return [*earlier, *(replace(s, index=s.index + shift) for s in self.rig.segments)]

        course = Course(
            self.definition, fixed, timing,
            history=chain.chain.decisions if chain else (),
            taken=measurement, known=lambda: known,
            record=lambda decision: writer.append("decision", decision.to_dict()) and None,
        )  # fmt: skip
        coming = iter(course)
        written = 0
        for block in islice(coming, number):
            self.rig.take(block)
            for segment in self.rig.segments[written:]:
                writer.segment(segment)
            written = len(self.rig.segments)
            if block.index >= 6:
                fits = fit_all(measurement(), self.request, minos=False)
                known = known_of(measurement(), self.request, fits)
        if number is None:
            writer.close(RunState.COMPLETE, course.reason)
            return course.reason
        if mid_block:
            block = next(coming)
            self.rig.take(block)
            for segment in self.rig.segments[written : written + 2]:
                writer.segment(segment)
        writer.abandon()
        return ""


def test_killed_twice_the_budget_is_spent_once_and_no_block_twice(tmp_path: Path) -> None:
    blanks = "[blanks]\ndwell_s = 60.0\n"
    stop = '[stop_when]\nparameter = "position_mhz"\nuncertainty = 26.0\n'
    night = Night(tmp_path, UNIFORM + blanks + CHOOSES + stop)
    night.run("20261128-010000-85Kr-a", 3, mid_block=True)  # in the floor round
    night.run("20261128-020000-85Kr-b", 4, mid_block=True)  # in a chosen block
    reason = night.run("20261128-030000-85Kr-c", None)
    assert reason.startswith(f"{REACHED}: position_mhz")
    chain = open_chain(tmp_path / "20261128-030000-85Kr-c")
    assert len(chain.runs) == 3
    kinds = [d.kind for d in chain.decisions]
    assert kinds[-2:] == [STOP, CLOSING]
    assert ADAPTIVE in kinds
    # Decided once each, and held once each as decided.
    decided = {d.block: d for d in chain.decisions if d.kind in (ADAPTIVE, EVEN)}
    assert len(decided) == sum(kind in (ADAPTIVE, EVEN) for kind in kinds)
    good = [s for s in chain.segments if not s.flag and s.kind is SegmentKind.RARE]
    for index, decision in decided.items():
        held = [(s.point, s.pumping, s.live_s) for s in good if s.block == index]
        assert held == [(v.place.point, v.place.pumping, v.dwell_s) for v in decision.visits]
    floor = blocks(night.definition, config().scan_timing())
    for block in floor:
        inside = [s for s in block.segments if s.kind is SegmentKind.RARE]
        assert len([s for s in good if s.block == block.index]) == len(inside)
    planned_s = 25 * 60.0 + sum(v.dwell_s for d in decided.values() for v in d.visits)
    assert sum(s.live_s for s in good) == pytest.approx(planned_s)
    assert planned_s <= 0.7 * UNIFORM_S
    flagged = [s for s in chain.segments if "its block was cut short" in s.flag]
    assert flagged
    # Every decision can be made again from the journals alone.
    assert all(remade(d) == d.visits for d in decided.values() if d.kind == ADAPTIVE)
    with pytest.raises(CommandRefused, match="ended as its scan asked: wanted precision reached"):
        rest_of(tmp_path, "20261128-030000-85Kr-c", config())


def test_knowledge_is_the_same_when_it_is_gained_again() -> None:
    """From the segments, the rig file and the seed: nothing else goes into it."""
    taken = take_scan(UNIFORM + CHOOSES, 6)
    decision = [d for d in taken.decisions if d.kind == ADAPTIVE][1]
    stored = decision.basis["knowledge"]
    segments = taken.rig.segments[: stored["segments"]]
    request = FitRequest(taken.definition, config())
    again = known_of(segments, request, fit_all(segments, request, minos=False))["adaptive"]
    np.testing.assert_allclose(again.parameters, stored["parameters"], rtol=1e-9)
    np.testing.assert_allclose(again.information, stored["information"], rtol=1e-6)
