"""`atta-daq resume`: which run it goes on with, on which rig, and how it ends."""

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomli_w
from stored_runs import SCAN, Clock, new_run, stored_segment

from atta_daq.analysis.records import SegmentKind
from atta_daq.archive import run_folder
from atta_daq.archive.ballast import FILE as BALLAST
from atta_daq.archive.journal import DocumentKind, JournalWriter
from atta_daq.archive.run_folder import ALL_THERE, RunState, RunWriter, open_run
from atta_daq.cli import resume, taking
from atta_daq.cli.simulated_lab import made_up_name
from atta_daq.cli.taking import Taken
from atta_daq.rig.config import load_rig
from atta_daq.scans.blocks import blocks
from atta_daq.scans.definition import parse_scan
from atta_daq.station import finish


@dataclass
class Bench:
    """Runs on disk, and a station that takes what is missing at once."""

    data: Path
    rig: Path
    clock: Clock = field(default_factory=Clock)
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rigs: list[dict[str, Any]] = field(default_factory=list)
    """How each simulated rig was asked for."""
    used: list[Path] = field(default_factory=list)
    """The rig files on which something was taken."""
    ends: RunState = RunState.COMPLETE
    interrupted: bool = False
    made: int = 0

    def run(self, state: RunState | None, points: int = 2, **changes: Any) -> RunWriter:
        """A run that holds some of its points; None: its station has died."""
        writer = new_run(self.data, self.clock, self.made, rig=self.rig.read_text(), **changes)
        self.made += 1
        for point in range(points):
            writer.segment(stored_segment(point, run_id=writer.run_id))
        if state is None:
            writer.abandon()
        else:
            writer.close(state, "as the test asks")
        return writer

    def whole(self, **changes: Any) -> RunWriter:
        """A run that holds all of its blocks, as kill -9 leaves it behind the last one."""
        writer = new_run(self.data, self.clock, self.made, rig=self.rig.read_text(), **changes)
        self.made += 1
        plan = blocks(parse_scan(SCAN), load_rig(self.rig).scan_timing())
        taken = [(block.index, planned) for block in plan for planned in block.segments]
        for index, (block, planned) in enumerate(taken):
            values: dict[str, Any] = {
                "run_id": writer.run_id, "block": block, "kind": planned.kind,
                "isotope": planned.isotope, "pumping": planned.pumping, "point": planned.point,
                "bracket": planned.bracket,
            }  # fmt: skip
            if planned.kind is SegmentKind.LOADING_83:
                values |= {"counts": None, "efficiency": None, "efficiency_error": None,
                           "rate": 7e9, "rate_error": 3e7, "exposures": 5}  # fmt: skip
            writer.segment(stored_segment(index, **values))
        writer.abandon()
        return writer

    def take(self, path: Path, _rig: Any, _data: Path, _console: Any, start: Callable) -> Taken:
        self.used.append(path)
        client = SimpleNamespace(command=lambda name, **told: self.commands.append((name, told)))
        start(client)
        ((_, told),) = self.commands
        (resumed,) = [p.name for p in self.data.iterdir() if p.name.startswith(told["run"])]
        return Taken(self.run(self.ends, resumes=resumed).folder, self.interrupted)

    @contextmanager
    def simulated(self, **asked: Any) -> Iterator[tuple[Path, Any]]:
        self.rigs.append(asked)
        yield self.rig, SimpleNamespace(ask=lambda _request: {"truth": {"seed": asked["seed"]}})


@pytest.fixture
def bench(tmp_path: Path, write_rig, nothing_starts, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path / "data", write_rig())
    made.data.mkdir()
    monkeypatch.setattr(resume, "take", made.take)
    monkeypatch.setattr(resume, "simulated_rig", made.simulated)
    monkeypatch.setattr(taking, "build_report", lambda _run: None)
    return made


def test_left_out_it_is_the_youngest_that_ended_too_early(call, bench: Bench) -> None:
    bench.run(RunState.ABORTED)
    crashed = bench.run(None)
    bench.run(RunState.COMPLETE)
    outcome = call("resume", "--config", bench.rig, "--data", bench.data)
    assert outcome.code == 0, outcome.err
    assert bench.commands == [("resume_run", {"run": crashed.run_id})]
    assert bench.used == [bench.rig]
    assert not bench.rigs
    assert "data " in outcome.out


def test_a_run_that_something_goes_on_with_is_not_taken_again(call, bench: Bench) -> None:
    first = bench.run(RunState.ABORTED)
    bench.run(RunState.COMPLETE, resumes=first.run_id)
    outcome = call("resume", "--config", bench.rig, "--data", bench.data)
    outcome.refused("no run of rig ", " has ended too early, there is nothing to resume")
    outcome = call("resume", first.run_id, "--config", bench.rig, "--data", bench.data)
    outcome.refused(f"goes on with {first.run_id} already")
    assert not bench.commands


def test_the_start_of_a_name_is_enough(call, bench: Bench) -> None:
    first = bench.run(RunState.ABORTED)
    bench.run(RunState.ABORTED)
    short = first.run_id[:11]
    outcome = call("resume", short, "--config", bench.rig, "--data", bench.data)
    assert outcome.code == 0, outcome.err
    assert bench.commands == [("resume_run", {"run": short})]


def test_a_simulated_rig_leaves_the_runs_of_real_ones_alone(call, bench: Bench) -> None:
    """They measure the lab's sample: its rest may not come from a simulated world."""
    theirs = bench.run(RunState.ABORTED, taken_by="lab").run_id
    outcome = call("resume", "--simulate", "--data", bench.data)
    outcome.refused("no run of a simulated rig has ended too early, there is nothing to resume")
    for name in ("last", theirs, theirs[:11]):
        outcome = call("resume", name, "--simulate", "--data", bench.data)
        outcome.refused(f"run {theirs} was taken by rig 'lab'", "--simulate")
    assert not bench.rigs, "none was started for it"
    mine = bench.run(RunState.ABORTED, taken_by=made_up_name())
    bench.run(RunState.ABORTED, taken_by="lab")
    outcome = call("resume", "--simulate", "--data", bench.data)
    assert outcome.code == 0, outcome.err
    assert bench.commands == [("resume_run", {"run": mine.run_id})]


def test_a_simulated_rig_goes_on_with_a_run_that_names_none(call, bench: Bench) -> None:
    old = bench.run(RunState.ABORTED)
    bench.run(RunState.ABORTED, taken_by="lab")
    outcome = call("resume", "--simulate", "--data", bench.data)
    assert outcome.code == 0, outcome.err
    assert bench.commands == [("resume_run", {"run": old.run_id})]


def test_a_simulated_rig_has_the_geometry_of_the_run(call, bench: Bench) -> None:
    bench.run(RunState.ABORTED, geometry="co")
    outcome = call("resume", "--simulate", "--data", bench.data, "--seed", 7)
    assert outcome.code == 0, outcome.err
    (asked,) = bench.rigs
    assert (asked["speed"], asked["seed"], asked["geometry"]) == (120.0, 7, "co")
    new = max(bench.data.glob("*Kr*"))
    assert tomllib.loads((new / "truth.toml").read_text()) == {"seed": 7}


@pytest.mark.parametrize(
    ("ends", "interrupted", "code"),
    [
        (RunState.COMPLETE, False, 0),
        (RunState.ABORTED, False, 1),
        (RunState.ABORTED, True, 130),
        (RunState.GAPS, False, 1),
    ],
)
def test_it_exits_as_its_run_ends(
    call, bench: Bench, ends: RunState, interrupted: bool, code: int
) -> None:
    bench.run(RunState.ABORTED)
    bench.ends, bench.interrupted = ends, interrupted
    outcome = call("resume", "--config", bench.rig, "--data", bench.data, "--json")
    assert outcome.code == code, outcome.err
    assert ("as the test asks" in outcome.err) is bool(code)


def test_what_is_refused(call, bench: Bench, tmp_path: Path) -> None:
    rig, data = bench.rig, bench.data
    neither = "give either --simulate or --config"
    call("resume", "--data", data).refused(neither)
    call("resume", "--simulate", "--config", rig, "--data", data).refused(neither)
    call("resume", "--config", rig, "--seed", 3, "--data", data).refused("--seed")
    call("resume", "--config", rig, "--data", tmp_path / "nowhere").refused("no such folder")
    call("resume", "--config", rig, "--data", data).refused("there is nothing to resume")
    bench.run(RunState.ABORTED)
    call("resume", "nosuchrun", "--config", rig, "--data", data).refused("nosuchrun")
    assert not bench.commands


def test_a_rig_with_other_times_is_refused(call, bench: Bench) -> None:
    """The blocks would be others."""
    bench.run(RunState.ABORTED)
    rig = tomllib.loads(bench.rig.read_text())
    rig["camera"]["exposure_s"] = 2.5
    bench.rig.write_text(tomli_w.dumps(rig))
    outcome = call("resume", "--config", bench.rig, "--data", bench.data)
    outcome.refused("was laid out for other times of exposure, loading or settling")
    assert not bench.commands


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made up counts have no fit, and no picture of one."""
    monkeypatch.setattr(finish, "fit_all", lambda *_, **__: {})
    monkeypatch.setattr(
        finish, "build_report", lambda run: (run.folder / "report.html").write_text(run.state)
    )


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize("on", ["--config", "--simulate"])
def test_a_run_that_died_behind_its_last_block_is_closed_without_a_rig(
    call, bench: Bench, on: str
) -> None:
    """It stayed crashed: there was nothing to take, and nobody else closed it."""
    writer = bench.whole(taken_by=made_up_name() if on == "--simulate" else "")
    (writer.folder / BALLAST).write_bytes(b"0")  # as kill -9 leaves it
    last = open_run(writer.folder).content.documents[-1]
    where = ("--config", bench.rig) if on == "--config" else ("--simulate",)
    outcome = call("resume", *where, "--data", bench.data)
    assert outcome.code == 0, outcome.err
    assert not bench.commands
    assert not bench.rigs
    run = open_run(writer.folder)
    assert run.stop is not None
    assert (run.state, run.stop.body["reason"]) == (RunState.COMPLETE, ALL_THERE)
    assert run.stop.rig_s == last.rig_s, "the rig's clock is not this process's"
    assert not (writer.folder / BALLAST).exists()
    assert "holds all of its" in outcome.err
    assert "closed as complete" in outcome.err
    assert f"report  {writer.folder / 'report.html'}" in outcome.out
    assert (writer.folder / "report.html").read_text() == "complete"
    outcome = call("resume", writer.run_id, *where, "--data", bench.data)
    outcome.refused(f"run {writer.run_id} holds all of its")
    assert len(open_run(writer.folder).content.documents) == len(run.content.documents)


def test_a_run_that_somebody_ended_behind_its_last_block_stays_aborted(call, bench: Bench) -> None:
    whole = bench.whole()
    again = JournalWriter(whole.folder / "journal.jsonl", bench.clock, bench.clock)
    again.append(DocumentKind.NOTE, {"text": "STOP by office", "author": "station", "ends": True})
    again.close()
    outcome = call("resume", whole.run_id, "--config", bench.rig, "--data", bench.data)
    outcome.refused(f"run {whole.run_id} holds all of its")
    assert open_run(whole.folder).state is RunState.ABORTED


def test_a_run_of_another_computer_is_closed_there(
    call, bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a network drive its writer may live."""
    whole = bench.whole()
    here = run_folder.socket.gethostname()
    monkeypatch.setattr(run_folder.socket, "gethostname", lambda: "elsewhere")
    outcome = call("resume", whole.run_id, "--config", bench.rig, "--data", bench.data)
    outcome.refused(f"run {whole.run_id} holds all of its")
    assert f"was written on {here}: close it from there" in caplog.text
    assert open_run(whole.folder).stop is None
