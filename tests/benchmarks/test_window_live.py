"""The window on a running station, in real time: its event loop, and pictures of the camera.

pytest -m bench -s tests/benchmarks/test_window_live.py
"""

import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from rigs import start_rig, start_station, stop_station
from window_on_rig import Bench
from window_probes import LoopProbe, Painted

from gui.link.values import value_of

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

LASTS_MS = 60_000
CAMERA_HZ = 30.0
DELIVERED_HZ, SHOWN_HZ = 28.0, 20.0
"""While the camera exposes: pictures that must come from the station, and those that must be
painted."""
PAUSE_S = 0.5
"""Two pictures further apart belong to two segments: the camera did not expose in between."""
SWEEP = """
name = "sweep"
calibrate_counting_s = 30.0
bracket_period_s = 60.0
[[part]]
isotope = 85
dwell_s = 4.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
start = -150.0
stop = 700.0
points = 40
"""


def test_event_loop_and_picture_during_a_sweep(qtbot: QtBot, tmp_path: Path) -> None:
    """Speed 1, 30 exposures a second, a point every four seconds, fits and brackets between.

    At speed 1 the rig's clock is UTC: the camera's stamp of an exposure's end can be compared
    with the time at which its picture is on the screen (offscreen: handed to it).
    """
    rig = start_rig(tmp_path, speed=1.0)
    text = rig.path.read_text()
    rig.path.write_text(
        text.replace("[camera]\n", f"[camera]\nexposure_s = {1.0 / CAMERA_HZ:.7f}\n", 1)
    )
    station = start_station(rig, tmp_path / "data")
    bench = Bench(qtbot, rig, tmp_path)
    try:
        bench.connected()
        bench.window.show_panel("camera")
        panel: Any = bench.window.docks["camera"].widget()
        bench.start(SWEEP)
        readings = bench.context.readings
        bench.until(lambda: readings.text("run:points") not in ("", "[]"), 300_000)
        first_segment = readings.number("run:segment")
        seen: set[float] = set()
        ages_ms, came_ms = [], []

        def came() -> None:
            picture = readings.value("camera:image")
            assert picture.taken_s is not None
            came_ms.append(1e3 * (picture.utc_s - picture.taken_s))

        def painted() -> None:
            taken_s = readings.value("camera:image").taken_s
            assert taken_s is not None
            if taken_s not in seen:
                seen.add(taken_s)
                ages_ms.append(1e3 * (time.time() - taken_s))

        delivered: list[float] = []

        def deliver(structure: Any) -> None:
            """On a thread of the client: every picture, also those that the window skips."""
            taken_s = value_of(structure).taken_s
            if taken_s and (not delivered or taken_s > delivered[-1]):
                delivered.append(taken_s)

        subscription = station.client.watch("camera:image", deliver)
        seen.add(readings.value("camera:image").taken_s or 0.0)
        end = readings.watch(came, "camera:image")
        paints = Painted(panel.plot.viewport(), painted)
        probe = LoopProbe()
        probe.start()
        qtbot.wait(LASTS_MS)
        delays_ms = probe.stop()
        paints.close()
        end()
        subscription.close()
        points = readings.number("run:segment") - first_segment
        apart_s = np.diff(delivered)
        within = apart_s < PAUSE_S
        exposed_s = float(apart_s[within].sum())
        delivered_hz, shown_hz = within.sum() / exposed_s, len(ages_ms) / exposed_s
        shown, posted = np.array(ages_ms), np.array(came_ms)
        print(
            f"\nevent loop: median {np.median(delays_ms):.2f}, p99 "
            f"{np.percentile(delays_ms, 99):.1f}, p99.9 {np.percentile(delays_ms, 99.9):.1f} ms "
            f"({delays_ms.size} events, {points:.0f} segments)\n"
            f"exposure's end to the station's post: median {np.median(posted):.0f}, "
            f"p95 {np.percentile(posted, 95):.0f} ms\n"
            f"exposure's end to the screen: median {np.median(shown):.0f}, "
            f"p95 {np.percentile(shown, 95):.0f}, p99 {np.percentile(shown, 99):.0f}, longest "
            f"{shown.max():.0f} ms ({shown.size} pictures)\n"
            f"while the camera exposed ({exposed_s:.0f} of {LASTS_MS / 1000:.0f} s): delivered "
            f"{delivered_hz:.1f} pictures/s, shown {shown_hz:.1f} pictures/s, "
            f"{100.0 * shown.size / len(delivered):.0f} % of them"
        )
        assert points > 5
        assert exposed_s > 20.0
        assert delivered_hz >= DELIVERED_HZ
        assert shown_hz >= SHOWN_HZ
        assert np.percentile(delays_ms, 99) <= 20.0
        assert np.percentile(shown, 99) <= 100.0
        bench.trigger("run.abort")
        bench.ended()
    finally:
        bench.close()
        stop_station(station)
        rig.world.close()
