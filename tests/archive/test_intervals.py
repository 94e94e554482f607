"""What a run lost, to what, and what brought it back; what it does not hold."""

import io
import json
from collections.abc import Callable, Sequence

import pytest
from rich.console import Console

from atta_daq.analysis.records import Segment
from atta_daq.archive.chain import ChainedRun, open_chain
from atta_daq.archive.gaps import (
    lost_repeats,
    missing_note,
    missing_notes,
    missing_points,
    skipped_blocks,
)
from atta_daq.archive.intervals import duty, intervals
from atta_daq.archive.report import build_report
from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.cli.show import account, print_account

START_UTC_S = 1_800_000_000.0
"""Of the runs made here."""
Make = Callable[..., Segment]


def recovery(writer: RunWriter, event: str, at_s: float, **body: object) -> None:
    writer.append("recovery", {"event": event, **body}, rig_s=START_UTC_S + at_s)


def spoilt_run(writer: RunWriter, make: Make) -> RunWriter:
    """Block 0 whole; block 1 spoilt by the lock, cured, retaken; block 2 given up and skipped."""
    writer.segment(make(0, block=0))
    writer.segment(make(1, block=1))
    writer.segment(make(2, block=1, flag="lock lost: peaks", live_s=10.0))
    writer.flag(1, "its block was retaken")
    recovery(writer, "suspended", 270.0, cause="lock lost: peaks", block=1, attempt=0)
    recovery(writer, "try", 280.0, cause="lock lost: peaks", recipe="relock",
             outcome="failed: no", routine=False, **{"try": 1})  # fmt: skip
    recovery(writer, "try", 290.0, cause="lock lost: peaks", recipe="relock",
             outcome="done", routine=False, **{"try": 2})  # fmt: skip
    recovery(writer, "try", 291.0, cause="settings", recipe="set anew", outcome="done",
             routine=True, **{"try": 1})  # fmt: skip
    recovery(writer, "resumed", 295.0, cause="lock lost: peaks", cured_by=["relock"], reason="")
    writer.segment(make(3, block=1, attempt=1, point=1))
    writer.segment(make(4, block=2, point=2, flag="camera: warm", live_s=0.0))
    recovery(writer, "suspended", 480.0, cause="camera: warm", block=2, attempt=0)
    recovery(writer, "given up", 580.0, cause="camera: warm", cured_by=[], reason="enough")
    writer.append("skipped", {"block": 2, "id": "x-2", "cause": "block 2 is given up: warm",
                              "points": [2]})  # fmt: skip
    writer.segment(make(6, block=3, point=3))
    return writer


@pytest.fixture
def run(make_run, make_segment: Make) -> ChainedRun:
    writer = spoilt_run(make_run(), make_segment)
    writer.close(RunState.GAPS, "1 of 4 blocks were skipped and are missing: block 2")
    return open_chain(writer.folder)


def test_an_interval_is_what_one_fault_cost(run: ChainedRun) -> None:
    lock, camera = intervals(run)
    assert (lock.block, lock.attempt, lock.cause) == (1, 0, "lock lost: peaks")
    assert lock.start_rig_s == START_UTC_S + 100.0, "all of the attempt is lost"
    assert lock.end_rig_s == START_UTC_S + 295.0, "to the end of the wait"
    assert lock.length_s == 195.0
    assert (lock.segments, lock.lost_live_s) == (2, 70.0)
    assert [(u.recipe, u.tries, u.outcome) for u in lock.tried] == [("relock", 2, "done")]
    assert lock.end_in_words == "relock"
    assert (camera.cause, camera.end_in_words) == ("camera: warm", "given up")
    assert camera.length_s == 180.0


def test_the_duty_cycle_is_good_live_time_over_all(run: ChainedRun) -> None:
    share = duty(run)
    assert share.scan_s == 662.0
    assert share.good_live_s == 180.0
    assert share.duty_cycle == pytest.approx(180.0 / 662.0)
    assert share.bad_s == 195.0 + 180.0
    assert share.bad_share == pytest.approx(375.0 / 662.0)


def test_a_wait_without_an_end_lasted_as_long_as_the_run(make_run, make_segment: Make) -> None:
    writer = make_run()
    writer.segment(make_segment(0, flag="seed lost"))
    recovery(writer, "suspended", 70.0, cause="seed lost", block=0, attempt=0)
    recovery(writer, "try", 95.0, cause="seed lost", recipe="seed", outcome="failed: no",
             routine=False, **{"try": 1})  # fmt: skip
    writer.abandon()
    (lost,) = intervals(open_chain(writer.folder))
    assert lost.end_rig_s == START_UTC_S + 95.0
    assert lost.end_in_words == "the run ended"


def test_a_wait_before_the_first_block_stands_alone(make_run, make_segment: Make) -> None:
    writer = make_run()
    recovery(writer, "suspended", -50.0, cause="pressure", block=-1, attempt=0)
    recovery(writer, "resumed", -10.0, cause="pressure", cured_by=[], reason="")
    writer.segment(make_segment(0))
    run = open_chain(writer.folder)
    (wait,) = intervals(run)
    assert (wait.length_s, wait.segments, wait.end_in_words) == (40.0, 0, "by itself")
    assert duty(run).scan_s == 62.0, "it is no part of the scan"
    assert duty(run).bad_s == 0.0


def test_a_flag_without_a_wait_is_an_interval_too(make_run, make_segment: Make) -> None:
    writer = make_run()
    writer.segment(make_segment(0, flag="paused"))
    writer.segment(make_segment(1))
    (paused,) = intervals(open_chain(writer.folder))
    assert (paused.cause, paused.ended, paused.length_s) == ("paused", "", 62.0)


def test_a_run_without_faults_has_no_interval(make_run, make_segment: Make) -> None:
    writer = make_run()
    assert duty(open_chain(writer.folder)).duty_cycle == 0.0
    writer.segment(make_segment(0))
    assert intervals(open_chain(writer.folder)) == ()


def test_what_is_missing_is_named(run: ChainedRun) -> None:
    assert missing_points(run) == {
        "85Kr": ["2 (-100 MHz)", "4 (200 MHz)", "5 (350 MHz)", "6 (500 MHz)"]
    }
    assert missing_note(["2 (-100 MHz)"]) == "No data at 1 of the scan's points: 2 (-100 MHz)"
    assert missing_note([str(n) for n in range(20)]).endswith("11 and 8 more")
    (block,) = skipped_blocks(run)
    assert (block.block, block.points, block.taken_later) == (2, (2,), False)


def test_a_run_under_way_lacks_nothing_yet(make_run, make_segment: Make) -> None:
    writer = make_run()
    writer.segment(make_segment(0))
    assert missing_points(open_chain(writer.folder)) == {}


def test_a_chain_tells_of_all_its_runs(make_run, make_segment: Make) -> None:
    first = spoilt_run(make_run(), make_segment)
    first.close(RunState.GAPS, "gaps")
    second = make_run(resumes=first.run_id)
    second.segment(make_segment(0, block=2, point=2, run_id=second.run_id))
    second.segment(make_segment(1, block=2, point=None, bracket=True, run_id=second.run_id))
    second.close(RunState.COMPLETE)
    chain = open_chain(second.folder)
    assert [i.cause for i in intervals(chain)] == ["lock lost: peaks", "camera: warm"]
    (block,) = skipped_blocks(chain)
    assert block.taken_later
    assert "2 (-100 MHz)" not in missing_points(chain)["85Kr"]


def given_up(writer: RunWriter, block: int, points: list[int]) -> None:
    body = {"block": block, "id": f"x-{block}", "cause": f"block {block} failed", "points": points}
    writer.append("skipped", body)


def whole(writer: RunWriter, make: Make, block: int, points: Sequence[int | None]) -> None:
    """A block with its closing bracket."""
    for point in points:
        writer.segment(make(0, block=block, point=point, run_id=writer.run_id))
    writer.segment(make(0, block=block, point=None, bracket=True, run_id=writer.run_id))


def test_an_earlier_repeat_is_not_later(make_run, make_segment: Make) -> None:
    """Point 2 is good in an earlier repeat; the skipped repeat stays missing."""
    first = make_run()
    whole(first, make_segment, 0, [0, 1, 2, 3, 4, 5, 6])
    given_up(first, 1, [2])
    whole(first, make_segment, 2, [3])
    first.close(RunState.GAPS, "gaps")
    second = make_run(resumes=first.run_id)
    whole(second, make_segment, 3, [0])
    second.close(RunState.ABORTED, "operator")
    chain = open_chain(second.folder)
    assert [block.taken_later for block in skipped_blocks(chain)] == [False]
    assert missing_points(chain) == {}
    assert lost_repeats(chain) == {"85Kr": ["2 (-100 MHz)"]}
    assert missing_notes(chain) == {"85Kr": ("A repeat is missing at 2 (-100 MHz)",)}
    console = Console(width=160, record=True, file=io.StringIO())
    print_account(chain, console)
    assert "85Kr: a repeat is missing at 2 (-100 MHz)" in console.export_text()
    assert account(chain)["lost_repeats"] == {"85Kr": ["2 (-100 MHz)"]}
    assert "85Kr: a repeat is missing at 2 (-100 MHz)" in build_report(chain).read_text()


def test_a_repeat_that_a_later_run_took_is_not_lost(make_run, make_segment: Make) -> None:
    first = make_run()
    whole(first, make_segment, 0, [0, 1, 2, 3, 4, 5, 6])
    given_up(first, 1, [2])
    first.close(RunState.GAPS, "gaps")
    second = make_run(resumes=first.run_id)
    whole(second, make_segment, 1, [2])
    second.close(RunState.COMPLETE)
    chain = open_chain(second.folder)
    assert [block.taken_later for block in skipped_blocks(chain)] == [True]
    assert missing_notes(chain) == {}


@pytest.mark.parametrize(("closed", "later"), [(True, True), (False, False)])
def test_a_block_of_blanks_is_taken_later_when_a_later_run_took_it_whole(
    make_run, make_segment: Make, closed: bool, later: bool
) -> None:
    """It has no points that could tell."""
    first = make_run()
    given_up(first, 0, [])
    first.close(RunState.GAPS, "gaps")
    second = make_run(resumes=first.run_id)
    if closed:
        whole(second, make_segment, 0, [None, None])
    else:
        second.segment(make_segment(0, block=0, point=None, bracket=True, run_id=second.run_id))
        second.segment(make_segment(0, block=0, point=None, run_id=second.run_id))
    second.close(RunState.ABORTED, "operator")
    assert [block.taken_later for block in skipped_blocks(open_chain(second.folder))] == [later]


def test_both_kinds_of_what_is_missing_are_noted(run: ChainedRun) -> None:
    (note,) = missing_notes(run)["85Kr"]
    assert note.startswith("No data at 4 of the scan's points: 2 (-100 MHz), 4 ")


def test_show_and_report_tell_it(run: ChainedRun) -> None:
    told = json.loads(json.dumps(account(run)))
    assert told["state"] == "complete with gaps"
    assert told["duty_cycle"] == pytest.approx(180.0 / 662.0)
    assert [i["cause"] for i in told["intervals"]] == ["lock lost: peaks", "camera: warm"]
    assert told["skipped"][0]["block"] == 2
    console = Console(width=160, record=True, file=io.StringIO())
    print_account(run, console)
    text = console.export_text()
    for words in ("complete with gaps", "duty cycle 27.2 %", "relock x2", "given up",
                  "no data at 2 (-100 MHz)", "block 2 is given up: warm"):  # fmt: skip
        assert words in text, text
    html = build_report(run).read_text()
    for words in ("Faults and gaps", "27.2 %", "relock (2 tries)", "no data at 2 (-100 MHz)"):
        assert words in html
    assert "set anew" not in html.split("<h2>Settings")[0]
