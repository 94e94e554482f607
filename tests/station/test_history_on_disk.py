"""A station that is killed and started anew: its windows still get what was before."""

import math
import time
from itertools import pairwise
from pathlib import Path

import pytest
from rigs import Rig, start_station, stop_station

from atta_daq.archive.history_folder import HistoryFolder, day_files, history_folder

NAMES = "lock:rms,camera:temperature,slow:source_pressure"


@pytest.mark.timeout(180)
def test_the_past_outlives_a_kill(shared_rig: Rig, tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = history_folder(data, shared_rig.name)
    station = start_station(shared_rig, data)
    try:
        store = HistoryFolder(folder)
        deadline = time.monotonic() + 40.0
        while not (day_files(folder) and _samples(store) >= 3):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        station.kill()
        station.client.close()
        before = _samples(store)
        station = start_station(shared_rig, data)
        answer = station.client.command("history", names=NAMES, seconds=7200)
    finally:
        stop_station(station)
    found = answer["camera:temperature"]
    assert len(found["utc_s"]) >= before
    assert all(a < b for a, b in pairwise(found["utc_s"]))
    assert abs(found["utc_s"][-1] - time.time()) < 60.0
    assert found["value"][before - 1] is not None
    past = store.seconds(NAMES.split(","))
    assert not past.unreadable
    assert past.seconds is not None
    # The rig's clock stands beside UTC and runs faster.
    rig_s, utc_s = past.seconds.rig_s, past.seconds.utc_s
    rate = shared_rig.config["clock"]["rate"]
    assert math.isclose((rig_s[-1] - rig_s[0]) / (utc_s[-1] - utc_s[0]), rate, rel_tol=0.01)


def _samples(store: HistoryFolder) -> int:
    if not day_files(store.folder):
        return 0
    try:
        past = store.seconds(["camera:temperature"])
    except KeyError:
        # The file has just been made.
        return 0
    return 0 if past.unreadable or past.seconds is None else len(past.seconds)
