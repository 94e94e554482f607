"""A run that goes on with a dead one is one measurement with it while it is still under way."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.analysis.points import usable
from atta_daq.analysis.records import Segment, Setting
from atta_daq.archive.chain import open_chain
from atta_daq.archive.header import RunHeader, new_run_id
from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.calibrations_in_use import in_use
from atta_daq.rig.config import rig_config
from atta_daq.rig.cures import Obstacles
from atta_daq.scans.blocks import Block, blocks
from atta_daq.scans.definition import parse_scan
from atta_daq.station import session as sessions
from atta_daq.station.resuming import rest_of
from atta_daq.station.runs import Runs
from atta_daq.station.session import RunSession

CONFIG = rig_config(rig_file(PORTS, "co"), "rig.toml")
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
TORN = 1
"""The block in which the first run dies."""
DIED_RIG_S = 5e5
DEAD_FOR_S = 600.0
A_SEGMENT_S = 15.0


def taken(
    plan: Sequence[Block], run_id: str, begin_s: float, attempts: dict[int, int] | None = None
) -> list[Segment]:
    """These blocks, each bracket opening the next one; `attempts`: of some blocks, else 0."""
    planned = [
        (block, segment)
        for number, block in enumerate(plan)
        for segment in block.segments[1 if number else 0 :]
    ]
    return [
        Segment(
            run_id, block.index, (attempts or {}).get(block.index, 0), index, s.kind, s.isotope,
            s.pumping, s.point, s.bracket, Setting(), begin_s + A_SEGMENT_S * index,
            begin_s + A_SEGMENT_S * index + 12.0, 10.0, counts=7,
        )
        for index, (block, s) in enumerate(planned)
    ]  # fmt: skip


def dead_run(data: Path, attempt: int) -> str:
    """A run whose station died before the last segment of the block TORN, in this attempt."""
    utc_s = time.time() - DEAD_FOR_S
    header = RunHeader(new_run_id((85,), "night", utc_s), "night", (85,), "co", ("detuning_mhz",))
    writer = RunWriter.create(
        data, header, rig_now=lambda: DIED_RIG_S, utc_now=lambda: utc_s, scan_toml=SCAN
    )
    begin_s = DIED_RIG_S - 200.0
    *whole, _bracket = taken(PLAN[: TORN + 1], writer.run_id, begin_s, {TORN: attempt})
    for segment in whole:
        writer.segment(segment)
    writer.abandon()
    return writer.run_id


@pytest.fixture
def go_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, float], RunSession]]:
    """Begins the run that goes on with one, by a rig clock, and takes all that is missing."""
    monkeypatch.setattr(sessions, "Cures", lambda *_: SimpleNamespace(recipes=lambda: ()))
    begun: list[RunSession] = []

    def make(run_id: str, rig_s: float) -> RunSession:
        rest = rest_of(tmp_path, run_id, CONFIG)
        assert [block.index for block in rest.plan] == [b.index for b in PLAN[TORN:]]
        runs: Any = object.__new__(Runs)
        runs.data, runs._config, runs._rig_toml = tmp_path, CONFIG, ""
        runs._clock = SimpleNamespace(now_s=lambda: rig_s)
        runs._calibrations = SimpleNamespace(in_use=in_use(CONFIG.calibrations, (), 2500.0))
        runs._display = Anything()
        runs._light = runs._taker = runs._zeroing = runs._instruments = Anything()
        runs._obstacles, runs._say = Obstacles(), lambda *_: None
        session = Runs._new_session(
            runs, rest.definition, rest.plan, SCAN, rest.chain, lambda _run: None
        )
        begun.append(session)
        session.segments += taken(rest.plan, session.run_id, rig_s + 1.0)
        return session

    yield make
    for session in begun:
        session._engine.close()
        session._writer.abandon()


class Anything:
    """Has every method, and does nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@pytest.mark.parametrize("attempt", [0, 2])
def test_of_a_block_that_was_cut_short_only_the_retake_is_used(
    go_on_with: Callable[[str, float], RunSession], tmp_path: Path, attempt: int
) -> None:
    """The torn attempt 0 was summed with the retake; a torn attempt 2 put it out."""
    session = go_on_with(dead_run(tmp_path, attempt), DIED_RIG_S + DEAD_FOR_S)
    used = [s for s in usable(session.measurement) if s.point is not None]
    assert sorted(s.point for s in used if s.point is not None) == list(range(6))
    assert {s.run_id for s in used if s.block == TORN} == {session.run_id}
    assert {s.run_id for s in used if s.block < TORN} == {session.earlier[0].run_id}


@pytest.mark.parametrize(
    "rig_s", [DIED_RIG_S + DEAD_FOR_S, 100.0], ids=["the clock went on", "a clock begun anew"]
)
def test_the_run_under_way_sees_what_the_chain_will_hold(
    go_on_with: Callable[[str, float], RunSession], tmp_path: Path, rig_s: float
) -> None:
    """On a clock that began anew old and new brackets were mixed."""
    session = go_on_with(dead_run(tmp_path, 0), rig_s)
    live = session.measurement
    for segment in session.segments:
        session._writer.segment(segment)
    session._writer.close(RunState.COMPLETE)
    chain = open_chain(session._writer.folder).segments
    assert [(s.run_id, s.index, s.flag) for s in live] == [
        (s.run_id, s.index, s.flag) for s in chain
    ]
    starts_s = [s.start_rig_s for s in live]
    assert starts_s == sorted(starts_s)
    assert [s - starts_s[0] for s in starts_s] == pytest.approx(
        [s.start_rig_s - chain[0].start_rig_s for s in chain], abs=1e-3
    )
    last = live[len(session.earlier) - 1]
    between_s = session.segments[0].start_rig_s - last.end_rig_s
    assert DEAD_FOR_S <= between_s < DEAD_FOR_S + 250.0
