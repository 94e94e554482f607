"""How soon a window is there: after the command, and after kill -9 of the one before.

pytest -m bench -s tests/benchmarks/test_window_start.py
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import psutil
import pytest
from rigs import RunningStation, start_rig, start_station, stop_station
from start_watch import environment, read

from atta_daq.client.runs import points_from_json

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

TIMES = 7
SPEED = 10.0
LONGEST_S = 120.0
SCAN = """
name = "killed"
calibrate_counting_s = 100.0
bracket_period_s = 100.0
[[part]]
isotope = 85
dwell_s = 20.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
start = -150.0
stop = 700.0
points = 1000
"""
FIRST_KILLS = {"running": 12, "paused": 100}
"""Segments taken before the first kill. At ten times real time a rig that goes on with a hundred
points fits them without a pause, which one at real time does for two seconds in a minute."""
Stages = dict[str, tuple[float, float]]
"""Seconds since the command, and seconds of processor that the window has used by then: on a busy
machine the first tell of the others, too."""


@contextmanager
def started(
    arguments: list[str], folder: Path, number: int, last: str
) -> Iterator[tuple[Stages, "subprocess.Popen[bytes]"]]:
    """Start a command; gives the stages once `last` is reached, and the process."""
    stages = folder / f"stages-{number}"
    begun_s = time.time()
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], env=environment(folder / "site", stages)
    )
    try:
        while last not in read(stages):
            assert process.poll() is None, "the window ended by itself"
            assert time.time() - begun_s < LONGEST_S, read(stages)
            time.sleep(0.01)
        yield (
            {name: (utc_s - begun_s, cpu_s) for name, (utc_s, cpu_s) in read(stages).items()},
            process,
        )
    finally:
        process.terminate()
        process.wait(60.0)


def _told(what: str, stages: list[Stages], names: tuple[str, ...]) -> dict[str, float]:
    """Print a series of starts; the slowest of each stage (s): the bounds hold for every start."""
    slowest = {}
    words = []
    for name in names:
        after_s, cpu_s = np.array([stage[name] for stage in stages]).T
        slowest[name] = float(after_s.max())
        words.append(
            f"{name} {np.median(after_s):.2f} s ({after_s.min():.2f} to {slowest[name]:.2f}; "
            f"window's processor {np.median(cpu_s):.2f} s)"
        )
    words = ", ".join(words)
    print(f"\n{what}, median of {len(stages)}: {words}")
    return slowest


def test_the_window_is_usable_within_three_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From `atta-daq gui`, with and without --connect, to a window with fresh readings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    rig = start_rig(tmp_path, speed=1.0)
    station = start_station(rig, tmp_path / "data")
    port = station.client.endpoint.tcp_port
    ways = {
        "gui": ["atta_daq", "gui", "--rig", rig.name],
        "gui --connect": ["atta_daq", "gui", "--connect", f"127.0.0.1:{port}"],
    }
    usable = {}
    try:
        for way, arguments in ways.items():
            stages = []
            for number in range(TIMES + 1):
                name = len(usable) * (TIMES + 1) + number
                with started(arguments, tmp_path, name, "fresh") as (reached, _):
                    stages.append(reached)
            # The first has compiled the program.
            usable[way] = _told(f"atta-daq {way}", stages[1:], ("visible", "fresh"))["fresh"]
    finally:
        stop_station(station)
        rig.world.close()
    assert max(usable.values()) <= 3.0


def test_with_a_simulated_rig_the_window_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`atta-daq gui --simulate` starts a world and a station, too: the window is there long
    before them and says what it waits for."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    arguments = ["atta_daq", "gui", "--simulate", "--data", str(tmp_path / "data")]
    stages = []
    for number in range(4):
        with started(arguments, tmp_path, number, "fresh") as (reached, _):
            stages.append(reached)
    slowest = _told("atta-daq gui --simulate", stages[1:], ("visible", "fresh"))
    assert slowest["visible"] <= slowest["fresh"] <= 3.0


def test_a_new_window_shows_the_whole_run_within_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After kill -9 of a window in mid-run: the next one, from its start to all points drawn.

    In a run that goes on meanwhile, and in a long one that is paused; both stay without a flag.
    """
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # A rig that runs faster takes the processors from the window that is measured.
    rig = start_rig(tmp_path, speed=SPEED)
    number = 0
    station = start_station(rig, tmp_path / "data")
    ways = {
        "python -m gui": ["gui", "--rig", rig.name, "--settings", str(tmp_path / "window.json")],
        "atta-daq gui": ["atta_daq", "gui", "--rig", rig.name],
    }
    whole_s = {}
    client = station.client
    try:
        run_id = str(client.command("run", scan=SCAN)["run"])
        for state, taken in FIRST_KILLS.items():
            station.wait_for("run:segment", lambda now, taken=taken: now >= taken, 900.0)
            if state == "paused":
                client.command("pause", when="segment")
                station.wait_for("run:state", lambda now: now == "paused", 60.0)
            for way, arguments in ways.items():
                stages = []
                for _ in range(TIMES + 1):
                    number += 1
                    with started(arguments, tmp_path, number, "whole") as (reached, window):
                        stages.append(reached)
                        _kill(window)
                # The first had no window killed before it.
                what = f"{way} after kill -9, {_points(station)} points, {state}"
                whole_s[what] = _told(what, stages[1:], ("visible", "fresh", "whole"))["whole"]
        client.command("resume")
        station.wait_for("run:state", lambda now: now == "running", 60.0)
        assert station.client.get("run:id") == run_id
        _unflagged(station)
        station.client.command("abort", reason="measured")
    finally:
        stop_station(station)
        rig.world.close()
    assert max(whole_s.values()) <= 2.0


def _kill(command: "subprocess.Popen[bytes]") -> None:
    """`atta-daq gui` starts the window in a process of its own."""
    for child in psutil.Process(command.pid).children(recursive=True):
        child.kill()
    command.kill()


def _points(station: RunningStation) -> int:
    """Points with light that the run has by now."""
    parts = points_from_json(str(station.client.get("run:points")))
    return sum(point.pumping for part in parts for point in part.points)


def _unflagged(station: RunningStation) -> None:
    flags = station.client.get("run:table")["flag"]
    assert not any(flags), flags
