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
from stored_runs import Clock, new_run, stored_segment

from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.cli import resume, taking
from atta_daq.cli.simulated_lab import made_up_name
from atta_daq.cli.taking import Taken


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
