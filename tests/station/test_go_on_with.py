"""What the command that goes on with a run hands to the run, and when it is asked again."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomli_w
from rig_ports import PORTS

from atta_daq.analysis.records import Segment, Setting
from atta_daq.archive.chain import open_chain
from atta_daq.archive.errors import ArchiveError, WriteFailed
from atta_daq.archive.gaps import missing_points, skipped_blocks
from atta_daq.archive.header import RunHeader, new_run_id
from atta_daq.archive.journal import DocumentKind
from atta_daq.archive.run_folder import ALL_THERE, RunState, RunWriter, open_run
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.client import CommandRefused
from atta_daq.owner import OwnerLock
from atta_daq.rig.config import rig_config
from atta_daq.scans.blocks import Block, blocks
from atta_daq.scans.definition import ScanDefinition, parse_scan
from atta_daq.station import commands as module
from atta_daq.station.commands import Commands
from atta_daq.station.control import Control
from atta_daq.station.errors import NothingMissing, RigBusy
from atta_daq.station.expected import light_of
from atta_daq.station.fitting import FitRequest
from atta_daq.station.queue.entry import Entry, EntryState, Outcome
from atta_daq.station.queue.fate import SHUT_DOWN, fate_of
from atta_daq.station.queue.keeper import QueueKeeper
from atta_daq.station.queue.store import QueueStore
from atta_daq.station.resuming import crashed, last_to_resume
from atta_daq.station.rig_use import RigUse
from atta_daq.station.runs import Runs

RIG = rig_file(PORTS, "co")
CONFIG = rig_config(RIG, "rig.toml")
SCAN = """name = "night"
bracket_period_s = 25.0
[[part]]
isotope = 85
dwell_s = 10.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]
"""
PLAN = blocks(parse_scan(SCAN), CONFIG.scan_timing())
UTC_S = 1_800_000_000.0


class Bench:
    """The commands of a station, with runs that are taken at once."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.light = light_of(CONFIG)
        nothing: Any = None
        self.use = RigUse(nothing, lambda _name: None, lambda *_: None)
        store = QueueStore(data, CONFIG.name)
        self.keeper = QueueKeeper(store, lambda run: fate_of(data, run), lambda: UTC_S)
        self.commands = Commands(
            CONFIG, self.light, Control(lambda _holder: None), self.use, {}, lambda *_: None,
            lambda: None, self.keeper,
        )  # fmt: skip
        runs: Any = SimpleNamespace(data=data, start=self.start, close_whole=self.close_whole)
        self.commands.runs = runs
        self.requests: list[FitRequest] = []
        self.late: list[str] = []
        """Runs whose report is made late."""
        self.made = 0
        self.paused = False
        """Whether each run is written as if "pause now" had met the first segment of each block."""

    def write(
        self, plan: Sequence[Block], state: RunState | None, *, skipped: Sequence[int] = (),
        resumes: str | None = None, announce: Callable[[str], None] = lambda _run: None,
        reason: str = "",
    ) -> str:  # fmt: skip
        """A run of these blocks on disk; without a state its writer died."""
        self.made += 1
        begun_s = UTC_S + 3600.0 * self.made
        run_id = new_run_id((85,), "night", begun_s)
        announce(run_id)
        header = RunHeader(
            run_id, "night", (85,), "co", ("detuning_mhz",), rig=CONFIG.name, resumes=resumes
        )
        writer = RunWriter.create(
            self.data, header, rig_now=lambda: begun_s, utc_now=lambda: begun_s,
            scan_toml=SCAN, rig_toml=tomli_w.dumps(RIG),
        )  # fmt: skip
        index = 0
        for block in plan:
            if block.index in skipped:
                points = sorted({s.point for s in block.segments if s.point is not None})
                body = {"block": block.index, "id": block.id, "cause": "no light",
                        "points": points}  # fmt: skip
                writer.append(DocumentKind.SKIPPED, body)
                continue
            first = block.segments[:1] if self.paused else ()
            for number, planned in enumerate((*first, *block.segments)):
                flag = "paused" if first and not number else ""
                at_s = begun_s + 20.0 * index
                writer.segment(
                    Segment(
                        run_id, block.index, 0, index, planned.kind, planned.isotope,
                        planned.pumping, planned.point, planned.bracket, Setting(), at_s,
                        at_s + 15.0, 10.0, counts=7, flag=flag,
                    )
                )  # fmt: skip
                index += 1
        if state is None:
            writer.abandon()
        else:
            writer.close(state, "1 of 3 blocks were skipped" if skipped else reason)
        return run_id

    def start(
        self, _definition: ScanDefinition, plan: Sequence[Block], request: FitRequest,
        _scan_toml: str, *, resumed: Any, announce: Callable[[str], None],
    ) -> str:  # fmt: skip
        self.requests.append(request)
        return self.write(plan, RunState.COMPLETE, resumes=resumed.run_id, announce=announce)

    def close_whole(self, run_id: str) -> bool:
        """As a station does it, which makes the report on a process of its own."""
        runs: Any = object.__new__(Runs)
        runs.data, runs._clock = self.data, SimpleNamespace(now_s=lambda: UTC_S)
        late = SimpleNamespace(submit_late=lambda _make, folder: self.late.append(folder.name))
        runs._worker = late
        return Runs.close_whole(runs, run_id)

    def go_on_with(self, run_id: str, *, by_queue: bool = False) -> str:
        return str(self.commands.go_on_with(run_id, "me", by_queue=by_queue)["run"])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def taken_by_the_queue(bench: Bench, repeats: int = 1) -> str:
    """An entry whose run went through and left a block out."""
    bench.keeper.change(
        lambda night: night.add(
            Entry(
                number=1,
                name="night",
                scan=SCAN,
                repeats=repeats,
                added_by="me",
                added_utc_s=0.0,
                duration_s=1.0,
                archive_bytes=1.0,
            )
        )
    )
    with bench.keeper.begins(1) as announce:
        run_id = bench.write(PLAN, RunState.GAPS, skipped=[1], announce=announce)
    fate = fate_of(bench.data, run_id)
    assert fate.outcome is Outcome.COMPLETE
    bench.keeper.change(lambda night: night.run_ended(run_id, fate.outcome, fate.reason, 1.0))
    return run_id


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_gaps_of_a_run_of_the_queue_are_filled_by_hand(bench: Bench, repeats: int) -> None:
    """As `docs/how-to/night.md` promises for the morning. The entry stays what it was."""
    run_id = taken_by_the_queue(bench, repeats)
    entry = bench.keeper.night.entry(1)
    assert entry.state is (EntryState.DONE if repeats == 1 else EntryState.WAITING)
    assert last_to_resume(bench.data, CONFIG.name.__eq__) == run_id
    chain = open_chain(bench.data / bench.go_on_with(run_id))
    assert chain.first_id == run_id
    assert [block.taken_later for block in skipped_blocks(chain)] == [True]
    assert missing_points(chain) == {}
    assert bench.keeper.night.entry(1) == entry
    with pytest.raises(NothingMissing):
        bench.go_on_with(chain.run_id)


def test_the_gaps_of_a_run_by_hand_are_filled(bench: Bench) -> None:
    run_id = bench.write(PLAN, RunState.GAPS, skipped=[0, 2])
    chain = open_chain(bench.data / bench.go_on_with(run_id))
    assert {s.block for s in chain.runs[1].segments} == {0, 2}
    assert all(block.taken_later for block in skipped_blocks(chain))


def test_a_complete_run_with_pauses_holds_all_of_its_blocks(bench: Bench) -> None:
    bench.paused = True
    run_id = bench.write(PLAN, RunState.COMPLETE)
    with pytest.raises(NothingMissing, match=f"holds all of its {len(PLAN)} blocks"):
        bench.go_on_with(run_id)


@pytest.mark.parametrize(
    ("state", "reason"), [(RunState.CRASHED, "died"), (RunState.ABORTED, SHUT_DOWN)]
)
@pytest.mark.parametrize("by_queue", [False, True])
def test_a_run_that_died_behind_its_last_block_is_complete(
    bench: Bench, state: RunState, reason: str, by_queue: bool
) -> None:
    """It stayed crashed for good: nothing could go on with it, and it got no report."""
    run_id = bench.write(PLAN, state, reason=reason)
    with pytest.raises(NothingMissing, match="closed as complete, its report is being made"):
        bench.go_on_with(run_id[:-2], by_queue=by_queue)
    run = open_run(bench.data / run_id)
    assert run.stop is not None
    assert (run.state, run.stop.body["reason"]) == (RunState.COMPLETE, ALL_THERE)
    assert crashed(bench.data, CONFIG.name) is None
    assert bench.late == [run_id]
    with pytest.raises(NothingMissing, match=r"holds all of its \d+ blocks$"):
        bench.go_on_with(run_id, by_queue=by_queue)
    assert bench.late == [run_id]


def test_a_run_that_somebody_aborted_behind_its_last_block_stays_aborted(bench: Bench) -> None:
    run_id = bench.write(PLAN, RunState.ABORTED, reason="aborted by me")
    with pytest.raises(NothingMissing, match=r"holds all of its \d+ blocks$"):
        bench.go_on_with(run_id)
    assert open_run(bench.data / run_id).state is RunState.ABORTED
    assert not bench.late


@pytest.mark.parametrize("state", [RunState.CRASHED, None])
def test_a_disk_that_takes_no_end_of_a_run_is_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, state: RunState | None
) -> None:
    """Without one, no station could write even that it died: it was told to hold all blocks, and
    stayed as it was."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    run_id = bench.write(PLAN, state)
    with monkeypatch.context() as patch:
        patch.setattr(OwnerLock, "acquire", full)
        with pytest.raises(RigBusy, match="No space left"):
            bench.go_on_with(run_id, by_queue=True)
        assert open_run(bench.data / run_id).state is RunState.CRASHED
    with pytest.raises(NothingMissing, match="closed as complete"):
        bench.go_on_with(run_id, by_queue=True)
    assert open_run(bench.data / run_id).state is RunState.COMPLETE


def test_a_skipped_block_that_was_taken_later_with_a_pause_is_no_gap(bench: Bench) -> None:
    run_id = bench.write(PLAN, RunState.GAPS, skipped=[1])
    bench.paused = True
    chain = open_chain(bench.data / bench.go_on_with(run_id))
    assert [block.taken_later for block in skipped_blocks(chain)] == [True]
    assert missing_points(chain) == {}


def test_a_resumed_run_is_fitted_with_what_was_calibrated_since(bench: Bench) -> None:
    """Not with what the station found at its start."""
    eom = bench.light.calibrations.eom.model_copy(update={"v_pi_v": 5.25})
    bench.light.calibrations = bench.light.calibrations.model_copy(update={"eom": eom})
    bench.go_on_with(bench.write(PLAN, RunState.GAPS, skipped=[1]))
    (request,) = bench.requests
    assert request.config is not None
    assert request.config.calibrations.eom.v_pi_v == 5.25


@pytest.mark.parametrize("by_queue", [False, True])
def test_a_list_of_runs_that_a_full_disk_refuses_is_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, by_queue: bool
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    run_id = bench.write(PLAN, RunState.GAPS, skipped=[1])
    monkeypatch.setattr(module, "rest_of", full)
    with pytest.raises(RigBusy, match="disk is full"):
        bench.go_on_with(run_id, by_queue=by_queue)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(WriteFailed("no room for a run"), RigBusy), (ArchiveError("a riddle"), CommandRefused)],
)
def test_a_disk_without_room_for_a_run_is_asked_again(error: Exception, raised: type) -> None:
    """For the queue: an entry must not be lost to it."""

    def refuse(*_: object) -> None:
        raise error

    runs: Any = object.__new__(Runs)
    runs._mutex, runs._session = threading.Lock(), None
    runs.drift = SimpleNamespace(begin=lambda *_: None)
    runs._new_session = refuse
    request: Any = SimpleNamespace(config=CONFIG)
    with pytest.raises(CommandRefused, match=str(error)) as told:
        runs.start(parse_scan(SCAN), PLAN, request, SCAN)
    assert type(told.value) is raised


def dead(data: Path, number: int, rig: str, state: RunState | None = None) -> str:
    """A run of this rig, the younger the higher its number; None: its station died in it."""
    utc_s = UTC_S + 3600.0 * number
    run_id = new_run_id((85,), "night", utc_s)
    header = RunHeader(run_id, "night", (85,), "co", (), rig=rig)
    writer = RunWriter.create(data, header, rig_now=time.time, utc_now=lambda: utc_s)
    if state is None:
        writer.abandon()
    else:
        writer.close(state)
    return run_id


def test_a_rig_goes_on_with_its_own_runs_alone(tmp_path: Path) -> None:
    """Two rigs may share a folder: B's dead run is none of A's."""
    mine = dead(tmp_path, 0, "a")
    other = dead(tmp_path, 1, "b")
    assert (crashed(tmp_path, "a"), crashed(tmp_path, "b")) == (mine, other)
    assert [last_to_resume(tmp_path, name.__eq__) for name in "abc"] == [mine, other, None]
    assert last_to_resume(tmp_path, lambda _rig: True) == other
    assert crashed(tmp_path, "c") is None
    dead(tmp_path, 2, "a", RunState.COMPLETE)
    assert crashed(tmp_path, "a") is None


def test_a_run_that_names_no_rig_is_gone_on_with_by_itself_where_one_rig_measures(
    tmp_path: Path,
) -> None:
    old = dead(tmp_path, 1, "")
    assert crashed(tmp_path, "a") == old
    dead(tmp_path, 0, "a", RunState.COMPLETE)
    assert crashed(tmp_path, "a") == old
    dead(tmp_path, 0, "b", RunState.COMPLETE)
    assert crashed(tmp_path, "a") is None
    assert last_to_resume(tmp_path, "a".__eq__) == old, "an operator knows whose it is"
