"""Runs that go on with one another hold every block exactly once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.chain import missing_blocks, open_chain, successor, whole_blocks
from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.header import RunHeader, new_run_id
from atta_daq.archive.report import build_report
from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.scans.blocks import Block, Timing, blocks
from atta_daq.scans.definition import ScanDefinition

PLAN = blocks(
    ScanDefinition.model_validate(
        {"name": "chain", "bracket_period_s": 130.0,
         "parts": [{"isotope": 85, "dwell_s": 60.0, "order": "sequential",
                    "axes": [{"quantity": "detuning_mhz", "start": 0, "stop": 7, "points": 8}]}]}
    ),
    Timing(),
)  # fmt: skip


def taken(plan: Sequence[Block], run_id: str, begin_s: float, cut: int | None = None):
    """What a run takes of these blocks, every segment a minute; `cut` ends it after so many."""
    out: list[Segment] = []
    for number, block in enumerate(plan):
        for planned in block.segments[1 if number else 0 :]:
            index = len(out)
            out.append(
                Segment(
                    run_id, block.index, 0, index, planned.kind, planned.isotope, True,
                    planned.point, planned.bracket, Setting(), begin_s + 60.0 * index,
                    begin_s + 60.0 * index + 50.0, 50.0, counts=7,
                )
            )  # fmt: skip
    return out[:cut]


@given(cuts=st.lists(st.integers(0, 14), max_size=6))
def test_however_often_it_is_cut_every_block_is_taken_whole_once(cuts: list[int]) -> None:
    chain: list[Segment] = []
    whole: list[int] = []
    for number, cut in enumerate([*cuts, None]):
        left = missing_blocks(chain, PLAN)
        run = taken(left, f"run-{number}", 1e4 * number, cut)
        whole += sorted(whole_blocks(run, PLAN))
        chain += run
    assert sorted(whole) == list(range(len(PLAN)))
    assert missing_blocks(chain, PLAN) == ()


def test_a_flagged_segment_or_a_missing_bracket_leaves_a_block_open() -> None:
    run = taken(PLAN, "run", 0.0)
    assert whole_blocks(run, PLAN) == {0, 1, 2, 3}
    assert whole_blocks(run[:-1], PLAN) == {0, 1, 2}
    run[4] = replace(run[4], flag="camera stalled")
    assert whole_blocks(run, PLAN) == {0, 2, 3}
    again = [
        replace(s, attempt=1, index=20 + i) for i, s in enumerate(taken(PLAN[1:2], "run", 9e3))
    ]
    assert whole_blocks(run + again, PLAN) == {0, 1, 2, 3}


def paused(run: list[Segment], at: int, times: int = 1) -> list[Segment]:
    """The run with its segment `at` ended by 'pause now', and replayed each time."""
    lost = [replace(run[at], flag="paused", counts=3, live_s=20.0)] * times
    return [replace(s, index=n) for n, s in enumerate([*run[:at], *lost, *run[at:]])]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("at", range(13))
def test_a_pause_in_a_block_leaves_it_whole(at: int, times: int) -> None:
    run = taken(PLAN, "run", 0.0)
    assert len(run) == 13
    assert whole_blocks(paused(run, at, times), PLAN) == {0, 1, 2, 3}


def test_what_was_paused_and_not_replayed_leaves_its_block_open() -> None:
    run = taken(PLAN, "run", 0.0)
    assert whole_blocks(paused(run, 12)[:-1], PLAN) == {0, 1, 2}
    # Flagged by hand: nothing took it again.
    assert whole_blocks([replace(run[0], flag="doubtful"), *run[1:]], PLAN) == {1, 2, 3}
    twice = paused(run, 5)
    twice[6] = replace(twice[6], flag="doubtful")
    assert whole_blocks(twice, PLAN) == {0, 2, 3}


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    def write(
        segments: Callable[[str], list[Segment]], utc_s: float, rig_s: float, resumes: str | None
    ) -> Path:
        run_id = new_run_id((85,), "chain", utc_s)
        header = RunHeader(run_id, "chain", (85,), "co", ("detuning_mhz",), resumes=resumes)
        writer = RunWriter.create(tmp_path, header, rig_now=lambda: rig_s, utc_now=lambda: utc_s)
        for segment in segments(run_id):
            writer.segment(segment)
        writer.close(RunState.ABORTED, "power loss")
        return writer.folder

    return write


def test_the_chain_is_one_measurement_in_the_order_of_time(write_run) -> None:
    first = write_run(lambda run: taken(PLAN, run, 5e5, 5), 1.8e9, 5e5 + 300.0, None)
    left = missing_blocks(open_chain(first).segments, PLAN)
    assert [block.index for block in left] == [1, 2, 3]
    # The rig was simulated: its clock begins anew, ten minutes later by UTC.
    second = write_run(lambda run: taken(left, run, 100.0), 1.8e9 + 600.0, 90.0, first.name)
    chain = open_chain(second)
    assert [run.folder for run in chain.runs] == [first, second]
    assert chain.start == chain.runs[0].start
    assert [s.index for s in chain.segments] == list(range(len(chain.segments)))
    starts = [s.start_rig_s for s in chain.segments]
    assert starts == sorted(starts)
    good = [s for s in chain.segments if not s.flag]
    assert sorted(s.point for s in good if s.point is not None) == list(range(8))
    cut = [s for s in chain.segments if s.flag]
    assert cut
    assert all(s.block == 1 and second.name in s.flag for s in cut)
    assert missing_blocks(chain.segments, PLAN) == ()
    assert sum(s.counts or 0 for s in chain.segments if s.kind is SegmentKind.RARE) == 7 * (8 + 1)


def test_a_resume_leaves_a_block_that_was_paused_as_it_was_acknowledged(write_run) -> None:
    """Pause now in the first block, kill in the third."""
    first = write_run(lambda run: paused(taken(PLAN, run, 5e5), 2)[:9], 1.8e9, 5e5 + 900.0, None)
    left = missing_blocks(open_chain(first).segments, PLAN)
    assert [block.index for block in left] == [2, 3]
    second = write_run(lambda run: taken(left, run, 5e5 + 1e3), 1.8e9 + 1e3, 5e5 + 1e3, first.name)
    chain = open_chain(second)
    flagged = [(s.block, s.flag) for s in chain.segments if s.flag]
    assert flagged[0] == (0, "paused")
    assert {block for block, _ in flagged[1:]} == {2}
    good = [s.point for s in chain.segments if not s.flag and s.point is not None]
    assert sorted(good) == list(range(8))
    assert missing_blocks(chain.segments, PLAN) == ()


def test_notes_and_procedures_of_all_runs_are_the_chains(make_run) -> None:
    first = make_run()
    first.note("the valve was left open", "night")
    first.append("calibration", {"name": "axis zero", "zero_ratio": 0.47})
    first.abandon()
    second = make_run(resumes=first.run_id)
    second.append("calibration", {"name": "counting"})
    second.note("closed it", "morning")
    second.close(RunState.COMPLETE)
    chain = open_chain(second.folder)
    assert [note.text for note in chain.notes] == ["the valve was left open", "closed it"]
    assert [done.name for done in chain.procedures] == ["axis zero", "counting"]
    assert chain.procedures[0].body["zero_ratio"] == 0.47
    html = build_report(chain).read_text()
    assert "the valve was left open" in html
    assert "axis zero" in html


def test_notes_of_a_rig_clock_that_began_anew_stand_in_the_order_of_time(tmp_path: Path) -> None:
    """A simulated rig that was restarted: its clock goes back, the chain's does not."""
    folders: list[Path] = []
    for rig_s, utc_s in ((5e5, 1.8e9), (90.0, 1.8e9 + 600.0)):
        header = RunHeader(
            new_run_id((85,), "chain", utc_s), "chain", (85,), "co", (),
            resumes=folders[-1].name if folders else None,
        )  # fmt: skip
        writer = RunWriter.create(
            tmp_path, header, rig_now=lambda s=rig_s: s, utc_now=lambda s=utc_s: s
        )
        writer.note("so", "me")
        writer.close(RunState.ABORTED)
        folders.append(writer.folder)
    assert [note.rig_s for note in open_chain(folders[-1]).notes] == [5e5, 5e5 + 600.0]


def test_a_run_knows_who_goes_on_with_it(write_run) -> None:
    first = write_run(lambda run: taken(PLAN, run, 0.0, 5), 1.8e9, 300.0, None)
    assert successor(first) is None
    second = write_run(lambda run: [], 1.8e9 + 60.0, 400.0, first.name)
    assert successor(first) == second.name
    assert successor(second) is None


def test_a_run_that_a_clock_set_back_makes_look_older_is_still_the_successor(write_run) -> None:
    """Else the first one could be gone on with twice, and counts would be there twice."""
    first = write_run(lambda run: taken(PLAN, run, 0.0, 5), 1.8e9, 300.0, None)
    second = write_run(lambda run: [], 1.8e9 - 3600.0, 400.0, first.name)
    assert second.name < first.name
    assert successor(first) == second.name
    assert [run.folder for run in open_chain(second).runs] == [first, second]


def test_a_chain_with_a_missing_link_is_refused(write_run) -> None:
    lonely = write_run(lambda run: [], 1.8e9, 0.0, "20270115-080000-85Kr-gone-0000")
    with pytest.raises(ArchiveError, match="goes on with 20270115-080000-85Kr-gone-0000"):
        open_chain(lonely)
