"""Speed 1: every instrument times every fault that it can have, idle and while a run counts.

Each fault is named in time, leaves the rig safe, goes without a restart of anything, and no value
of it is ever taken for another's (`fault_matrix`, `fault_midrun`). Every box that the rig can be
built with has its cells (`fault_cells`); those of the first rig are taken here, of the other makes
a draw, and all of them by `make soak`. Two detectors that counting does without fail in the moment
in which they are needed, too: in a bracket, and in a zeroing (`fault_zeroing`). `make faults`
measures them all and writes `docs/reference/faults.md`.
"""

import asyncio
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fault_cells
import pytest
from fault_cells import (
    COMMANDS,
    ELSEWHERE,
    EXEMPT,
    FAULTS,
    FIRST,
    KIND_OF,
    NO_BOX,
    NOT_IDLE,
    OTHER_MAKES,
    OTHER_RIGS,
    SERVERS,
    first_cells,
    idle_cells,
    rig_cells,
)
from fault_matrix import IDLE_LANES, LASING, IdleRig, run_lanes
from fault_midrun import (
    QUICK_LANES,
    SHORT_DWELL_S,
    SHORT_SEGMENTS,
    CountingStation,
    at_end,
    quick,
)
from fault_page import MEANINGS, PAGE, page
from fault_results import keep
from fault_states import CEILING_MA, RF_MOST_DBM, SEED_MIN_MW
from fault_zeroing import ZeroingStation
from rigs import Rig, start_rig

from atta_daq.rig.config import load_rig
from atta_daq.rig.drivers import BUILT_IN
from simulators.boxes import BOXES
from simulators.clock import RigClock
from simulators.rig import SimulatedRig
from simulators.truth import Truth
from simulators.world.world import World

log = logging.getLogger(__name__)

DRAWN_IDLE, DRAWN_MID_RUN = 6, 2
"""Cells of the other makes that every `make test` takes, drawn anew by pytest's random seed."""
DRAWN_OF_FIRST = 4
"""Cells of the first rig that it takes in mid-run beside those that it always takes."""


# First: it takes longest.
@pytest.mark.alone
@pytest.mark.timeout(280)
def test_in_mid_run(tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(QUICK_LANES)) as pool:
        folders = [tmp_path / str(number) for number in range(len(QUICK_LANES))]
        stations = list(pool.map(CountingStation, folders))
        every = [[c for s in lane for c in first_cells(s) if not at_end(c)] for lane in QUICK_LANES]
        slow = [c for lane in every for c in lane if not quick(c)]
        drawn = random.sample(slow, DRAWN_OF_FIRST)
        log.info("drawn %s", drawn)
        lanes = [
            (station.run, [c for c in lane if quick(c)])
            for station, lane in zip(stations, every, strict=True)
        ]
        try:
            outcomes, failures = run_lanes(lanes)
            # What takes most of its time to be named is not timed beside two other stations.
            while len(stations) > 1:
                stations.pop().close()
            more, failed = run_lanes([(stations[0].run, drawn)])
        finally:
            list(pool.map(CountingStation.close, stations))
    keep([*outcomes, *more])
    assert not [*failures, *failed], "\n".join([*failures, *failed])


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_idle(tmp_path: Path) -> None:
    rig = start_rig(tmp_path, speed=1.0)
    try:
        idle = IdleRig(rig, LASING)
        lanes = [
            (idle.run, [c for s in lane for c in idle_cells(FIRST[KIND_OF.get(s, s)], s)])
            for lane in IDLE_LANES
        ]
        outcomes, failures = run_lanes(lanes)
        idle.close()
    finally:
        rig.world.close()
    keep(outcomes)
    assert not failures, "\n".join(failures)
    assert len(outcomes) == sum(len(cells) for _, cells in lanes)


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_what_only_zeroing_bracket_or_end_of_a_segment_finds(tmp_path: Path) -> None:
    """On one station: a draw of what fails a zeroing and a bracket, and a sensor that warms while
    nobody reads its temperature; it cools faster than a real one."""
    truth = tmp_path / "truth.toml"
    truth.write_text("[camera]\ncooling_time_s = 6.0\n")
    zeroing, bracket = (random.choice(first_cells(s)) for s in ("reference_cell", "loading"))
    log.info("drawn %s, %s", zeroing, bracket)
    station = ZeroingStation(
        tmp_path / "rig", SHORT_DWELL_S, SHORT_SEGMENTS, often=True, truth=truth
    )
    try:
        outcomes, failures = run_lanes([(station.at_start, [zeroing])])
        assert not failures, "\n".join(failures)
        station.wait_until_it_counts()
        taken = [c for s in SERVERS for c in first_cells(s) if at_end(c)]
        for run, cells in ((station.run, taken), (station.run_in_bracket, [bracket])):
            more, failed = run_lanes([(run, cells)])
            outcomes += more
            failures += failed
    finally:
        station.close()
    keep(outcomes)
    assert not failures, "\n".join(failures)


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_other_makes_drawn(tmp_path: Path) -> None:
    """A draw of one other rig's cells, idle and in mid-run: `-p randomly_seed` repeats it."""
    makes = random.choice(OTHER_RIGS)
    every = [cell for cells in rig_cells(makes) for cell in cells]
    idle_ones = [c for c in every if (c.server, c.fault) not in NOT_IDLE]
    drawn_idle = random.sample(idle_ones, DRAWN_IDLE)
    drawn_mid_run = random.sample(every, DRAWN_MID_RUN)
    log.info("idle %s; mid-run %s", drawn_idle, drawn_mid_run)
    boxes = tuple(f"{kind}={driver}" for kind, driver in makes.items())
    (tmp_path / "idle").mkdir()
    rig = start_rig(tmp_path / "idle", speed=1.0, instruments=boxes)
    try:
        idle = IdleRig(rig, LASING)
        outcomes, failures = run_lanes([(idle.run, drawn_idle)])
        idle.close()
    finally:
        rig.world.close()
    station = CountingStation(tmp_path / "mid-run", instruments=boxes)
    try:
        more, failed = run_lanes([(station.run, drawn_mid_run)])
    finally:
        station.close()
    keep([*outcomes, *more])
    assert not [*failures, *failed], "\n".join([*failures, *failed])


def test_the_page_shows_what_was_measured() -> None:
    assert PAGE.read_text() == page(), "make docs renews it"


def test_every_driver_has_its_cells() -> None:
    """A driver that is added is either in the matrix, or says why it has no simulated box."""
    met = {driver for driver, _ in FAULTS}
    assert {spec.driver for spec in BUILT_IN} == met | NO_BOX.keys()
    assert not met & NO_BOX.keys()
    in_rigs = [(c.make, c.server) for makes in OTHER_RIGS for cs in rig_cells(makes) for c in cs]
    assert set(in_rigs) == set(OTHER_MAKES)


def known_faults(makes: dict[str, str]) -> dict[str, list[str]]:
    """What the simulators of a rig say that can be commanded, by server."""

    async def ask() -> dict[str, list[str]]:
        rig = SimulatedRig(World(Truth(), RigClock(), 1), makes)
        await rig.start()
        try:
            return rig.faults()
        finally:
            await rig.stop()

    return asyncio.run(ask())


@pytest.mark.parametrize("makes", [{}, *OTHER_RIGS], ids=lambda m: "-".join(m.values()) or "first")
def test_every_simulated_fault_is_in_the_matrix(makes: dict[str, str]) -> None:
    """A fault that is added to the simulators is either tested or said not to exist here."""
    known = known_faults(makes)
    # what only the simulators' own clients talk to has no driver that could name anything
    known.pop("amplifier_monitor", None)
    for server, faults in known.items():
        kind = KIND_OF.get(server, server)
        box = (makes.get(kind, FIRST[kind]), server)
        told = {*(COMMANDS.get(f, f) for f in FAULTS[box]), *ELSEWHERE.get(box, ())}
        assert set(faults) - EXEMPT.get(box, {}).keys() == told, box


def test_every_simulated_box_is_in_the_matrix() -> None:
    boxes = {(role, driver) for role, drivers in BOXES.items() for driver in drivers}
    assert boxes == {(KIND_OF.get(server, server), driver) for driver, server in FAULTS}


def test_limits_of_the_rig_file(shared_rig: Rig) -> None:
    """What counts as safe is what the rig file of the simulated lab says."""
    config = load_rig(shared_rig.path)
    assert config.amplifier.unseeded_ceiling_ma == CEILING_MA
    assert config.amplifier.seed_power_min_mw == SEED_MIN_MW
    assert config.sideband.power_dbm.high == RF_MOST_DBM


def test_every_cell_says_what_must_come_of_it() -> None:
    every = [c for driver, server in FAULTS for c in fault_cells.cells(driver, server)]
    assert len({cell.name for cell in every}) == len(every)
    for cell in every:
        assert (cell.server, cell.fault) in NOT_IDLE or fault_cells.expected(cell), cell
        assert cell.fault in MEANINGS, cell
