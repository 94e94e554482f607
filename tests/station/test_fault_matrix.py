"""Speed 1: every instrument times every fault that it can have, idle and while a run counts.

Each fault is named in time, leaves the rig safe, goes without a restart of anything, and no value
of it is ever taken for another's (`fault_matrix`, `fault_midrun`). What is expected is written
down in `docs/reference/faults.md`, which `fault_page` generates from the same tables.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fault_matrix import (
    ELSEWHERE,
    EXEMPT,
    IDLE_LANES,
    NOT_IDLE,
    SERVERS,
    IdleRig,
    Outcome,
    cells,
    run_lanes,
)  # fmt: skip
from fault_midrun import (
    QUICK_LANES,
    SHORT_DWELL_S,
    SHORT_SEGMENTS,
    CountingStation,
    at_end,
    quick,
)
from fault_page import PAGE, page
from rigs import Rig, start_rig

log = logging.getLogger(__name__)


def report(outcomes: list[Outcome]) -> None:
    """With pytest --log-cli-level=INFO."""
    for o in sorted(outcomes, key=lambda o: (o.cell.server, o.cell.fault)):
        log.info(
            "%-15s %-15s %-15s %5.2f s, back %5.2f s, %s: %.90s",
            o.cell.server, o.cell.fault, o.named, o.named_s, o.back_s, o.state, o.reason,
        )  # fmt: skip


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_idle(tmp_path: Path) -> None:
    rig = start_rig(tmp_path, speed=1.0)
    try:
        idle = IdleRig(rig)
        lanes = [
            (idle.run, [c for s in lane for c in cells(s) if (s, c.fault) not in NOT_IDLE])
            for lane in IDLE_LANES
        ]
        outcomes, failures = run_lanes(lanes)
        idle.close()
    finally:
        rig.world.close()
    report(outcomes)
    assert not failures, "\n".join(failures)
    assert len(outcomes) == sum(len(cells) for _, cells in lanes)


@pytest.mark.alone
@pytest.mark.timeout(280)
def test_in_mid_run(tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(QUICK_LANES)) as pool:
        folders = [tmp_path / str(number) for number in range(len(QUICK_LANES))]
        stations = list(pool.map(CountingStation, folders))
        lanes = [
            (station.run, [c for s in lane for c in cells(s) if quick(c) and not at_end(c)])
            for station, lane in zip(stations, QUICK_LANES, strict=True)
        ]
        try:
            outcomes, failures = run_lanes(lanes)
        finally:
            list(pool.map(CountingStation.close, stations))
    report(outcomes)
    assert not failures, "\n".join(failures)


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_what_the_end_of_a_segment_finds(tmp_path: Path) -> None:
    """A sensor that warms while nobody reads its temperature; it cools faster than a real one."""
    truth = tmp_path / "truth.toml"
    truth.write_text("[camera]\ncooling_time_s = 6.0\n")
    station = CountingStation(tmp_path / "rig", SHORT_DWELL_S, SHORT_SEGMENTS, truth=truth)
    try:
        taken = [c for s in SERVERS for c in cells(s) if at_end(c)]
        outcomes, failures = run_lanes([(station.run, taken)])
    finally:
        station.close()
    report(outcomes)
    assert not failures, "\n".join(failures)


def test_the_page_says_what_is_tested() -> None:
    if os.environ.get("ATTA_DAQ_WRITE_DOCS"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "ATTA_DAQ_WRITE_DOCS=1 pytest -k page_says renews it"


def test_every_simulated_fault_is_in_the_matrix(shared_rig: Rig) -> None:
    """A fault that is added to the simulators is either tested or said not to exist here."""
    known = shared_rig.world.ask({"cmd": "faults"})["faults"]
    # what only the simulators' own clients talk to has no driver that could name anything
    known.pop("amplifier_monitor")
    assert set(known) == set(SERVERS)
    for server, faults in known.items():
        said = {*EXEMPT.get(server, ()), *ELSEWHERE.get(server, ())}
        assert set(faults) == {c.fault for c in cells(server)} | (said & set(faults)), server
        assert said <= set(faults) | {"wrong_unit"}, server
