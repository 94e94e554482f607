"""Memory of the window and of the station through a night.

pytest -m soak tests/soak/test_window_night.py -s
"""

import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from fed_window import FedWindow
from pytestqt.qtbot import QtBot
from resident import Growth, resident_mb
from rigs import start_rig, start_station, stop_station

pytestmark = [pytest.mark.soak, pytest.mark.timeout(2 * 3600)]

SPEED = 120.0
NIGHT_H = 12.0
SAMPLE_S = 2.0
NIGHT_PICTURES = 432_000
"""12 hours at 10 exposures a second."""
PICTURES = 100_000
WINDOW_MB = 20.0
"""Most that a night may add to the window: it runs for weeks, so little that it never matters."""
STATION_MB = 50.0
"""Most that a night may add to the station. It keeps what tells of a run until the next one
begins: its segments, its points, its fits."""


def test_the_window_and_the_station_hold_still_through_a_run(tmp_path: Path) -> None:
    """The 81Kr spectrum, 13 hours of rig time at speed 120, with a window of its own process."""
    rig = start_rig(tmp_path, speed=SPEED)
    station = start_station(rig, tmp_path / "data")
    window = subprocess.Popen(
        [sys.executable, "-m", "gui", "--rig", rig.name, "--settings",
         str(tmp_path / "window.json"), "--name", "night"],
    )  # fmt: skip
    growths = {
        window.pid: Growth("window", "hours"),
        station.process.pid: Growth("station", "hours"),
    }
    try:
        station.client.command("run", scan=Path("scans/spectrum_81kr.toml").read_text())
        station.wait_for("run:state", lambda state: state == "running")
        begun_s = float(station.client.get("station:rig_time"))
        while not station.client.get("run:outcome"):
            assert window.poll() is None
            hours = (float(station.client.get("station:rig_time")) - begun_s) / 3600.0
            for pid, growth in growths.items():
                growth.add(hours, resident_mb(pid))
            time.sleep(SAMPLE_S)
        assert station.client.get("run:outcome") == "complete"
    finally:
        window.terminate()
        window.wait(30.0)
        stop_station(station)
        rig.world.close()
    print()
    for growth in growths.values():
        print(f"{growth.done[-1]:.1f} h of rig time; {growth.line(NIGHT_H)}")
    bounds = dict(zip(growths, (WINDOW_MB, STATION_MB), strict=True))
    assert all(growth.over(NIGHT_H)[0] < bounds[pid] for pid, growth in growths.items())


def test_the_window_holds_still_through_the_pictures_of_a_night(
    qtbot: QtBot, tmp_path: Path
) -> None:
    """At speed 120 a night has a hundredth of its pictures: here come a quarter of them, each
    painted, with the readings of their time, as fast as the window takes them."""
    window = FedWindow(qtbot, tmp_path)
    growth = Growth("window", "pictures")
    begun_s = time.perf_counter()
    for number in range(PICTURES):
        window.feed(number)
        if number % 500 == 0:
            growth.add(number, resident_mb(os.getpid()))
    window.close()
    print(f"\n{time.perf_counter() - begun_s:.0f} s; {growth.line(NIGHT_PICTURES)}")
    assert growth.over(NIGHT_PICTURES)[0] < WINDOW_MB
