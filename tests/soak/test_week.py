"""A week that nobody watches: the queue takes one 85Kr spectrum after the other, and things fail.

pytest -m soak tests/soak/test_week.py -s
ATTA_DAQ_WEEK_DAYS=1 sets how long (rig time, default 7 days; at speed 200 an hour of real time),
ATTA_DAQ_WEEK_SEED the seed (default: a new one, printed).
"""

import math
import os
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest
from fault_cells import SERVERS, first_cells
from happened import Happened
from open_ports import family
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.run_folder import Run, RunState, open_run
from atta_daq.client.queue import queue_lines

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]

SPEED = 200.0
SCAN = """
name = "week"
max_attempts = 20
[[part]]
isotope = 85
dwell_s = 240.0
reference_every = 5
[[part.axis]]
quantity = "detuning_mhz"
start = -600.0
stop = 1400.0
points = 41
"""
SCAN_H = 3.75
"""Rig time of one, with what is between two of them."""
MEAN_GAP_S = 8.0 * 3600.0
"""Rig time between two faults, on the average: three a day."""
HOLD_S = (60.0, 600.0)
CALM = 4
"""Spectra without faults, to compare with."""
LEAST_DUTY = 0.95
MOST_MEMORY_MB = 50.0
MOST_FILES = 4


@dataclass
class Watched:
    """Memory (MB) and open files of the station with its worker processes, through the week."""

    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def sample(self, pid: int) -> None:
        memory_mb, files = 0.0, 0
        for process in family(pid):
            # A worker may have been replaced meanwhile.
            with suppress(psutil.NoSuchProcess):
                memory_mb += process.memory_info().rss / 1e6
                files += process.num_fds()
        self.memory_mb.append(memory_mb)
        self.files.append(files)


@contextmanager
def working(folder: Path, seed: int) -> Iterator[tuple[Rig, RunningStation]]:
    folder.mkdir()
    rig = start_rig(folder, speed=SPEED, seed=seed)
    station = start_station(rig, folder / "data")
    try:
        yield rig, station
    finally:
        stop_station(station)
        rig.world.close()


def trouble(rig: Rig, draw: random.Random, over: threading.Event, happened: Happened) -> None:
    """Faults at random moments until `over`."""
    every = [cell for server in SERVERS for cell in first_cells(server)]
    while not over.wait(draw.expovariate(SPEED / MEAN_GAP_S)):
        cell = draw.choice(every)
        hold_s = draw.uniform(*HOLD_S)
        begun_s = rig.world.ask({"cmd": "status"})["status"]["rig_time_s"]
        rig.fault(cell.server, cell.command, **dict(cell.arguments))
        time.sleep(hold_s / SPEED)
        assert rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
        ended_s = rig.world.ask({"cmd": "status"})["status"]["rig_time_s"]
        happened.faults.append((cell, begun_s, ended_s))
        print(f"{cell.server} {cell.fault} for {hold_s:.0f} s of rig time", flush=True)


def take(station: RunningStation, repeats: int, watched: Watched | None = None) -> list[Run]:
    """All repeats of the scan by the queue."""
    client = station.client
    client.command("queue_add", 60.0, scan=SCAN, path="week.toml", repeats=repeats,
                   on_fault="skip")  # fmt: skip
    station.wait_for("queue:table", lambda table: len(queue_lines(table)) == 1, 30.0)
    deadline = time.monotonic() + 2.0 * repeats * SCAN_H * 3600.0 / SPEED + 600.0
    while True:
        (line,) = queue_lines(client.get("queue:table"))
        if not line.open:
            break
        assert time.monotonic() < deadline, line
        if watched is not None:
            watched.sample(station.process.pid)
        time.sleep(5.0)
    assert (line.state, line.done) == ("done", repeats), line
    return [open_run(path) for path in sorted(station.data.glob("*Kr*")) if path.is_dir()]


def duty(runs: list[Run]) -> float:
    """Time in counting segments that count over all time, from the start of the first run to that
    of the last: as many times between two runs as runs, however many there are."""
    whole = runs[:-1]
    counting = [s for r in whole for s in r.segments if s.kind is SegmentKind.RARE and not s.flag]
    lasted_s = runs[-1].segments[0].start_rig_s - runs[0].segments[0].start_rig_s
    return sum(s.live_s for s in counting) / lasted_s


def test_a_week(tmp_path: Path) -> None:
    days = float(os.environ.get("ATTA_DAQ_WEEK_DAYS", "7"))
    seed = int(os.environ.get("ATTA_DAQ_WEEK_SEED", str(secrets.randbelow(1 << 31))))
    repeats = max(3, round(days * 24.0 / SCAN_H))
    print(f"\n{days:g} days, {repeats} spectra, seed {seed}", flush=True)
    happened, watched, over = Happened(), Watched(), threading.Event()
    with working(tmp_path / "week", seed) as (rig, station):
        causes = threading.Thread(
            target=trouble, args=(rig, random.Random(seed), over, happened), daemon=True
        )
        causes.start()
        runs = take(station, repeats, watched)
        over.set()
        causes.join(10.0)
        status = rig.world.ask({"cmd": "status"})["status"]
    with working(tmp_path / "calm", seed + 1) as (_, calm):
        calm_runs = take(calm, CALM)

    flagged = [(run, s) for run in runs for s in run.segments if s.flag]
    unexplained = [s for run, s in flagged if not happened.explains(run, s)]
    ratio = duty(runs) / duty(calm_runs)
    n = len(watched.memory_mb)
    early = float(np.median(watched.memory_mb[n // 5 : 2 * n // 5]))
    late = float(np.median(watched.memory_mb[-n // 5 :]))
    files = max(watched.files[-n // 5 :]) - max(watched.files[n // 5 : 2 * n // 5])
    print(f"{len(runs)} runs, {len(happened.faults)} faults, {len(flagged)} segments flagged; "
          f"duty cycle {duty(runs):.3f}, without faults {duty(calm_runs):.3f}: {ratio:.3f}; "
          f"memory {early:.0f} to {late:.0f} MB, {files:+d} files")  # fmt: skip
    tenths = (watched.memory_mb[k * n // 10 : (k + 1) * n // 10] for k in range(10))
    print("memory in tenths of the week (MB):", *(f"{np.median(tenth):.0f}" for tenth in tenths))
    assert not status["amplifier_destroyed"]
    assert all(run.state is RunState.COMPLETE for run in runs)
    assert not unexplained, [(s.run_id, s.index, s.flag) for s in unexplained]
    assert math.isfinite(ratio)
    assert ratio >= LEAST_DUTY
    assert late - early < MOST_MEMORY_MB
    assert files <= MOST_FILES
