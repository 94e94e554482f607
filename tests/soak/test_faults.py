"""Faults at random times while the rig counts, beside a rig of the same truth without faults.

pytest -m soak tests/soak/test_faults.py -s
ATTA_DAQ_FAULTS_S=600 sets for how long faults come (default 1800 s), ATTA_DAQ_FAULTS_SEED the
seed (default: a new one, printed). The seed draws the makes of the boxes, too.
"""

import math
import os
import random
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import tomli_w
from fault_cells import (
    FIRST,
    KIND_OF,
    NOT_IDLE,
    OTHER_RIGS,
    SERVERS,
    Cell,
    first_cells,
    idle_cells,
    rig_cells,
)
from fault_matrix import CEILING, LASING, IdleRig, IdleState, run_lanes
from fault_midrun import (
    QUICK_LANES,
    SHORT_DWELL_S,
    SHORT_SEGMENTS,
    CountingStation,
    at_end,
)
from fault_results import keep
from fault_zeroing import ZeroingStation
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.archive.run_folder import RunState, open_run

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]

MEAN_GAP_S = 12.0
"""Between the end of one fault and the next, on the average."""
HOLD_S = (0.5, 6.0)
DWELL_S = 8.0
CALIBRATE_S = 100.0
"""Faults begin behind the calibration of the counting: without it the run has no counts."""
SHARE = 0.6
"""Of the time of the faults that the same scan takes without them."""
REPEAT_S = DWELL_S + 4.0
LONGEST_SIGMA = 3.0
SELDOM_S = 30.0
"""At least one fault in so much time, on the average: else the run ended before the faults did."""


def scan(duration_s: float) -> str:
    return f"""
name = "soak"
zero_on_reference_cell = false
calibrate_counting_s = {CALIBRATE_S}
max_attempts = 100000
bracket_period_s = 30.0
[[part]]
isotope = 85
dwell_s = {DWELL_S}
repeats = {max(2, round(SHARE * duration_s / REPEAT_S))}
[[part.axis]]
quantity = "detuning_mhz"
values = [60.0]
"""


@contextmanager
def working(folder: Path, seed: int, makes: dict[str, str]) -> Iterator[tuple[Rig, RunningStation]]:
    folder.mkdir()
    rig = start_rig(folder, speed=1.0, seed=seed, instruments=boxes_of(makes))
    # Many nights' trips within minutes: each one is to be cured here.
    rig.config["faults"] = {"amplifier_restarts_per_h": 1000}
    rig.path.write_text(tomli_w.dumps(rig.config))
    station = start_station(rig, folder / "data")
    try:
        yield rig, station
    finally:
        stop_station(station)
        rig.world.close()


RIGS: tuple[dict[str, str], ...] = ({}, *OTHER_RIGS)
"""Sets of makes, as kind to driver; {} is the rig that everybody starts with."""


def cells_of(makes: dict[str, str]) -> list[Cell]:
    """All cells of the rig that is built of `makes`, and of the first make where they say none."""
    firsts = [c for s in SERVERS if KIND_OF.get(s, s) not in makes for c in first_cells(s)]
    return firsts + [cell for of_server in rig_cells(makes) for cell in of_server]


def boxes_of(makes: dict[str, str]) -> tuple[str, ...]:
    """As the simulators take them."""
    return tuple(f"{kind}={driver}" for kind, driver in makes.items())


def inject(
    rig: Rig, station: RunningStation, every: list[Cell], draw: random.Random, duration_s: float
) -> int:
    """Faults of `every` one after the other for `duration_s`; returns how many."""
    ends = time.monotonic() + duration_s
    count = 0
    while time.monotonic() < ends and station.client.get("run:outcome") == "":
        time.sleep(draw.expovariate(1.0 / MEAN_GAP_S))
        cell = draw.choice(every)
        hold_s = draw.uniform(*HOLD_S)
        print(f"{cell.name} for {hold_s:.1f} s", flush=True)
        rig.fault(cell.server, cell.command, **dict(cell.arguments))
        time.sleep(hold_s)
        assert rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
        count += 1
    return count


def normalised(folder: Path) -> tuple[float, float]:
    """Counts per live second and per loading rate of the segments without a flag, and error."""
    good = [s for s in open_run(folder).segments if not s.flag]
    counting = [s for s in good if s.kind == "rare" and s.counts is not None]
    counts = sum(s.counts or 0 for s in counting)
    exposure_s = sum(s.live_s * (s.efficiency or 0.0) for s in counting)
    loading = [s.rate for s in good if s.bracket and s.rate is not None]
    assert counts, "nothing was counted"
    assert loading, "no bracket was taken"
    rate = sum(loading) / len(loading)
    relative = 1.0 / counts
    if len(loading) > 1:
        spread = sum((r / rate - 1.0) ** 2 for r in loading) / (len(loading) - 1)
        relative += spread / len(loading)
    errors = [s.efficiency_error or 0.0 for s in counting]
    relative += (sum(errors) / len(errors)) ** 2
    value = counts / exposure_s / rate
    return value, value * math.sqrt(relative)


def soak(tmp_path: Path, duration_s: float, seed: int) -> None:
    draw = random.Random(seed)
    makes = draw.choice(RIGS)
    print(f"faults for {duration_s:g} s, seed {seed}, makes {makes or 'of the first rig'}",
          flush=True)  # fmt: skip
    with (
        working(tmp_path / "faults", 1, makes) as (rig, station),
        working(tmp_path / "calm", 1, makes) as (_, calm),
    ):
        text = scan(duration_s)
        runs = [str(s.client.command("run", scan=text)["run"]) for s in (station, calm)]
        station.wait_for("run:state", lambda v: v == "running", CALIBRATE_S + 120.0)
        count = inject(rig, station, cells_of(makes), draw, duration_s)
        rig.clear()
        outcome = station.wait_for_end(duration_s + 300.0)
        calm.wait_for_end(duration_s + 300.0)
        status = rig.world.ask({"cmd": "status"})["status"]
        folders = [s.data / run for s, run in zip((station, calm), runs, strict=True)]
    run = open_run(folders[0])
    flagged = [s.flag for s in run.segments if s.flag]
    print(f"{count} faults, {len(flagged)} of {len(run.segments)} segments flagged: {outcome}")
    assert run.state is RunState.COMPLETE, outcome
    assert count >= duration_s / SELDOM_S, f"{count} faults in {duration_s:g} s"
    assert not status["amplifier_destroyed"]
    assert status["damage_dose_a_s"] < 0.5 * status["damage_limit_a_s"], status
    (value, error), (calm_value, calm_error) = (normalised(folder) for folder in folders)
    pull = (value - calm_value) / math.hypot(error, calm_error)
    print(f"with faults {value:.4g} +- {error:.2g}, without {calm_value:.4g} +- {calm_error:.2g}: "
          f"{pull:+.2f} sigma; dose {status['damage_dose_a_s']:.3g} of "
          f"{status['damage_limit_a_s']:.3g} A s")  # fmt: skip
    assert abs(pull) < LONGEST_SIGMA


def test_a_minute_of_faults(tmp_path: Path) -> None:
    soak(tmp_path, 60.0, 7)


def test_half_an_hour_of_faults(tmp_path: Path) -> None:
    duration_s = float(os.environ.get("ATTA_DAQ_FAULTS_S", "1800"))
    seed = int(os.environ.get("ATTA_DAQ_FAULTS_SEED", str(secrets.randbelow(1 << 31))))
    soak(tmp_path, duration_s, seed)


def lanes_of(stations: list[CountingStation], lanes: list[list[Cell]]) -> None:
    """Cells in mid-run, a station for each lane; closes the stations."""
    taken = [
        (station.run, [c for c in lane if not at_end(c)])
        for station, lane in zip(stations, lanes, strict=True)
    ]
    try:
        outcomes, failures = run_lanes(taken)
    finally:
        for station in stations:
            station.close()
    keep(outcomes)
    assert not failures, "\n".join(failures)


def test_the_whole_matrix_in_mid_run(tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(QUICK_LANES)) as pool:
        folders = [tmp_path / str(number) for number in range(len(QUICK_LANES))]
        stations = list(pool.map(CountingStation, folders))
    lanes_of(stations, [[c for s in lane for c in first_cells(s)] for lane in QUICK_LANES])


def test_detectors_in_mid_run_when_they_are_needed(tmp_path: Path) -> None:
    """The loading detector in a bracket; the reference cell in a zeroing, by command and of a run:
    each on a station of its own."""
    by_command, in_run = (ZeroingStation(tmp_path / name) for name in ("command", "run"))
    brackets = CountingStation(tmp_path / "brackets", SHORT_DWELL_S, SHORT_SEGMENTS, often=True)
    try:
        outcomes, failures = run_lanes(
            [
                (brackets.run_in_bracket, first_cells("loading")),
                (by_command.by_command, first_cells("reference_cell")),
                (in_run.in_run, first_cells("reference_cell")),
            ]
        )
    finally:
        for station in (brackets, by_command, in_run):
            station.close()
    keep(outcomes)
    assert not failures, "\n".join(failures)


def idle_half(folder: Path, idle: IdleState, lanes: list[list[Cell]], *boxes: str) -> None:
    rig = start_rig(folder, speed=1.0, instruments=boxes)
    try:
        idle_rig = IdleRig(rig, idle)
        outcomes, failures = run_lanes([(idle_rig.run, lane) for lane in lanes])
        idle_rig.close()
    finally:
        rig.world.close()
    keep(outcomes)
    assert not failures, "\n".join(failures)


def test_idle_with_the_amplifier_at_its_ceiling(tmp_path: Path) -> None:
    """What depends on the amplifier, where it is on and does not lase."""
    lane = [c for s in ("amplifier", "lock") for c in idle_cells(FIRST[s], s)]
    idle_half(tmp_path, CEILING, [lane])


RIG_NAMES = ["-".join(makes.values()) for makes in OTHER_RIGS]


@pytest.mark.parametrize("idle", [LASING, CEILING], ids=lambda idle: idle.name)
@pytest.mark.parametrize("makes", OTHER_RIGS, ids=RIG_NAMES)
def test_other_makes_idle(tmp_path: Path, makes: dict[str, str], idle: IdleState) -> None:
    """The idle half for the boxes that are not the first of their kind."""
    lane = [
        cell
        for cells in rig_cells(makes)
        for cell in cells
        if (cell.server, cell.fault) not in NOT_IDLE
        and (idle is LASING or cell.instrument in ("amplifier", "lock"))
    ]
    if not lane:
        pytest.skip("nothing of this rig depends on the amplifier")
    idle_half(tmp_path, idle, [lane], *boxes_of(makes))


@pytest.mark.parametrize("makes", OTHER_RIGS, ids=RIG_NAMES)
def test_other_makes_in_mid_run(tmp_path: Path, makes: dict[str, str]) -> None:
    """The mid-run half for them: a station for each instrument."""
    boxes = boxes_of(makes)
    lanes: dict[str, list[Cell]] = {}
    for cell in (cell for cells in rig_cells(makes) for cell in cells):
        lanes.setdefault(cell.instrument, []).append(cell)
    with ThreadPoolExecutor(len(lanes)) as pool:
        stations = list(
            pool.map(lambda kind: CountingStation(tmp_path / kind, instruments=boxes), lanes)
        )
    lanes_of(stations, list(lanes.values()))
